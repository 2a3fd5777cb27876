//! Faults on purpose: calls that are refused.

use std::sync::Mutex;

/// Which calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At(&'static str);

impl At {
    /// Every call of this name.
    pub(crate) fn every(name: &'static str) -> Self {
        Self(name)
    }
}

/// What happens to a call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Action {
    /// It is refused with this status and code before anything is done.
    Fail {
        /// Of the response.
        status: u16,
        /// As AWS names it, as `ServiceUnavailableException`.
        code: &'static str,
    },
}

/// All that is to happen.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Vec<(At, Action)>>);

impl Faults {
    pub(super) fn add(&self, at: At, action: Action) {
        self.0.lock().unwrap().push((at, action));
    }

    pub(super) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    /// What happens to a call of this name.
    pub(super) fn meet(&self, name: &str) -> Option<Action> {
        let faults = self.0.lock().unwrap();
        faults.iter().find(|(At(of), _)| *of == name).map(|(_, action)| *action)
    }
}
