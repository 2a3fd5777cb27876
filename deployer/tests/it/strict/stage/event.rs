//! The event that API Gateway REST sends to a function: payload format 1.0.
//! Shape: "Input format of a Lambda function for proxy integration", API Gateway's developer guide.

use serde_json::{Map, Value, json};

use super::super::name::text;
use super::super::reply::encoded;
use super::super::rules::{Exchange, parameters};
use super::Request;
use super::definition::{Definition, Route};
use super::permission::Target;

pub(super) fn of(
    call: &Exchange<'_>,
    request: &Request<'_>,
    stage: &Value,
    definition: &Definition,
    route: &Route<'_>,
) -> Value {
    let method = call.parts.method.as_str();
    let named = call.parts.headers.iter();
    let headers = named.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let (headers, many_headers) = grouped(headers);
    let (query, many_query) = grouped(parameters(call.parts).into_iter());
    let binary = definition.is_binary(text(call.parts, "content-type").unwrap_or_default());
    let body = match (call.body.is_empty(), binary) {
        (true, _) => Value::Null,
        (_, true) => json!(encoded(&call.body)),
        (_, false) => json!(String::from_utf8_lossy(&call.body)),
    };
    let now = jiff::Timestamp::now();
    json!({
        "resource": route.path(),
        "path": request.path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": many_headers,
        "queryStringParameters": query,
        "multiValueQueryStringParameters": many_query,
        "pathParameters": or_null(route.parameters.clone()),
        "stageVariables": or_null(stage["variables"].as_object().cloned().unwrap_or_default()),
        "requestContext": {
            "accountId": Target::of(route, stage).map(|target| target.account),
            "apiId": request.api,
            "stage": request.stage,
            "resourceId": route.resource["id"],
            "resourcePath": route.path(),
            "path": format!("/{}{}", request.stage, request.path),
            "httpMethod": method,
            "protocol": "HTTP/1.1",
            // The client's, where it sends one; only the other is always the gateway's own.
            "requestId": text(call.parts, "x-amzn-requestid").map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned),
            "extendedRequestId": uuid::Uuid::new_v4().to_string(),
            "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "requestTimeEpoch": now.as_millisecond(),
            // The connection's, whatever a header says.
            "identity": {"sourceIp": "127.0.0.1", "userAgent": text(call.parts, "user-agent")},
        },
        "body": body,
        "isBase64Encoded": binary && !call.body.is_empty(),
    })
}

/// The last value of each name, and all values of each name; null for none.
fn grouped(pairs: impl Iterator<Item = (String, String)>) -> (Value, Value) {
    let (mut last, mut all) = (Map::new(), Map::new());
    for (name, value) in pairs {
        last.insert(name.clone(), json!(value));
        match all.entry(name).or_insert_with(|| json!([])) {
            Value::Array(values) => values.push(json!(value)),
            _ => unreachable!("only lists are put in"),
        }
    }
    (or_null(last), or_null(all))
}

fn or_null(map: Map<String, Value>) -> Value {
    if map.is_empty() { Value::Null } else { Value::Object(map) }
}
