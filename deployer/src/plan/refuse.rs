//! What a plan refuses before anything is changed.

use anyhow::Result;

use crate::failure::Failure;
use crate::ledger::{FunctionResource, Release};
use crate::observe::Observed;

/// The alias of a function that no release contains yet has to name one published version. Else an upload would put unchecked code into
/// full traffic (`$LATEST`), or the split of its traffic would be lost.
pub(super) fn first_contact(live: Option<&Release>, observed: &Observed) -> Result<()> {
    let is_new = |key: &String| live.is_none_or(|live| !live.parts.functions.contains_key(key));
    for (_, function) in observed.functions.iter().filter(|(key, _)| is_new(key)) {
        let FunctionResource { name, alias, .. } = &function.resource;
        let (what, hint) = match function.alias.version.as_str() {
            "$LATEST" => ("points to `$LATEST`", "publish a version and point the alias at it"),
            _ if !function.alias.weights.is_empty() => ("splits its traffic", "point the alias at one version"),
            _ => continue,
        };
        return Err(Failure::refused(format!(
            "alias `{alias}` of `{name}` {what}: its first release needs one published version"
        ))
        .hint(format!("{hint} (`aws lambda update-alias`), then run again; nothing was changed"))
        .into());
    }
    Ok(())
}

/// If AWS shows an error instead of a setting, a change to that setting would go unnoticed. And a function behind a trigger that is
/// missing or unknown could not be checked the way its callers use it.
pub(super) fn unreadable(observed: &Observed) -> Result<()> {
    let urls = observed.functions.values().filter_map(|function| function.url.as_ref()?.as_ref().err());
    let api = observed.http_api.as_ref().and_then(|api| api.as_ref().err());
    if let Some(why) = urls.chain(api).next() {
        return Err(Failure::refused(why.clone())
            .hint("create it with your infrastructure code (a Function URL of the alias, not of the function), or fix the stack contract or the policy of the role; nothing was changed")
            .into());
    }
    for function in observed.functions.values() {
        for version in [&function.latest, &function.live] {
            let Some((what, code)) = version.settings.unreadable() else { continue };
            let name = &function.resource.name;
            return Err(Failure::refused(format!(
                "`{what}` of `{name}:{}` cannot be read ({code}), so a change to it would go unnoticed",
                version.version
            ))
            .hint("give the role `kms:Decrypt` on the key that encrypts the function's variables; nothing was changed")
            .into());
        }
    }
    Ok(())
}

/// Lambda takes two versions behind one alias only with the same execution role and the same dead-letter queue
/// (<https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html>).
pub(super) fn what_cannot_share(observed: &Observed) -> Result<()> {
    for function in observed.functions.values() {
        let changed = function.latest.settings.differences(&function.live.settings);
        let Some(what) = changed.iter().find(|name| *name == "Role" || name.starts_with("DeadLetterConfig.")) else {
            continue;
        };
        return Err(Failure::refused(format!(
            "`{what}` of `{}` has changed: Lambda does not split traffic between versions that differ in it",
            function.resource.name
        ))
        .hint("release it with `--at-once`: all traffic moves in one step; nothing was changed")
        .into());
    }
    Ok(())
}

/// A canary of the stage takes a part of the requests, independent of the deployment that the stage is moved to.
pub(super) fn canary_of_stage(observed: &Observed) -> Result<()> {
    let Some(api) = &observed.api else { return Ok(()) };
    let Some(deployment) = &api.stage.canary else { return Ok(()) };
    let stage = &api.resource.stage;
    Err(Failure::refused(format!("API Gateway sends part of the traffic of stage `{stage}` to deployment `{deployment}`: the stage has a canary of its own"))
        .hint("promote or delete the canary of the stage in API Gateway, then run again; nothing was changed")
        .into())
}
