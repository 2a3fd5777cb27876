//! Visits to a stage: routes, the event that the function gets, and what becomes of its response.

use serde_json::{Value, json};

use super::super::super::url::{Backend, Invoked, visit};
use super::super::super::wire::{Moment, Reply};
use super::super::{ApiGateway, Definition, Integration, Route};
use super::{World, difference, moment, request};

/// A function that returns one thing, and keeps the event that it was sent.
struct Function {
    returns: Invoked,
    event: Value,
}

impl Backend for Function {
    fn invoke(&mut self, _: &str, _: &str, event: &Value, _: &mut Moment) -> Invoked {
        self.event = event.clone();
        self.returns.clone()
    }

    fn permits(&self, _: &str, _: &str, _: &str) -> bool {
        true
    }
}

const BROKEN: &str = "{\"message\":\"Internal server error\"}";

fn world() -> World {
    let gateway = ApiGateway::new(super::ACCOUNT, "eu-west-1");
    let uri = gateway.lambda_uri("visits", "live");
    let routes = vec![
        Route::lambda("ANY", "/{proxy+}", &uri),
        Route::lambda("GET", "/hardcoded", &uri),
        Route::lambda("GET", "/keyed/count", &uri).with_api_key(),
        Route::new("OPTIONS", "/hardcoded", Integration::Mock),
    ];
    World::staged(Definition::of(routes))
}

/// What comes of a visit, and the event that the function was sent.
fn visited(world: &mut World, call: &str, headers: &[(&str, &str)], returns: Invoked) -> (Reply, Value) {
    let api = world.names["api"].clone();
    let mut request = request(call, &Value::Null);
    request.host = format!("{api}.execute-api.eu-west-1.amazonaws.com");
    request.headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let mut function = Function { returns, event: Value::Null };
    let reply = visit(&mut world.gateway, &mut function, &request, &mut moment());
    (reply, function.event)
}

fn header<'a>(reply: &'a Reply, name: &str) -> Vec<&'a str> {
    reply.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
}

fn text(reply: &Reply) -> &str {
    std::str::from_utf8(&reply.body).unwrap()
}

/// What a function returns, and what the visitor gets: status, body, and the values of one header.
fn formats() -> Vec<(Value, u16, &'static str, &'static str, &'static [&'static str])> {
    let plain: &[&str] = &["application/json"];
    let encoded = "dmlzaXRz";
    vec![
        (json!({"statusCode": 200}), 200, "", "content-type", plain),
        (json!({"statusCode": 200, "headers": {"x-a": "1", "x-b": true}}), 200, "", "x-b", &["true"]),
        (json!({"statusCode": 200, "headers": null}), 200, "", "content-type", plain),
        (json!({"statusCode": 200, "colour": "red"}), 502, BROKEN, "x-amzn-errortype", ERROR),
        (json!({}), 200, "", "content-type", plain),
        (json!({"statusCode": 200, "body": encoded, "isBase64Encoded": true}), 200, encoded, "content-type", plain),
        (json!({"statusCode": 200, "body": encoded}), 200, encoded, "content-type", plain),
        (json!({"statusCode": 200, "multiValueHeaders": {"x-a": ["1", "2"]}}), 200, "", "x-a", &["1", "2"]),
        (
            json!({"statusCode": 200, "multiValueHeaders": {"x-a": ["many"]}, "headers": {"x-a": "one"}}),
            200,
            "",
            "x-a",
            &["many", "one"],
        ),
        (
            json!({"statusCode": 200, "multiValueHeaders": {"X-a": ["many"]}, "headers": {"x-A": "one"}}),
            200,
            "",
            "x-a",
            &["many", "one"],
        ),
        (json!({"statusCode": 200, "multiValueHeaders": {"x-a": "one"}}), 502, BROKEN, "x-amzn-errortype", ERROR),
        (json!({"statusCode": "good"}), 502, BROKEN, "x-amzn-errortype", ERROR),
        (json!({"statusCode": "201"}), 201, "", "content-type", plain),
        (json!("just text"), 502, BROKEN, "x-amzn-errortype", ERROR),
        (json!({"headers": {"x-a": "1"}}), 200, "", "x-a", &["1"]),
        (json!({"statusCode": 200, "body": {"count": 1}}), 502, BROKEN, "x-amzn-errortype", ERROR),
    ]
}

const ERROR: &[&str] = &["InternalServerErrorException"];

#[test]
fn a_proxy_response_is_accepted_or_refused_as_recorded() {
    let formats = formats();
    assert_eq!(formats.len(), 16);
    for (returned, status, body, name, values) in formats {
        let (reply, _) = visited(&mut world(), "GET /s1/x", &[], Invoked::Payload(returned.clone()));
        assert_eq!((reply.status, text(&reply)), (status, body), "{returned}");
        assert_eq!(header(&reply, name), values, "{returned}");
    }
}

/// A path below the host; the event's `path`, the context's, the resource, and the parameter of the path.
const PATHS: [(&str, &str, &str, &str, Option<&str>); 8] = [
    ("/s1/count", "/count", "/s1/count", "/{proxy+}", Some("count")),
    ("/s1/count/", "/count/", "/s1/count/", "/{proxy+}", Some("count")),
    ("/s1/count//total", "/count//total", "/s1/count//total", "/{proxy+}", Some("count//total")),
    ("//s1/count", "/count", "/s1/count", "/{proxy+}", Some("count")),
    ("/s1//count", "/count", "/s1//count", "/{proxy+}", Some("count")),
    ("/s1/a%2Bb@c.d/a+b", "/a%2Bb@c.d/a+b", "/s1/a%2Bb@c.d/a+b", "/{proxy+}", Some("a%2Bb@c.d/a+b")),
    ("/s1/hardcoded", "/hardcoded", "/s1/hardcoded", "/hardcoded", None),
    ("/s1//hardcoded", "/hardcoded", "/s1//hardcoded", "/hardcoded", None),
];

#[test]
fn the_event_has_paths_as_recorded() {
    for (sent, path, whole, resource, proxy) in PATHS {
        let (_, event) = visited(&mut world(), &format!("GET {sent}"), &[], Invoked::FunctionError);
        let parameters = proxy.map_or(Value::Null, |proxy| json!({"proxy": proxy}));
        assert_eq!(event["path"], path, "{sent}");
        assert_eq!(event["requestContext"]["path"], whole, "{sent}");
        assert_eq!((&event["resource"], &event["pathParameters"]), (&json!(resource), &parameters), "{sent}");
    }
}

#[test]
fn the_event_has_the_fields_that_were_recorded() {
    let mut world = world();
    let sent = [("accept", "*/*"), ("connection", "close"), ("user-agent", "curl")];
    let (_, event) = visited(&mut world, "POST /s1/count?kind=a&kind=b&page=1", &sent, Invoked::FunctionError);
    let many = |value: &str| json!([value]);
    let host = format!("{}.execute-api.eu-west-1.amazonaws.com", world.names["api"]);
    let wanted = json!({
        "body": null,
        "headers": {
            "Host": host, "X-Forwarded-For": "*", "X-Forwarded-Port": "443", "X-Forwarded-Proto": "https",
            "accept": "*/*", "user-agent": "curl",
        },
        "multiValueHeaders": {
            "Host": many(&host), "X-Forwarded-For": "*", "X-Forwarded-Port": many("443"),
            "X-Forwarded-Proto": many("https"), "accept": many("*/*"), "user-agent": many("curl"),
        },
        "httpMethod": "POST",
        "isBase64Encoded": false,
        "queryStringParameters": {"kind": "b", "page": "1"},
        "multiValueQueryStringParameters": {"kind": ["a", "b"], "page": ["1"]},
        "path": "/count",
        "pathParameters": {"proxy": "count"},
        "requestContext": {
            "accountId": "111111111111", "apiId": "{api}", "deploymentId": "{d1}", "domainName": host,
            "domainPrefix": "{api}", "extendedRequestId": "*", "httpMethod": "POST",
            "identity": {
                "accessKey": null, "accountId": null, "caller": null, "cognitoAuthenticationProvider": null,
                "cognitoAuthenticationType": null, "cognitoIdentityId": null, "cognitoIdentityPoolId": null,
                "principalOrgId": null, "sourceIp": "*", "user": null, "userAgent": "curl", "userArn": null,
            },
            "path": "/s1/count", "protocol": "HTTP/1.1", "requestId": "*",
            "requestTime": "01/Jan/1970:00:01:00 +0000", "requestTimeEpoch": 60000, "resourceId": "*",
            "resourcePath": "/{proxy+}", "stage": "s1",
        },
        "resource": "/{proxy+}",
        "stageVariables": null,
    });
    let wanted = serde_json::from_str(&world.filled(&wanted.to_string())).unwrap();
    assert_eq!(difference(&wanted, &event, ""), None);
}

#[test]
fn a_request_without_a_route_is_refused_as_recorded() {
    let mut world = world();
    let returned = || Invoked::Payload(json!({"statusCode": 200, "body": "1"}));
    let cases = [
        ("GET /s1/hardcoded", 200, ""),
        ("GET /s1", 403, "MissingAuthenticationTokenException"),
        // The resource is chosen first, so that `/{proxy+}` does not step in.
        ("POST /s1/hardcoded", 403, "MissingAuthenticationTokenException"),
        ("GET /s1/keyed/count", 403, "ForbiddenException"),
        ("GET /s2/hardcoded", 403, "ForbiddenException"),
        ("OPTIONS /s1/hardcoded", 200, ""),
    ];
    for (call, status, code) in cases {
        let (reply, _) = visited(&mut world, call, &[], returned());
        let found = header(&reply, "x-amzn-errortype").first().copied().unwrap_or_default();
        assert_eq!((reply.status, found), (status, code), "{call}");
    }
    let (reply, _) = visited(&mut world, "GET /s1", &[], returned());
    assert_eq!(text(&reply), "{\"message\":\"Missing Authentication Token\"}");
    let api = world.names["api"].clone();
    world.gateway.add_api_key(&api, "secret");
    let (reply, _) = visited(&mut world, "GET /s1/keyed/count", &[("x-api-key", "secret")], returned());
    assert_eq!(reply.status, 200);
    let (reply, _) = visited(&mut world, "GET /s1/keyed/count", &[("x-api-key", "other")], returned());
    assert_eq!((reply.status, text(&reply)), (403, "{\"message\":\"Forbidden\"}"));
}
