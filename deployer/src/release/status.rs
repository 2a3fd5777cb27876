//! `status`: what is live, beside what the ledger says.

use anyhow::Result;

use crate::aws::Session;
use crate::config::{Config, Environment};
use crate::observe::observe;
use crate::report::EnvironmentStatus;
use crate::verify::Url;

/// Observes one environment. Writes nothing.
pub async fn status(config: &Config, environment: &Environment) -> Result<EnvironmentStatus> {
    let session = Session::open(environment).await;
    let observed = observe(config, environment, &session).await?;
    let url = Url::open(config, environment, &observed.ledger.contract)?;
    Ok(EnvironmentStatus::new(&environment.name, &observed, &url))
}
