//! The event that API Gateway sends to a function: payload format 1.0.
//! Shape: "Input format of a Lambda function for proxy integration", API Gateway's developer guide.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::super::apigateway::resource_id;
use super::super::wire::{Moment, Request};
use super::address::Address;
use super::route::Found;
use super::served::Served;

/// The visitor's address, from a range for documentation (RFC 5737).
const VISITOR: &str = "203.0.113.7";
/// Headers of one connection, which the function does not see.
const OF_THE_CONNECTION: [&str; 5] = ["connection", "content-length", "transfer-encoding", "keep-alive", "host"];

/// A visit with all that was found out about it.
#[derive(Clone, Debug, Copy)]
pub(super) struct Visit<'a> {
    pub(super) account: &'a str,
    pub(super) request: &'a Request,
    pub(super) address: &'a Address,
    pub(super) served: &'a Served,
    pub(super) found: &'a Found<'a>,
}

pub(super) fn of(visit: Visit<'_>, moment: &mut Moment) -> Value {
    let Visit { request, address, served, found, .. } = visit;
    let (headers, all_headers) = grouped(headers(request));
    let (query, all_query) = grouped(request.query.clone());
    let binary = served.definition.is_binary(request.header("content-type").unwrap_or_default());
    let body = match (request.body.is_empty(), binary) {
        (true, _) => Value::Null,
        (_, true) => json!(STANDARD.encode(&request.body)),
        (_, false) => json!(String::from_utf8_lossy(&request.body)),
    };
    json!({
        "resource": found.route.path,
        "path": address.path,
        "httpMethod": request.method,
        "headers": headers,
        "multiValueHeaders": all_headers,
        "queryStringParameters": query,
        "multiValueQueryStringParameters": all_query,
        "pathParameters": or_null(found.parameters.clone()),
        "stageVariables": or_null(served.variables.iter().map(|(name, value)| (name.clone(), json!(value))).collect()),
        "requestContext": context(visit, moment),
        "body": body,
        "isBase64Encoded": binary && !request.body.is_empty(),
    })
}

fn context(visit: Visit<'_>, moment: &mut Moment) -> Value {
    let Visit { request, address, served, found, .. } = visit;
    let now = moment.timestamp();
    // The client's, where it sends one; only the extended one is always the gateway's own.
    let own = uuid(moment);
    let id = request.header("x-amzn-requestid").unwrap_or(&own);
    let mut identity = json!({"sourceIp": VISITOR, "userAgent": request.header("user-agent")});
    for absent in [
        "accessKey",
        "accountId",
        "caller",
        "cognitoAuthenticationProvider",
        "cognitoAuthenticationType",
        "cognitoIdentityId",
        "cognitoIdentityPoolId",
        "principalOrgId",
        "user",
        "userArn",
    ] {
        identity[absent] = Value::Null;
    }
    json!({
        "accountId": visit.account,
        "apiId": address.api,
        "deploymentId": served.deployment,
        "domainName": request.host,
        "domainPrefix": request.host.split('.').next(),
        "stage": address.stage,
        "resourceId": resource_id(&address.api, &found.route.path),
        "resourcePath": found.route.path,
        "path": address.whole,
        "httpMethod": request.method,
        "protocol": "HTTP/1.1",
        "requestId": id,
        "extendedRequestId": extended_id(moment),
        "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
        "requestTimeEpoch": now.as_millisecond(),
        "identity": identity,
    })
}

/// The visitor's headers and those that API Gateway adds.
fn headers(request: &Request) -> Vec<(String, String)> {
    const FORWARDED: &str = "x-forwarded-for";
    let passed = request.headers.iter().filter(|(name, _)| {
        let name = name.as_str();
        !OF_THE_CONNECTION.contains(&name) && name != FORWARDED
    });
    let mut headers: Vec<_> = passed.map(|(name, value)| (name.clone(), value.clone())).collect();
    let forwarded = request.header(FORWARDED).map_or_else(|| VISITOR.to_owned(), |from| format!("{from}, {VISITOR}"));
    headers.push(("Host".to_owned(), request.host.clone()));
    headers.push(("X-Forwarded-For".to_owned(), forwarded));
    headers.push(("X-Forwarded-Port".to_owned(), "443".to_owned()));
    headers.push(("X-Forwarded-Proto".to_owned(), "https".to_owned()));
    headers
}

/// The last value of each name, and all values of each name; null for none.
fn grouped(pairs: Vec<(String, String)>) -> (Value, Value) {
    let (mut last, mut all) = (Map::new(), Map::new());
    for (name, value) in pairs {
        last.insert(name.clone(), json!(value));
        if let Value::Array(values) = all.entry(name).or_insert_with(|| json!([])) {
            values.push(json!(value));
        }
    }
    (or_null(last), or_null(all))
}

fn or_null(map: Map<String, Value>) -> Value {
    if map.is_empty() { Value::Null } else { Value::Object(map) }
}

/// A version 4 UUID.
pub(super) fn uuid(moment: &mut Moment) -> String {
    let (high, low) = (moment.chance.u64(..), moment.chance.u64(..));
    let (high, low) = ((high & !0xf000) | 0x4000, (low & (u64::MAX >> 2)) | (1 << 63));
    let (one, two, three) = (high >> 32, high >> 16 & 0xffff, high & 0xffff);
    format!("{one:08x}-{two:04x}-{three:04x}-{:04x}-{:012x}", low >> 48, low & 0xffff_ffff_ffff)
}

pub(super) fn extended_id(moment: &mut Moment) -> String {
    STANDARD.encode(&moment.chance.u128(..).to_be_bytes()[..11])
}
