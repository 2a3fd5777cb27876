//! The results of the commands: one model each, shown as text or as JSON.

mod build;
mod check;
mod contract;
mod diff;
mod doctor;
mod graph;
mod guard;
mod history;
mod init;
mod local;
mod plan;
mod prune;
mod release;
mod status;
mod table;
mod timings;
mod units;

use std::collections::BTreeMap;

use serde::Serialize;

use super::markdown::Markdown;
use super::screen::Screen;
use crate::aws::Calls;
use crate::ending::Ending as _;
use crate::failure::Exit;

pub use build::BuildView;
pub use check::CheckView;
pub use contract::{ContractView, WrittenView};
pub use diff::DiffView;
pub use doctor::DoctorView;
pub use guard::GuardView;
pub use history::HistoryView;
pub use init::InitView;
pub use plan::PlanView;
pub use prune::{PruneView, UnlockView};
pub use release::ReleaseView;
pub use status::{EnvironmentStatus, IdleView, StatusView};
pub use timings::Chart;

/// How much a screen shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Detail {
    /// What matters now.
    #[default]
    Brief,
    /// All of it.
    Wide,
}

impl Detail {
    /// As the flag `--wide` says.
    pub fn of(wide: bool) -> Self {
        if wide { Self::Wide } else { Self::Brief }
    }
}

/// A result: one model, shown as text, as JSON, or on the page of a run.
pub trait View: Serialize {
    /// For people, with a newline at the end.
    fn text(&self, screen: &Screen) -> String;

    /// For the page of a run, if there is something to show there.
    fn summary(&self) -> Option<Markdown> {
        None
    }

    /// For the steps that follow in a workflow: names and values.
    fn outputs(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// Why a run failed, and what to do.
#[derive(Debug, Serialize)]
pub(super) struct Failed {
    #[serde(serialize_with = "code")]
    exit: Exit,
    message: String,
    hint: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn code<S: serde::Serializer>(exit: &Exit, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(*exit as u8)
}

impl Failed {
    pub(super) fn of(error: &anyhow::Error) -> Self {
        let hint = error.hint().map(str::to_owned);
        Self { exit: error.exit(), message: format!("{error:#}"), hint }
    }

    pub(super) fn tell(&self, page: &mut Markdown) {
        page.labelled("What happened", &self.message);
        if let Some(hint) = &self.hint {
            page.labelled("What to do", hint);
        }
    }
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
