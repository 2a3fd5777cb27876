//! Where nothing had to be done: a live release that could not be verified when it was made is verified now, and stable
//! from then on.

use anyhow::Result;

use super::Engine;
use crate::failure::{Exit, Failure};
use crate::ledger::{CheckRecord, Release};
use crate::observe::Observed;
use crate::verify::{Expected, Traffic, Verifier};

/// Sends the read-only checks to a live release that is not stable, and if they pass records that it is. "Nothing has
/// changed" is no success where what is live was never seen to be good. Returns the release as it is now, and the checks
/// that were sent; nothing if it was stable already.
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
    let checks: Vec<_> = engine.config.reading_checks().map(|check| (check, expected.clone())).collect();
    let results = engine.interrupt().or(async { Ok(verifier.all(&checks, Traffic::Switched, 0, "live").await) });
    let passed = results.await?.into_iter().collect::<Result<Vec<_>, _>>().map_err(|failed| {
        let what = format!("nothing has changed, but release {live}, which is live, is not stable: {failed}");
        Failure::new(Exit::Error, what).hint("fix what the check shows and deploy, or roll back")
    })?;
    engine.events.checked(&passed);
    let lock = engine.ledger().take_over(&engine.aws.table, &observed.ledger, engine.holder("confirm")).await?;
    let checks = [&live.checks[..], &passed].concat();
    let verified = Release { stable: true, reason: None, checks, fencing_token: lock.token(), ..live.clone() };
    lock.end_or_free(&verified, None).await?;
    engine.events.progress("Confirmed", &format!("release {live}: its checks pass, it is stable now"));
    Ok(Some((verified, passed)))
}
