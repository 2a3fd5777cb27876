//! An alias: where it may point, what it keeps, and how it splits traffic.

use anyhow::{Context as _, Result};
use aws_sdk_lambda::types::{AliasRoutingConfiguration, State};

use super::versions::WRONG_REVISION;
use super::{Facts, Function, Response, zip};

pub(in crate::facts) const ALIAS: &str = "live";
/// Of how many invokes the split is counted. By chance alone all of them go one way once in 10^12 runs.
const INVOKES: usize = 40;

pub(super) async fn probe(function: &Function, first: &str, facts: &mut Facts) -> Result<()> {
    let name = &function.name;
    function.lambda.create_alias().function_name(name).name(ALIAS).function_version(first).send().await?;
    let second = to_pending(function, facts).await?;
    let wrong = function.once.update_alias().function_name(name).name(ALIAS).function_version(&second);
    let wrong = wrong.revision_id(WRONG_REVISION).send().await;
    facts.refused("alias-wrong-revision", &Response::of(&wrong), 412, "PreconditionFailedException");
    let missing = function.once.update_alias().function_name(name).name(ALIAS).function_version("999999").send().await;
    facts.refused("alias-to-missing-version", &Response::of(&missing), 404, "ResourceNotFoundException");

    let weights = AliasRoutingConfiguration::builder().additional_version_weights(first, 0.5).build();
    let split = function.lambda.update_alias().function_name(name).name(ALIAS).function_version(&second);
    split.routing_config(weights).send().await?;
    let unstated = function.lambda.update_alias().function_name(name).name(ALIAS).description("probed").send().await?;
    let kept = unstated.routing_config().and_then(|routing| routing.additional_version_weights());
    let kept = kept.and_then(|weights| weights.get(first)).copied();
    facts.holds("routing-kept", kept == Some(0.5), format!("weight of version {first}: {kept:?}"));
    executed(function, first, &second, facts).await;

    let whole = function.lambda.update_alias().function_name(name).name(ALIAS).function_version(&second);
    whole.routing_config(AliasRoutingConfiguration::builder().build()).send().await?;
    Ok(())
}

/// Uploads, publishes in the same call, and moves the alias at once.
async fn to_pending(function: &Function, facts: &mut Facts) -> Result<String> {
    let name = &function.name;
    let upload = function.lambda.update_function_code().function_name(name).publish(true);
    let published = upload.zip_file(zip("c")?.into()).send().await?;
    let version = published.version().context("UpdateFunctionCode named no version")?.to_owned();
    let moved = function.once.update_alias().function_name(name).name(ALIAS).function_version(&version).send().await;
    facts.refused("alias-to-pending", &Response::of(&moved), 409, "ResourceConflictException");
    let state = published.state();
    facts.holds("update-publish-pending", state == Some(&State::Pending), format!("state {}", shown(state)));
    function.ready(Some(&version)).await?;
    function.ready(None).await?;
    Ok(version)
}

fn shown(state: Option<&State>) -> String {
    state.map_or_else(|| "not given".to_owned(), |state| state.as_str().to_owned())
}

/// Who runs an invoke on the alias.
async fn executed(function: &Function, first: &str, second: &str, facts: &mut Facts) {
    let (mut old, mut new, mut other) = (0, 0, Vec::new());
    for _ in 0..INVOKES {
        let invoked = function.lambda.invoke().function_name(&function.name).qualifier(ALIAS).send().await;
        let ran = match &invoked {
            Ok(output) if output.function_error().is_some() => format!("it failed: {}", payload(output)),
            Ok(output) => output.executed_version().unwrap_or("none").to_owned(),
            Err(_) => Response::of(&invoked).to_string(),
        };
        match ran {
            ran if ran == first => old += 1,
            ran if ran == second => new += 1,
            ran => other.push(ran),
        }
    }
    let seen = format!(
        "{old} times version {first}, {new} times {second}{}",
        other.first().map_or_else(String::new, |ran| format!(", {} times {ran}", other.len()))
    );
    if old + new == 0 {
        facts.not_seen("weights-honoured", seen.clone());
        facts.not_seen("executed-version", seen);
        return;
    }
    facts.holds("executed-version", other.is_empty(), seen.clone());
    facts.holds("weights-honoured", old > 0 && new > 0, seen);
}

fn payload(output: &aws_sdk_lambda::operation::invoke::InvokeOutput) -> String {
    let bytes = output.payload().map(|payload| payload.as_ref().to_vec()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).chars().take(200).collect()
}
