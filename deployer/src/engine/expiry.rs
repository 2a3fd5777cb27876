//! Whether the credentials last as long as the release moves and watches traffic.

use std::time::Duration;

use anyhow::Result;
use jiff::SignedDuration;

use super::Engine;
use crate::config::Traffic;
use crate::failure::Failure;

/// The least time that a release needs before and after its shift.
const AROUND: Duration = Duration::from_secs(60);

/// Refuses a shift that would outlast the credentials: it could neither go on nor go back. Where their end is not known, as for
/// those in environment variables, the release starts.
///
/// # Errors
/// They end too early, and that is not to be ignored.
pub(super) async fn outlasts(engine: &Engine<'_>, traffic: &Traffic, ignore: bool) -> Result<()> {
    let lasts = traffic.shift.lasts() + traffic.watch;
    if ignore || lasts.is_zero() {
        return Ok(());
    }
    let Some(end) = engine.reader().credentials_end().await else { return Ok(()) };
    let left = end.duration_since(engine.world().now());
    if left >= SignedDuration::try_from(lasts + AROUND).unwrap_or(SignedDuration::MAX) {
        return Ok(());
    }
    Err(Failure::refused(format!(
        "the credentials expire in {} s, but this release moves and watches traffic for {} s",
        left.as_secs().max(0),
        lasts.as_secs()
    ))
    .hint("log in again or assume the role for a longer session, or pass `--ignore-expiry` to start anyway; nothing was changed")
    .into())
}
