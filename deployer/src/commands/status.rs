//! `status`: what is live, beside what the ledger says; and whether a run has the lock.

use std::path::PathBuf;

use anyhow::Result;

use super::order::order;
use crate::artifact::{self, Checked};
use crate::aws::{AwsError, Kind, Reader};
use crate::config::Environment;
use crate::context::Context;
use crate::ledger::Ledger;
use crate::observe::{Observed, observe};
use crate::verify::reachable;

/// Observes one environment: what is there, and the URL at which it responds. Writes nothing.
pub async fn status(context: Context<'_>, environment: &Environment) -> Result<(Observed, Option<String>)> {
    let Context { config, world, .. } = context;
    let reader = Reader::open(environment, world).await;
    let observed = observe(config, environment, &reader).await?;
    let url = observed.ledger.contract.front().map(|url| reachable(environment, url)).transpose()?;
    Ok((observed, url))
}

/// The options of `status --idle`.
#[derive(Debug, Clone, Default)]
pub struct Idle {
    /// A folder that `build --out` made, which is to be released next.
    pub artifact: Option<PathBuf>,
    /// A later commit that is live is only a warning.
    pub downgrade: bool,
}

/// Verifies that no run has the lock of an environment and, where an artifact is named, that no later commit is live there.
/// Writes nothing.
///
/// # Errors
/// [`crate::failure::Exit::Locked`], naming the holder; [`crate::failure::Exit::Refused`], naming the live release.
pub async fn idle(context: Context<'_>, environment: &Environment, options: &Idle) -> Result<()> {
    let Context { config, world, events } = context;
    let manifest = options.artifact.as_deref().map(artifact::manifest).transpose()?;
    let reader = Reader::open(environment, world).await;
    let ledger = Ledger::new(&reader.table, &config.app);
    ledger.refuse_if_locked().await?;
    if let Some(manifest) = manifest {
        // Before the first apply there is no ledger yet, and no contract in it.
        let live = match ledger.live().await {
            Err(error) if error.downcast_ref::<AwsError>().is_some_and(|error| error.kind == Kind::NotFound) => None,
            live => live?,
        };
        if let Some(live) = live {
            let checked = Checked { commit: manifest.commit(), ..Checked::default() };
            order(config, &environment.name, &live, checked).await.allow(events, options.downgrade)?;
        }
    }
    Ok(())
}
