//! What is: the ledger and the live state, read in two round trips. Writes nothing.

mod again;
pub mod arn;
mod definition;
pub mod eventually;
mod http_api;
mod packages;
mod permission;
mod route;
mod wildcard;

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use futures::{join, try_join};
use jiff::{SignedDuration, Timestamp};

use crate::aws::{Alarm, Alias, AwsError, FunctionUrl, Kind, Reader, Stage, VersionState};
use crate::config::{Config, Environment, Request};
use crate::failure::Failure;
use crate::ledger::{Contract, FunctionPart, FunctionResource, Ledger, LedgerState, Parts, RestApi};

pub use again::{Again, Listed, ListedVersion, Look, again, list, when};
pub use definition::{Definition, needed, with_variables};
pub use http_api::ObservedHttpApi;
pub use packages::refuse_other_type;
pub use permission::{GATEWAY, condition_values, invokes, lets_in, permits, texts};
pub use route::find;
pub use wildcard::matches;

/// What to do about a check that sends a request to a stack without an API.
pub const TO_SEND_AN_EVENT: &str = "send an event instead, with `event = \"FILE.json\"`; or add the API, or the `url` of the function, to the stack contract";

/// What is, at one moment.
#[derive(Debug, Clone)]
pub struct Observed {
    /// What the ledger says.
    pub ledger: LedgerState,
    /// The functions by key.
    pub functions: BTreeMap<String, ObservedFunction>,
    /// The REST API, if the stack has one.
    pub api: Option<ObservedApi>,
    /// The HTTP API, if the stack has one, or why it cannot be read: no rollback depends on it.
    pub http_api: Option<Result<ObservedHttpApi, String>>,
    /// The alarms that the contract names, or why they cannot be read: only the start of a release depends on them.
    pub alarms: Result<Vec<Alarm>, String>,
}

/// The REST API as it is.
#[derive(Debug, Clone)]
pub struct ObservedApi {
    /// What the contract says of it.
    pub resource: RestApi,
    /// Its stage.
    pub stage: Stage,
    /// Its definition as it is now, which need not be the one that the stage has.
    pub definition: Definition,
}

/// One function as it is.
#[derive(Debug, Clone)]
pub struct ObservedFunction {
    /// What the contract says of it.
    pub resource: FunctionResource,
    /// Where its alias points.
    pub alias: Alias,
    /// The version behind the alias.
    pub live: VersionState,
    /// `$LATEST`: scratch, but for its settings, which Terraform owns.
    pub latest: VersionState,
    /// The Function URL of its alias, if the contract names one, or why it cannot be read: no rollback depends on it.
    pub url: Option<Result<FunctionUrl, String>>,
}

impl Observed {
    /// What is live now.
    pub fn parts(&self) -> Parts {
        let functions = self.functions.iter().map(|(key, function)| {
            let (version, code_sha256) = (function.alias.version.clone(), function.live.code_sha256.clone());
            (key.clone(), FunctionPart { version, code_sha256 })
        });
        Parts { functions: functions.collect(), deployment: self.api.as_ref().map(|api| api.stage.deployment.clone()) }
    }

    /// The API's definition; an empty one without an API.
    pub fn definition(&self) -> Definition {
        self.api.as_ref().map(|api| api.definition.clone()).unwrap_or_default()
    }
}

impl ObservedApi {
    /// Why a response through the URL would not be the function's, if so: a check of that request says nothing there.
    pub fn obstacle(&self, request: &Request) -> Option<String> {
        let path = request.bare_path();
        let found = find(self.definition.needs.keys(), &request.method, path)?;
        match self.definition.needs.get(found.route)? {
            Some(needed) => Some(format!("it needs {needed}")),
            None if request.method == "GET" && self.stage.caches(found.path()) => {
                Some("the stage caches its responses".to_owned())
            }
            None => None,
        }
    }
}

/// Reads everything that a release of `environment` starts from, in two round trips.
///
/// # Errors
/// It cannot be read, or it does not match `deployer.toml`: another account, region, environment,
/// functions that do not fit, an alias that does not exist.
pub async fn observe(config: &Config, environment: &Environment, reader: &Reader) -> Result<Observed> {
    Box::pin(live(reader, recall(config, environment, reader).await?)).await
}

/// The first round trip: reads the ledger, and checks that it is the right one.
///
/// # Errors
/// See [`observe`].
pub async fn recall(config: &Config, environment: &Environment, reader: &Reader) -> Result<LedgerState> {
    let ledger = Ledger::new(&reader.table, &config.app).with(environment.stack.as_ref());
    let (ledger, caller) = join!(ledger.read(), reader.sts.caller());
    let caller = caller?;
    let account = caller.account;
    // Before what the ledger of another account says, or that there is none.
    if let Some(declared) = environment.stack.as_ref().filter(|declared| declared.account != account) {
        let (name, theirs) = (&environment.name, &declared.account);
        let what = format!(
            "`environments.{name}.stack.account` is `{theirs}`, but the credentials are for account `{account}`"
        );
        return Err(Failure::refused(what)
            .hint("use credentials for that account, or fix `account` in `deployer.toml`; nothing was changed")
            .into());
    }
    let ledger = ledger.with_context(|| format!("with the credentials of account `{account}`"))?;
    fits(config, environment, &ledger.contract, &account)?;
    Ok(LedgerState { caller: Some(caller.arn), ..ledger })
}

/// How long after a release an alias that does not show it is read again.
const MOMENTS: SignedDuration = SignedDuration::from_secs(60);

/// The second round trip: reads what is live. Right after a release there may be more round trips, so that an immediate rollback does
/// not report drift that does not exist.
///
/// # Errors
/// See [`observe`].
pub async fn live(reader: &Reader, ledger: LedgerState) -> Result<Observed> {
    let contract = &ledger.contract;
    let left = left(&ledger, reader.world.now());
    let part = |key: &str| left.and_then(|parts| parts.functions.get(key));
    let alarms = async { Ok(reader.cloudwatch.timed(&contract.alarms).await.map_err(|error| error.to_string())) };
    let (functions, api, http_api, alarms) = try_join!(
        try_join_all(
            contract.functions.iter().map(async |(key, resource)| {
                anyhow::Ok((key.clone(), function(reader, resource, part(key)).await?))
            })
        ),
        api(reader, contract, left.and_then(|parts| parts.deployment.as_deref())),
        async { Ok(http_api(reader, contract).await.transpose().map(|api| api.map_err(|error| error.to_string()))) },
        alarms,
    )?;
    Ok(Observed { functions: functions.into_iter().collect(), api, http_api, alarms, ledger })
}

/// The REST API, if the contract names one: its stage and its definition, side by side. `left` is the deployment at which a release
/// left it that may be too recent to be read.
async fn api(reader: &Reader, contract: &Contract, left: Option<&str>) -> Result<Option<ObservedApi>> {
    let Some(resource) = contract.rest() else { return Ok(None) };
    let found = try_join!(
        eventually::stage(reader, resource, |found| left.is_none_or(|left| left == found.deployment)),
        reader.api.definition(&resource.id),
    );
    let (stage, definition) = match found {
        Err(error) if error.kind == Kind::NotFound => {
            let what = format!("API `{}` or its stage `{}` does not exist", resource.id, resource.stage);
            let hint =
                "create them with your infrastructure code, or fix `api` in the stack contract; nothing was changed";
            return Err(anyhow::Error::from(error).context(Failure::refused(what).hint(hint)));
        }
        found => found?,
    };
    let definition = Definition::of(definition, contract, resource);
    Ok(Some(ObservedApi { resource: resource.clone(), stage, definition }))
}

/// The HTTP API, if the contract names one.
///
/// # Errors
/// It cannot be read.
pub async fn http_api(reader: &Reader, contract: &Contract) -> Result<Option<ObservedHttpApi>, AwsError> {
    let Some(resource) = contract.http() else { return Ok(None) };
    let (stage, routes) =
        try_join!(reader.http_api.stage(&resource.id, &resource.stage), reader.http_api.routes(&resource.id))?;
    Ok(Some(ObservedHttpApi { resource: resource.clone(), stage, routes }))
}

/// Where the last release left everything, if it ended so recently that a read may still show what was before: a release
/// that was not to be left what was live.
fn left(ledger: &LedgerState, now: Timestamp) -> Option<&Parts> {
    let last = ledger.last.as_ref().filter(|last| ledger.unfinished().is_none() && last.ended_within(MOMENTS, now))?;
    Some(ledger.live.as_ref().map_or(&last.previous_parts, |live| &live.parts))
}

/// One function: its alias, the version behind it and `$LATEST`, side by side. `left` is where a release left it that
/// may be too recent to be read.
async fn function(
    reader: &Reader,
    resource: &FunctionResource,
    left: Option<&FunctionPart>,
) -> Result<ObservedFunction> {
    let (name, alias) = (&resource.name, &resource.alias);
    let (mut found, mut live, latest, url) = try_join!(
        reader.lambda.alias(name, alias),
        reader.lambda.version(name, alias),
        reader.lambda.version(name, "$LATEST"),
        async { Ok(url(reader, resource).await) },
    )
    .map_err(|error| missing(error, resource))?;
    let is_left = |found: &Alias, left: &FunctionPart| found.version == left.version && found.weights.is_empty();
    if let Some(left) = left.filter(|left| !is_left(&found, left) || live.code_sha256 != left.code_sha256) {
        found = eventually::alias(reader, resource, |found| is_left(found, left)).await?;
        live = reader.lambda.version(name, &found.version).await?;
    }
    Ok(ObservedFunction { resource: resource.clone(), alias: found, live, latest, url })
}

/// Whether the alias of a function that the release leaves alone still leads to the same version, by GetFunction: of all calls it alone
/// has a rate of its own. A split of the alias in the meantime, or other settings, the next run reads.
async fn is_still(reader: &Reader, resource: &FunctionResource, known: &ObservedFunction) -> bool {
    let live = reader.lambda.version(&resource.name, &resource.alias).await;
    live.is_ok_and(|live| live.version == known.alias.version)
}

/// The Function URL of its alias, which is read only if the contract names one.
async fn url(reader: &Reader, resource: &FunctionResource) -> Option<Result<FunctionUrl, String>> {
    let (name, alias, named) = (&resource.name, &resource.alias, resource.url.as_ref()?);
    Some(match reader.lambda.url(name, alias).await {
        Ok(Some(found)) if is_of_lambda(named) && host(named) != host(&found.url) => Err(format!(
            "the Function URL of alias `{alias}` of `{name}` is {}, but the stack contract names {named}",
            found.url
        )),
        Ok(Some(found)) => Ok(found),
        Ok(None) => {
            Err(format!("alias `{alias}` of `{name}` has no Function URL, but the stack contract names {named}"))
        }
        Err(error) => Err(error.to_string()),
    })
}

/// Whether it is Lambda's own name for a Function URL, and none that was put in front of it.
fn is_of_lambda(url: &str) -> bool {
    host(url).is_some_and(|host| host.contains(".lambda-url."))
}

fn host(url: &str) -> Option<String> {
    url::Url::parse(url).ok()?.host_str().map(str::to_owned)
}

fn missing(error: AwsError, resource: &FunctionResource) -> anyhow::Error {
    let kind = error.kind;
    let error = anyhow::Error::from(error);
    match kind {
        Kind::NotFound => error.context(
            Failure::refused(format!("function `{}` or its alias `{}` does not exist", resource.name, resource.alias))
                .hint("create them with your infrastructure code, or fix the stack contract; nothing was changed"),
        ),
        _ => error,
    }
}

/// Whether the contract is the one that `deployer.toml` and the credentials mean.
fn fits(config: &Config, environment: &Environment, contract: &Contract, account: &str) -> Result<()> {
    let compared = [
        ("environment", environment.name.as_str(), contract.environment.as_str()),
        ("account", account, &contract.account),
        ("region", &environment.region, &contract.region),
    ];
    for (what, ours, theirs) in compared {
        if ours != theirs {
            return Err(Failure::refused(format!(
                "ledger `{}` belongs to {what} `{theirs}`, but this run is for `{ours}`",
                environment.ledger
            ))
            .hint("check which credentials are used, and `ledger` and `region` in `deployer.toml`; nothing was changed")
            .into());
        }
    }
    let (declared, made): (Vec<_>, Vec<_>) =
        (environment.functions.iter().collect(), contract.functions.keys().collect());
    if declared != made {
        return Err(Failure::refused(format!(
            "`deployer.toml` has the functions {declared:?}, but the stack contract of `{}` has {made:?}",
            environment.name
        ))
        .hint(
            "make the functions in `deployer.toml` and in the stack contract the same; for a function that exists only in some \
             environments, set `environments = [\"dev\"]`",
        )
        .into());
    }
    let declared = config.functions_in(environment).map(|(_, function)| function.architecture.to_string());
    let other = contract.functions.values().zip(declared).find_map(|(resource, ours)| {
        let theirs = resource.architecture.as_ref().filter(|theirs| **theirs != ours)?;
        let name = &resource.name;
        let what = format!("function `{name}` is `{theirs}` in the stack contract, but `{ours}` in `deployer.toml`");
        Some(Failure::refused(what).hint(packages::SAME_PROCESSOR))
    });
    other.map_or(Ok(()), |refused| Err(refused.into()))
}
