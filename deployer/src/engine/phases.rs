//! Applies a plan: phase by phase. Each phase that moves traffic is written to the ledger before it begins.
//!
//! It takes a plan, what was observed under the lock, and the packages; it returns the release with its parts, checks and
//! times. It stops at the first phase that fails, and decides nothing that the plan has not decided.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::Result;
use futures::future::join_all;
use futures::try_join;
use tokio::time::Instant;

use super::{Engine, moves, step};
use crate::artifact::Package;
use crate::events::{Event, StepDone};
use crate::ledger::{AcquiredLock, CheckRecord, FunctionPart, Release, ReleaseState};
use crate::observe::{Listed, Observed};
use crate::plan::{Phase, Plan, Step};
use crate::verify::Verifier;

/// All that the steps of one release need.
#[derive(Clone, Copy)]
pub(super) struct Apply<'a> {
    /// The command.
    pub(super) engine: Engine<'a>,
    /// The right to move traffic.
    pub(super) lock: &'a AcquiredLock,
    /// What was observed: for the steps under the lock, never before the build.
    pub(super) observed: &'a Observed,
    /// The versions and aliases of the functions that get another version, as they were listed under the lock.
    pub(super) listed: &'a BTreeMap<String, Listed>,
    /// The functions that are known to have no provisioned concurrency.
    pub(super) without_provisioned: &'a Mutex<BTreeSet<String>>,
    /// What is to be done.
    pub(super) plan: &'a Plan,
    /// The packages of new code, by function.
    pub(super) packages: &'a BTreeMap<String, Package>,
    /// Where the stage responds.
    pub(super) verifier: &'a Verifier,
    /// Alarms that were in ALARM before the start and are ignored.
    pub(super) ignored: &'a [String],
}

/// The result of a step.
#[derive(Default)]
pub(super) struct Outcome {
    /// The new part of a function.
    pub(super) part: Option<(String, FunctionPart)>,
    /// Whether the release made the version of that part, and its description does not show it.
    pub(super) published: bool,
    /// The new deployment.
    pub(super) deployment: Option<String>,
    /// The checks that were made, passed or not.
    pub(super) checks: Vec<CheckRecord>,
    /// Why it could not be verified whether it went well, if it could not.
    pub(super) unverified: Option<String>,
    /// Why it failed, if it did.
    pub(super) error: Option<anyhow::Error>,
}

/// Carries out all phases, and checks at the end that everything is where it belongs. Whether it fails or not, the release then
/// shows how far it came; its `reason` is set if it could not be verified.
///
/// # Errors
/// The first failure, after every step of its phase has ended; nothing is reverted here.
pub(super) async fn apply(run: &Apply<'_>, release: &mut Release) -> Result<()> {
    let mut done = 0;
    for phase in run.plan.phases() {
        run.engine.interrupt().check()?;
        if phase.iter().any(Step::moves_traffic) {
            release.state = ReleaseState::Shifting;
        }
        apply_phase(run, &phase, done, release).await?;
        done += phase.len();
    }
    // Here a late move of a stale run is detected: a stage has no compare-and-swap.
    try_join!(run.lock.progress(release), moves::confirm(run, &release.parts)).map(drop)
}

/// Writes the phase into the ledger if that has to be known of it, which renews the lock too, then carries out its steps side by side. `first` is the index
/// of its first step in the release.
async fn apply_phase(run: &Apply<'_>, phase: &Phase, first: usize, release: &mut Release) -> Result<()> {
    let _group = run.engine.events.phase(phase);
    let began = run.engine.now();
    for step in release.steps.iter_mut().skip(first).take(phase.len()) {
        step.started_at = Some(began.clone());
    }
    // The first phase is covered by the intent, which was written with the lock. Checks move nothing: what they need was recorded
    // before the move.
    if first > 0 && !phase.iter().all(|step| matches!(step, Step::Verify(_))) {
        run.lock.progress(release).await?;
    }
    let current = &*release;
    let work = join_all(phase.iter().map(async |step| {
        let started = Instant::now();
        let outcome = step::carry_out(run, step, current).await;
        let took = started.elapsed();
        if outcome.error.is_none() {
            done(run, step, (&outcome, took), current);
        }
        (outcome, took)
    }));
    let results = match phase.iter().any(Step::moves_traffic) {
        // The effect of such a call has to be known: it runs to its end.
        true => work.await,
        false => run.engine.interrupt().or(async { Ok(work.await) }).await?,
    };
    let mut failed = None;
    for (index, (outcome, took)) in results.into_iter().enumerate() {
        release.checks.extend(outcome.checks);
        if let Some((key, part)) = outcome.part {
            release.publishing.remove(&key);
            if outcome.published {
                release.published.insert(key.clone(), part.version.clone());
            }
            release.parts.functions.insert(key, part);
        }
        if outcome.deployment.is_some() {
            release.parts.deployment = outcome.deployment;
        }
        release.reason = release.reason.take().or(outcome.unverified);
        match outcome.error {
            Some(error) => failed = failed.or(Some(error)),
            None => {
                if let Some(step) = release.steps.get_mut(first + index) {
                    step.millis = u64::try_from(took.as_millis()).ok();
                }
            }
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Reports a step as done, as soon as it is: others of its phase may go on for long.
fn done(run: &Apply<'_>, step: &Step, (outcome, took): (&Outcome, Duration), release: &Release) {
    let made = outcome.part.as_ref().map(|(_, part)| part.version.as_str());
    let version = match step {
        Step::Prepare(key) | Step::ShiftAlias(key, _) | Step::MoveAlias(key) => {
            made.or_else(|| release.parts.functions.get(key).map(|part| part.version.as_str()))
        }
        _ => None,
    };
    let deployment = outcome.deployment.as_ref().or(release.parts.deployment.as_ref()).map(String::as_str);
    let checked = !outcome.checks.is_empty();
    let by_invoke = checked && outcome.checks.iter().all(|check| check.by_invoke.is_some());
    run.engine.events.emit(Event::StepDone(&StepDone { step, version, deployment, took, checked, by_invoke }));
}
