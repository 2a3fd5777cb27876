//! The URL of a stage: visits go to the definition in the stage's deployment, and to the alias that it names.

mod address;
mod event;
mod reply;
mod route;
mod served;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::Value;

use super::apigateway::{ApiGateway, Definition, Fault, Integration, Knobs, Route, Stage, is_local_visit};
use super::wire::{Moment, Reply, Request};
use address::Address;
use event::Visit;
use route::{Found, Target};
use served::Served;

/// The functions behind a stage.
pub(crate) trait Backend {
    /// Invokes a function through an alias or a version; an empty qualifier is none.
    fn invoke(&mut self, function: &str, qualifier: &str, event: &Value, moment: &mut Moment) -> Invoked;

    /// Whether the function's resource policy lets API Gateway invoke that alias or version for
    /// `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH`, with `*` for a parameter of the path.
    fn permits(&self, function: &str, qualifier: &str, source_arn: &str) -> bool;
}

/// What came of an invocation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Invoked {
    /// What the function returned.
    Payload(Value),
    /// It failed, or did not return in time.
    FunctionError,
    /// There is no such function, alias or version.
    Missing,
    /// Its concurrency is used up.
    Throttled,
}

const FORBIDDEN: Fault = fault("ACCESS_DENIED", "ForbiddenException", 403, "Forbidden");
const FIREWALL: Fault = fault("WAF_FILTERED", "ForbiddenException", 403, "Forbidden");
const NO_KEY: Fault = fault("INVALID_API_KEY", "ForbiddenException", 403, "Forbidden");
const NO_TOKEN: Fault = fault("UNAUTHORIZED", "UnauthorizedException", 401, "Unauthorized");
const THROTTLED: Fault = fault("THROTTLED", "TooManyRequestsException", 429, "Too Many Requests");
/// For a route that the deployment does not have, and for a request without a signature where one is needed.
const NO_ROUTE: Fault =
    fault("MISSING_AUTHENTICATION_TOKEN", "MissingAuthenticationTokenException", 403, "Missing Authentication Token");
const MISCONFIGURED: Fault =
    fault("API_CONFIGURATION_ERROR", "InternalServerErrorException", 500, "Internal server error");
/// The function failed, or what it returned is malformed.
const BROKEN: Fault = fault("DEFAULT_5XX", "InternalServerErrorException", 502, "Internal server error");

const fn fault(kind: &'static str, code: &'static str, status: u16, message: &'static str) -> Fault {
    Fault { kind, code, status, message }
}

/// Whether a request is for a stage's URL: by its host, by a custom domain, or by its path as on the local AWS.
pub(crate) fn is_visit(gateway: &ApiGateway, request: &Request) -> bool {
    request.host.contains(".execute-api.") || gateway.domains.contains_key(&request.host) || is_local_visit(request)
}

/// Responds to a visit.
pub(crate) fn visit(
    gateway: &mut ApiGateway,
    backend: &mut dyn Backend,
    request: &Request,
    moment: &mut Moment,
) -> Reply {
    let id = event::uuid(moment);
    let reply = served_by(gateway, backend, request, moment);
    let reply = reply.unwrap_or_else(|(definition, fault)| definition.refusal(fault));
    // A response for an unknown stage has ids too.
    reply.with("x-amzn-requestid", &id).with("x-amz-apigw-id", &event::extended_id(moment))
}

/// A failure, and the definition with its gateway responses.
type Refused = (Arc<Definition>, Fault);

fn served_by(
    gateway: &mut ApiGateway,
    backend: &mut dyn Backend,
    request: &Request,
    moment: &mut Moment,
) -> Result<Reply, Refused> {
    let nowhere = || (Arc::new(Definition::default()), FORBIDDEN);
    let address = Address::of(gateway, request).ok_or_else(nowhere)?;
    let caller =
        format!("arn:aws:execute-api:{}:{}:{}/{}", gateway.region, gateway.account, address.api, address.stage);
    let (lag, account) = (gateway.rules.propagation, gateway.account.clone());
    let api = gateway.apis.get_mut(&address.api).ok_or_else(nowhere)?;
    let stage = api.stages.get_mut(&address.stage).ok_or_else(nowhere)?;
    let served = Served::by(stage, &api.snapshots, lag, moment).ok_or_else(nowhere)?;
    let refused = |fault| (Arc::clone(&served.definition), fault);
    if address.is_default && served.definition.disable_execute_api_endpoint {
        return Err(refused(FORBIDDEN));
    }
    let Knobs { firewall, throttled } = stage.knobs;
    if strikes(firewall, moment) {
        return Err(refused(FIREWALL));
    }
    let found = route::find(&served.definition, &request.method, &address.route).ok_or_else(|| refused(NO_ROUTE))?;
    authorized(found.route, request).map_err(refused)?;
    let key = request.header("x-api-key");
    if found.route.api_key_required && !key.is_some_and(|key| api.api_keys.contains(key)) {
        return Err(refused(NO_KEY));
    }
    if strikes(throttled, moment) || !admitted(stage, &served, &found, moment) {
        return Err(refused(THROTTLED));
    }
    let visit = Visit { account: &account, request, address: &address, served: &served, found: &found };
    let key = format!("{} {}", request.method, address.route);
    if let Some(reply) = served::cached(stage, &key, moment.now) {
        return Ok(reply);
    }
    let reply = integrated(visit, &caller, backend, moment).map_err(refused)?;
    if let Some(time) = served.cached_for(&found.route.path, &found.route.method).filter(|_| reply.status < 300) {
        stage.cached.insert(key, (moment.now + time, reply.clone()));
    }
    Ok(reply)
}

/// Whether something of this share happens now. Chance is asked only where it decides.
fn strikes(share: f64, moment: &mut Moment) -> bool {
    share > 0.0 && moment.chance.f64() < share
}

/// Who may come in: signatures are not looked at, just whether there is one.
fn authorized(route: &Route, request: &Request) -> Result<(), Fault> {
    let token = request.header("authorization");
    match route.authorization.as_str() {
        "AWS_IAM" if !token.is_some_and(|token| token.starts_with("AWS4-HMAC-SHA256 ")) => Err(NO_ROUTE),
        "CUSTOM" | "COGNITO_USER_POOLS" if token.is_none() => Err(NO_TOKEN),
        _ => Ok(()),
    }
}

fn admitted(stage: &mut Stage, served: &Served, found: &Found<'_>, moment: &Moment) -> bool {
    let limit = served.limit(&found.route.path, &found.route.method);
    limit.is_none_or(|limit| stage.buckets.take(limit, moment.now).is_ok())
}

/// What the method's integration responds.
fn integrated(visit: Visit<'_>, caller: &str, backend: &mut dyn Backend, moment: &mut Moment) -> Result<Reply, Fault> {
    let Visit { request, served, found, .. } = visit;
    if found.route.integration == Integration::Mock {
        return Ok(Reply::empty(200).with("content-type", "application/json"));
    }
    let target = Target::of(&found.route.integration, &served.variables).ok_or(MISCONFIGURED)?;
    let Target { function, qualifier, by_role } = &target;
    let source = format!("{caller}/{}{}", request.method, route::source_path(&found.route.path));
    if !by_role && !backend.permits(function, qualifier, &source) {
        return Err(MISCONFIGURED);
    }
    let event = event::of(visit, moment);
    match backend.invoke(function, qualifier, &event, moment) {
        Invoked::Payload(payload) => reply::of(&served.definition, request, &payload).ok_or(BROKEN),
        Invoked::FunctionError => Err(BROKEN),
        // A throttled function is a 5XX to the visitor.
        Invoked::Missing | Invoked::Throttled => Err(MISCONFIGURED),
    }
}
