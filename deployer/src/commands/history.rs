//! `history`: the newest releases of an environment.

use anyhow::Result;
use futures::try_join;

use crate::aws::Reader;
use crate::config::Environment;
use crate::context::Context;
use crate::ledger::{Ledger, Release};
use crate::observe::recall;

/// Reads the newest releases, at most `limit`, the newest first; what came before them is not read.
///
/// # Errors
/// The ledger cannot be read, or is not the one that is meant.
pub async fn history(context: Context<'_>, environment: &Environment, limit: usize) -> Result<Vec<Release>> {
    let Context { config, world, .. } = context;
    let reader = Reader::open(environment, world).await;
    let ledger = Ledger::new(&reader.table, &config.app);
    let (_, releases) = try_join!(recall(config, environment, &reader), ledger.newest(limit))?;
    Ok(releases)
}
