//! Aliases name versions that exist and are Active, and at most two of them.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::super::answer::Answer;
use super::Exchange;
use super::functions::Function;

/// UpdateAlias. What is left out keeps its value, weights too; a stale RevisionId the emulator refuses itself.
pub(super) async fn update(call: &Exchange<'_>) -> Result<Answer, Answer> {
    let (name, alias) = (call.segment(2), call.segment(4));
    let _alone = call.account.alone(name).await;
    let function = Function::of(call, name).await?;
    let before = call.ask(&format!("/2015-03-31/functions/{name}/aliases/{alias}")).await?;
    let request = call.json();
    // As it would be: what is left out stays.
    let or_before = |field: &str| if request[field].is_null() { &before[field] } else { &request[field] };
    let main = or_before("FunctionVersion").as_str().unwrap_or_default();
    let weights = or_before("RoutingConfig")["AdditionalVersionWeights"].as_object().cloned().unwrap_or_default();
    let invalid = |message: &str| call.refuse(400, "InvalidParameterValueException", message);
    if weights.len() > 1 {
        return Err(invalid("Number of items in AdditionalVersionWeights cannot be greater than 1"));
    }
    named(call, name, &function, main)?;
    for (version, weight) in &weights {
        named(call, name, &function, version)?;
        if version == main {
            return Err(invalid(&format!(
                "Invalid function version {version}. Function version {version} is already included \
                 in routing configuration."
            )));
        }
        if main == "$LATEST" || version == "$LATEST" {
            return Err(invalid("$LATEST is not supported for an alias pointing to more than 1 version"));
        }
        if !weight.as_f64().is_some_and(|weight| (0.0..=1.0).contains(&weight)) {
            return Err(invalid(&format!("Value {weight} of AdditionalVersionWeights is not between 0.0 and 1.0")));
        }
    }
    let answer = call.forward().await;
    if answer.good() {
        let key = (name.to_owned(), alias.to_owned());
        call.account.aliases.lock().unwrap().insert(key, (before, Instant::now()));
    }
    Ok(answer)
}

/// GetAlias. What Lambda's control plane tells may be older than what it has just been told.
pub(super) async fn read(call: &Exchange<'_>) -> Answer {
    let key = (call.segment(2).to_owned(), call.segment(4).to_owned());
    let changed = call.account.aliases.lock().unwrap().get(&key).cloned();
    match changed {
        Some((before, at)) if at.elapsed() < call.shared.settings().staleness => Answer::json(200, &before),
        _ => call.forward().await,
    }
}

/// Whether the alias named this version before its last change, and how long ago that was.
pub(super) fn has_left(call: &Exchange<'_>, function: &str, version: &str) -> Option<Duration> {
    let changes = call.account.aliases.lock().unwrap();
    let left =
        changes.iter().filter(|((name, _), (before, _))| name == function && before["FunctionVersion"] == version);
    left.map(|(_, (_, at))| at.elapsed()).min()
}

/// Refuses a version that does not exist, or is not ready.
fn named(call: &Exchange<'_>, name: &str, function: &Function, version: &str) -> Result<(), Answer> {
    if version != "$LATEST" && !function.has(version) {
        let words = format!("Function not found: {}:{version}", function.arn());
        return Err(call.refuse(404, "ResourceNotFoundException", &words));
    }
    // Seen on AWS by those who moved an alias right after publishing.
    if call.account.is_pending(name, version) {
        let words = format!(
            "The operation cannot be performed at this time. The function is currently in the following state: Pending \
             ({}:{version})",
            function.arn()
        );
        return Err(call.refuse(409, "ResourceConflictException", &words));
    }
    Ok(())
}

/// The version that an alias names beside its main one, and its share.
pub(crate) fn additional(alias: &Value) -> Option<(&str, f64)> {
    let weights = alias["RoutingConfig"]["AdditionalVersionWeights"].as_object()?;
    weights.iter().find_map(|(version, weight)| Some((version.as_str(), weight.as_f64()?)))
}
