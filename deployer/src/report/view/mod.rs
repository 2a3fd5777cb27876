//! The results of the commands: one model each, shown as text or as JSON.

mod build;
mod doctor;
mod guard;
mod history;
mod local;
mod plan;
mod prune;
mod release;
mod status;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::aws::Calls;

pub use build::BuildView;
pub use doctor::DoctorView;
pub use guard::GuardView;
pub use history::HistoryView;
pub use local::{LocalEnvironment, LocalView};
pub use plan::PlanView;
pub use prune::{PruneView, UnlockView};
pub use release::{CheckView, ReleaseView};
pub use status::{EnvironmentStatus, StatusView};

/// A result that can be shown either way.
pub trait View: Serialize {
    /// For people, with a newline at the end.
    fn text(&self) -> String;
}

/// What was said to AWS.
#[derive(Debug, Serialize)]
pub struct CallsView {
    total: usize,
    writes: usize,
    by_operation: BTreeMap<String, usize>,
}

impl CallsView {
    fn of(calls: &Calls) -> Self {
        Self { total: calls.total(), writes: calls.writes(), by_operation: calls.by_operation() }
    }
}

impl std::fmt::Display for CallsView {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} AWS calls, {} of them able to write", self.total, self.writes)
    }
}
