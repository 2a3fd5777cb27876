//! The way back: everything that a failed release moved returns to where it was, in reverse order.

use anyhow::{Result, bail, ensure};
use futures::future::join_all;

use super::Engine;
use super::moves::{alias_to, stage_to};
use crate::aws::{AwsError, Kind, MOVE, Routing, TRIES};
use crate::ledger::{AcquiredLock, FunctionResource, Release, ReleaseState, RestApi};
use crate::observe::{Observed, eventually};
use crate::plan::MOVE_STAGE;
use crate::verify::Verifier;

/// Reverts what the release moved. What moved is read, not remembered: a call whose reply was lost counts too, and
/// one that is still on its way is fenced off.
///
/// # Errors
/// Something could not be moved back, or is where neither release put it: a mixture is live, and the error names it. Everything
/// else was moved back all the same.
pub(super) async fn revert(
    engine: &Engine<'_>,
    lock: &AcquiredLock,
    observed: &Observed,
    verifier: &Verifier,
    release: &Release,
) -> Result<()> {
    // Old code never meets the newer definition.
    let mut stuck = Vec::new();
    if began_with_the_stage(release) {
        stuck.extend(aliases_back(engine, lock, observed, release).await);
        // The last look below shows whether it had an effect.
        let _ = stage_back(engine, lock, observed, release).await;
    } else {
        if let Ok(Some(deployment)) = stage_back(engine, lock, observed, release).await {
            verifier.stage_seen(engine.config.checks_in(engine.environment), deployment).await;
        }
        stuck.extend(aliases_back(engine, lock, observed, release).await);
    }
    // A late move of the stage cannot be fenced off: it is looked for once more, and this look decides.
    stuck.extend(stage_stays_back(engine, lock, observed, release).await.err());
    let words: Vec<String> = stuck.iter().map(|error| format!("{error:#}")).collect();
    if words.is_empty() { Ok(()) } else { bail!(words.join("; ")) }
}

async fn aliases_back(
    engine: &Engine<'_>,
    lock: &AcquiredLock,
    observed: &Observed,
    release: &Release,
) -> Vec<anyhow::Error> {
    let moves = observed.functions.iter().filter_map(|(key, function)| {
        let (new, old) = (release.parts.functions.get(key)?, release.previous_parts.functions.get(key)?);
        (new.version != old.version).then(|| alias_back(engine, lock, &function.resource, &new.version, &old.version))
    });
    join_all(moves).await.into_iter().filter_map(Result::err).collect()
}

async fn alias_back(
    engine: &Engine<'_>,
    lock: &AcquiredLock,
    resource: &FunctionResource,
    new: &str,
    old: &str,
) -> Result<()> {
    let FunctionResource { name, alias, .. } = resource;
    let description = format!("deployer: reverted, fencing token {}", lock.token());
    let to = Routing { version: old, weight: None, description: &description };
    let ours = |version: &str| version == new || version == old;
    let (mut tries, mut refused, mut denied) = (0, None, None);
    loop {
        let found =
            eventually::alias(&engine.aws.reader, resource, |found| refused.as_ref() != Some(&found.revision)).await?;
        let back = found.version == old && found.weights.is_empty();
        ensure!(
            ours(&found.version) && found.weights.keys().all(|version| ours(version)),
            "alias `{alias}` of `{name}` points to version {}, which is neither the new nor the old one",
            found.version
        );
        match denied.take() {
            Some(_) if back => return Ok(()),
            Some(error) => return Err(error),
            None => tries += 1,
        }
        // Where it is back already it still gets a new revision: a move of ours may be on its way.
        match alias_to(engine.aws, resource, &to, &found.revision, &|| lock.still_ours()).await {
            Err(error) if tries < TRIES && is_stale(&error) => refused = Some(found.revision),
            // Who may not move it has not moved it either, but for a move sent while that was still allowed: once that
            // has had its time, what is back stays back.
            Err(error) if back && is(&error, &[Kind::Denied]) => {
                engine
                    .world()
                    .pause(format!("a move of alias `{}` that may be on its way", resource.alias), MOVE)
                    .await;
                denied = Some(error);
            }
            Err(error) => return Err(error),
            Ok(back) => {
                eventually::seen(&engine.aws.reader, resource, &back).await;
                return Ok(());
            }
        }
    }
}

/// Whether the alias has changed since it was read, or may have: by a move of ours that came late.
fn is_stale(error: &anyhow::Error) -> bool {
    is(error, &[Kind::Precondition, Kind::Unknown])
}

fn is(error: &anyhow::Error, kinds: &[Kind]) -> bool {
    error.downcast_ref::<AwsError>().is_some_and(|error| kinds.contains(&error.kind))
}

/// Whether the release moves the stage before the aliases, as one that goes back to an older definition does.
fn began_with_the_stage(release: &Release) -> bool {
    let of = |is: &dyn Fn(&str) -> bool| release.steps.iter().position(|record| is(&record.step));
    match (of(&|step| step == MOVE_STAGE), of(&|step| step.starts_with("move the alias"))) {
        (Some(stage), Some(alias)) => stage < alias,
        _ => false,
    }
}

/// Moves the stage back if a move of it was tried, whatever a read shows: it may be older than the move. Returns the deployment
/// that it went back to.
async fn stage_back<'a>(
    engine: &Engine<'_>,
    lock: &AcquiredLock,
    observed: &'a Observed,
    release: &'a Release,
) -> Result<Option<&'a str>> {
    let Some((api, old)) = moved_stage(observed, release) else { return Ok(None) };
    if !release.steps.iter().any(|record| record.step == MOVE_STAGE && record.started_at.is_some()) {
        return Ok(None);
    }
    let found = eventually::stage(&engine.aws.reader, api, |found| is_of(release, &found.deployment)).await?.deployment;
    refuse_elsewhere(lock, api, release, &found).await?;
    stage_to(engine.aws, api, old, &|| lock.still_ours()).await.map(|()| Some(old))
}

/// The API whose stage the release moves, and the deployment that it was at before.
fn moved_stage<'a>(observed: &'a Observed, release: &'a Release) -> Option<(&'a RestApi, &'a str)> {
    let (api, old) = (observed.ledger.contract.rest()?, release.previous_parts.deployment.as_ref()?);
    (release.parts.deployment.as_ref()? != old).then_some((api, old.as_str()))
}

/// Whether it is the deployment that the release moves the stage to, or that of before.
fn is_of(release: &Release, deployment: &str) -> bool {
    let parts = [&release.parts, &release.previous_parts];
    parts.iter().any(|parts| parts.deployment.as_deref() == Some(deployment))
}

/// Looks whether the stage is where it was before the release; a late move of it is undone.
async fn stage_stays_back(
    engine: &Engine<'_>,
    lock: &AcquiredLock,
    observed: &Observed,
    release: &Release,
) -> Result<()> {
    let Some((api, old)) = moved_stage(observed, release) else { return Ok(()) };
    let found = eventually::stage(&engine.aws.reader, api, |found| found.deployment == old).await?.deployment;
    if found == old {
        return Ok(());
    }
    refuse_elsewhere(lock, api, release, &found).await?;
    stage_to(engine.aws, api, old, &|| lock.still_ours()).await
}

/// A stage that is at neither release's deployment was moved from outside: it stays.
async fn refuse_elsewhere(lock: &AcquiredLock, api: &RestApi, release: &Release, found: &str) -> Result<()> {
    ensure!(
        is_of(release, found) || came_late(lock, release, found).await?,
        "stage `{}` is at deployment `{found}`, which is neither the new nor the old one",
        api.stage
    );
    Ok(())
}

/// Whether only a release that was itself given up has this deployment: then its run, which lost the lock, moved the stage
/// after all. Nothing else moves the stage there.
async fn came_late(lock: &AcquiredLock, release: &Release, deployment: &str) -> Result<bool> {
    let history = lock.ledger().history().await?;
    let mut others = history
        .iter()
        .filter(|other| other.number < release.number && other.parts.deployment.as_deref() == Some(deployment))
        .peekable();
    let given_up = |other: &Release| matches!(other.state, ReleaseState::Failed | ReleaseState::Reverted);
    Ok(others.peek().is_some() && others.all(given_up))
}
