//! What a request to AWS is called.

/// The service's own name of a call; none for a request to the URL of a stage, which is a visitor's.
pub(crate) fn name(method: &str, path: &str, target: Option<&str>, body: &[u8]) -> Option<String> {
    if path.contains("/_user_request_") {
        return None;
    }
    if let Some((_, operation)) = target.and_then(|target| target.rsplit_once('.')) {
        return Some(operation.to_owned());
    }
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let body = String::from_utf8_lossy(body);
    if let Some(action) = action(&body).or_else(|| action(query)) {
        return Some(action.to_owned());
    }
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let known = match segments.as_slice() {
        ["service", _, "operation", operation] => Some(*operation),
        [_, "functions", _, "provisioned-concurrency"] if query.contains("List=ALL") => {
            Some("ListProvisionedConcurrencyConfigs")
        }
        [_, "functions", rest @ ..] => lambda(method, rest),
        ["restapis", rest @ ..] => api_gateway(method, rest),
        [_] | [_, _] => s3(method, segments.len()),
        _ => None,
    };
    Some(known.map_or_else(|| format!("{method} {}", segments.last().unwrap_or(&"/")), str::to_owned))
}

/// The action of a query protocol.
fn action(form: &str) -> Option<&str> {
    form.split('&').find_map(|pair| pair.strip_prefix("Action="))
}

fn lambda(method: &str, rest: &[&str]) -> Option<&'static str> {
    Some(match (method, rest) {
        ("POST", []) => "CreateFunction",
        ("GET", [_]) => "GetFunction",
        ("PUT", [_, "code"]) => "UpdateFunctionCode",
        ("GET", [_, "configuration"]) => "GetFunctionConfiguration",
        ("PUT", [_, "configuration"]) => "UpdateFunctionConfiguration",
        ("POST", [_, "versions"]) => "PublishVersion",
        ("GET", [_, "versions"]) => "ListVersionsByFunction",
        ("POST", [_, "aliases"]) => "CreateAlias",
        ("GET", [_, "aliases"]) => "ListAliases",
        ("GET", [_, "aliases", _]) => "GetAlias",
        ("PUT", [_, "aliases", _]) => "UpdateAlias",
        ("GET", [_, "policy"]) => "GetPolicy",
        ("POST", [_, "invocations"]) => "Invoke",
        ("GET", [_, "code-signing-config"]) => "GetFunctionCodeSigningConfig",
        ("GET", [_, "provisioned-concurrency"]) => "GetProvisionedConcurrencyConfig",
        ("GET", [_, "url"]) => "GetFunctionUrlConfig",
        _ => return None,
    })
}

fn api_gateway(method: &str, rest: &[&str]) -> Option<&'static str> {
    Some(match (method, rest) {
        ("GET", [_]) => "GetRestApi",
        ("POST", [_, "deployments"]) => "CreateDeployment",
        ("GET", [_, "deployments"]) => "GetDeployments",
        ("GET", [_, "deployments", _]) => "GetDeployment",
        ("DELETE", [_, "deployments", _]) => "DeleteDeployment",
        ("GET", [_, "resources"]) => "GetResources",
        ("GET", [_, "stages", _]) => "GetStage",
        ("PATCH", [_, "stages", _]) => "UpdateStage",
        ("GET", [_, "authorizers"]) => "GetAuthorizers",
        ("GET", [_, "gatewayresponses"]) => "GetGatewayResponses",
        ("GET", [_, "models"]) => "GetModels",
        ("GET", [_, "requestvalidators"]) => "GetRequestValidators",
        _ => return None,
    })
}

fn s3(method: &str, depth: usize) -> Option<&'static str> {
    Some(match (method, depth) {
        ("PUT", 2) => "PutObject",
        ("HEAD", 2) => "HeadObject",
        ("GET", 2) => "GetObject",
        ("HEAD", 1) => "HeadBucket",
        _ => return None,
    })
}
