//! A stage's URL, handled as API Gateway does: through an alias that allows it, to the version that chance picks.

mod definition;
mod event;
mod permission;

use futures::join;
use serde_json::Value;

use super::name::text;
use super::reply::{Reply, decoded};
use super::rules::Exchange;
use definition::{Definition, Route};
use permission::Target;

/// A request to a stage.
pub(super) struct Request<'a> {
    pub api: &'a str,
    pub stage: &'a str,
    /// Below the stage, beginning with a slash.
    pub path: String,
}

impl<'a> Request<'a> {
    /// Takes apart `/restapis/API/STAGE/_user_request_/PATH`, or `API.execute-api.HOST/STAGE/PATH`.
    fn of(call: &'a Exchange<'_>) -> Option<Self> {
        let path = call.parts.uri.path();
        let (api, stage, rest) = match path.strip_prefix("/restapis/") {
            Some(rest) => {
                let (address, path) = rest.split_once("/_user_request_")?;
                let (api, stage) = address.split_once('/')?;
                (api, stage, path)
            }
            None => {
                let api = text(call.parts, "host")?.split('.').next()?;
                let path = path.trim_start_matches('/');
                let (stage, _) = path.split_once('/').unwrap_or((path, ""));
                (api, stage, &path[stage.len()..])
            }
        };
        let path = if rest.is_empty() { "/".to_owned() } else { rest.to_owned() };
        Some(Self { api, stage, path })
    }
}

/// Responds to a request to a stage.
pub(super) async fn serve(call: &Exchange<'_>) -> Result<Reply, Reply> {
    let forbidden = || call.refuse(403, "ForbiddenException", "Forbidden");
    let request = Request::of(call).ok_or_else(forbidden)?;
    let target = format!("/restapis/{}/stages/{}", request.api, request.stage);
    let stage = call.account.ask(&target, None).await.map_err(|_| forbidden())?;
    let definition = Definition::now(call.account, request.api).await?;
    let Some(route) = definition.route(call.parts.method.as_str(), &request.path) else {
        let kind = ("MISSING_AUTHENTICATION_TOKEN", "MissingAuthenticationTokenException");
        return Err(definition.refusal(kind, 403, "Missing Authentication Token"));
    };
    if route.integration["type"] != "AWS_PROXY" {
        // Nothing that depends on versions or aliases.
        return Ok(call.forward().await);
    }
    let event = event::of(call, &request, &stage, &definition, &route);
    Ok(through_alias(call, &request, &stage, &definition, &route, &event).await)
}

async fn through_alias(
    call: &Exchange<'_>,
    request: &Request<'_>,
    stage: &Value,
    definition: &Definition,
    route: &Route<'_>,
    event: &Value,
) -> Reply {
    let broken =
        |status, kind| definition.refusal((kind, "InternalServerErrorException"), status, "Internal server error");
    let misconfigured = || broken(500, "API_CONFIGURATION_ERROR");
    let Some(target) = Target::of(route, stage) else { return misconfigured() };
    let function = format!("/2015-03-31/functions/{}", target.function);
    let (alias, policy) = (format!("{function}/aliases/{}", target.qualifier), target.policy());
    let (alias, policy) = join!(call.account.ask(&alias, None), call.account.ask(&policy, None));
    let caller = format!("{}/{}/{}{}", request.api, request.stage, call.parts.method, route.path());
    if !policy.is_ok_and(|policy| target.allows(&policy, &caller)) {
        return misconfigured();
    }
    let version = match &alias {
        Ok(alias) => version_of(alias),
        // No alias: a version, or the function itself.
        Err(_) if target.qualifier.parse::<u64>().is_ok() => target.qualifier.clone(),
        Err(_) if target.qualifier.is_empty() => "%24LATEST".to_owned(),
        Err(_) => return misconfigured(),
    };
    let invocation = format!("{function}/invocations?Qualifier={version}");
    let (method, headers) = (hyper::Method::POST, hyper::HeaderMap::new());
    let response = call.account.send(method, &invocation, headers, event.to_string().into()).await;
    if !response.good() {
        return misconfigured();
    }
    let failed = response.header("x-amz-function-error").is_some();
    let response = (!failed).then(|| reply_of(call, definition, &response.value())).flatten();
    response.unwrap_or_else(|| broken(502, "DEFAULT_5XX"))
}

/// The version that takes this one request of an alias: with weights, by chance.
fn version_of(alias: &Value) -> String {
    let weights = alias["RoutingConfig"]["AdditionalVersionWeights"].as_object();
    let drawn =
        weights.into_iter().flatten().find(|(_, share)| share.as_f64().is_some_and(|share| fastrand::f64() < share));
    let version = drawn.map_or_else(|| alias["FunctionVersion"].as_str().unwrap_or_default(), |(version, _)| version);
    version.replace('$', "%24")
}

/// What the function's response means in HTTP; nothing if API Gateway would not accept it.
fn reply_of(call: &Exchange<'_>, definition: &Definition, payload: &Value) -> Option<Reply> {
    let status = payload.as_object()?.get("statusCode")?;
    let status = status.as_u64().or_else(|| status.as_str()?.parse().ok())?;
    let mut headers: Vec<(String, String)> = Vec::new();
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    for (name, value) in payload["headers"].as_object().into_iter().flatten() {
        headers.push((name.clone(), shown(value)));
    }
    for (name, values) in payload["multiValueHeaders"].as_object().into_iter().flatten() {
        headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        headers.extend(values.as_array().into_iter().flatten().map(|value| (name.clone(), shown(value))));
    }
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    let body = payload["body"].as_str().unwrap_or_default();
    // Text stays text, base64 or not, unless the client accepts one of the API's binary types.
    let accepted = definition.is_binary(text(call.parts, "accept").unwrap_or_default());
    let bytes = (payload["isBase64Encoded"] == true && accepted).then(|| decoded(body)).flatten();
    let body = bytes.unwrap_or_else(|| body.as_bytes().to_vec());
    Some(Reply { status: u16::try_from(status).ok()?, headers, body: body.into(), refused: None })
}
