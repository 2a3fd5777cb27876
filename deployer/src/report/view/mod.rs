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
use crate::ledger::CheckRecord;
use crate::verify;

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

    /// For people, of what failed: the last words on stderr before the error, with a newline at the end.
    fn ending(&self, _: &Screen) -> Option<String> {
        None
    }

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
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Error"))]
pub(super) struct Failed {
    /// The exit code.
    #[serde(serialize_with = "code")]
    #[cfg_attr(test, schemars(with = "u8"))]
    exit: Exit,
    /// What happened, and why.
    message: String,
    /// What to do.
    hint: Option<String>,
    /// The check that failed, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    check: Option<FailedCheck>,
}

/// A check that failed: what it expected and what came.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct FailedCheck {
    /// The name in `deployer.toml`.
    name: String,
    /// `before traffic`, `after aliases`, `after stage`.
    when: String,
    /// What differs: the status, a header, a field of the body.
    of: Option<String>,
    /// What was expected of it.
    expected: Option<String>,
    /// What the response had.
    got: Option<String>,
    /// The last lines that the function logged.
    log: Vec<String>,
}

impl FailedCheck {
    fn of(failed: &verify::Failed) -> Self {
        let (of, expected, got) = match failed.difference.clone() {
            Some(verify::Difference { of, expected, got }) => (Some(of), Some(expected), Some(got)),
            None => (None, None, None),
        };
        let CheckRecord { name, phase, .. } = &failed.record;
        Self { name: name.clone(), when: phase.clone(), of, expected, got, log: failed.log.0.clone() }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn code<S: serde::Serializer>(exit: &Exit, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(*exit as u8)
}

impl Failed {
    pub(super) fn of(error: &anyhow::Error) -> Self {
        Self {
            exit: error.exit(),
            message: format!("{error:#}"),
            hint: error.hint().map(str::to_owned),
            check: error.downcast_ref().map(FailedCheck::of),
        }
    }

    pub(super) fn show(&self, page: &mut Markdown) {
        page.labelled("What happened", &self.message);
        if let Some(FailedCheck { of: Some(of), expected: Some(expected), got: Some(got), .. }) = &self.check {
            page.table(["", "expected", "got"], &[[of.clone(), expected.clone(), got.clone()]]);
        }
        if let Some(check) = self.check.as_ref().filter(|check| !check.log.is_empty()) {
            page.paragraph("The function logged:").block_of("text", &check.log.join("\n"));
        }
        if let Some(hint) = &self.hint {
            page.labelled("What to do", hint);
        }
    }
}

/// Calls to AWS.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "AwsCalls"))]
pub struct CallsView {
    /// All calls.
    total: usize,
    /// Those that change something.
    writes: usize,
    /// By the name of the operation, such as `UpdateAlias`.
    by_operation: BTreeMap<String, usize>,
}

impl CallsView {
    fn of(calls: &Calls) -> Self {
        Self { total: calls.total(), writes: calls.writes(), by_operation: calls.by_operation() }
    }
}

impl std::fmt::Display for CallsView {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} AWS calls, {} of them writes", self.total, self.writes)
    }
}
