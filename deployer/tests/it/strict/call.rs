//! A request on the wire, under the name that AWS gives it.

use hyper::Method;
use hyper::body::Bytes;
use hyper::http::request::Parts;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// As AWS names it, as `UpdateAlias`; `URL` for a request to a stage.
    pub name: &'static str,
    /// Method and path.
    pub line: String,
    /// The body, if it was text.
    pub body: String,
}

/// The operations that may change something. Everything else only reads: [`Call::of`] refuses what it does not know.
const WRITES: [&str; 8] = [
    "TransactWriteItems",
    "UpdateFunctionCode",
    "PublishVersion",
    "UpdateAlias",
    "Invoke",
    "CreateDeployment",
    "UpdateStage",
    "URL",
];

impl Call {
    /// Whether it may change something.
    pub(crate) fn writes(&self) -> bool {
        WRITES.contains(&self.name)
    }

    /// Names a request. A panic, and so a failing test, for one that nobody has named here yet.
    pub(super) fn of(parts: &Parts, body: &Bytes) -> Self {
        let line = format!("{} {}", parts.method, parts.uri);
        let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
        let body = String::from_utf8_lossy(body).into_owned();
        let name = match target.and_then(|target| target.split_once('.')) {
            Some((_, operation)) => dynamodb(operation),
            None if body.contains("Action=GetCallerIdentity") => Some("GetCallerIdentity"),
            None => rest(&parts.method, parts.uri.path()),
        };
        Self { name: name.unwrap_or_else(|| panic!("the front knows no name for `{line}`")), line, body }
    }
}

fn dynamodb(operation: &str) -> Option<&'static str> {
    ["GetItem", "Query", "TransactWriteItems"].into_iter().find(|known| *known == operation)
}

fn rest(method: &Method, path: &str) -> Option<&'static str> {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    Some(match (method.as_str(), segments.as_slice()) {
        ("GET", [_, "functions", _]) => "GetFunction",
        ("PUT", [_, "functions", _, "code"]) => "UpdateFunctionCode",
        ("POST", [_, "functions", _, "versions"]) => "PublishVersion",
        ("POST", [_, "functions", _, "invocations"]) => "Invoke",
        ("GET", [_, "functions", _, "aliases", _]) => "GetAlias",
        ("PUT", [_, "functions", _, "aliases", _]) => "UpdateAlias",
        (_, ["restapis", _, _, "_user_request_", ..]) => "URL",
        ("GET", ["restapis", _]) => "GetRestApi",
        ("GET", ["restapis", _, "resources"]) => "GetResources",
        ("GET", ["restapis", _, "gatewayresponses"]) => "GetGatewayResponses",
        ("GET", ["restapis", _, "authorizers"]) => "GetAuthorizers",
        ("GET", ["restapis", _, "requestvalidators"]) => "GetRequestValidators",
        ("GET", ["restapis", _, "models"]) => "GetModels",
        ("GET", ["restapis", _, "stages", _]) => "GetStage",
        ("PATCH", ["restapis", _, "stages", _]) => "UpdateStage",
        ("POST", ["restapis", _, "deployments"]) => "CreateDeployment",
        _ => return None,
    })
}
