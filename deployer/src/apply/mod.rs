//! Applies a plan: phase by phase, each written to the ledger before it begins, and the way back.
//!
//! Comes in: a plan, what was observed under the lock, the artifact. Goes out: the release with its parts, checks
//! and times. It stops at the first phase that fails and decides nothing that the plan has not decided.

mod back;
mod step;

use std::time::Instant;

use anyhow::Result;
use futures::future::join_all;

use crate::artifact::Artifact;
use crate::aws::Session;
use crate::config::{Config, Environment};
use crate::ledger::{CheckRecord, FunctionPart, Hold, Ledger, Release, ReleaseState, StepRecord};
use crate::observe::Observed;
use crate::plan::{Phase, Plan, Step};
use crate::report::Report;
use crate::verify::Url;

pub use back::take_back;

/// All that the steps of one release need.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// What the run was told.
    pub config: &'a Config,
    /// The environment that it moves.
    pub environment: &'a Environment,
    /// Its AWS.
    pub session: &'a Session,
    /// Its ledger.
    pub ledger: &'a Ledger,
    /// The right to move it.
    pub hold: &'a Hold,
    /// What was observed: for the steps under the lock, never before the build.
    pub observed: &'a Observed,
    /// What is to be done.
    pub plan: &'a Plan,
    /// The zips, if the plan needs any.
    pub artifact: Option<&'a Artifact>,
    /// Where the stage answers.
    pub url: &'a Url,
    /// Where words go.
    pub report: &'a Report,
}

/// What a step brought about.
#[derive(Default)]
struct Outcome {
    /// The new part of a function.
    part: Option<(String, FunctionPart)>,
    /// The new deployment.
    deployment: Option<String>,
    /// The checks that were made, passed or not.
    checks: Vec<CheckRecord>,
    /// Why it failed, if it did.
    error: Option<anyhow::Error>,
}

/// Carries out all phases. The release tells afterwards how far it came, whether it failed or not.
///
/// # Errors
/// The first failure, after every step of its phase has ended; nothing is taken back here.
pub async fn apply(run: &Run<'_>, release: &mut Release) -> Result<()> {
    for phase in run.plan.phases() {
        if phase.iter().any(Step::moves_traffic) {
            release.state = ReleaseState::Shifting;
        }
        apply_phase(run, &phase, release).await?;
    }
    Ok(())
}

/// Writes the phase into the ledger, which is the fence too, then carries out its steps side by side.
async fn apply_phase(run: &Run<'_>, phase: &Phase, release: &mut Release) -> Result<()> {
    let first = release.steps.len();
    let started_at = jiff::Timestamp::now().to_string();
    release.steps.extend(phase.iter().map(|step| StepRecord {
        step: step.to_string(),
        started_at: started_at.clone(),
        millis: None,
    }));
    run.ledger.progress(run.hold, release).await?;
    let results = {
        let current = &*release;
        join_all(phase.iter().map(async |step| {
            let started = Instant::now();
            let outcome = step::carry_out(run, step, current).await;
            (outcome, started.elapsed())
        }))
        .await
    };
    let mut failed = None;
    for (index, (outcome, took)) in results.into_iter().enumerate() {
        release.steps[first + index].millis = u64::try_from(took.as_millis()).ok();
        release.checks.extend(outcome.checks);
        release.parts.functions.extend(outcome.part);
        if let Some(deployment) = outcome.deployment {
            release.parts.deployment = deployment;
        }
        match outcome.error {
            None => run.report.step_done(&phase[index], release, took),
            Some(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(()), Err)
}

impl Step {
    fn moves_traffic(&self) -> bool {
        matches!(self, Self::MoveAlias(_) | Self::MoveStage)
    }
}
