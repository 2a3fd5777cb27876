//! Reads of aliases after a change of them. What Lambda tells may for a moment be older than what it has carried out, so
//! one look that does not show the change is no proof that it did not happen.

use crate::aws::{Alias, AwsError, Session};
use crate::ledger::FunctionResource;
use crate::poll::Poll;

/// The alias, looked at until it is as expected, or as it is when it has had its time.
///
/// # Errors
/// It cannot be read.
pub async fn alias(
    session: &Session,
    resource: &FunctionResource,
    expected: impl Fn(&Alias) -> bool,
) -> Result<Alias, AwsError> {
    let FunctionResource { name, alias, .. } = resource;
    let mut poll = Poll::until_read();
    loop {
        let found = session.lambda.alias(name, alias).await?;
        if expected(&found) || poll.pause(|| format!("alias `{alias}` of `{name}` to be read")).await.is_err() {
            return Ok(found);
        }
    }
}

/// Waits until it is read as it was changed, so that whoever looks next does not take an older state for what is. That it
/// cannot be read is no failure of the change.
pub async fn seen(session: &Session, resource: &FunctionResource, changed: &Alias) {
    let _ = alias(session, resource, |found| found.revision == changed.revision).await;
}
