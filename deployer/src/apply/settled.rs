//! Reads of aliases after a change of them. What Lambda tells may for a moment be older than what it has carried out, so
//! one look that does not show the change is no proof that it did not happen.

use std::time::{Duration, Instant};

use crate::aws::{Alias, AwsError, Session};
use crate::ledger::FunctionResource;

/// Longer than a read lags. AWS gives no figure; the safe state after a signal has to be reached within 7 s.
const WITHIN: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(100);

/// The alias, looked at until it is as expected, or as it is when it has had its time.
pub(super) async fn alias(
    session: &Session,
    resource: &FunctionResource,
    expected: impl Fn(&Alias) -> bool,
) -> Result<Alias, AwsError> {
    let mut time = Time::default();
    loop {
        let found = session.lambda.alias(&resource.name, &resource.alias).await?;
        if expected(&found) || time.is_over().await {
            return Ok(found);
        }
    }
}

/// Waits until it is read as it was changed, so that whoever looks next does not take an older state for what is. That it
/// cannot be read is no failure of the change.
pub(super) async fn seen(session: &Session, resource: &FunctionResource, changed: &Alias) {
    let _ = alias(session, resource, |found| found.revision == changed.revision).await;
}

/// How long has been waited for reads to settle.
#[derive(Debug)]
pub(super) struct Time(Instant);

impl Default for Time {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Time {
    /// Waits a little, unless that has been done for long enough.
    pub(super) async fn is_over(&mut self) -> bool {
        let over = self.0.elapsed() >= WITHIN;
        if !over {
            tokio::time::sleep(PAUSE).await;
        }
        over
    }
}
