//! `unlock`: frees a lock whose holder is known to be dead, without waiting for its lease.

use anyhow::Result;

use crate::aws::Writer;
use crate::config::Environment;
use crate::context::Context;
use crate::ledger::{Holder, Ledger, Release};
use crate::observe::recall;

/// What was freed.
#[derive(Debug, Default)]
pub struct Unlocked {
    /// The run that had the lock, if one did.
    pub holder: Option<Holder>,
    /// The run that still has the lock, because the reply was "no".
    pub stays_with: Option<Holder>,
    /// The release that they left unfinished.
    pub unfinished: Option<Release>,
}

/// Shows which run has the lock, asks for confirmation, and frees it. The fencing token grows: the old holder can move nothing any more.
///
/// # Errors
/// There is no terminal to confirm it, or the lock changed hands in between.
pub async fn unlock(context: Context<'_>, environment: &Environment, force: bool) -> Result<Unlocked> {
    let Context { config, world, events } = context;
    let aws = Writer::open(environment, world).await;
    let state = recall(config, environment, &aws.reader).await?;
    let Some(holder) = &state.lock.holder else {
        return Ok(Unlocked::default());
    };
    if !force && !events.confirm(&format!("{holder} has the lock of `{}`. Free it?", environment.name), "--force")? {
        return Ok(Unlocked { stays_with: Some(holder.clone()), ..Unlocked::default() });
    }
    Ledger::new(&aws.reader.table, &config.app).unlock(&aws.table, &state.lock).await?;
    Ok(Unlocked { holder: Some(holder.clone()), stays_with: None, unfinished: state.unfinished().cloned() })
}
