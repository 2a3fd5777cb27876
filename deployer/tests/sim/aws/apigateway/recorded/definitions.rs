//! APIs and their parts.

use serde_json::{Value, json};

use super::super::{Definition, GatewayResponse, Integration, Route};
use super::{Expected, Sequence, Step, World, not_found, reads, step};

const TEMPLATE: &str = "{\"message\":$context.error.messageString}";

pub(super) fn all() -> Vec<Sequence> {
    vec![
        Sequence { name: "an API", world: tagged(), steps: api() },
        Sequence { name: "an API with binary types", world: World::of(binary()), steps: binary_api() },
        Sequence { name: "resources", world: World::of(tree()), steps: resources() },
        Sequence { name: "a method", world: World::of(tree()), steps: method() },
        Sequence { name: "no method", world: World::of(tree()), steps: no_method() },
        Sequence { name: "gateway responses", world: World::of(Definition::default()), steps: defaults() },
        Sequence { name: "set gateway responses", world: World::of(with_responses()), steps: set_responses() },
        Sequence { name: "wrong gateway responses", world: World::of(tree()), steps: wrong_responses() },
        Sequence { name: "models and validators", world: World::of(with_parts()), steps: parts() },
        Sequence { name: "parts of no API", world: World::of(tree()), steps: of_no_api() },
    ]
}

fn tree() -> Definition {
    let any = |path: &str| Route::new("ANY", path, Integration::Mock);
    let mut routes: Vec<Route> = ["/{proxy+}", "/parent/{proxy+}", "/parent/child"].map(any).into();
    routes.push(Route::lambda("GET", "/parent", "arn:aws:apigateway:x"));
    routes.push(Route::new("POST", "/parent", Integration::Missing));
    Definition::of(routes)
}

fn tagged() -> World {
    let mut world = World::of(Definition::default());
    let api = world.names["api"].clone();
    world.gateway.tag(&api, "owner", "visits");
    world
}

fn api() -> Vec<Step> {
    let shown = json!({
        "apiKeySource": "HEADER",
        "createdDate": "*",
        "disableExecuteApiEndpoint": false,
        "endpointConfiguration": {"ipAddressType": "ipv4", "types": ["REGIONAL"]},
        "id": "{api}",
        "name": "counter",
        "rootResourceId": "{root}",
        "tags": {"owner": "visits"},
    });
    vec![
        reads("GET /restapis/{api}", shown.clone()),
        reads("GET /restapis", json!({"item": [shown]})),
        not_found("GET /restapis/NONE", "Invalid API identifier specified 111111111111:NONE"),
    ]
}

fn binary() -> Definition {
    let binary_media_types = vec!["image/png".to_owned()];
    Definition { binary_media_types, minimum_compression_size: Some(10), ..Definition::default() }
}

fn binary_api() -> Vec<Step> {
    vec![reads(
        "GET /restapis/{api}",
        json!({
            "apiKeySource": "HEADER",
            "binaryMediaTypes": ["image/png"],
            "createdDate": "*",
            "disableExecuteApiEndpoint": false,
            "endpointConfiguration": {"ipAddressType": "ipv4", "types": ["REGIONAL"]},
            "id": "{api}",
            "minimumCompressionSize": 10,
            "name": "counter",
            "rootResourceId": "{root}",
        }),
    )]
}

fn resources() -> Vec<Step> {
    let below = |path: &str, part: &str, methods: Value| json!({"id": "*", "parentId": "*", "path": path, "pathPart": part, "resourceMethods": methods});
    let any = || json!({"ANY": {}});
    let items = json!([
        {"id": "{root}", "path": "/"},
        below("/parent", "parent", json!({"GET": {}, "POST": {}})),
        below("/parent/child", "child", any()),
        below("/parent/{proxy+}", "{proxy+}", any()),
        below("/{proxy+}", "{proxy+}", any()),
    ]);
    vec![
        reads("GET /restapis/{api}/resources", json!({"item": items})),
        reads("GET /restapis/{api}/resources/{root}", json!({"id": "{root}", "path": "/"})),
    ]
}

fn integration(kind: &str) -> Value {
    json!({
        "cacheKeyParameters": [],
        "cacheNamespace": "*",
        "passthroughBehavior": "WHEN_NO_MATCH",
        "timeoutInMillis": 29000,
        "type": kind,
    })
}

fn method() -> Vec<Step> {
    let mut mock = integration("MOCK");
    mock["requestTemplates"] = json!({"application/json": "{\"statusCode\": 200}"});
    let mut proxy = integration("AWS_PROXY");
    proxy["httpMethod"] = json!("POST");
    proxy["uri"] = json!("arn:aws:apigateway:x");
    let method = |verb: &str, integration: Option<Value>| {
        let mut shown = json!({"apiKeyRequired": false, "authorizationType": "NONE", "httpMethod": verb});
        if let Some(integration) = integration {
            shown["methodIntegration"] = integration;
        }
        shown
    };
    let any = method("ANY", Some(mock));
    let both = json!({"GET": method("GET", Some(proxy.clone())), "POST": method("POST", None)});
    let resource = |path: &str, part: &str, methods: Value| json!({"id": "*", "parentId": "*", "path": path, "pathPart": part, "resourceMethods": methods});
    vec![
        reads(
            "GET /restapis/{api}/resources?embed=methods&limit=500",
            json!({"item": [
                {"id": "{root}", "path": "/"},
                resource("/parent", "parent", both),
                resource("/parent/child", "child", json!({"ANY": any})),
                resource("/parent/{proxy+}", "{proxy+}", json!({"ANY": any})),
                resource("/{proxy+}", "{proxy+}", json!({"ANY": any})),
            ]}),
        ),
        reads("GET /restapis/{api}/resources/{parent}/methods/GET", method("GET", Some(proxy.clone()))),
        reads("GET /restapis/{api}/resources/{parent}/methods/POST", method("POST", None)),
        reads("GET /restapis/{api}/resources/{parent}/methods/GET/integration", proxy),
    ]
}

fn no_method() -> Vec<Step> {
    let (resource, method) = ("Invalid Resource identifier specified", "Invalid Method identifier specified");
    vec![
        not_found("GET /restapis/none/resources/{parent}/methods/GET/integration", resource),
        not_found("GET /restapis/{api}/resources/none/methods/GET/integration", resource),
        not_found("GET /restapis/{api}/resources/{parent}/methods/PUT/integration", method),
        not_found(
            "GET /restapis/{api}/resources/{parent}/methods/POST/integration",
            "Invalid Integration identifier specified",
        ),
        not_found("GET /restapis/{api}/resources/none", resource),
        not_found("GET /restapis/{api}/resources/{parent}/methods/PUT", method),
    ]
}

/// A gateway response as it is shown: kind, status, headers; whether it is AWS's own.
fn response(kind: &str, status: &str, headers: &Value, is_default: bool) -> Value {
    let mut shown = json!({
        "defaultResponse": is_default,
        "responseParameters": headers,
        "responseTemplates": {"application/json": TEMPLATE},
        "responseType": kind,
    });
    if !status.is_empty() {
        shown["statusCode"] = json!(status);
    }
    shown
}

/// All kinds, as `change` has them.
fn list(change: impl Fn(&str, &str) -> Value) -> Value {
    const ALL: &str = "ACCESS_DENIED 403,API_CONFIGURATION_ERROR 500,AUTHORIZER_CONFIGURATION_ERROR 500,\
        AUTHORIZER_FAILURE 500,BAD_REQUEST_BODY 400,BAD_REQUEST_PARAMETERS 400,DEFAULT_4XX ,DEFAULT_5XX ,\
        EXPIRED_TOKEN 403,INTEGRATION_FAILURE 504,INTEGRATION_TIMEOUT 504,INVALID_API_KEY 403,INVALID_SIGNATURE 403,\
        MISSING_AUTHENTICATION_TOKEN 403,QUOTA_EXCEEDED 429,REQUEST_TOO_LARGE 413,RESOURCE_NOT_FOUND 404,THROTTLED 429,\
        UNAUTHORIZED 401,UNSUPPORTED_MEDIA_TYPE 415,WAF_FILTERED 403";
    let items: Vec<Value> =
        ALL.split(',').map(|kind| kind.split_once(' ').unwrap()).map(|(kind, status)| change(kind, status)).collect();
    json!({"item": items})
}

fn defaults() -> Vec<Step> {
    vec![
        reads(
            "GET /restapis/{api}/gatewayresponses/MISSING_AUTHENTICATION_TOKEN",
            response("MISSING_AUTHENTICATION_TOKEN", "403", &json!({}), true),
        ),
        reads("GET /restapis/{api}/gatewayresponses", list(|kind, status| response(kind, status, &json!({}), true))),
    ]
}

fn with_responses() -> Definition {
    let set = |kind: &str, status, header: &str| GatewayResponse {
        kind: kind.to_owned(),
        status,
        headers: vec![(header.to_owned(), "1".to_owned())],
        template: None,
    };
    let gateway_responses = vec![set("DEFAULT_5XX", Some(599), "x-all"), set("AUTHORIZER_FAILURE", None, "x-own")];
    Definition { gateway_responses, ..Definition::default() }
}

/// A set DEFAULT_5XX shows in all of its class that are not set, which stay defaults.
fn set_responses() -> Vec<Step> {
    let shown = |kind: &str, status: &str| match (kind, status) {
        ("AUTHORIZER_FAILURE", _) => response(kind, "500", &json!({"gatewayresponse.header.x-own": "'1'"}), false),
        ("DEFAULT_5XX", _) => response(kind, "599", &json!({"gatewayresponse.header.x-all": "'1'"}), false),
        (_, "500" | "504") => response(kind, "599", &json!({"gatewayresponse.header.x-all": "'1'"}), true),
        _ => response(kind, status, &json!({}), true),
    };
    vec![
        reads("GET /restapis/{api}/gatewayresponses", list(shown)),
        reads("GET /restapis/{api}/gatewayresponses/DEFAULT_5XX", shown("DEFAULT_5XX", "")),
    ]
}

fn wrong_responses() -> Vec<Step> {
    let no_api = "Invalid API identifier specified 111111111111:none";
    let wrong = "1 validation error detected: Value 'COLOUR' at 'responseType' failed to satisfy constraint: Member must \
                 satisfy enum value set: [REQUEST_TOO_LARGE, RESOURCE_NOT_FOUND, AUTHORIZER_CONFIGURATION_ERROR, \
                 MISSING_AUTHENTICATION_TOKEN, BAD_REQUEST_BODY, INVALID_SIGNATURE, INVALID_API_KEY, \
                 BAD_REQUEST_PARAMETERS, AUTHORIZER_FAILURE, UNAUTHORIZED, INTEGRATION_TIMEOUT, ACCESS_DENIED, \
                 DEFAULT_4XX, DEFAULT_5XX, WAF_FILTERED, QUOTA_EXCEEDED, THROTTLED, API_CONFIGURATION_ERROR, \
                 UNSUPPORTED_MEDIA_TYPE, INTEGRATION_FAILURE, EXPIRED_TOKEN]";
    vec![
        not_found("GET /restapis/none/gatewayresponses", no_api),
        not_found("GET /restapis/none/gatewayresponses/DEFAULT_4XX", no_api),
        step(
            "GET /restapis/{api}/gatewayresponses/COLOUR",
            Value::Null,
            Expected::Error(400, "ValidationException", wrong.to_owned()),
        ),
    ]
}

fn validator() -> Value {
    json!({"id": "v1", "name": "body", "validateRequestBody": true, "validateRequestParameters": false})
}

fn with_parts() -> Definition {
    Definition { validators: vec![validator()], ..tree() }
}

fn parts() -> Vec<Step> {
    let model = |name: &str, kind: &str| {
        let description = format!("This is a default {kind} schema model");
        json!({"id": "*", "name": name, "description": description, "schema": "*", "contentType": "application/json"})
    };
    let empty = model("Empty", "empty");
    vec![
        reads("GET /restapis/{api}/models", json!({"item": [empty, model("Error", "error")]})),
        reads("GET /restapis/{api}/models/Empty", empty),
        reads("GET /restapis/{api}/requestvalidators", json!({"item": [validator()]})),
        reads("GET /restapis/{api}/requestvalidators/v1", validator()),
        not_found("GET /restapis/{api}/requestvalidators/none", "Invalid Request Validator identifier specified"),
        not_found("GET /restapis/{api}/models/none", "Invalid model name specified: none"),
        reads("GET /restapis/{api}/authorizers", json!({"item": []})),
    ]
}

fn of_no_api() -> Vec<Step> {
    let no_api = "Invalid API identifier specified 111111111111:none";
    vec![
        not_found("GET /restapis/none/models", no_api),
        not_found("GET /restapis/none/authorizers", no_api),
        not_found("GET /restapis/none/requestvalidators", no_api),
        not_found("GET /restapis/none/models/Empty", "Invalid model name specified: Empty"),
        not_found("GET /restapis/none/requestvalidators/v1", "Invalid Request Validator identifier specified"),
    ]
}
