//! When each test begins. Tests that change the shared stack take turns, in the order of the list: each finds what the ones before it
//! left. The others run beside them, two at once: much of a test is waiting, and the time limits have to fit two cores.

use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use libtest_mimic::{Arguments, Trial as Test};

/// The tests of the shared stack.
pub(crate) static STACK: Queue = Queue::new(1);
/// All others.
pub(crate) static APART: Queue = Queue::new(2);

/// Tests that begin in their order, some at once.
pub(crate) struct Queue {
    at_once: usize,
    /// Those that will run.
    order: OnceLock<Vec<String>>,
    /// How many have begun, and how many have ended.
    counts: Mutex<(usize, usize)>,
    changed: Condvar,
}

impl Queue {
    const fn new(at_once: usize) -> Self {
        Self { at_once, order: OnceLock::new(), counts: Mutex::new((0, 0)), changed: Condvar::new() }
    }

    /// Sets the tests of the queue: of these the ones that `arguments` select.
    pub(crate) fn is(&self, tests: &[Test], arguments: &Arguments) {
        let selected = tests.iter().map(Test::name).filter(|name| is_selected(name, arguments));
        self.order.get_or_init(|| selected.map(str::to_owned).collect());
    }

    /// Waits for the turn of a test.
    pub(crate) fn wait(&'static self, name: &str) -> Turn {
        let place = self.order.get().and_then(|order| order.iter().position(|other| other == name)).unwrap();
        let may_begin = |(begun, ended): (usize, usize)| begun == place && begun - ended < self.at_once;
        let mut counts = self.counts();
        while !may_begin(*counts) {
            counts = self.changed.wait(counts).unwrap_or_else(PoisonError::into_inner);
        }
        counts.0 += 1;
        self.changed.notify_all();
        Turn(self)
    }

    fn counts(&self) -> MutexGuard<'_, (usize, usize)> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As `libtest_mimic` selects them.
fn is_selected(name: &str, Arguments { filter, skip, exact, .. }: &Arguments) -> bool {
    let fits = |wanted: &String| if *exact { name == wanted } else { name.contains(wanted.as_str()) };
    filter.as_ref().is_none_or(fits) && !skip.iter().any(fits)
}

/// A test's turn, until it is dropped, also by a panic.
pub(crate) struct Turn(&'static Queue);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.counts().1 += 1;
        self.0.changed.notify_all();
    }
}
