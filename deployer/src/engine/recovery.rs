//! Ends what a dead run left: takes over its lock once it is certainly dead, and ends its release, forward if only the record
//! is missing, else back.

use anyhow::{Context as _, Result};

use super::Engine;
use super::attempt::may_be_of;
use super::moves::renew_revisions;
use super::revert::revert;
use super::upload::candidate;
use crate::aws::MOVE;
use crate::config::LONGEST_LEASE;
use crate::failure::{Exit, Failure};
use crate::ledger::{AcquiredLock, LedgerState, Release, ReleaseKind, ReleaseState};
use crate::notices::Until;
use crate::observe::{Observed, live};

/// What was left of a run that died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovered {
    /// Nothing.
    Nothing,
    /// A lock, or a release that lacked only its record.
    Completed,
    /// A release in the middle: what was live before it is live again.
    WentBack,
}

/// Makes sure that the lock is free and no release is unfinished. If there was anything to do, what was observed before is old.
///
/// # Errors
/// [`Exit::Locked`] if a run that is alive has the lock; or what the dead one left could not be ended.
pub(super) async fn end_unfinished(engine: &Engine<'_>, state: &LedgerState) -> Result<Recovered> {
    if state.lock.holder.is_none() && state.unfinished().is_none() {
        return Ok(Recovered::Nothing);
    }
    let ledger = engine.ledger();
    if let Some(holder) = &state.lock.holder {
        let what = format!("a heartbeat of the lock holder, {holder}");
        let shown = engine.world().waiting(what, Until::Lasts(holder.lease().min(LONGEST_LEASE) + MOVE));
        engine.interrupt().or(ledger.watch(&state.lock, holder)).await?;
        drop(shown);
        engine.events.warn(&format!("{holder} sent no heartbeat for a whole lease: its lock is taken over"));
    }
    let lock = ledger.take_over(&engine.aws.table, state, engine.holder(state, "recover")).await?;
    let recovered = recover(engine, &lock).await;
    if recovered.is_err() {
        // A release may stay unfinished without a lock: the next run need not wait for a lease.
        let _ = lock.free().await;
    }
    recovered
}

async fn recover(engine: &Engine<'_>, lock: &AcquiredLock) -> Result<Recovered> {
    // What was read before the lock was taken are items of different moments: only this read is consistent.
    let state = lock.ledger().read().await?;
    let observed = live(&engine.aws.reader, state).await?;
    // A move of the dead run may still be on its way: from here on it cannot land.
    renew_revisions(engine.aws, lock, &observed).await?;
    match observed.ledger.unfinished().cloned() {
        Some(release) => end(engine, lock, &observed, release).await,
        None => lock.free().await.map(|()| Recovered::Completed),
    }
}

async fn end(engine: &Engine<'_>, lock: &AcquiredLock, observed: &Observed, mut release: Release) -> Result<Recovered> {
    release.fencing_token = lock.token();
    release.ended_at = Some(engine.now());
    note_made(engine, lock, observed, &release).await;
    if release.is_carried_out() && is_live(observed, &release) {
        release.state = ReleaseState::Live;
        release.stable = release.reason.is_none() && restored_is_stable(lock, &release).await?;
        lock.end(&release, observed.ledger.live.as_ref()).await?;
        engine.events.progress("Recovered", &format!("release {release}: it is live, only its record was missing"));
        return Ok(Recovered::Completed);
    }
    let began = release.state == ReleaseState::Shifting;
    let verifier = engine.verifier(observed)?;
    if let Some(why) = verifier.unreachable() {
        engine.events.warn(&format!("{why}: that the stage went back is not seen through the URL"));
    }
    let stuck = || {
        Failure::new(Exit::NotReverted, format!("release {release}, which its run left unfinished, cannot be reverted"))
            .hint("`deployer status` shows where the aliases and the stage are; move the aliases back to the versions of the previous \
                   release with `aws lambda update-alias`, and the stage to its deployment with `aws apigateway update-stage`, \
                   then run again")
    };
    revert(engine, lock, observed, &verifier, &release).await.with_context(stuck)?;
    let reason = "its run ended in the middle";
    release.reason = Some(release.reason.map_or(reason.to_owned(), |before| format!("{before}; {reason}")));
    release.state = if began { ReleaseState::Reverted } else { ReleaseState::Failed };
    lock.end(&release, None).await?;
    let back = match release.previous {
        0 if release.kind == ReleaseKind::Adopt => "what was in use before the first release".to_owned(),
        0 => "the placeholder".to_owned(),
        previous => format!("release {previous}"),
    };
    engine.events.progress("Recovered", &format!("release {release}, which was unfinished: {back} is live"));
    Ok(Recovered::WentBack)
}

/// Notes the versions that the dead run made: also one whose number it could not record any more. If they cannot be listed now, the next
/// release of the function finds it.
async fn note_made(engine: &Engine<'_>, lock: &AcquiredLock, observed: &Observed, release: &Release) {
    let mut made = observed.ledger.made.clone().with(release);
    for (key, publishing) in &release.publishing {
        let Some(function) = observed.functions.get(key) else { continue };
        if let Ok(versions) = engine.aws.reader.lambda.versions(&function.resource.name).await {
            let versions = versions.iter().filter(|version| may_be_of(release, &version.modified));
            made.claim(key, publishing, versions.map(candidate));
        }
    }
    if made != observed.ledger.made {
        lock.note_made(made);
    }
}

/// A rollback is as stable as what it restores.
async fn restored_is_stable(lock: &AcquiredLock, release: &Release) -> Result<bool> {
    match (release.kind, release.back_to) {
        (ReleaseKind::Rollback, Some(root)) => {
            Ok(lock.ledger().release(root).await?.is_some_and(|restored| restored.stable))
        }
        _ => Ok(true),
    }
}

/// Whether every part of the release takes all of its traffic. A function that the release did not know plays no role.
fn is_live(observed: &Observed, release: &Release) -> bool {
    let parts = observed.parts();
    let whole = |key: &String| observed.functions.get(key).is_some_and(|function| function.alias.weights.is_empty());
    let mut functions = release.parts.functions.iter();
    // Nor does an API that it did not know.
    (release.parts.deployment.is_none() || parts.deployment == release.parts.deployment)
        && functions.all(|(key, part)| parts.functions.get(key) == Some(part) && whole(key))
}
