//! `prune`: versions and deployments that no kept release could go back to.

use anyhow::Result;
use futures::try_join;

use crate::aws::Writer;
use crate::config::Environment;
use crate::context::Context;
use crate::engine::{Dispensable, dispensable, sweep};
use crate::ledger::{Ledger, Release};
use crate::observe::recall;
use crate::retention;

/// What may go, and what went.
#[derive(Debug)]
pub struct Pruned {
    /// What may go.
    pub found: Dispensable,
    /// How much of it was removed, if it was to be.
    pub removed: Option<usize>,
}

/// Shows what may go, and with `remove` removes it.
///
/// # Errors
/// Nothing can be read. What could not be removed is not an error here: it causes a warning, and is not counted.
pub async fn prune(context: Context<'_>, environment: &Environment, remove: bool) -> Result<Pruned> {
    let Context { config, world, events } = context;
    let aws = Writer::open(environment, world).await;
    let ledger = Ledger::new(&aws.reader.table, &config.app);
    let kept = &config.retention;
    let is_enough = |seen: &[Release]| retention::is_enough(seen, kept.releases, kept.grace, world.now());
    let (state, history) = try_join!(recall(config, environment, &aws.reader), ledger.recent(is_enough))?;
    let found = dispensable(config, environment, &aws.reader, (&state, &history)).await?;
    let removed = match remove {
        true => Some(sweep(&aws, &state.contract, &found, events).await),
        false => None,
    };
    Ok(Pruned { found, removed })
}
