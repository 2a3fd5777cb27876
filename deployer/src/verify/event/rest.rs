//! The event of a REST API (payload format 1.0), which an HTTP API sends too where its integration asks for it.
//!
//! Shape: "Input format of a Lambda function for proxy integration", API Gateway's developer guide.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Called, NOBODY, Proxied, RestGateway, Returns, decoded, find, host};
use crate::config::{DEFAULT_STAGE, Request};
use crate::ledger::RestApi;
use crate::verify::url::USER_AGENT;
use crate::world::World;

/// Of a REST API's stage. `deployment` is the one that it is expected to have; its own if absent.
pub(super) fn of_stage(
    gateway: &RestGateway,
    account: &str,
    (request, deployment): (&Request, Option<&str>),
    world: &World,
) -> Proxied {
    let RestApi { id, stage, url, .. } = &gateway.api;
    let path = request.bare_path();
    let found = find(&gateway.routes, &request.method, path);
    let (resource, parameters) = found.map_or((path, BTreeMap::new()), |found| (found.path(), found.parameters));
    let mut variables = gateway.stage.variables.clone();
    let deployment = deployment.or(gateway.stage.mark.as_deref());
    variables.extend(deployment.map(|id| ("deployment".to_owned(), id.to_owned())));
    let called = Called {
        account,
        api: id,
        stage,
        host: host(url),
        resource: resource.to_owned(),
        parameters: parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        variables,
    };
    Proxied { event: event(&called, (path, &format!("/{stage}{path}")), request, world), returns: Returns::Response }
}

/// Of an HTTP API. A stage with a name is a part of the path that the function sees.
pub(super) fn of_http_api(called: &Called<'_>, request: &Request, world: &World) -> Proxied {
    let path = request.bare_path();
    let before = if called.stage == DEFAULT_STAGE { String::new() } else { format!("/{}", called.stage) };
    let path = format!("{before}{}", decoded(path));
    let mut event = event(called, (&path, &path), request, world);
    event["version"] = json!("1.0");
    Proxied { event, returns: Returns::Response }
}

fn event(called: &Called<'_>, (path, whole): (&str, &str), request: &Request, world: &World) -> Value {
    let Called { account, api, stage, host, resource, parameters, variables } = called;
    let query = request.query();
    let (mut single, mut multi) = (BTreeMap::new(), BTreeMap::<_, Vec<_>>::new());
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        single.insert(name.clone(), value.clone());
        multi.entry(name).or_default().push(value);
    }
    let headers = BTreeMap::from([
        ("accept", "*/*"),
        ("Host", host.as_str()),
        ("user-agent", USER_AGENT),
        ("X-Forwarded-For", NOBODY),
        ("X-Forwarded-Port", "443"),
        ("X-Forwarded-Proto", "https"),
    ]);
    let all_headers: BTreeMap<_, _> = headers.iter().map(|(name, value)| (name, [value])).collect();
    json!({
        "resource": resource,
        "path": path,
        "httpMethod": request.method,
        "headers": headers,
        "multiValueHeaders": all_headers,
        "queryStringParameters": or_null(&single),
        "multiValueQueryStringParameters": or_null(&multi),
        "pathParameters": or_null(parameters),
        "stageVariables": or_null(variables),
        "requestContext": {
            "accountId": account,
            "apiId": api,
            "stage": stage,
            "resourceId": "check",
            "resourcePath": resource,
            "domainName": host,
            "path": whole,
            "httpMethod": request.method,
            "protocol": "HTTP/1.1",
            "requestId": world.unique(),
            "extendedRequestId": world.unique(),
            "requestTimeEpoch": world.now().as_millisecond(),
            "identity": {"sourceIp": NOBODY, "userAgent": USER_AGENT},
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
    use crate::aws::Stage;

    #[test]
    fn the_event_is_the_one_that_the_gateway_would_send() {
        let api = serde_json::from_value(json!({
            "id": "a", "stage": "dev", "url": "https://a.example/dev",
        }));
        let request = Request::try_from("GET /orders/7?deep=1&q=a%20b&q=c+d".to_owned()).unwrap();
        let variables =
            [("deployment", "d6"), ("alias", "live")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let gateway = RestGateway {
            api: api.unwrap(),
            stage: Stage { variables: variables.into(), ..Stage::default() },
            routes: vec!["GET /orders/{id}".to_owned()],
        };
        let event = of_stage(&gateway, "111111111111", (&request, Some("d7")), &World::real()).event;
        assert_eq!((&event["path"], &event["resource"]), (&json!("/orders/7"), &json!("/orders/{id}")));
        assert_eq!(event["pathParameters"], json!({"id": "7"}));
        assert_eq!(event["queryStringParameters"], json!({"deep": "1", "q": "c d"}));
        assert_eq!(event["multiValueQueryStringParameters"]["q"], json!(["a b", "c d"]));
        assert_eq!(event["stageVariables"], json!({"alias": "live", "deployment": "d7"}));
        assert_eq!(event["headers"]["Host"], "a.example");
        assert_eq!(event["requestContext"]["path"], "/dev/orders/7");
    }
}
