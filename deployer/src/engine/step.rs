//! The work of each step of a plan.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use futures::future::join_all;

use super::phases::{Apply, Outcome};
use super::{alarms, moves, publish};
use crate::backoff::{Backoff, Pace};
use crate::config::Check;
use crate::ledger::{CheckRecord, Release};
use crate::observe::find;
use crate::plan::{Checks, Moment, Routes, Step, Verification};
use crate::verify::{Blame, Expected, Failed, Traffic};

/// Carries out one step.
pub(super) async fn carry_out(run: &Apply<'_>, step: &Step, release: &Release) -> Outcome {
    let moved = match step {
        Step::Prepare(key) => return publish::function(run, key, release).await,
        Step::Verify(what) => return verify_url(run, what, release).await,
        Step::CreateDeployment => return publish::deployment(run, release).await,
        Step::Watch(time) | Step::Wait(time) => watch_alarms(run, *time, release).await,
        Step::ShiftAlias(key, percent) => moves::shift_alias(run, key, *percent, release).await,
        Step::MoveAlias(key) => moves::move_alias(run, key, release).await,
        Step::MoveStage(before) => moves::move_stage(run, *before, release).await,
    };
    Outcome { error: moved.err(), ..Outcome::default() }
}

async fn watch_alarms(run: &Apply<'_>, time: Duration, release: &Release) -> Result<()> {
    let watch = alarms::during::Watch {
        names: &run.observed.ledger.contract.alarms,
        ignored: run.ignored,
        time,
        percent: shifted(run, release),
    };
    alarms::during::watch(&run.engine, &watch, run.verifier).await
}

/// How much of the traffic the new versions take, while it is split.
fn shifted(run: &Apply<'_>, release: &Release) -> Option<u8> {
    let steps = run.plan.phases().into_iter().flatten();
    let begun = steps.zip(&release.steps).filter(|(_, record)| record.started_at.is_some());
    begun.fold(None, |percent, (step, _)| match step {
        Step::ShiftAlias(_, percent) => Some(percent),
        Step::MoveAlias(_) => None,
        _ => percent,
    })
}

/// Sends the checks.
async fn verify_url(run: &Apply<'_>, what: &Verification, release: &Release) -> Outcome {
    let versions = release.parts.functions.iter().map(|(key, part)| (key.clone(), part.version.clone()));
    let expected = Expected {
        versions: if what.versions { versions.collect() } else { BTreeMap::new() },
        deployment: release.parts.deployment.clone().filter(|_| what.deployment),
        older_definition: what.routes != Routes::Declared,
        marks_only: what.identity_only,
    };
    let moved = |check: &&Check| {
        release.parts.functions.get(&check.function) != release.previous_parts.functions.get(&check.function)
    };
    // A check without its event, or without a URL for its request, cannot be sent: only a rollback gets here with one.
    let contract = &run.observed.ledger.contract;
    let sendable = |check: &&Check| {
        check.unreadable().is_none() && (check.request().is_none() || contract.url_of(&check.function).is_some())
    };
    let is_due = |check: &&Check| (what.checks == Checks::All || moved(check)) && sendable(check);
    let due: Vec<&Check> = run.engine.config.checks_in(run.engine.environment).filter(is_due).collect();
    let reading = due.iter().filter(|check| !check.writes).map(|check| {
        // On the way back to an earlier release, a route that it had has to be seen.
        let missing = what.routes == Routes::Before || (what.routes == Routes::Restored && !has_route(release, check));
        (*check, Expected { older_definition: missing, ..expected.clone() })
    });
    let traffic = if what.moment == Moment::Shifting { Traffic::Split } else { Traffic::Switched };
    let kept = if what.stage_follows { run.verifier.kept_for_next() } else { 0 };
    let phase = what.moment.to_string();
    let mut results = run.verifier.all(&reading.collect::<Vec<_>>(), traffic, kept, &phase).await;
    if what.last && results.iter().all(Result::is_ok) {
        match what.identity_only {
            true => report_differences(run, &due, &expected, &phase).await,
            // Not in a rollback: the release had them when it was made.
            false if run.engine.environment.writing_checks => {
                results.extend(writing(run, &due, &expected, &phase).await);
            }
            false => {}
        }
    }
    for failed in results.iter().filter_map(|result| result.as_ref().err()) {
        run.engine.events.check_failed(failed);
    }
    let outcome = collect(results);
    run.engine.events.checked(&outcome.checks);
    outcome
}

/// Whether the definition that a release froze has the route of a check.
fn has_route(release: &Release, check: &Check) -> bool {
    let Some(request) = check.request() else { return false };
    let path = request.bare_path();
    find(release.routes.keys(), &request.method, path).is_some()
}

/// Reports how the responses of an earlier release differ from what the current checks expect.
async fn report_differences(run: &Apply<'_>, due: &[&Check], expected: &Expected, phase: &str) {
    let whole = Expected { marks_only: false, ..expected.clone() };
    let asked = due.iter().filter(|check| !check.writes).map(|check| difference(run, check, &whole, phase));
    for failed in join_all(asked).await.into_iter().flatten() {
        run.engine.events.warn(&format!("{failed}: the current checks are not those that this release passed"));
    }
}

/// How a check fails, if it was sent and the version that responds is the one that was gone back to: for a moment after the switch
/// another one may.
async fn difference(run: &Apply<'_>, check: &Check, expected: &Expected, phase: &str) -> Option<Box<Failed>> {
    let mut lag = Backoff::new(run.engine.world(), Pace::READ);
    loop {
        let failed = run.verifier.once(check, expected, phase).await.err()?;
        let is_old = failed.blame == Blame::Propagation;
        if !is_old || !lag.wait().await {
            return Some(failed).filter(|failed| !is_old && failed.record.requests > 0);
        }
    }
}

/// Sends the checks that write, once each.
async fn writing(
    run: &Apply<'_>,
    due: &[&Check],
    expected: &Expected,
    phase: &str,
) -> Vec<Result<CheckRecord, Box<Failed>>> {
    let mut results = Vec::new();
    for check in due.iter().filter(|check| check.writes) {
        results.push(match run.verifier.once(check, expected, phase).await {
            // It may not be repeated, so only a wrong response of the new version itself fails the release.
            Err(failed) if !matches!(failed.blame, Blame::Application | Blame::Exception) => {
                run.engine.events.warn(&format!("check `{}` showed nothing: {}", check.name, failed.record.response));
                Ok(failed.record)
            }
            verified => verified,
        });
    }
    results
}

fn collect(results: Vec<Result<CheckRecord, Box<Failed>>>) -> Outcome {
    let mut outcome = Outcome::default();
    for result in results {
        match result {
            Ok(record) => outcome.checks.push(record),
            Err(failed) => {
                outcome.checks.push(failed.record.clone());
                // Limits are not the release's fault: it is neither good nor bad.
                if matches!(failed.blame, Blame::Limits | Blame::Concurrency) {
                    outcome.unverified = outcome.unverified.or_else(|| Some(failed.to_string()));
                } else {
                    outcome.error = outcome.error.or_else(|| Some(failed.explain()));
                }
            }
        }
    }
    outcome
}
