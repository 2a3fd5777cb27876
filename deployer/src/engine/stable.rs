//! What is left to do where nothing is to be released: a live release that could not be verified when it was made is verified
//! now, and stable from then on; and sources that build to the live code are recorded.

use anyhow::Result;

use super::Engine;
use crate::failure::{Exit, Failure};
use crate::ledger::{ArtifactRecord, CheckRecord, Release};
use crate::observe::Observed;
use crate::verify::{Expected, Traffic, Verifier};

/// Sends the read-only checks to a live release that is not stable and, if they pass, records that it is. "Nothing has changed"
/// is not a success while what is live was never verified. Returns the release as it is now, and the checks that were sent;
/// nothing if it was stable already.
///
/// # Errors
/// A check fails.
pub(super) async fn confirm(
    engine: &Engine<'_>,
    observed: &Observed,
    verifier: &Verifier,
) -> Result<Option<(Release, Vec<CheckRecord>)>> {
    let Some(live) = observed.ledger.live.as_ref().filter(|live| !live.stable) else { return Ok(None) };
    let versions = live.parts.functions.iter().map(|(key, part)| (key.clone(), part.version.clone()));
    // Before the first deployment of the deployer's own, the stage has no mark.
    let is_marked = observed.api.as_ref().is_some_and(|api| api.stage.mark.is_some());
    let deployment = live.parts.deployment.clone().filter(|_| is_marked);
    let expected = Expected { versions: versions.collect(), deployment, ..Expected::default() };
    let checks: Vec<_> =
        engine.config.reading_checks(engine.environment).map(|check| (check, expected.clone())).collect();
    let results = engine.interrupt().or(async { Ok(verifier.all(&checks, Traffic::Switched, 0, "live").await) });
    let passed = results.await?.into_iter().collect::<Result<Vec<_>, _>>().map_err(|failed| {
        engine.events.check_failed(&failed);
        let what = format!("nothing to deploy, but the live release {live} is not stable: {failed}");
        Failure::new(Exit::Error, what).hint("fix what the check shows and deploy, or roll back")
    })?;
    engine.events.checked(&passed);
    let lock = engine
        .ledger()
        .take_over(&engine.aws.table, &observed.ledger, engine.holder(&observed.ledger, "confirm"))
        .await?;
    let checks = [&live.checks[..], &passed].concat();
    let verified = Release { stable: true, reason: None, checks, fencing_token: lock.token(), ..live.clone() };
    lock.end_or_free(&verified, None).await?;
    engine.events.progress("Confirmed", &format!("release {live}: its checks pass, it is stable now"));
    Ok(Some((verified, passed)))
}

/// Records that other sources than those of the live release were built to the very same code, or the sources of a release that
/// had none recorded: else each run would build them again. Returns whether there was anything to record.
///
/// # Errors
/// Another run has the lock, or the ledger cannot be written.
pub(super) async fn same_code(engine: &Engine<'_>, observed: &Observed, artifact: ArtifactRecord) -> Result<bool> {
    let is_other = |live: &&Release| live.artifact.functions != artifact.functions;
    let Some(live) = observed.ledger.live.as_ref().filter(is_other) else { return Ok(false) };
    let lock = engine
        .ledger()
        .take_over(&engine.aws.table, &observed.ledger, engine.holder(&observed.ledger, "record"))
        .await?;
    // The commit stays the one that the code was first built from: it identifies the release, and its age.
    let ArtifactRecord { source_hash, functions, reads, .. } = artifact;
    let artifact = ArtifactRecord { source_hash, functions, reads, ..live.artifact.clone() };
    let known = Release { artifact, fencing_token: lock.token(), ..live.clone() };
    lock.end_or_free(&known, None).await?;
    engine.events.progress("Recorded", &format!("the sources of release {live}: they make the code that is live"));
    Ok(true)
}
