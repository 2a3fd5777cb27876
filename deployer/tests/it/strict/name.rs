//! What AWS calls a request: by its headers, its path, and the service that it was signed for.

use hyper::Method;
use hyper::http::request::Parts;

/// The service that responds to a call. Errors and rates differ by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Lambda,
    ApiGateway,
    DynamoDb,
    Ssm,
    CloudWatch,
    /// CloudWatch by its newer protocol, whose bodies are CBOR.
    CloudWatchCbor,
    /// CloudWatch by its JSON protocol.
    CloudWatchJson,
    Logs,
    Iam,
    Sts,
    S3,
    /// The data plane: a stage's URL, or a zip by its signed address.
    Open,
}

/// The operations that may change something. Everything else only reads: what has no name here is refused.
const WRITES: [&str; 22] = [
    "TransactWriteItems",
    "UpdateItem",
    "PutItem",
    "DeleteItem",
    "UpdateFunctionCode",
    "UpdateFunctionConfiguration",
    "PublishVersion",
    "DeleteFunction",
    "UpdateAlias",
    "AddPermission",
    "RemovePermission",
    "PutProvisionedConcurrencyConfig",
    "DeleteProvisionedConcurrencyConfig",
    "Invoke",
    "CreateDeployment",
    "DeleteDeployment",
    "UpdateDeployment",
    "UpdateStage",
    "SetAlarmState",
    "PutObject",
    "DeleteObject",
    "URL",
];

const DYNAMODB: [&str; 10] = [
    "GetItem",
    "BatchGetItem",
    "Query",
    "Scan",
    "DescribeTable",
    "TransactGetItems",
    "TransactWriteItems",
    "UpdateItem",
    "PutItem",
    "DeleteItem",
];
const CLOUDWATCH: [&str; 4] = ["DescribeAlarms", "DescribeAlarmHistory", "GetMetricData", "SetAlarmState"];
const LOGS: [&str; 1] = ["FilterLogEvents"];
const SSM: [&str; 1] = ["GetParameter"];
const IAM: [&str; 3] = ["SimulatePrincipalPolicy", "GetRole", "GetRolePolicy"];
const STS: [&str; 2] = ["GetCallerIdentity", "AssumeRole"];

/// Where CloudWatch uses its newer protocol.
const CLOUDWATCH_CBOR: &str = "/service/GraniteServiceVersion20100801/operation/";
/// Where zips lie that GetFunction gives signed addresses of.
pub(super) const DOWNLOADS: &str = "/_ministack/lambda-code/";

/// Whether the operation may change something.
pub(super) fn writes(name: &str) -> bool {
    WRITES.contains(&name)
}

/// The service of a request, and AWS's name for it; nothing for one that has no name here yet.
pub(super) fn name(parts: &Parts, body: &str) -> Option<(Service, &'static str)> {
    if let Some((family, operation)) = text(parts, "x-amz-target").and_then(|target| target.split_once('.')) {
        return match family {
            "Logs_20140328" => of(Service::Logs, &LOGS, operation),
            "AmazonSSM" => of(Service::Ssm, &SSM, operation),
            family if family.starts_with("Granite") => of(Service::CloudWatchJson, &CLOUDWATCH, operation),
            _ => of(Service::DynamoDb, &DYNAMODB, operation),
        };
    }
    if let Some(operation) = parts.uri.path().strip_prefix(CLOUDWATCH_CBOR) {
        return of(Service::CloudWatchCbor, &CLOUDWATCH, operation);
    }
    if stage_request(parts) {
        return Some((Service::Open, "URL"));
    }
    if parts.uri.path().starts_with(DOWNLOADS) {
        return Some((Service::Open, "Download"));
    }
    if let Some(operation) = action(body).or_else(|| action(parts.uri.query().unwrap_or_default())) {
        return of(Service::Sts, &STS, operation)
            .or_else(|| of(Service::Iam, &IAM, operation))
            .or_else(|| of(Service::CloudWatch, &CLOUDWATCH, operation));
    }
    rest(&parts.method, parts.uri.path()).or_else(|| bucket(parts))
}

/// The access key that signed a request, and for which service: `Credential=KEY/20260101/us-east-1/lambda/aws4_request`.
pub(super) fn credential(parts: &Parts) -> Option<(&str, &str)> {
    let scope = text(parts, "authorization")?.split_once("Credential=")?.1.split(',').next()?;
    Some((scope.split('/').next()?, scope.split('/').nth(3)?))
}

/// The region that a request was signed for.
pub(super) fn region(parts: &Parts) -> Option<&str> {
    text(parts, "authorization")?.split_once("Credential=")?.1.split(',').next()?.split('/').nth(2)
}

pub(super) fn text<'a>(parts: &'a Parts, header: &str) -> Option<&'a str> {
    parts.headers.get(header)?.to_str().ok()
}

fn of(service: Service, known: &[&'static str], operation: &str) -> Option<(Service, &'static str)> {
    known.iter().find(|known| **known == operation).map(|known| (service, *known))
}

/// The operation of the query protocol.
fn action(form: &str) -> Option<&str> {
    form.split('&').find_map(|pair| pair.strip_prefix("Action="))
}

/// By path, or by the host `<api>.execute-api.…`.
fn stage_request(parts: &Parts) -> bool {
    let by_path = parts.uri.path().starts_with("/restapis/") && parts.uri.path().contains("/_user_request_");
    by_path || text(parts, "host").is_some_and(|host| host.contains(".execute-api."))
}

fn rest(method: &Method, path: &str) -> Option<(Service, &'static str)> {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    match segments.as_slice() {
        [_, "functions", ..] => Some((Service::Lambda, lambda(method.as_str(), &segments[2..])?)),
        [_, "event-source-mappings"] => Some((Service::Lambda, "ListEventSourceMappings")),
        [_, "account-settings"] => Some((Service::Lambda, "GetAccountSettings")),
        ["restapis", ..] => Some((Service::ApiGateway, api_gateway(method.as_str(), &segments[1..])?)),
        _ => None,
    }
}

fn lambda(method: &str, segments: &[&str]) -> Option<&'static str> {
    Some(match (method, segments) {
        ("GET", [_]) => "GetFunction",
        ("DELETE", [_]) => "DeleteFunction",
        ("PUT", [_, "code"]) => "UpdateFunctionCode",
        ("GET", [_, "configuration"]) => "GetFunctionConfiguration",
        ("PUT", [_, "configuration"]) => "UpdateFunctionConfiguration",
        ("POST", [_, "versions"]) => "PublishVersion",
        ("GET", [_, "versions"]) => "ListVersionsByFunction",
        ("POST", [_, "invocations"]) => "Invoke",
        ("GET", [_, "aliases"]) => "ListAliases",
        ("GET", [_, "aliases", _]) => "GetAlias",
        ("PUT", [_, "aliases", _]) => "UpdateAlias",
        ("GET", [_, "policy"]) => "GetPolicy",
        ("POST", [_, "policy"]) => "AddPermission",
        ("DELETE", [_, "policy", _]) => "RemovePermission",
        ("GET", [_, "concurrency"]) => "GetFunctionConcurrency",
        ("GET", [_, "provisioned-concurrency"]) => "GetProvisionedConcurrencyConfig",
        ("PUT", [_, "provisioned-concurrency"]) => "PutProvisionedConcurrencyConfig",
        ("DELETE", [_, "provisioned-concurrency"]) => "DeleteProvisionedConcurrencyConfig",
        _ => return None,
    })
}

fn api_gateway(method: &str, segments: &[&str]) -> Option<&'static str> {
    Some(match (method, segments) {
        ("GET", []) => "GetRestApis",
        ("GET", [_]) => "GetRestApi",
        ("GET", [_, "resources"]) => "GetResources",
        ("GET", [_, "gatewayresponses"]) => "GetGatewayResponses",
        ("GET", [_, "authorizers"]) => "GetAuthorizers",
        ("GET", [_, "requestvalidators"]) => "GetRequestValidators",
        ("GET", [_, "models"]) => "GetModels",
        ("GET", [_, "stages"]) => "GetStages",
        ("GET", [_, "stages", _]) => "GetStage",
        ("PATCH", [_, "stages", _]) => "UpdateStage",
        ("POST", [_, "deployments"]) => "CreateDeployment",
        ("GET", [_, "deployments"]) => "GetDeployments",
        ("GET", [_, "deployments", _]) => "GetDeployment",
        ("PATCH", [_, "deployments", _]) => "UpdateDeployment",
        ("DELETE", [_, "deployments", _]) => "DeleteDeployment",
        _ => return None,
    })
}

/// Objects of a bucket, path style: only the signature shows that a path is a bucket's.
fn bucket(parts: &Parts) -> Option<(Service, &'static str)> {
    if credential(parts)?.1 != "s3" {
        return None;
    }
    let object = parts.uri.path().trim_start_matches('/').split_once('/').is_some_and(|(_, key)| !key.is_empty());
    let name = match (parts.method.as_str(), object) {
        ("PUT", true) => "PutObject",
        ("GET", true) => "GetObject",
        ("HEAD", true) => "HeadObject",
        ("DELETE", true) => "DeleteObject",
        ("HEAD", false) => "HeadBucket",
        ("GET", false) if parts.uri.query().is_some_and(|query| query.contains("versioning")) => "GetBucketVersioning",
        ("GET", false) => "ListObjectsV2",
        _ => return None,
    };
    Some((Service::S3, name))
}
