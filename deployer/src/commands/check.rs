//! `check`: the declared read-only checks, sent to what is live.

use std::time::Duration;

use anyhow::Result;
use futures::future::join_all;

use crate::aws::{Calls, Reader};
use crate::config::{Check, Environment};
use crate::context::Context;
use crate::ledger::CheckRecord;
use crate::observe::observe;
use crate::verify::{Expected, Url};

/// How the live parts responded.
#[derive(Debug)]
pub struct Checked {
    /// The checks, passed or not.
    pub checks: Vec<CheckRecord>,
    /// Where the stage responds, without a slash at the end.
    pub url: String,
    /// Every call of AWS.
    pub calls: Calls,
}

/// Sends every read-only check through the URL. The live parts must answer them, all in a row.
///
/// # Errors
/// The environment cannot be observed. A check that fails is no error here: the record says so.
pub async fn check(context: Context<'_>, environment: &Environment) -> Result<Checked> {
    let Context { config, world, .. } = context;
    let reader = Reader::open(environment, world).await;
    let observed = observe(config, environment, &reader).await?;
    let url = Url::for_checks(config, environment, &observed, world)?.patient_for(Duration::from_secs(10));
    let versions = observed.functions.iter().map(|(key, function)| (key.clone(), function.alias.version.clone()));
    let expected =
        Expected { versions: versions.collect(), deployment: observed.stage.mark.clone(), ..Expected::default() };
    let reading: Vec<&Check> = config.checks.iter().filter(|check| !check.writes).collect();
    let results = join_all(reading.iter().map(|check| url.settle(check, &expected, "live"))).await;
    let records = results.into_iter().map(|result| result.unwrap_or_else(|failed| failed.record));
    Ok(Checked { checks: records.collect(), url: url.base().to_owned(), calls: reader.calls })
}
