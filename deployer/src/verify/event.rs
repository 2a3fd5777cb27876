//! The event that API Gateway REST sends to a function (payload format 1.0), made for a check.

use serde_json::{Value, json};

use crate::config::Request;
use crate::ledger::Contract;
use crate::world::World;

/// A whole REST proxy event, so that the function cannot tell a check from a request.
/// Shape: "Input format of a Lambda function for proxy integration", API Gateway's developer guide.
pub(super) fn rest_proxy(contract: &Contract, request: &Request, deployment: Option<&str>, world: &World) -> Value {
    let stage = &contract.api.stage;
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let pairs: Vec<(&str, &str)> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let single: serde_json::Map<_, _> = pairs.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let multi: serde_json::Map<_, _> = pairs.iter().map(|(name, value)| ((*name).to_owned(), json!([value]))).collect();
    json!({
        "resource": path,
        "path": path,
        "httpMethod": request.method,
        "headers": {"accept": "*/*", "user-agent": super::through_url::USER_AGENT},
        "multiValueHeaders": {"accept": ["*/*"], "user-agent": [super::through_url::USER_AGENT]},
        "queryStringParameters": if single.is_empty() { Value::Null } else { single.into() },
        "multiValueQueryStringParameters": if multi.is_empty() { Value::Null } else { multi.into() },
        "pathParameters": null,
        "stageVariables": deployment.map(|id| json!({"deployment": id})),
        "requestContext": {
            "accountId": contract.account,
            "apiId": contract.api.rest_api_id,
            "stage": stage,
            "resourceId": "check",
            "resourcePath": path,
            "path": format!("/{stage}{path}"),
            "httpMethod": request.method,
            "protocol": "HTTP/1.1",
            "requestId": world.unique(),
            "extendedRequestId": world.unique(),
            "requestTimeEpoch": world.now().as_millisecond(),
            // An address for documentation (RFC 5737): nobody's.
            "identity": {"sourceIp": "192.0.2.1", "userAgent": super::through_url::USER_AGENT},
        },
        "body": null,
        "isBase64Encoded": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_carries_method_path_query_and_deployment() {
        let contract = serde_json::from_value(json!({
            "environment": "dev", "account": "111111111111", "region": "us-east-1", "functions": {},
            "api": {"rest_api_id": "a", "stage": "dev", "url": "http://x", "initial_deployment": "d"},
        }));
        let request = Request::try_from("GET /health?deep=1".to_owned()).unwrap();
        let event = rest_proxy(&contract.unwrap(), &request, Some("d7"), &World::real());
        assert_eq!(event["path"], "/health");
        assert_eq!(event["queryStringParameters"]["deep"], "1");
        assert_eq!(event["stageVariables"]["deployment"], "d7");
        assert_eq!(event["requestContext"]["path"], "/dev/health");
    }
}
