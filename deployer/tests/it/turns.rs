//! Trials run in lanes: those of one lane one after the other, in the order of the list, and the lanes side by side. Each finds what
//! the ones before it in its lane left. The last lane is for what comes after all others.

use std::cell::Cell;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use libtest_mimic::{Arguments, Trial};

/// The trials of each lane that will run, in their order.
static ORDER: OnceLock<Vec<Vec<String>>> = OnceLock::new();
/// Those that have ended.
static ENDED: Mutex<Vec<String>> = Mutex::new(Vec::new());
static CHANGED: Condvar = Condvar::new();

thread_local! {
    static LANE: Cell<usize> = const { Cell::new(0) };
}

/// A trial's turn, until it is dropped, also by a panic.
pub(crate) struct Turn(&'static str);

/// Says which trials take turns: those that `arguments` select.
pub(crate) fn are(lanes: &[Vec<Trial>], arguments: &Arguments) {
    let selected = |lane: &Vec<Trial>| -> Vec<_> {
        lane.iter().map(Trial::name).filter(|name| is_selected(name, arguments)).map(str::to_owned).collect()
    };
    ORDER.get_or_init(|| lanes.iter().map(selected).collect());
}

/// As `libtest_mimic` selects them.
fn is_selected(name: &str, Arguments { filter, skip, exact, .. }: &Arguments) -> bool {
    let fits = |wanted: &String| if *exact { name == wanted } else { name.contains(wanted.as_str()) };
    filter.as_ref().is_none_or(fits) && !skip.iter().any(fits)
}

/// Waits for the turn of a trial.
pub(crate) fn wait(name: &'static str) -> Turn {
    let lanes = ORDER.get().unwrap();
    let lane = lanes.iter().position(|lane| lane.iter().any(|other| other == name)).unwrap();
    LANE.set(lane);
    let others = if lane == lanes.len() - 1 { &lanes[..lane] } else { &[] };
    let own = lanes[lane].iter().take_while(|other| *other != name);
    let before: Vec<_> = others.iter().flatten().chain(own).collect();
    let mut ended = ended();
    while before.iter().any(|before| !ended.contains(before)) {
        ended = CHANGED.wait(ended).unwrap_or_else(PoisonError::into_inner);
    }
    Turn(name)
}

/// The lane of the trial that this thread runs.
pub(crate) fn lane() -> usize {
    LANE.get()
}

impl Drop for Turn {
    fn drop(&mut self) {
        ended().push(self.0.to_owned());
        CHANGED.notify_all();
    }
}

fn ended() -> MutexGuard<'static, Vec<String>> {
    ENDED.lock().unwrap_or_else(PoisonError::into_inner)
}
