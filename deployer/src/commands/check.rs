//! `check`: the declared read-only checks, sent to what is live.

use std::time::Duration;

use anyhow::Result;

use crate::aws::{Calls, Reader};
use crate::config::Environment;
use crate::context::Context;
use crate::ledger::CheckRecord;
use crate::observe::observe;
use crate::verify::{Expected, Failed, Traffic, Verifier};

/// How the live parts responded.
#[derive(Debug)]
pub struct Checked {
    /// The checks, passed or not.
    pub checks: Vec<CheckRecord>,
    /// Where the API or the first Function URL responds, without a slash at the end; none without both.
    pub url: Option<String>,
    /// Every call of AWS.
    pub calls: Calls,
}

/// Sends every read-only check, through the URL where it can be sent there. The live parts must respond, some times in a row.
///
/// # Errors
/// The environment cannot be observed. A check that fails is not an error here: its record has the reason.
pub async fn check(context: Context<'_>, environment: &Environment) -> Result<Checked> {
    let Context { config, world, events } = context;
    config.refuse_unreadable()?;
    let reader = Reader::open(environment, world).await;
    let observed = observe(config, environment, &reader).await?;
    observed.refuse_unsendable(config, environment)?;
    let verifier = Verifier::new(config, environment, &observed, &reader)?.patient_for(Duration::from_secs(10));
    let versions = observed.functions.iter().map(|(key, function)| (key.clone(), function.alias.version.clone()));
    let deployment = observed.api.as_ref().and_then(|api| api.stage.mark.clone());
    let expected = Expected { versions: versions.collect(), deployment, ..Expected::default() };
    let checks: Vec<_> = config.reading_checks(environment).map(|check| (check, expected.clone())).collect();
    let results = verifier.all(&checks, Traffic::Switched, 0, "live").await;
    let record = |result: Result<CheckRecord, Box<Failed>>| match result {
        Ok(record) => record,
        Err(failed) => {
            events.check_failed(&failed);
            failed.record
        }
    };
    let records = results.into_iter().map(record);
    Ok(Checked { checks: records.collect(), url: verifier.base().map(str::to_owned), calls: reader.calls })
}
