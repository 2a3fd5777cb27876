//! `unlock`: frees a lock whose holder is known to be dead, without waiting for its lease.

use anyhow::Result;

use crate::aws::Writer;
use crate::config::Environment;
use crate::context::Context;
use crate::failure::Failure;
use crate::ledger::{Holder, Ledger, Release};
use crate::observe::recall;

/// What was freed.
#[derive(Debug, Default)]
pub struct Unlocked {
    /// The run that had the lock, if one did.
    pub holder: Option<Holder>,
    /// The release that they left unfinished.
    pub unfinished: Option<Release>,
}

/// Shows which run has the lock, asks for confirmation, and frees it. The fencing token grows: the old holder can move nothing any more.
///
/// # Errors
/// It was not confirmed, or the lock changed hands in between.
pub async fn unlock(context: Context<'_>, environment: &Environment, force: bool) -> Result<Unlocked> {
    let Context { config, world, events } = context;
    let aws = Writer::open(environment, world).await;
    let state = recall(config, environment, &aws.reader).await?;
    let Some(holder) = &state.lock.holder else {
        return Ok(Unlocked::default());
    };
    if !force
        && !events.confirm(&format!("the lock of `{}` is held by {holder}; free it?", environment.name), "--force")?
    {
        return Err(Failure::refused(format!("not confirmed: the lock of `{}` stays with {holder}", environment.name))
            .hint("if that run died, the next deploy or rollback takes the lock over")
            .into());
    }
    Ledger::new(&aws.reader.table, &config.app).unlock(&aws.table, &state.lock).await?;
    Ok(Unlocked { holder: Some(holder.clone()), unfinished: state.unfinished().cloned() })
}
