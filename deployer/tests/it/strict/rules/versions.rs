//! Versions: Pending at first, not to be invoked or named by an alias until Active, and never deleted wholesale.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::account::Account;
use super::super::answer::Answer;
use super::functions::{Function, revision};
use super::{Exchange, aliases, code};

/// Requests reach a version for so long after its alias has left it, and for so long they fail if it is deleted then
/// (azul#7883: answers of 502 right after the switch). AWS gives no figures.
const LINGERS: Duration = Duration::from_secs(60);
const SEVERED: Duration = Duration::from_secs(2);

/// Shows a version as Pending while it is.
pub(super) fn state(account: &Account, function: &str, version: &mut Value) {
    if account.is_pending(function, version["Version"].as_str().unwrap_or_default()) {
        version["State"] = json!("Pending");
        version["StateReason"] = json!("The function is being created.");
        version["StateReasonCode"] = json!("Creating");
    }
}

/// GetFunction, GetFunctionConfiguration and ListVersionsByFunction: states and revisions as AWS has them, and a
/// zip's address that gives that version's zip.
pub(super) async fn show(call: &Exchange<'_>) -> Result<Answer, Answer> {
    let name = call.segment(2);
    let answer = call.forward().await;
    if !answer.good() {
        return Ok(answer);
    }
    let mut shown = answer.value();
    let newest = match shows_latest(&shown) {
        true => Function::of(call, name).await?.newest(),
        false => 0,
    };
    match call.name {
        "GetFunction" => {
            correct(call.account, name, &mut shown["Configuration"], newest);
            code::address(call, &mut shown);
        }
        "ListVersionsByFunction" => {
            for version in shown["Versions"].as_array_mut().into_iter().flatten() {
                correct(call.account, name, version, newest);
            }
        }
        _ => correct(call.account, name, &mut shown, newest),
    }
    Ok(answer.with_json(&shown))
}

fn shows_latest(shown: &Value) -> bool {
    [&shown["Version"], &shown["Configuration"]["Version"], &shown["Versions"][0]["Version"]]
        .into_iter()
        .any(|version| version == "$LATEST")
}

fn correct(account: &Account, name: &str, version: &mut Value, newest: u64) {
    if version["Version"] == "$LATEST" {
        version["RevisionId"] = json!(revision(version, newest));
    }
    state(account, name, version);
}

/// Invoke: not of a Pending version, and by chance where an alias has weights.
pub(super) async fn invoke(call: &Exchange<'_>) -> Result<Answer, Answer> {
    let name = call.segment(2);
    let Some(qualifier) = call.parameter("Qualifier") else { return Ok(call.forward().await) };
    if call.account.is_pending(name, &qualifier) {
        let words = "The operation cannot be performed at this time. The function is currently in the following state: \
                     Pending";
        return Err(call.refuse(409, "ResourceConflictException", words));
    }
    if qualifier == "$LATEST" || qualifier.parse::<u64>().is_ok() {
        return Ok(call.forward().await);
    }
    let alias = call.ask(&format!("/2015-03-31/functions/{name}/aliases/{qualifier}")).await?;
    let version = call.shared.version_of(&alias);
    let target = format!("/2015-03-31/functions/{name}/invocations?Qualifier={version}");
    let (method, headers) = (call.parts.method.clone(), call.parts.headers.clone());
    Ok(call.account.send(method, &target, headers, call.body.clone()).await)
}

/// DeleteFunction. Without a version it takes everything away: no run of ours may ever send that. A version that an
/// alias names the emulator refuses itself.
pub(super) async fn delete(call: &Exchange<'_>) -> Result<Answer, Answer> {
    let name = call.segment(2);
    // `$LATEST` cannot be deleted either, and the emulator takes it for the whole.
    if let Some(version) = call.parameter("Qualifier").filter(|version| version.parse::<u64>().is_ok()) {
        let answer = call.forward().await;
        let recently = aliases::has_left(call, name, &version).is_some_and(|ago| ago < LINGERS);
        if answer.good() && recently {
            call.account.sever(name, SEVERED);
        }
        return Ok(answer);
    }
    call.shared.violate(format!("DeleteFunction of `{name}` without a version"));
    let words = format!("not authorized to perform: lambda:DeleteFunction on the whole function {name}");
    Err(call.refuse(403, "AccessDeniedException", &words))
}
