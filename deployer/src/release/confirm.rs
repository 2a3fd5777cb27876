//! A live release that could not be judged when it was made: judged now, and stable from then on.

use anyhow::Result;
use futures::future::join_all;

use crate::failure::{Exit, Failure};
use crate::observe::Observed;
use crate::scope::Scope;
use crate::verify::{Expected, Url};

/// Sends the read-only checks to a live release that is not stable, and if they pass records that it is. "Nothing has
/// changed" is no success where what is live was never seen to be good.
///
/// # Errors
/// A check fails.
pub(super) async fn live(scope: &Scope<'_>, observed: &Observed, url: &Url) -> Result<()> {
    let Some(live) = observed.ledger.live.as_ref().filter(|live| !live.stable) else { return Ok(()) };
    let versions = live.parts.functions.iter().map(|(key, part)| (key.clone(), part.version.clone()));
    // Before the first deployment of the deployer's own, the stage has no mark.
    let deployment = observed.stage.mark.is_some().then(|| live.parts.deployment.clone());
    let expected = Expected { versions: versions.collect(), deployment, ..Expected::default() };
    let reading = scope.config.checks.iter().filter(|check| !check.writes);
    let results =
        scope.interrupt.or(async { Ok(join_all(reading.map(|check| url.settle(check, &expected, "live"))).await) });
    for result in results.await? {
        if let Err(failed) = result {
            let what = format!("nothing has changed, but release {live}, which is live, is not stable: {failed}");
            return Err(Failure::new(Exit::Error, what)
                .hint("mend what the check shows and deploy, or roll back")
                .into());
        }
    }
    let hold = scope.ledger().seize(&observed.ledger, scope.holder("confirm")).await?;
    let judged = crate::ledger::Release { stable: true, reason: None, fence: hold.fence(), ..live.clone() };
    hold.end(&judged, None).await?;
    scope.report.line("Confirmed", &format!("release {live}: its checks pass, it is stable now"));
    Ok(())
}
