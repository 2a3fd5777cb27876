//! The event that a check's request becomes: as the function's own trigger would make it, so that the function cannot
//! distinguish a check from a request.

mod http;
mod rest;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::aws::Stage;
use crate::config::Request;
use crate::ledger::{Contract, RestApi};
use crate::observe::{Observed, ObservedHttpApi, find};
use crate::world::World;

/// An address for documentation (RFC 5737): it belongs to no real client.
const NOBODY: &str = "192.0.2.1";

/// What is in front of the functions of a stack, but for their own URLs, which the contract has.
#[derive(Debug, Clone, Default)]
pub struct Gateways {
    /// The REST API.
    pub rest: Option<RestGateway>,
    /// The HTTP API.
    pub http: Option<ObservedHttpApi>,
}

/// What a REST API puts into an event.
#[derive(Debug, Clone)]
pub struct RestGateway {
    /// The API.
    pub api: RestApi,
    /// Its stage.
    pub stage: Stage,
    /// The routes of the API, as `GET /orders/{id}`.
    pub routes: Vec<String>,
}

/// An event, and what the gateway makes of what the function returns for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proxied {
    pub(super) event: Value,
    pub(super) returns: Returns,
}

/// What a function may return to its gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Returns {
    /// A response with its status, else it is an error.
    Response,
    /// The same, or any JSON: it is the body of a response with status 200.
    Anything,
}

/// What of an event is the gateway's.
struct Called<'a> {
    account: &'a str,
    api: &'a str,
    stage: &'a str,
    host: String,
    /// The route's path, with its placeholders.
    resource: String,
    parameters: BTreeMap<String, String>,
    variables: BTreeMap<String, String>,
}

impl Gateways {
    /// Those that were observed.
    pub fn of(observed: &Observed) -> Self {
        let rest = observed.api.as_ref().map(|api| RestGateway {
            api: api.resource.clone(),
            stage: api.stage.clone(),
            routes: api.definition.needs.keys().cloned().collect(),
        });
        // A rollback must not fail because this cannot be read: it accepts any event.
        let unread = || observed.ledger.contract.http().map(ObservedHttpApi::unread);
        let http = observed.http_api.as_ref().and_then(|api| api.as_ref().ok().cloned().or_else(unread));
        Self { rest, http }
    }

    /// What a request to a function becomes. `deployment` is the one that the stage is expected to have; its own if absent.
    ///
    /// # Errors
    /// Nothing would send it to the function: why, in words.
    pub(super) fn event(
        &self,
        (contract, function): (&Contract, &str),
        request: &Request,
        deployment: Option<&str>,
        world: &World,
    ) -> Result<Proxied, String> {
        if let Some(url) = contract.functions.get(function).and_then(|function| function.url.as_ref()) {
            return Ok(http::of_function_url(url, request, world));
        }
        match (&self.rest, &self.http) {
            (Some(rest), _) => Ok(rest::of_stage(rest, &contract.account, (request, deployment), world)),
            (None, Some(api)) => of_http_api(api, &contract.account, request, world),
            (None, None) => Err(format!(
                "`{request}` reaches no function: neither an API nor a Function URL sends requests to `{function}`"
            )),
        }
    }
}

/// An HTTP API sends what its integration asks for: the form of REST, or its own.
fn of_http_api(api: &ObservedHttpApi, account: &str, request: &Request, world: &World) -> Result<Proxied, String> {
    let id = &api.resource.id;
    let (route, matched) =
        api.route(request).ok_or_else(|| format!("no route of HTTP API `{id}` takes `{request}`"))?;
    let parameters = matched.parameters.iter().map(|(name, value)| ((*name).to_owned(), decoded(value).into_owned()));
    let called = Called {
        account,
        api: id,
        stage: &api.resource.stage,
        host: host(&api.resource.url),
        resource: matched.path().to_owned(),
        parameters: parameters.collect(),
        variables: api.stage.variables.clone(),
    };
    Ok(match route.format.as_str() {
        "1.0" => rest::of_http_api(&called, request, world),
        _ => http::of_http_api(&called, &route.key, request, world),
    })
}

/// A path as an HTTP API gives it to the function: decoded, where REST and Function URLs leave it as it was sent
/// (seen: <https://github.com/fastify/aws-lambda-fastify/issues/169>).
fn decoded(path: &str) -> Cow<'_, str> {
    percent_encoding::percent_decode_str(path).decode_utf8_lossy()
}

fn host(url: &str) -> String {
    let url = url::Url::parse(url).ok();
    url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}
