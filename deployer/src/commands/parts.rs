//! Whether the parts of a release still are there: its versions, its deployment, and every alias and permission that
//! its deployment calls. Reads only.

use std::collections::BTreeMap;

use anyhow::Result;
use futures::future::try_join_all;
use futures::try_join;

use crate::aws::{AwsError, Kind, Reader, Readiness};
use crate::ledger::{Contract, Parts, Release, RestApi};
use crate::observe::arn::source_of;
use crate::observe::{permits, with_variables};
use crate::verify;

/// What of a release is gone, in words; nothing if it can be gone back to. `live` is what takes the traffic: what its deployment calls
/// is called all the time.
pub(super) async fn missing(
    reader: &Reader,
    contract: &Contract,
    live: &Parts,
    release: &Release,
) -> Result<Vec<String>, AwsError> {
    let versions = release.parts.functions.iter().map(|(key, part)| async move {
        let Some(resource) = contract.functions.get(key) else {
            return Ok(Some(format!("the stack has no function `{key}` any more")));
        };
        let name = &resource.name;
        let mut found = reader.lambda.version(name, &part.version).await;
        if found.as_ref().is_ok_and(|found| found.readiness == Readiness::Idle)
            && let Ok(awake) = verify::awake(reader, name, &part.version).await
        {
            found = Ok(awake);
        }
        match found {
            Ok(found) if found.readiness != Readiness::Ready => {
                Ok(Some(format!("version {} of `{name}` cannot be invoked", part.version)))
            }
            Ok(found) if found.code_sha256 == part.code_sha256 => Ok(None),
            Ok(_) => Ok(Some(format!("version {} of `{name}` has other code than it had", part.version))),
            Err(error) if error.kind == Kind::NotFound => {
                Ok(Some(format!("version {} of `{name}` is gone", part.version)))
            }
            Err(error) => Err(error),
        }
    });
    let deployment = async {
        let (api, id) = match (contract.rest(), &release.parts.deployment) {
            (Some(api), Some(id)) => (api, id),
            (None, None) => return Ok(None),
            (Some(_), None) => return Ok(Some("it was made before the stack had a REST API".to_owned())),
            (None, Some(_)) => return Ok(Some("the stack has no REST API any more".to_owned())),
        };
        let found = reader.api.deployment(&api.id, id).await?;
        Ok(found.is_none().then(|| format!("deployment `{id}` is gone")))
    };
    let permissions = async {
        let Some(api) = contract.rest().filter(|_| release.parts.deployment != live.deployment) else {
            return Ok(Vec::new());
        };
        let called = called(reader, api, release).await?;
        let source = |route: &str| source_of(contract, (&api.id, &api.stage), route);
        let lacking = called.iter().map(async |(called, routes)| {
            // What is neither a function's alias nor any function has no permission either.
            let Some(called) = called.split_once(':') else { return Ok(Vec::new()) };
            match is_of(contract, called) || exists(reader, called).await? {
                true => lacking(reader, &source, release, (called, routes)).await,
                false => {
                    Ok(vec![format!("alias `{}` of `{}`, which its deployment calls, is gone", called.1, called.0)])
                }
            }
        });
        try_join_all(lacking).await
    };
    let (versions, deployment, permissions) = try_join!(try_join_all(versions), deployment, permissions)?;
    Ok(versions.into_iter().chain([deployment]).flatten().chain(permissions.into_iter().flatten()).collect())
}

/// What the release's deployment calls, each with the routes that do, the stage's variables put in.
async fn called<'a>(
    reader: &Reader,
    api: &RestApi,
    release: &'a Release,
) -> Result<BTreeMap<String, Vec<&'a String>>, AwsError> {
    let by_variable = release.routes.values().any(|called| called.contains("${"));
    let variables = match by_variable {
        true => reader.api.stage(&api.id, &api.stage).await?.variables,
        false => BTreeMap::new(),
    };
    let mut all: BTreeMap<String, Vec<&String>> = BTreeMap::new();
    for (route, called) in &release.routes {
        all.entry(with_variables(called, &variables)).or_default().push(route);
    }
    Ok(all)
}

/// Whether this alias of a function is of the stack: then it is observed anyway, and has to exist.
fn is_of(contract: &Contract, called: (&str, &str)) -> bool {
    contract.functions.values().any(|function| called == (&*function.name, &*function.alias))
}

async fn exists(reader: &Reader, (name, alias): (&str, &str)) -> Result<bool, AwsError> {
    match reader.lambda.alias(name, alias).await {
        Err(error) if error.kind == Kind::NotFound => Ok(false),
        ended => ended.map(|_| true),
    }
}

/// The routes that call this alias of a function and are not permitted to.
async fn lacking(
    reader: &Reader,
    source: &impl Fn(&str) -> String,
    release: &Release,
    ((name, alias), routes): ((&str, &str), &[&String]),
) -> Result<Vec<String>, AwsError> {
    let policy = reader.lambda.policy(name, alias).await?.unwrap_or_default();
    let by_policy = routes.iter().filter(|route| !release.by_role.contains(**route));
    let lacking = by_policy.filter(|route| !permits(&policy, &source(route)));
    Ok(lacking.map(|route| format!("the permission of `{route}` to call `{name}:{alias}` is gone")).collect())
}
