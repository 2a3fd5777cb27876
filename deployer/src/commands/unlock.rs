//! `unlock`: frees a lock whose holder is known to be dead, without waiting for its lease.

use anyhow::Result;

use crate::aws::Writer;
use crate::config::Environment;
use crate::context::Context;
use crate::failure::Failure;
use crate::ledger::Ledger;
use crate::observe::recall;
use crate::report::UnlockView;

/// Shows who holds the lock, asks, and frees it. The fence grows: the old holder can move nothing any more.
///
/// # Errors
/// Nobody confirmed it, or the lock changed hands in between.
pub async fn unlock(context: Context<'_>, environment: &Environment, force: bool) -> Result<UnlockView> {
    let Context { config, world, report } = context;
    let aws = Writer::open(environment, world).await;
    let state = recall(config, environment, &aws.reader).await?;
    let Some(holder) = &state.lock.holder else {
        return Ok(UnlockView::free(&environment.name));
    };
    if !force && !report.confirm(&format!("the lock of `{}` is held by {holder}; free it?", environment.name))? {
        return Err(Failure::refused(format!("the lock of `{}` stays with {holder}", environment.name))
            .hint("a dead run's lock ends by itself: the next deploy or rollback takes it over")
            .into());
    }
    Ledger::new(&aws.reader.table, &config.app).unlock(&aws.table, &state.lock).await?;
    Ok(UnlockView::freed(&environment.name, holder, state.unfinished()))
}
