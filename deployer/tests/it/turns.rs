//! Tests that change the shared stack take turns, in the order of the list: each finds what the ones before it left.

use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use libtest_mimic::{Arguments, Trial as Test};

/// The tests that will run and take turns, in their order.
static ORDER: OnceLock<Vec<String>> = OnceLock::new();
/// How many of them have ended.
static ENDED: Mutex<usize> = Mutex::new(0);
static CHANGED: Condvar = Condvar::new();

/// A test's turn, until it is dropped, also by a panic.
pub(crate) struct Turn;

/// Says which tests take turns: of these the ones that `arguments` select.
pub(crate) fn are(tests: &[Test], arguments: &Arguments) {
    let selected = tests.iter().map(Test::name).filter(|name| is_selected(name, arguments));
    ORDER.get_or_init(|| selected.map(str::to_owned).collect());
}

/// As `libtest_mimic` selects them.
fn is_selected(name: &str, Arguments { filter, skip, exact, .. }: &Arguments) -> bool {
    let fits = |wanted: &String| if *exact { name == wanted } else { name.contains(wanted.as_str()) };
    filter.as_ref().is_none_or(fits) && !skip.iter().any(fits)
}

/// Waits for the turn of a test.
pub(crate) fn wait(name: &str) -> Turn {
    let place = ORDER.get().and_then(|order| order.iter().position(|other| other == name)).unwrap();
    let mut ended = ended();
    while *ended < place {
        ended = CHANGED.wait(ended).unwrap_or_else(PoisonError::into_inner);
    }
    Turn
}

impl Drop for Turn {
    fn drop(&mut self) {
        *ended() += 1;
        CHANGED.notify_all();
    }
}

fn ended() -> MutexGuard<'static, usize> {
    ENDED.lock().unwrap_or_else(PoisonError::into_inner)
}
