//! The event that API Gateway REST sends to a function (payload format 1.0), made for a check.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::aws::Stage;
use crate::config::Request;
use crate::ledger::Api;
use crate::observe::find;
use crate::world::World;

/// What the gateway puts into an event.
#[derive(Debug, Clone)]
pub struct Gateway {
    /// The API.
    pub api: Api,
    /// Its stage.
    pub stage: Stage,
    /// The routes of the API, as `GET /visits/{id}`.
    pub routes: Vec<String>,
}

/// A whole REST proxy event, so that the function cannot distinguish a check from a request. `deployment` is the one that the stage
/// is expected to have; its own if absent.
/// Shape: "Input format of a Lambda function for proxy integration", API Gateway's developer guide.
pub(super) fn rest_proxy(
    (gateway, account): (&Gateway, &str),
    request: &Request,
    deployment: Option<&str>,
    world: &World,
) -> Value {
    let Api { id, stage, url, .. } = &gateway.api;
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let (mut single, mut multi) = (BTreeMap::new(), BTreeMap::<_, Vec<_>>::new());
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        single.insert(name.clone(), value.clone());
        multi.entry(name).or_default().push(value);
    }
    let found = find(&gateway.routes, &request.method, path);
    let (resource, parameters) = found.map_or((path, BTreeMap::new()), |found| (found.path(), found.parameters));
    let mut variables = gateway.stage.variables.clone();
    let deployment = deployment.or(gateway.stage.mark.as_deref());
    variables.extend(deployment.map(|id| ("deployment".to_owned(), id.to_owned())));
    let agent = super::url::USER_AGENT;
    let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let headers = [("accept", "*/*"), ("Host", host.as_deref().unwrap_or_default()), ("user-agent", agent)];
    let headers: BTreeMap<_, _> = headers.into();
    let all_headers: BTreeMap<_, _> = headers.iter().map(|(name, value)| (name, [value])).collect();
    json!({
        "resource": resource,
        "path": path,
        "httpMethod": request.method,
        "headers": headers,
        "multiValueHeaders": all_headers,
        "queryStringParameters": or_null(&single),
        "multiValueQueryStringParameters": or_null(&multi),
        "pathParameters": or_null(&parameters),
        "stageVariables": or_null(&variables),
        "requestContext": {
            "accountId": account,
            "apiId": id,
            "stage": stage,
            "resourceId": "check",
            "resourcePath": resource,
            "domainName": host,
            "path": format!("/{stage}{path}"),
            "httpMethod": request.method,
            "protocol": "HTTP/1.1",
            "requestId": world.unique(),
            "extendedRequestId": world.unique(),
            "requestTimeEpoch": world.now().as_millisecond(),
            // An address for documentation (RFC 5737): nobody's.
            "identity": {"sourceIp": "192.0.2.1", "userAgent": agent},
        },
        "body": null,
        "isBase64Encoded": false,
    })
}

/// What there is none of, API Gateway sends as null.
fn or_null<K: serde::Serialize, V: serde::Serialize>(members: &BTreeMap<K, V>) -> Value {
    if members.is_empty() { Value::Null } else { json!(members) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_is_the_one_that_the_gateway_would_send() {
        let api = serde_json::from_value(json!({
            "kind": "rest", "id": "a", "stage": "dev", "url": "https://a.example/dev",
        }));
        let request = Request::try_from("GET /visits/7?deep=1&q=a%20b&q=c+d".to_owned()).unwrap();
        let variables =
            [("deployment", "d6"), ("alias", "live")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let gateway = Gateway {
            api: api.unwrap(),
            stage: Stage { variables: variables.into(), ..Stage::default() },
            routes: vec!["GET /visits/{id}".to_owned()],
        };
        let event = rest_proxy((&gateway, "111111111111"), &request, Some("d7"), &World::real());
        assert_eq!((&event["path"], &event["resource"]), (&json!("/visits/7"), &json!("/visits/{id}")));
        assert_eq!(event["pathParameters"], json!({"id": "7"}));
        assert_eq!(event["queryStringParameters"], json!({"deep": "1", "q": "c d"}));
        assert_eq!(event["multiValueQueryStringParameters"]["q"], json!(["a b", "c d"]));
        assert_eq!(event["stageVariables"], json!({"alias": "live", "deployment": "d7"}));
        assert_eq!(event["headers"]["Host"], "a.example");
        assert_eq!(event["requestContext"]["path"], "/dev/visits/7");
    }
}
