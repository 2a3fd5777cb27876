//! What each step of a plan does.

use std::time::Duration;

use anyhow::Result;
use futures::future::join_all;

use super::{Outcome, Run, moves, prepare, watch};
use crate::config::{Check, REQUESTS};
use crate::ledger::{CheckRecord, Release, ReleaseKind};
use crate::observe::find;
use crate::plan::{Moment, Step};
use crate::verify::{Blame, Expected, Failed};

/// Carries out one step.
pub(super) async fn carry_out(run: &Run<'_>, step: &Step, release: &Release) -> Outcome {
    let moved = match step {
        Step::Prepare(key) => return prepare::function(run, key, release).await,
        Step::Verify(moment) => return verify_url(run, *moment, release).await,
        Step::CreateDeployment => return prepare::deployment(run, release).await,
        Step::Watch(time) => watch_alarms(run, *time).await,
        Step::ShiftAlias(key, percent) => moves::shift_alias(run, key, *percent, release).await,
        Step::MoveAlias(key) => moves::move_alias(run, key, release).await,
        Step::MoveStage => moves::move_stage(run, release).await,
    };
    Outcome { error: moved.err(), ..Outcome::default() }
}

async fn watch_alarms(run: &Run<'_>, time: Duration) -> Result<()> {
    let names = &run.observed.ledger.contract.alarms;
    watch::alarms(&run.scope, names, run.ignored, time).await
}

/// Sends the checks through the URL: those of the functions that moved, or all of them once the stage has.
async fn verify_url(run: &Run<'_>, moment: Moment, release: &Release) -> Outcome {
    let stage_moved = release.parts.deployment != release.previous_parts.deployment;
    let versions = release.parts.functions.iter().map(|(key, part)| (key.clone(), part.version.clone()));
    let deployment = matches!(moment, Moment::AfterStage | Moment::StageBack);
    // The checks are those of now. An earlier release may answer otherwise, and may not have every route: what it
    // answers is reported, and who answers decides.
    let back = run.plan.kind == ReleaseKind::Rollback;
    let expected = Expected {
        versions: if moment == Moment::StageBack { Default::default() } else { versions.collect() },
        deployment: deployment.then(|| release.parts.deployment.clone()),
        older_definition: back || (stage_moved && !deployment),
        marks_only: back,
        share: None,
    };
    let moved = |check: &&Check| {
        release.parts.functions.get(&check.function) != release.previous_parts.functions.get(&check.function)
    };
    let due: Vec<&Check> = run.scope.config.checks.iter().filter(|check| deployment || moved(check)).collect();
    let phase = moment.to_string();
    let mut reading: Vec<&Check> = due.iter().copied().filter(|check| !check.writes).collect();
    reading.sort_by_key(|check| !run.url.reaches(check));
    let send = async |check: &Check, share: u32| {
        // A route that an earlier release is known to have has to be seen on the way back to it.
        let older_definition = expected.older_definition && !(back && has_route(release, check));
        let expected = Expected { older_definition, share: Some(share), ..expected.clone() };
        match moment {
            Moment::Shifting => run.url.glimpse(check, &expected, &phase).await,
            _ => run.url.settle(check, &expected, &phase).await,
        }
    };
    // Once the stage has moved, its checks need as many requests again.
    let kept = if stage_moved && moment != Moment::AfterStage { REQUESTS / 2 } else { 0 };
    let mut results = one_before_all(run, &reading, kept, send).await;
    if back {
        if moment != Moment::StageBack && results.iter().all(Result::is_ok) {
            report_differences(run, &due, &expected, &phase).await;
        }
    } else if is_last(run, moment) && results.iter().all(Result::is_ok) {
        results.extend(writing(run, &due, &expected, &phase).await);
    }
    collect(results)
}

/// The first check waits until the switch is seen, so that the others spend no requests on that. `send` gets the most that its
/// check may make; `kept` of them are not for now.
async fn one_before_all(
    run: &Run<'_>,
    checks: &[&Check],
    kept: u32,
    send: impl AsyncFn(&Check, u32) -> Result<CheckRecord, Failed>,
) -> Vec<Result<CheckRecord, Failed>> {
    let Some((first, others)) = checks.split_first() else { return Vec::new() };
    let (left, count) = (|| run.url.left().saturating_sub(kept), u32::try_from(others.len()).unwrap_or(REQUESTS));
    let for_others = count.saturating_mul(run.scope.config.verify.in_a_row);
    let mut results = vec![send(first, left().saturating_sub(for_others)).await];
    if results.iter().all(Result::is_ok) {
        let share = left() / count.max(1);
        results.extend(join_all(others.iter().map(|check| send(check, share))).await);
    }
    results
}

/// Whether the definition that a release froze has the route of a check.
fn has_route(release: &Release, check: &Check) -> bool {
    let path = check.request.path.split('?').next().unwrap_or_default();
    find(release.routes.keys(), &check.request.method, path).is_some()
}

/// Says how the answers of an earlier release differ from what the checks of now ask for.
async fn report_differences(run: &Run<'_>, due: &[&Check], expected: &Expected, phase: &str) {
    let whole = Expected { marks_only: false, ..expected.clone() };
    let asked = due.iter().filter(|check| !check.writes).map(|check| run.url.once(check, &whole, phase));
    for failed in join_all(asked).await.into_iter().filter_map(Result::err) {
        run.scope.report.warn(&format!("{failed}: the checks of now are not those that this release passed"));
    }
}

/// Nothing moves after the last moment: then the checks that write have their one turn. Not on the way back, where
/// the release has had it.
fn is_last(run: &Run<'_>, moment: Moment) -> bool {
    let last = moment == Moment::AfterStage || (moment == Moment::AfterAliases && run.plan.api.change.is_none());
    last && run.plan.kind != ReleaseKind::Rollback && run.scope.environment.writing_checks
}

async fn writing(run: &Run<'_>, due: &[&Check], expected: &Expected, phase: &str) -> Vec<Result<CheckRecord, Failed>> {
    let mut results = Vec::new();
    for check in due.iter().filter(|check| check.writes) {
        results.push(match run.url.once(check, expected, phase).await {
            // It may not be repeated, so only the new version's own wrong answer speaks against the release.
            Err(failed) if failed.blame != Blame::Application => {
                run.scope.report.warn(&format!("check `{}` told nothing: {}", check.name, failed.record.answer));
                Ok(failed.record)
            }
            told => told,
        });
    }
    results
}

fn collect(results: Vec<Result<CheckRecord, Failed>>) -> Outcome {
    let mut outcome = Outcome::default();
    for result in results {
        match result {
            Ok(record) => outcome.checks.push(record),
            Err(failed) => {
                outcome.checks.push(failed.record.clone());
                match failed.blame {
                    // The gateway's limits say nothing of the release: it is neither good nor bad.
                    Blame::Limits => drop(outcome.unjudged.get_or_insert_with(|| failed.to_string())),
                    _ => drop(outcome.error.get_or_insert_with(|| failed.explain())),
                }
            }
        }
    }
    outcome
}
