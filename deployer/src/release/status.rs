//! `status`: what is live, beside what the ledger says; and whether a run holds the lock.

use anyhow::Result;

use crate::aws::Session;
use crate::config::{Config, Environment};
use crate::ledger::Ledger;
use crate::observe::observe;
use crate::report::{EnvironmentStatus, IdleView};
use crate::verify::Url;

/// Observes one environment. Writes nothing.
pub async fn status(config: &Config, environment: &Environment) -> Result<EnvironmentStatus> {
    let session = Session::open(environment).await;
    let observed = observe(config, environment, &session).await?;
    let url = Url::open(config, environment, &observed.ledger.contract)?;
    Ok(EnvironmentStatus::new(&environment.name, &observed, &url))
}

/// Sees that no run holds the lock of an environment. Writes nothing.
///
/// # Errors
/// [`crate::failure::Exit::LockHeld`], naming the holder.
pub async fn idle(config: &Config, environment: &Environment) -> Result<IdleView> {
    let session = Session::open(environment).await;
    Ledger::new(&session.table, &config.app).refuse_if_held().await?;
    Ok(IdleView::new(&environment.name))
}
