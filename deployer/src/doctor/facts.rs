//! What is: everything that the findings are made of, read in two round trips. Each piece is read on its own.

use std::collections::BTreeMap;

use futures::future::join_all;
use futures::join;
use serde_json::Value;

use super::questions::questions;
use crate::aws::{
    About, Alarm, Alias, Asked as AskedOfIam, AwsError, Caller, Deployment, EventSource, FunctionUrl, Kind,
    Provisioned, Reader, Route, Stage, VersionState,
};
use crate::config::{Check, Config, Environment, PackageType};
use crate::ending::Ending as _;
use crate::ledger::{self, Contract, FunctionResource, Ledger, LedgerState};
use crate::observe::{self, ObservedHttpApi, TO_SEND_AN_EVENT, arn::function_arn};
use crate::verify::{Blame, Gateways, Invoker, RestGateway, without_api};

/// A piece of what is, or why it could not be read.
pub(super) type Fact<T> = Result<T, Unread>;

/// Why a piece could not be read.
#[derive(Debug, Clone)]
pub(super) struct Unread {
    /// It is not there, which AWS said for certain.
    pub missing: bool,
    /// What AWS said.
    pub why: String,
    /// What to do about it.
    pub fix: String,
}

/// All pieces.
pub(super) struct Facts {
    pub asked: Asked,
    pub caller: Fact<Caller>,
    pub ledger: Fact<LedgerState>,
    /// What the contract names; nothing is known of it where there is no contract.
    pub named: Option<Named>,
}

/// What the run was asked for.
pub(super) struct Asked {
    pub app: String,
    pub environment: String,
    pub region: String,
    /// The ledger's table.
    pub ledger: String,
    /// The functions of `deployer.toml`, and what it makes for each.
    pub functions: BTreeMap<String, PackageType>,
}

/// What the contract names.
pub(super) struct Named {
    /// The functions by key.
    pub functions: BTreeMap<String, Function>,
    /// None without a REST API.
    pub api: Option<Api>,
    /// None without an HTTP API.
    pub http_api: Option<Fact<ObservedHttpApi>>,
    pub alarms: Fact<Vec<Alarm>>,
    /// What the caller may do: (action, resource) -> allowed.
    pub permissions: Fact<BTreeMap<(String, String), bool>>,
    /// What the live versions respond to the declared checks that only read.
    pub checks: Vec<Tried>,
    /// How many executions at once the account has for functions without a reservation.
    pub unreserved: Fact<Option<i32>>,
}

/// A declared check, and what the live version responded to it.
pub(super) struct Tried {
    /// The check's name.
    pub name: String,
    /// The function's key.
    pub function: String,
    /// What came back, right or wrong.
    pub response: Fact<Result<String, String>>,
    /// What a request through the URL needs that it does not send, if there is such a thing.
    pub needed: Option<&'static str>,
}

/// One function.
pub(super) struct Function {
    pub resource: FunctionResource,
    pub alias: Fact<Alias>,
    /// The version behind the alias.
    pub live: Fact<VersionState>,
    /// Who may call the alias.
    pub policy: Fact<Option<Value>>,
    /// Who may call the function without an alias.
    pub bare_policy: Fact<Option<Value>>,
    pub reserved: Fact<Option<i32>>,
    pub provisioned: Fact<Option<Provisioned>>,
    /// What sends a queue's or a stream's records to it.
    pub event_sources: Fact<Vec<EventSource>>,
    /// The Function URL of the alias, if the contract names one.
    pub url: Option<Fact<Option<FunctionUrl>>>,
}

/// The API.
pub(super) struct Api {
    /// What the contract says of it.
    pub resource: ledger::RestApi,
    pub about: Fact<About>,
    pub stage: Fact<Stage>,
    /// The deployment that the stage is at.
    pub served: Fact<Option<Deployment>>,
    /// The deployment that was made with the stack, if the contract names it.
    pub initial: Option<Fact<Option<Deployment>>>,
    pub routes: Fact<Vec<Route>>,
}

/// Reads all that can be read.
pub(super) async fn gather(config: &Config, environment: &Environment, reader: &Reader) -> Facts {
    let ledger = Ledger::new(&reader.table, &config.app).with(environment.stack.as_ref());
    let (caller, ledger) = join!(reader.sts.caller(), ledger.read());
    let caller = fact(caller);
    let ledger = ledger.map_err(|error| Unread::of(&error));
    let named = match &ledger {
        Ok(state) => Some(named(config, environment, reader, &state.contract, &caller).await),
        Err(_) => None,
    };
    let asked = Asked {
        app: config.app.clone(),
        environment: environment.name.clone(),
        region: environment.region.clone(),
        ledger: environment.ledger.clone(),
        functions: config
            .functions_in(environment)
            .map(|(key, function)| (key.clone(), function.package_type()))
            .collect(),
    };
    Facts { asked, caller, ledger, named }
}

async fn named(
    config: &Config,
    environment: &Environment,
    reader: &Reader,
    contract: &Contract,
    caller: &Fact<Caller>,
) -> Named {
    let functions = contract.functions.iter().map(|(key, resource)| function(reader, key, resource));
    let about = match contract.rest() {
        Some(api) => Some(fact(reader.api.about(&api.id).await)),
        None => None,
    };
    let known = about.as_ref().and_then(|about| about.as_ref().ok());
    let (functions, api, http_api, alarms, permissions) = join!(
        join_all(functions),
        api(reader, contract, about.clone()),
        observe::http_api(reader, contract),
        reader.cloudwatch.states(&contract.alarms),
        permissions(environment, reader, contract, (caller, known)),
    );
    let functions: BTreeMap<String, Function> = functions.into_iter().collect();
    let mut named = Named {
        functions,
        api,
        http_api: http_api.transpose().map(fact),
        alarms: fact(alarms),
        permissions,
        checks: Vec::new(),
        unreserved: Ok(None),
    };
    let reading = config.reading_checks(environment);
    let checks = reading.map(|check| tried(config, reader, contract, &named, check));
    let (checks, unreserved) = join!(join_all(checks), unreserved(reader, &named));
    (named.checks, named.unreserved) = (checks, unreserved);
    named
}

/// Sends a check to the live version by Invoke: as a release does before traffic, so that it does not fail there first.
async fn tried(config: &Config, reader: &Reader, contract: &Contract, named: &Named, check: &Check) -> Tried {
    let response = async {
        let function = named.functions.get(&check.function).ok_or_else(|| Unread {
            missing: true,
            why: format!("the stack has no function `{}`", check.function),
            fix: "name a function of the stack contract in the check".to_owned(),
        })?;
        if let (None, Some(request)) = (contract.url_of(&check.function), check.request()) {
            return Err(Unread { missing: true, why: without_api(check, request), fix: TO_SEND_AN_EVENT.to_owned() });
        }
        let version = invocable(contract, named, function)?;
        let rest = named.api.as_ref().map(|api| RestGateway {
            api: api.resource.clone(),
            stage: api.stage.clone().unwrap_or_default(),
            routes: api.routes.iter().flatten().map(|route| format!("{} {}", route.method, route.path)).collect(),
        });
        let unread = || contract.http().map(ObservedHttpApi::unread);
        let http = named.http_api.as_ref().and_then(|http| http.as_ref().ok().cloned().or_else(unread));
        let invoker = Invoker::new(config, reader, contract, Gateways { rest, http });
        match invoker.before_traffic(&[check], version).await {
            Ok(records) => Ok(Ok(records.into_iter().map(|record| record.response).collect::<Vec<_>>().join("; "))),
            Err(failed) if failed.blame == Blame::Permission => {
                Err(Unread { missing: false, why: failed.record.response, fix: TO_INVOKE.to_owned() })
            }
            Err(failed) => Ok(Err(format!("{} ({})", failed.record.response, failed.blame))),
        }
    };
    let (name, function) = (check.name.clone(), check.function.clone());
    Tried { name, function, response: response.await, needed: needed(named, check) }
}

/// What a request through the URL needs that a check does not send.
fn needed(named: &Named, check: &Check) -> Option<&'static str> {
    let request = check.request()?;
    if named.functions.get(&check.function).is_some_and(|function| function.resource.url.is_some()) {
        // The finding on the URL says it.
        return None;
    }
    if let Some(Ok(http)) = &named.http_api {
        return observe::needed(&http.route(request)?.0.authorization, false);
    }
    let routes = named.api.as_ref()?.routes.as_ref().ok()?;
    let names: Vec<String> = routes.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    let path = request.bare_path();
    let found = observe::find(&names, &request.method, path)?.route;
    let route = routes.iter().zip(&names).find(|(_, name)| *name == found)?.0;
    observe::needed(&route.authorization, route.needs_key)
}

const TO_INVOKE: &str = "run this with the credentials of the role that releases";

/// The version that may be called; it is not tried where IAM says that it would be refused.
fn invocable<'a>(contract: &Contract, named: &Named, function: &'a Function) -> Result<&'a str, Unread> {
    let alias = function.alias.as_ref().map_err(Clone::clone)?;
    if alias.version.is_empty() || !alias.version.bytes().all(|byte| byte.is_ascii_digit()) {
        let why = "the alias names no published version".to_owned();
        return Err(Unread { missing: false, why, fix: "see the finding on the alias".to_owned() });
    }
    let asked = ("lambda:InvokeFunction".to_owned(), format!("{}:1", function_arn(contract, &function.resource.name)));
    match named.permissions.as_ref().ok().and_then(|responses| responses.get(&asked)) {
        Some(false) => {
            let why = "the caller may not invoke versions".to_owned();
            Err(Unread { missing: false, why, fix: TO_INVOKE.to_owned() })
        }
        _ => Ok(&alias.version),
    }
}

/// Only asked where it matters, and where IAM does not say that it would be refused.
async fn unreserved(reader: &Reader, named: &Named) -> Fact<Option<i32>> {
    let limited = named.api.iter().any(|api| api.stage.as_ref().is_ok_and(|stage| stage.burst.is_some()));
    if !limited || named.functions.values().all(|function| matches!(function.reserved, Ok(Some(_)))) {
        return Ok(None);
    }
    let asked = ("lambda:GetAccountSettings".to_owned(), "*".to_owned());
    if named.permissions.as_ref().is_ok_and(|responses| responses.get(&asked) == Some(&false)) {
        let why = "the caller may not look at the account's concurrency".to_owned();
        return Err(Unread { missing: false, why, fix: "allow `lambda:GetAccountSettings`".to_owned() });
    }
    fact(reader.lambda.unreserved().await)
}

async fn function(reader: &Reader, key: &str, resource: &FunctionResource) -> (String, Function) {
    let (lambda, name, alias) = (&reader.lambda, &resource.name, &resource.alias);
    let url = async {
        match resource.url {
            Some(_) => Some(fact(lambda.url(name, alias).await)),
            None => None,
        }
    };
    let (found, live, policy, bare_policy, reserved, provisioned, event_sources, url) = join!(
        lambda.alias(name, alias),
        lambda.version(name, alias),
        lambda.policy(name, alias),
        lambda.bare_policy(name),
        lambda.reserved(name),
        lambda.provisioned(name, alias),
        lambda.event_sources(name),
        url,
    );
    let function = Function {
        resource: resource.clone(),
        alias: fact(found),
        live: fact(live),
        policy: fact(policy),
        bare_policy: fact(bare_policy),
        reserved: fact(reserved),
        provisioned: fact(provisioned),
        event_sources: fact(event_sources),
        url,
    };
    (key.to_owned(), function)
}

async fn api(reader: &Reader, contract: &Contract, about: Option<Fact<About>>) -> Option<Api> {
    let (about, resource) = (about?, contract.rest()?);
    let id = &resource.id;
    let stage = async {
        let stage = reader.api.stage(id, &resource.stage).await;
        let served = match &stage {
            Ok(stage) => fact(reader.api.deployment(id, &stage.deployment).await),
            Err(error) => Err(Unread::from(error)),
        };
        (fact(stage), served)
    };
    let initial = async {
        match &resource.initial_deployment {
            Some(initial) => Some(fact(reader.api.deployment(id, initial).await)),
            None => None,
        }
    };
    let ((stage, served), initial, routes) = join!(stage, initial, reader.api.routes(id));
    Some(Api { resource: resource.clone(), about, stage, served, initial, routes: fact(routes) })
}

async fn permissions(
    environment: &Environment,
    reader: &Reader,
    contract: &Contract,
    (caller, about): (&Fact<Caller>, Option<&About>),
) -> Fact<BTreeMap<(String, String), bool>> {
    let caller = caller.as_ref().map_err(Clone::clone)?;
    let api = contract.rest().map(|api| format!("/restapis/{}", api.id));
    // Without tags only policies by tag are simulated wrongly, and they are refused.
    let none = BTreeMap::new();
    let tags = about.map_or(&none, |about| &about.tags);
    let asked = questions(contract, &environment.ledger);
    let asked = asked.iter().map(|question| AskedOfIam {
        action: question.action,
        resource: &question.resource,
        tags: if api.as_ref().is_some_and(|api| question.resource.contains(api)) { tags } else { &none },
    });
    let asked: Vec<_> = asked.collect();
    fact(reader.iam.simulate(&caller.arn, &asked).await)
}

fn fact<T>(read: Result<T, AwsError>) -> Fact<T> {
    read.map_err(|error| Unread::from(&error))
}

impl From<&AwsError> for Unread {
    fn from(error: &AwsError) -> Self {
        let fix = error.hint().unwrap_or("fix what the message names, then run this again").to_owned();
        Self { missing: error.kind == Kind::NotFound, why: error.to_string(), fix }
    }
}

impl Unread {
    fn of(error: &anyhow::Error) -> Self {
        let fix = error.hint().unwrap_or("fix what the message names, then run this again").to_owned();
        Self { missing: false, why: format!("{error:#}"), fix }
    }
}
