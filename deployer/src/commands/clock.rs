//! Where the time of a command went before it took the lock.

use tokio::time::Instant;

use crate::engine::millis_since;
use crate::ledger::Timings;

/// Measures from one moment to the next.
pub(super) struct Clock {
    since: Instant,
    timings: Timings,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { since: Instant::now(), timings: Timings::default() }
    }

    /// What is live was read until now.
    pub(super) fn read(&mut self) {
        self.timings.read = self.lap();
    }

    /// Packages were built until now, if there was anything to build.
    pub(super) fn built(&mut self, was_built: bool) {
        self.timings.build = self.lap().filter(|_| was_built);
    }

    /// Packages were fetched until now.
    pub(super) fn fetched(&mut self) {
        self.timings.fetch = self.lap();
    }

    pub(super) fn so_far(&self) -> Timings {
        self.timings
    }

    fn lap(&mut self) -> Option<u64> {
        let lap = millis_since(self.since);
        self.since = Instant::now();
        lap
    }
}
