//! The simulated HTTP APIs of API Gateway (v2) and Function URLs of Lambda: those that infrastructure code made, and visits
//! through them. Both send events of payload format 2.0, an HTTP API of 1.0 too.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::REGION;
use super::url::{Backend, Invoked};
use super::wire::{Moment, Reply, Request, decoded};

/// The visitor's address, from a range for documentation (RFC 5737).
const VISITOR: &str = "203.0.113.7";

/// Those of one account.
#[derive(Clone, Debug, Default)]
pub(crate) struct HttpApis {
    account: String,
    pub(crate) apis: BTreeMap<String, HttpApi>,
    /// The aliases that have a URL, as (function, alias), by the first part of its host.
    pub(crate) urls: BTreeMap<String, FunctionUrl>,
}

/// One API, whose only stage is `$default`.
#[derive(Clone, Debug, Default)]
pub(crate) struct HttpApi {
    pub(crate) routes: Vec<HttpRoute>,
    pub(crate) variables: BTreeMap<String, String>,
}

/// A route with its integration.
#[derive(Clone, Debug)]
pub(crate) struct HttpRoute {
    /// `GET /f1/{id}`, or `$default`.
    pub(crate) key: String,
    pub(crate) function: String,
    pub(crate) alias: String,
    pub(crate) format: &'static str,
    pub(crate) authorization: &'static str,
}

/// The URL of an alias.
#[derive(Clone, Debug)]
pub(crate) struct FunctionUrl {
    pub(crate) function: String,
    pub(crate) alias: String,
    pub(crate) authorization: &'static str,
}

/// The operation's name; `None` for one that is not simulated.
pub(crate) fn name(request: &Request) -> Option<&'static str> {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    Some(match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["v2", "apis", _]) => "GetApi",
        ("GET", ["v2", "apis", _, "stages"]) => "GetStages",
        ("GET", ["v2", "apis", _, "stages", _]) => "GetStage",
        ("GET", ["v2", "apis", _, "routes"]) => "GetRoutes",
        ("GET", ["v2", "apis", _, "integrations"]) => "GetIntegrations",
        _ => return None,
    })
}

impl HttpApis {
    pub(crate) fn new(account: &str) -> Self {
        Self { account: account.to_owned(), ..Self::default() }
    }

    /// The id of the account's only API.
    pub(crate) fn only(&self) -> &str {
        self.apis.keys().next().map_or("", String::as_str)
    }

    /// Where an API responds.
    pub(crate) fn host(api: &str) -> String {
        format!("{api}.execute-api.{REGION}.amazonaws.com")
    }

    /// Where a Function URL responds.
    pub(crate) fn host_of_function(id: &str) -> String {
        format!("{id}.lambda-url.{REGION}.on.aws")
    }

    /// Whether a visit to a host is for one of these.
    pub(crate) fn knows(&self, host: &str) -> bool {
        let id = host.split('.').next().unwrap_or_default();
        self.apis.contains_key(id) || self.urls.contains_key(id)
    }

    /// Carries a request out; `None` for an operation that is not simulated.
    pub(crate) fn handle(&self, request: &Request) -> Option<Reply> {
        let (name, segments) = (name(request)?, request.segments());
        let Some(api) = self.apis.get(&segments[2]) else {
            let message = format!("Invalid API identifier specified {}:{}", self.account, segments[2]);
            return Some(Reply::error(404, "NotFoundException", &message));
        };
        Some(match name {
            "GetApi" => {
                let endpoint = format!("https://{}", Self::host(&segments[2]));
                Reply::json(200, &json!({"apiId": segments[2], "protocolType": "HTTP", "apiEndpoint": endpoint}))
            }
            "GetStages" => Reply::json(200, &json!({"items": [{"stageName": "$default", "autoDeploy": true}]})),
            "GetStage" if segments[4] != "$default" => {
                Reply::error(404, "NotFoundException", "Invalid stage identifier specified")
            }
            "GetStage" => {
                let variables = json!(api.variables);
                Reply::json(200, &json!({"stageName": "$default", "autoDeploy": true, "stageVariables": variables}))
            }
            "GetRoutes" => page(request, api.routes.iter().enumerate().map(|(index, route)| route.shown(index))),
            _ => {
                let integrations = api.routes.iter().enumerate();
                page(request, integrations.map(|(index, route)| route.integration(index, &self.account)))
            }
        })
    }

    /// The config of the URL of an alias.
    pub(crate) fn url_config(&self, function: &str, alias: &str) -> Reply {
        let found = self.urls.iter().find(|(_, url)| url.function == function && url.alias == alias);
        let Some((id, url)) = found else {
            return Reply::error(404, "ResourceNotFoundException", "The resource you requested does not exist.");
        };
        Reply::json(
            200,
            &json!({
                "FunctionUrl": format!("https://{}/", Self::host_of_function(id)),
                "FunctionArn": format!("arn:aws:lambda:{REGION}:{}:function:{function}:{alias}", self.account),
                "AuthType": url.authorization,
                "CreationTime": "2026-01-01T00:00:00.000Z",
                "LastModifiedTime": "2026-01-01T00:00:00.000Z",
                "InvokeMode": "BUFFERED",
            }),
        )
    }

    /// Responds to a visit.
    pub(crate) fn visit(&self, backend: &mut dyn Backend, request: &Request, moment: &mut Moment) -> Reply {
        let id = request.host.split('.').next().unwrap_or_default();
        match (self.apis.get(id), self.urls.get(id)) {
            (Some(api), _) => self.visit_api((id, api), backend, request, moment),
            (None, Some(url)) => visit_function(id, url, backend, request, moment),
            (None, None) => message(403, "Forbidden"),
        }
    }

    fn visit_api(
        &self,
        (id, api): (&str, &HttpApi),
        backend: &mut dyn Backend,
        request: &Request,
        moment: &mut Moment,
    ) -> Reply {
        let Some((route, parameters)) = api.route(request) else { return message(404, "Not Found") };
        if route.authorization != "NONE" && request.header("authorization").is_none() {
            let status = if route.authorization == "AWS_IAM" { 403 } else { 401 };
            return message(status, if status == 403 { "Forbidden" } else { "Unauthorized" });
        }
        let (verb, path) = route.key.split_once(' ').unwrap_or(("*", "/*"));
        let source = format!("arn:aws:execute-api:{REGION}:{}:{id}/$default/{verb}{path}", self.account);
        if !backend.permits(&route.function, &route.alias, &source) {
            return message(500, "Internal Server Error");
        }
        let mut event = match route.format {
            "1.0" => older_event((&self.account, id), (route, &parameters), request),
            _ => event((&self.account, id), &route.key, request, moment),
        };
        if !parameters.is_empty() {
            event["pathParameters"] = json!(parameters);
        }
        if !api.variables.is_empty() {
            event["stageVariables"] = json!(api.variables);
        }
        match backend.invoke(&route.function, &route.alias, &event, moment) {
            Invoked::Payload(payload) if route.format == "1.0" && payload.get("statusCode").is_none() => {
                message(500, "Internal Server Error")
            }
            Invoked::Payload(payload) => responded(&payload),
            Invoked::FunctionError | Invoked::Missing => message(500, "Internal Server Error"),
            Invoked::Throttled => message(503, "Service Unavailable"),
        }
    }
}

impl HttpApi {
    fn route(&self, request: &Request) -> Option<(&HttpRoute, Map<String, Value>)> {
        let segments: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        let of_method = |verb: &str| verb == request.method || verb == "ANY";
        let mut found: Vec<_> = self
            .routes
            .iter()
            .filter_map(|route| {
                let (verb, path) = route.key.split_once(' ').filter(|(verb, _)| of_method(verb))?;
                let (rank, parameters) = matched(path, &segments)?;
                Some((rank, verb == "ANY", route, parameters))
            })
            .collect();
        found.sort_by_key(|(rank, any, ..)| (*rank, *any));
        let first = found.into_iter().next().map(|(_, _, route, parameters)| (route, parameters));
        first.or_else(|| Some((self.routes.iter().find(|route| route.key == "$default")?, Map::new())))
    }
}

/// How many of a route's parts are parameters, and their values; a greedy one counts most.
fn matched(template: &str, segments: &[&str]) -> Option<(usize, Map<String, Value>)> {
    let (mut rank, mut parameters) = (0, Map::new());
    let parts: Vec<&str> = template.trim_matches('/').split('/').collect();
    for (index, part) in parts.iter().enumerate() {
        let segment = segments.get(index).copied()?;
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            None if *part != segment => return None,
            None => {}
            Some(name) if name.ends_with('+') => {
                parameters.insert(name.trim_end_matches('+').to_owned(), json!(segments[index..].join("/")));
                return Some((rank + 100, parameters));
            }
            Some(name) => {
                rank += 1;
                parameters.insert(name.to_owned(), json!(decoded(segment)));
            }
        }
    }
    (parts.len() == segments.len()).then_some((rank, parameters))
}

impl HttpRoute {
    fn shown(&self, index: usize) -> Value {
        json!({
            "apiKeyRequired": false, "authorizationType": self.authorization, "routeId": format!("r{index}"),
            "routeKey": self.key, "target": format!("integrations/i{index}"),
        })
    }

    fn integration(&self, index: usize, account: &str) -> Value {
        let arn = format!("arn:aws:lambda:{REGION}:{account}:function:{}:{}", self.function, self.alias);
        json!({
            "connectionType": "INTERNET", "integrationId": format!("i{index}"), "integrationMethod": "POST",
            "integrationType": "AWS_PROXY", "integrationUri": arn, "payloadFormatVersion": self.format,
            "timeoutInMillis": 30000,
        })
    }
}

/// Pages of two: a caller that reads only the first one is found out.
fn page(request: &Request, items: impl Iterator<Item = Value>) -> Reply {
    const EACH: usize = 2;
    let first: usize = request.asked("nextToken").and_then(|token| token.parse().ok()).unwrap_or_default();
    let items: Vec<Value> = items.skip(first).collect();
    let mut shown = json!({"items": items.iter().take(EACH).collect::<Vec<_>>()});
    if items.len() > EACH {
        shown["nextToken"] = json!((first + EACH).to_string());
    }
    Reply::json(200, &shown)
}

/// A response of the gateway's own.
fn message(status: u16, text: &str) -> Reply {
    Reply::json(status, &json!({ "message": text })).with("apigw-requestid", "check")
}

fn visit_function(
    id: &str,
    url: &FunctionUrl,
    backend: &mut dyn Backend,
    request: &Request,
    moment: &mut Moment,
) -> Reply {
    if url.authorization == "AWS_IAM" && request.header("authorization").is_none() {
        return Reply::json(403, &json!({ "Message": "Forbidden" }));
    }
    let event = event(("anonymous", id), "$default", request, moment);
    match backend.invoke(&url.function, &url.alias, &event, moment) {
        Invoked::Payload(payload) => responded(&payload),
        Invoked::Throttled => Reply::json(429, &json!({"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded"})),
        Invoked::FunctionError | Invoked::Missing => Reply::json(502, &json!({ "Message": "Internal Server Error" })),
    }
}

/// What a function returned, as a response: what has no status is the body of one that succeeded.
fn responded(payload: &Value) -> Reply {
    let Some(status) = payload.get("statusCode") else { return Reply::json(200, payload) };
    let status = status.as_u64().or_else(|| status.as_str()?.parse().ok()).unwrap_or(500);
    let mut reply = Reply::empty(u16::try_from(status).unwrap_or(500));
    for (name, value) in payload["headers"].as_object().into_iter().flatten() {
        if let Some(value) = value.as_str() {
            reply = reply.with(&name.to_lowercase(), value);
        }
    }
    payload["body"].as_str().unwrap_or_default().as_bytes().clone_into(&mut reply.body);
    reply
}

/// Payload format 2.0.
fn event((account, id): (&str, &str), route: &str, request: &Request, moment: &Moment) -> Value {
    let query: Vec<String> = request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut headers: Map<String, Value> =
        request.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    headers.insert("host".to_owned(), json!(request.host));
    headers.insert("x-forwarded-for".to_owned(), json!(VISITOR));
    let mut event = json!({
        "version": "2.0", "routeKey": route, "rawPath": request.path, "rawQueryString": query.join("&"), "headers": headers,
        "requestContext": {
            "accountId": account, "apiId": id, "domainName": request.host, "domainPrefix": id,
            "http": {
                "method": request.method, "path": request.path, "protocol": "HTTP/1.1", "sourceIp": VISITOR,
                "userAgent": request.header("user-agent").unwrap_or_default(),
            },
            "requestId": "visit", "routeKey": route, "stage": "$default", "timeEpoch": moment.timestamp().as_millisecond(),
        },
        "isBase64Encoded": false,
    });
    if !request.query.is_empty() {
        let mut joined = BTreeMap::<&str, Vec<&str>>::new();
        for (name, value) in &request.query {
            joined.entry(name).or_default().push(value);
        }
        let joined = joined.into_iter().map(|(name, values)| (name.to_owned(), json!(values.join(","))));
        event["queryStringParameters"] = Value::Object(joined.collect());
    }
    event
}

/// Payload format 1.0, as an HTTP API sends it.
fn older_event(
    (account, id): (&str, &str),
    (route, parameters): (&HttpRoute, &Map<String, Value>),
    request: &Request,
) -> Value {
    let resource = route.key.split_once(' ').map_or("$default", |(_, path)| path);
    let query: Map<String, Value> = request.query.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({
        "version": "1.0", "resource": resource, "path": request.path, "httpMethod": request.method,
        "headers": {"Host": request.host}, "queryStringParameters": query, "pathParameters": parameters,
        "requestContext": {"accountId": account, "apiId": id, "stage": "$default", "identity": {"sourceIp": VISITOR}},
    })
}
