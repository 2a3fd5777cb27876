//! The way back: what a failed release moved goes to where it was, in reverse order, the stage first.

use anyhow::{Context as _, Result};

use super::Run;
use super::step::{alias_to, move_stage};
use crate::ledger::Release;

/// Takes back what the release moved. What moved is read, not remembered: a call whose reply was lost counts too.
/// Answers whether anything had moved.
///
/// # Errors
/// Something could not be moved back: the environment serves a mixture, and the error says of what.
pub async fn take_back(run: &Run<'_>, release: &Release) -> Result<bool> {
    let stage = stage_back(run, release).await?;
    let mut moved = stage;
    for (key, function) in &run.observed.functions {
        let (Some(new), Some(old)) = (release.parts.functions.get(key), release.previous_parts.functions.get(key))
        else {
            continue;
        };
        if new.version == old.version {
            continue;
        }
        let (name, alias) = (&function.resource.name, &function.resource.alias);
        let found = run.session.lambda.alias(name, alias).await?;
        if found.version == new.version {
            alias_to(run, function, &old.version, &found.revision).await.context("failed to take the release back")?;
            moved = true;
        }
    }
    Ok(moved)
}

async fn stage_back(run: &Run<'_>, release: &Release) -> Result<bool> {
    let (new, old) = (&release.parts.deployment, &release.previous_parts.deployment);
    let api = &run.observed.ledger.contract.api;
    if new == old || run.session.api.stage(&api.rest_api_id, &api.stage).await?.deployment != *new {
        return Ok(false);
    }
    move_stage(run, old).await.context("failed to take the release back")?;
    Ok(true)
}
