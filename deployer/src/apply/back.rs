//! The way back: what a failed release moved goes to where it was, in reverse order, the stage first.

use anyhow::{Result, bail, ensure};

use super::Run;
use super::step::{alias_to, move_stage};
use crate::ledger::Release;
use crate::observe::ObservedFunction;

/// Takes back what the release moved. What moved is read, not remembered: a call whose reply was lost counts too.
///
/// # Errors
/// Something could not be moved back, or is where neither release put it: the environment serves a mixture, and the
/// error says of what. Everything else was moved back all the same.
pub async fn take_back(run: &Run<'_>, release: &Release) -> Result<()> {
    let mut stuck = Vec::new();
    stuck.extend(stage_back(run, release).await.err());
    for (key, function) in &run.observed.functions {
        let parts = (release.parts.functions.get(key), release.previous_parts.functions.get(key));
        if let (Some(new), Some(old)) = parts
            && new.version != old.version
        {
            stuck.extend(alias_back(run, function, &new.version, &old.version).await.err());
        }
    }
    let words: Vec<String> = stuck.iter().map(|error| format!("{error:#}")).collect();
    if words.is_empty() { Ok(()) } else { bail!(words.join("; ")) }
}

async fn alias_back(run: &Run<'_>, function: &ObservedFunction, new: &str, old: &str) -> Result<()> {
    let (name, alias) = (&function.resource.name, &function.resource.alias);
    let found = run.session.lambda.alias(name, alias).await?;
    if found.version == old {
        return Ok(());
    }
    ensure!(found.version == new, "alias `{alias}` of `{name}` names version {}, which is neither's", found.version);
    alias_to(run, function, old, &found.revision).await
}

async fn stage_back(run: &Run<'_>, release: &Release) -> Result<()> {
    let (new, old) = (&release.parts.deployment, &release.previous_parts.deployment);
    let api = &run.observed.ledger.contract.api;
    if new == old {
        return Ok(());
    }
    let found = run.session.api.stage(&api.rest_api_id, &api.stage).await?.deployment;
    if found == *old {
        return Ok(());
    }
    ensure!(found == *new, "stage `{}` serves deployment `{found}`, which is neither's", api.stage);
    move_stage(run, old).await
}
