//! The events of HTTP APIs and of Function URLs (payload format 2.0).
//!
//! Shape: "Working with AWS Lambda proxy integrations for HTTP APIs", API Gateway's developer guide, and "Request and response
//! payloads" of "Invoking Lambda function URLs", Lambda's.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Called, NOBODY, Proxied, Returns, decoded, host};
use crate::config::{DEFAULT_STAGE, Request};
use crate::verify::url::USER_AGENT;
use crate::world::World;

/// Of an HTTP API, for the route with this key.
pub(super) fn of_http_api(called: &Called<'_>, route: &str, request: &Request, world: &World) -> Proxied {
    // A stage with a name is a part of the path that the function sees.
    let before = if called.stage == DEFAULT_STAGE { String::new() } else { format!("/{}", called.stage) };
    let path = format!("{before}{}", decoded(request.bare_path()));
    let mut event = event((called.account, called.api, called.stage), (&called.host, &path), (route, request), world);
    if !called.parameters.is_empty() {
        event["pathParameters"] = json!(called.parameters);
    }
    if !called.variables.is_empty() {
        event["stageVariables"] = json!(called.variables);
    }
    Proxied { event, returns: Returns::Anything }
}

/// Of a Function URL, which has no routes and no authorizer.
pub(super) fn of_function_url(url: &str, request: &Request, world: &World) -> Proxied {
    let host = host(url);
    let id = host.split('.').next().unwrap_or_default();
    let event = event(("anonymous", id, DEFAULT_STAGE), (&host, request.bare_path()), (DEFAULT_STAGE, request), world);
    Proxied { event, returns: Returns::Anything }
}

/// What both have. Empty members are left out.
fn event(
    (account, api, stage): (&str, &str, &str),
    (host, path): (&str, &str),
    (route, request): (&str, &Request),
    world: &World,
) -> Value {
    let query = request.query();
    let now = world.now();
    let headers = [
        ("accept", "*/*"),
        ("content-length", "0"),
        ("host", host),
        ("user-agent", USER_AGENT),
        ("x-forwarded-for", NOBODY),
        ("x-forwarded-port", "443"),
        ("x-forwarded-proto", "https"),
    ];
    let mut event = json!({
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": query,
        "headers": BTreeMap::from(headers),
        "requestContext": {
            "accountId": account,
            "apiId": api,
            "domainName": host,
            "domainPrefix": host.split('.').next(),
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": NOBODY,
                "userAgent": USER_AGENT,
            },
            "requestId": world.unique(),
            "routeKey": route,
            "stage": stage,
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": now.as_millisecond(),
        },
        "isBase64Encoded": false,
    });
    let mut parameters = BTreeMap::<_, Vec<_>>::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        parameters.entry(name).or_default().push(value);
    }
    if !parameters.is_empty() {
        let joined = parameters.into_iter().map(|(name, values)| (name.into_owned(), values.join(",")));
        event["queryStringParameters"] = json!(joined.collect::<BTreeMap<_, _>>());
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request::try_from("GET /orders/7?deep=1&q=a%20b&q=c".to_owned()).unwrap()
    }

    fn called(stage: &str) -> Called<'_> {
        Called {
            account: "111111111111",
            api: "h1",
            stage,
            host: "h1.example".to_owned(),
            resource: "/orders/{id}".to_owned(),
            parameters: [("id".to_owned(), "7".to_owned())].into(),
            variables: BTreeMap::new(),
        }
    }

    #[test]
    fn the_event_of_an_http_api_is_the_one_that_the_gateway_would_send() {
        let Proxied { event, returns } =
            of_http_api(&called("$default"), "GET /orders/{id}", &request(), &World::real());
        assert_eq!((returns, &event["version"]), (Returns::Anything, &json!("2.0")));
        assert_eq!((&event["rawPath"], &event["rawQueryString"]), (&json!("/orders/7"), &json!("deep=1&q=a%20b&q=c")));
        assert_eq!(event["routeKey"], "GET /orders/{id}");
        assert_eq!(event["pathParameters"], json!({"id": "7"}));
        assert_eq!(event["queryStringParameters"], json!({"deep": "1", "q": "a b,c"}));
        assert_eq!(event["requestContext"]["http"]["method"], "GET");
        assert_eq!(event["headers"]["host"], "h1.example");
        assert_eq!((event.get("stageVariables"), event.get("body")), (None, None));
    }

    #[test]
    fn a_stage_with_a_name_is_a_part_of_the_path() {
        let event = of_http_api(&called("dev"), "GET /orders/{id}", &request(), &World::real()).event;
        assert_eq!(
            (&event["rawPath"], &event["requestContext"]["http"]["path"]),
            (&json!("/dev/orders/7"), &json!("/dev/orders/7"))
        );
    }

    #[test]
    fn the_event_of_a_function_url_names_no_route_and_no_caller() {
        let event = of_function_url("https://abc.lambda-url.us-east-1.on.aws/", &request(), &World::real()).event;
        let context = &event["requestContext"];
        assert_eq!((&event["routeKey"], &context["stage"]), (&json!("$default"), &json!("$default")));
        assert_eq!((&context["apiId"], &context["accountId"]), (&json!("abc"), &json!("anonymous")));
        assert_eq!(event["rawPath"], "/orders/7");
    }
}
