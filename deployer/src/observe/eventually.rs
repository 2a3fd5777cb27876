//! Reads of aliases and stages after a change of them. What AWS shows may for a moment be older than what it has carried out, so
//! one look that does not show the change is no proof that it did not happen.

use crate::aws::{Alias, AwsError, Reader, Stage};
use crate::backoff::{Backoff, Pace};
use crate::ledger::{FunctionResource, RestApi};

/// The alias, looked at until it is as expected, or as it is when it has had its time.
///
/// # Errors
/// It cannot be read.
pub async fn alias(
    reader: &Reader,
    resource: &FunctionResource,
    expected: impl Fn(&Alias) -> bool,
) -> Result<Alias, AwsError> {
    let FunctionResource { name, alias, .. } = resource;
    let mut backoff = None;
    loop {
        let found = reader.lambda.alias(name, alias).await?;
        let again =
            || Backoff::new(&reader.world, Pace::READ).waiting_for(format!("alias `{alias}` of `{name}` to settle"));
        if expected(&found) || !backoff.get_or_insert_with(again).wait().await {
            return Ok(found);
        }
    }
}

/// The stage, looked at until it is as expected, or as it is when it has had its time.
///
/// # Errors
/// It cannot be read.
pub async fn stage(reader: &Reader, api: &RestApi, expected: impl Fn(&Stage) -> bool) -> Result<Stage, AwsError> {
    let mut backoff = None;
    loop {
        let found = reader.api.stage(&api.id, &api.stage).await?;
        let again = || Backoff::new(&reader.world, Pace::READ).waiting_for(format!("stage `{}` to settle", api.stage));
        if expected(&found) || !backoff.get_or_insert_with(again).wait().await {
            return Ok(found);
        }
    }
}

/// Waits until it is read as it was changed, so that the next one who looks does not take an older state for what is. That it
/// cannot be read is no failure of the change.
pub async fn seen(reader: &Reader, resource: &FunctionResource, changed: &Alias) {
    let _ = alias(reader, resource, |found| found.revision == changed.revision).await;
}
