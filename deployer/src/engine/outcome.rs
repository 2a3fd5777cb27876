//! What came of a command that releases.

use crate::aws::Calls;
use crate::config::Environment;
use crate::ledger::{CheckRecord, Release};
use crate::observe::Observed;
use crate::plan::Plan;

/// What came of a deploy, a promotion or a rollback.
#[derive(Debug)]
pub struct Outcome {
    /// The environment.
    pub environment: Environment,
    /// What was observed before.
    pub observed: Observed,
    /// Where the API or the first Function URL responds, without a slash at the end; none without both.
    pub url: Option<String>,
    /// Every call of AWS.
    pub calls: Calls,
    /// What was done.
    pub done: Done,
    /// Why the release failed, if it did.
    pub failed: Option<anyhow::Error>,
}

impl Outcome {
    /// The outcome, if nothing failed.
    ///
    /// # Errors
    /// Why the release failed.
    pub fn succeeded(mut self) -> anyhow::Result<Self> {
        self.failed.take().map_or(Ok(self), Err)
    }
}

/// What was done.
#[derive(Debug)]
pub enum Done {
    /// A release was made, whatever became of it.
    Release(Box<Plan>, Box<Release>),
    /// Nothing but checks: the live release passed them, and is stable from now on.
    Confirmed(Box<Release>, Vec<CheckRecord>),
    /// Nothing.
    Nothing,
}
