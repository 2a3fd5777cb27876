//! The moves of traffic: aliases, with a compare-and-swap, and the stage, which has none. Each is verified by its effect: a call
//! that succeeded proves nothing, and one that failed may have had its effect.

use std::sync::PoisonError;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures::future::{join_all, try_join_all};
use futures::try_join;

use super::phases::Apply;
use crate::aws::{Alias, AwsError, Kind, Patience, Provisioned, Routing, Stage, TRIES, Writer};
use crate::backoff::{Backoff, Pace};
use crate::failure::Failure;
use crate::ledger::{AcquiredLock, FunctionResource, Parts, Release, RestApi};
use crate::observe::{Observed, ObservedFunction, eventually};
use crate::plan::StageBefore;

/// The hint where something else moved an alias or the stage.
const NOT_OVERWRITTEN: &str =
    "find out in CloudTrail what moved it: that move was not overwritten; `deployer status` shows what is live now";

/// Gives the new version of a function a part of its alias's traffic.
pub(super) async fn shift_alias(run: &Apply<'_>, key: &str, percent: u8, release: &Release) -> Result<()> {
    let (function, new) = subject(run, key, release)?;
    let description = shifted(run, release, percent);
    let weight = Some((new.as_str(), f64::from(percent) / 100.0));
    let to = Routing { version: &function.alias.version, weight, description: &description };
    let revision = revision(run, function, &new, percent, release).await?;
    from_where_it_was(run, function, &to, revision).await
}

/// Moves the alias of a function to its new version, with all the traffic.
pub(super) async fn move_alias(run: &Apply<'_>, key: &str, release: &Release) -> Result<()> {
    let (function, new) = subject(run, key, release)?;
    let description = format!("{}{}", run.engine.mark(), release.number);
    let to = Routing { version: &new, weight: None, description: &description };
    let revision = revision(run, function, &new, 100, release).await?;
    from_where_it_was(run, function, &to, revision).await?;
    if run.without_provisioned.lock().unwrap_or_else(PoisonError::into_inner).contains(key) {
        return Ok(());
    }
    run.engine.interrupt().or(until_provisioned(run, &function.resource)).await
}

fn shifted(run: &Apply<'_>, release: &Release, percent: u8) -> String {
    format!("{}{}, {percent} % of the traffic", run.engine.mark(), release.number)
}

/// Moves an alias from where it was observed. The revision may have been read before an earlier lock holder, or this run's own
/// recovery, fenced off late moves: that was no change of the alias's target. The token of a later lock holder stops this run.
async fn from_where_it_was(
    run: &Apply<'_>,
    function: &ObservedFunction,
    to: &Routing<'_>,
    mut revision: String,
) -> Result<()> {
    let (aws, resource) = (run.engine.aws, &function.resource);
    let mut tries = 1;
    loop {
        let refused = match alias_to(aws, resource, to, &revision, &|| forward(run)).await {
            Err(error) if tries < TRIES && is_precondition(&error) => error,
            ended => return ended.map(drop),
        };
        let found = eventually::alias(&aws.reader, resource, |found| found.revision != revision).await?;
        let fenced = fencing_token_of(&found.description).is_some_and(|token| token < run.lock.token());
        if !fenced || found.version != function.alias.version || !found.weights.is_empty() {
            return Err(refused);
        }
        (revision, tries) = (found.revision, tries + 1);
    }
}

fn is_precondition(error: &anyhow::Error) -> bool {
    error.downcast_ref::<AwsError>().is_some_and(|error| error.kind == Kind::Precondition)
}

/// The fencing token in the description of an alias that was fenced or moved back.
fn fencing_token_of(description: &str) -> Option<u64> {
    description.strip_prefix("deployer: ")?.rsplit_once("fencing token ")?.1.parse().ok()
}

/// Whether the next move may be sent: the run was not interrupted, and still has the lock.
fn forward(run: &Apply<'_>) -> Result<()> {
    run.engine.interrupt().check()?;
    run.lock.still_ours()
}

fn subject<'a>(run: &Apply<'a>, key: &str, release: &Release) -> Result<(&'a ObservedFunction, String)> {
    let function = run.observed.functions.get(key).with_context(|| {
        format!("the state of function `{key}` was not read: this is a bug of `deployer`, please report it")
    })?;
    let part = release.parts.functions.get(key).with_context(|| {
        format!("no new version of function `{key}` was published: this is a bug of `deployer`, please report it")
    })?;
    Ok((function, part.version.clone()))
}

/// The revision that the alias must have for the move to `percent`: for the first one the one that was read under the
/// lock, and for a later one that of the move before. A run that was stopped for hours finds neither.
///
/// # Errors
/// The alias was moved in between.
async fn revision(
    run: &Apply<'_>,
    function: &ObservedFunction,
    new: &str,
    percent: u8,
    release: &Release,
) -> Result<String> {
    let stages = run.plan.traffic.shift.stages();
    let Some((before, _)) = stages.iter().rev().find(|(stage, _)| *stage < percent) else {
        return Ok(function.alias.revision.clone());
    };
    let FunctionResource { name, alias, .. } = &function.resource;
    let description = shifted(run, release, *before);
    let weight = Some((new, f64::from(*before) / 100.0));
    let left = Routing { version: &function.alias.version, weight, description: &description };
    let found = eventually::alias(&run.engine.aws.reader, &function.resource, |found| is_at(found, &left)).await?;
    if is_at(&found, &left) {
        return Ok(found.revision);
    }
    let what = format!("alias `{alias}` of `{name}` was moved from outside in the middle of the release");
    Err(Failure::refused(what).hint(NOT_OVERWRITTEN).into())
}

/// Moves an alias, makes sure that it arrived, and returns it. Before each try, `allowed` decides whether the move may be sent.
pub(super) async fn alias_to(
    aws: &Writer,
    resource: &FunctionResource,
    to: &Routing<'_>,
    revision: &str,
    allowed: &impl Fn() -> Result<()>,
) -> Result<Alias> {
    let FunctionResource { name, alias, .. } = resource;
    let failed = || format!("failed to move alias `{alias}` of `{name}` to version {}", to.version);
    let (mut tries, mut patience) = (1, Patience::new(&aws.reader.world));
    loop {
        let turn = tokio::select! {
            biased;
            turn = aws.lambda.alias_move() => turn,
            refused = until_refused(allowed) => return Err(refused),
        };
        allowed()?;
        let error = match turn.send(name, alias, to, revision).await {
            Ok(moved) => return Ok(moved),
            Err(error) => error,
        };
        if patience.outlasts(&error).await {
            continue;
        }
        if !matches!(error.kind, Kind::Precondition | Kind::Unknown) {
            return Err(error).with_context(failed);
        }
        // A 412 may be the response to our own success; and a look that shows the revision that it refused is an old one.
        let refused = error.kind == Kind::Precondition;
        let found = eventually::alias(&aws.reader, resource, |found| !refused || found.revision != revision).await?;
        if is_at(&found, to) {
            return Ok(found);
        }
        if refused || tries == TRIES || found.revision != revision {
            return Err(error).with_context(failed);
        }
        tries += 1;
    }
}

/// Waits until a move that queues for its turn may no longer be sent: a hundred of them queue for seconds.
async fn until_refused(allowed: &impl Fn() -> Result<()>) -> anyhow::Error {
    loop {
        tokio::time::sleep(Duration::from_millis(250)).await;
        if let Err(refused) = allowed() {
            return refused;
        }
    }
}

/// Whether the alias is where it was moved to, by this very move: its description distinguishes it from any other.
fn is_at(found: &Alias, to: &Routing<'_>) -> bool {
    let same = |(version, weight): (&str, f64)| {
        found.weights.len() == 1 && found.weights.get(version).is_some_and(|found| (found - weight).abs() < 1e-9)
    };
    found.version == to.version
        && found.description == to.description
        && to.weight.map_or(found.weights.is_empty(), same)
}

/// Where the alias has provisioned concurrency, the new version has to be warm before it is as fast as the old one.
async fn until_provisioned(run: &Apply<'_>, resource: &FunctionResource) -> Result<()> {
    let FunctionResource { name, alias, .. } = resource;
    let mut backoff = Backoff::new(run.engine.world(), Pace::READY);
    loop {
        match run.engine.aws.reader.lambda.provisioned(name, alias).await {
            Ok(None | Some(Provisioned::Ready)) => return Ok(()),
            Ok(Some(Provisioned::Failed(reason))) => {
                return Err(Failure::error(format!(
                    "the provisioned concurrency of alias `{alias}` of `{name}` failed: {reason}"
                ))
                .hint("fix what the reason names, or remove the provisioned concurrency")
                .into());
            }
            Ok(Some(Provisioned::InProgress)) | Err(AwsError { kind: Kind::Unknown, .. }) => {
                backoff
                    .wait_until(|| format!("the provisioned concurrency of alias `{alias}` of `{name}` to be ready"))
                    .await?;
            }
            // For one function this was read before anything moved. The alias has moved by now: it stays.
            Err(error) if error.kind == Kind::Denied => {
                run.engine.events.warn(&format!("cannot read whether alias `{alias}` of `{name}` is warm: {error}"));
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Moves the stage to the release's deployment, unless it has to be where it was observed and is not.
pub(super) async fn move_stage(run: &Apply<'_>, before: StageBefore, release: &Release) -> Result<()> {
    let (aws, api) = (run.engine.aws, run.observed.ledger.contract.rest_api()?);
    let Parts { deployment: Some(new), .. } = &release.parts else {
        bail!("release {release} recorded no API deployment to move the stage to")
    };
    if before == StageBefore::AsObserved {
        let expected =
            |found: &String| found == new || release.previous_parts.deployment.as_ref().is_some_and(|old| old == found);
        let found = eventually::stage(&aws.reader, api, |found| expected(&found.deployment)).await?.deployment;
        if !expected(&found) {
            let what = format!("stage `{}` was moved to deployment `{found}` from outside", api.stage);
            return Err(Failure::refused(what).hint(NOT_OVERWRITTEN).into());
        }
    }
    stage_to(aws, api, new, &|| forward(run)).await
}

/// Moves the stage and reads it back: a stage has no compare-and-swap. UpdateStage responds with the stage as it is after
/// the change, and a read right after it may show the stage of before. Before each try, `allowed`
/// decides whether the move may be sent.
///
/// # Errors
/// It is not where it should be.
pub(super) async fn stage_to(
    aws: &Writer,
    api: &RestApi,
    deployment: &str,
    allowed: &impl Fn() -> Result<()>,
) -> Result<()> {
    let failed = || format!("failed to move stage `{}` to deployment `{deployment}`", api.stage);
    let (mut tries, mut patience) = (1, Patience::new(&aws.reader.world));
    loop {
        let turn = aws.api.stage_move().await;
        allowed()?;
        let moved = turn.send(&api.id, &api.stage, deployment).await;
        if let Err(error) = &moved
            && patience.outlasts(error).await
        {
            continue;
        }
        let there = |found: &Stage| found.deployment == deployment && found.mark.as_deref() == Some(deployment);
        // A refusal did nothing: there is nothing to read back.
        if matches!(&moved, Err(error) if !matches!(error.kind, Kind::Unknown | Kind::Malformed)) {
            return moved.map(drop).with_context(failed);
        }
        let found = eventually::stage(&aws.reader, api, there).await?;
        if there(&found) {
            return Ok(());
        }
        match moved {
            // The reply was lost, and with it the call: it is sent again.
            Err(_) if tries < TRIES => tries += 1,
            Err(error) => return Err(error).with_context(failed),
            Ok(_) => {
                let what = match found.deployment == deployment {
                    true => format!(
                        "the stage is at deployment `{deployment}`, but its variable `deployment` does not name it"
                    ),
                    false => {
                        format!("the stage was moved to deployment `{deployment}`, but is at `{}`", found.deployment)
                    }
                };
                return Err(anyhow::Error::from(
                    Failure::error(what)
                        .hint("another program is moving this stage: CloudTrail shows which; then run again"),
                ))
                .with_context(failed);
            }
        }
    }
}

/// Whether everything that the release moved is where it put it.
///
/// # Errors
/// Something is elsewhere: it was moved from outside, or a move of a run that lost its lock came late.
pub(super) async fn confirm(run: &Apply<'_>, parts: &Parts) -> Result<()> {
    let mut backoff = None;
    loop {
        let elsewhere = elsewhere(run, parts).await?;
        if elsewhere.is_empty() {
            return Ok(());
        }
        // From the first look on: with many functions that takes longer than a change takes to be seen.
        let backoff = backoff.get_or_insert_with(|| Backoff::new(run.engine.world(), Pace::READ));
        backoff
            .wait_until(|| "every alias and the stage to be seen where they were moved".to_owned())
            .await
            .with_context(|| {
                Failure::error(format!("the release moved everything, but {}", elsewhere.join("; ")))
                    .hint("it was moved from outside during the release: CloudTrail shows who moved it; then run again")
            })?;
    }
}

/// What is not where the release put it.
async fn elsewhere(run: &Apply<'_>, parts: &Parts) -> Result<Vec<String>> {
    let (aws, contract) = (run.engine.aws, &run.observed.ledger.contract);
    let stage = async {
        match contract.rest() {
            Some(api) => aws.reader.api.stage(&api.id, &api.stage).await.map(|stage| Some((api, stage.deployment))),
            None => Ok(None),
        }
    };
    let moved = run.plan.moved().filter_map(|key| contract.functions.get(key).zip(parts.functions.get(key)));
    let moved: Vec<_> = moved.collect();
    let (stage, aliases) = try_join!(
        stage,
        try_join_all(moved.iter().map(|(function, _)| aws.reader.lambda.alias(&function.name, &function.alias))),
    )?;
    let mut elsewhere = Vec::new();
    // An API that the release does not know is none of its business.
    let is_elsewhere = |found: &String| parts.deployment.as_ref().is_some_and(|deployment| deployment != found);
    if let Some((api, found)) = stage.filter(|(_, found)| is_elsewhere(found)) {
        elsewhere.push(format!("stage `{}` is at deployment `{found}`", api.stage));
    }
    for ((function, part), alias) in moved.into_iter().zip(aliases) {
        if part.version != alias.version || !alias.weights.is_empty() {
            elsewhere
                .push(format!("alias `{}` of `{}` points to version {}", function.alias, function.name, alias.version));
        }
    }
    Ok(elsewhere)
}

/// Gives every alias a new revision and leaves it where it is, so that no move which is still on its way from a run
/// that lost its lock can land any more.
///
/// # Errors
/// An alias could not be changed; it is tried again if it only changed in between.
pub(super) async fn renew_revisions(aws: &Writer, lock: &AcquiredLock, observed: &Observed) -> Result<()> {
    let renewals = observed.functions.values().map(|function| renew(aws, lock, &function.resource));
    join_all(renewals).await.into_iter().collect()
}

/// Gives one alias a new revision.
async fn renew(aws: &Writer, lock: &AcquiredLock, resource: &FunctionResource) -> Result<()> {
    let FunctionResource { name, alias, .. } = resource;
    let description = format!("deployer: fencing token {}", lock.token());
    let (mut tries, mut patience, mut refused) = (0, Patience::new(&aws.reader.world), None);
    while tries < TRIES {
        let found = eventually::alias(&aws.reader, resource, |found| refused.as_ref() != Some(&found.revision)).await?;
        if found.description == description {
            return Ok(());
        }
        let weight = found.weights.iter().next().map(|(version, weight)| (version.as_str(), *weight));
        let to = Routing { version: &found.version, weight, description: &description };
        let turn = aws.lambda.alias_move().await;
        lock.still_ours()?;
        match turn.send(name, alias, &to, &found.revision).await {
            Ok(renewed) => {
                eventually::seen(&aws.reader, resource, &renewed).await;
                return Ok(());
            }
            Err(error) if patience.outlasts(&error).await => {}
            Err(AwsError { kind: Kind::Unknown, .. }) => tries += 1,
            Err(AwsError { kind: Kind::Precondition, .. }) => (tries, refused) = (tries + 1, Some(found.revision)),
            Err(error) => {
                let failed = || format!("failed to protect alias `{alias}` of `{name}` from an older run");
                return Err(error).with_context(failed);
            }
        }
    }
    Err(Failure::error(format!("alias `{alias}` of `{name}` keeps changing"))
        .hint("another program moves it at the same time: CloudTrail shows which; then run again")
        .into())
}
