//! Reads of aliases and stages after a change of them. What AWS shows may for a moment be older than what it has carried out, so
//! one read without the change does not prove that it did not happen.

use crate::aws::{Alias, AwsError, Reader, Stage};
use crate::backoff::{Backoff, Pace};
use crate::ledger::{FunctionResource, RestApi};

/// Reads the alias until it is as expected, or until the time is up.
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
        let again = || {
            Backoff::new(&reader.world, Pace::READ).waiting_for(format!("alias `{alias}` of `{name}` to stop changing"))
        };
        if expected(&found) || !backoff.get_or_insert_with(again).wait().await {
            return Ok(found);
        }
    }
}

/// Reads the stage until it is as expected, or until the time is up.
///
/// # Errors
/// It cannot be read.
pub async fn stage(reader: &Reader, api: &RestApi, expected: impl Fn(&Stage) -> bool) -> Result<Stage, AwsError> {
    let mut backoff = None;
    loop {
        let found = reader.api.stage(&api.id, &api.stage).await?;
        let again =
            || Backoff::new(&reader.world, Pace::READ).waiting_for(format!("stage `{}` to stop changing", api.stage));
        if expected(&found) || !backoff.get_or_insert_with(again).wait().await {
            return Ok(found);
        }
    }
}

/// Waits until reads show the change, so that the next reader does not get an older state. A failed read does not fail the
/// change.
pub async fn seen(reader: &Reader, resource: &FunctionResource, changed: &Alias) {
    let _ = alias(reader, resource, |found| found.revision == changed.revision).await;
}
