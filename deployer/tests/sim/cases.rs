//! Runs cases in parallel: each thread takes the next one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The stack for unoptimised futures, which is more than a test's thread has.
pub(crate) const STACK: usize = 64 << 20;

/// The result of every case, in their order.
pub(crate) fn each<C: Sync>(cases: &[C], run: impl Fn(&C) -> Vec<String> + Sync) -> Vec<Vec<String>> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(vec![Vec::new(); cases.len()]);
    let take = || {
        while let Some((index, case)) = next_of(cases, &next) {
            let result = caught(|| run(case));
            results.lock().unwrap()[index] = result;
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, Into::into) {
            std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, take).unwrap();
        }
    });
    results.into_inner().unwrap()
}

fn next_of<'a, C>(cases: &'a [C], next: &AtomicUsize) -> Option<(usize, &'a C)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    cases.get(index).map(|case| (index, case))
}

/// A panic fails only its own case: the others go on.
pub(crate) fn caught(run: impl FnOnce() -> Vec<String>) -> Vec<String> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        vec![text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()]
    })
}

/// A setting of the tests, not of what is tested.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of what is tested")]
pub(crate) fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The seed of the only case to run, which prints what it did.
pub(crate) fn only() -> Option<u64> {
    setting("SEED").map(|seed| seed.parse().expect("SEED is a number"))
}

/// Which cases are to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    /// A fixed part, for a test that takes minutes.
    Fixed,
    /// Of two functions one case of [`PARTS`], beginning with this one: another part with each commit.
    Part(usize),
    /// Every case of two functions, and every seed of a race.
    Two,
    /// Every case.
    All,
}

/// Coprime with the number of faults, so that each part has all of them.
pub(crate) const PARTS: usize = 64;

/// The value of `CASES`.
pub(crate) fn share() -> Share {
    match setting("CASES").as_deref() {
        None => Share::Fixed,
        Some("two") => Share::Two,
        Some("all") => Share::All,
        Some(number) => Share::Part(number.parse::<usize>().expect("CASES is a number, `two` or `all`") % PARTS),
    }
}

/// Whether all cases are to run.
pub(crate) fn all() -> bool {
    share() == Share::All
}
