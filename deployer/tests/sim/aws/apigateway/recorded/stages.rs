//! Stages and deployments.

use serde_json::{Value, json};

use super::super::{Definition, Integration, Route};
use super::{Expected, Sequence, Step, World, bad_request, not_found, patches, reads, step};

const IN_USE: &str = "Active stages pointing to this deployment must be moved or deleted";
const LOG_PATH: &str = "Invalid accessLogSettings path. Must be one of : [/accessLogSettings/destinationArn, \
                        /accessLogSettings/format]";

pub(super) fn all() -> Vec<Sequence> {
    vec![
        Sequence { name: "update a stage", world: described(), steps: update() },
        Sequence { name: "settings of all methods", world: described(), steps: wildcard() },
        Sequence { name: "access log", world: described(), steps: access_log() },
        Sequence { name: "access log, wrong", world: described(), steps: wrong_access_log() },
        Sequence { name: "delete what is served", world: World::staged(definition()), steps: delete_served() },
        Sequence { name: "move a stage", world: World::staged(definition()), steps: move_stage() },
        Sequence { name: "stages of a deployment", world: World::staged(definition()), steps: of_deployment() },
        Sequence { name: "unknown ids", world: World::staged(definition()), steps: unknown() },
        Sequence { name: "nothing to deploy", world: World::of(Definition::default()), steps: nothing() },
    ]
}

fn definition() -> Definition {
    Definition::of(vec![Route::new("GET", "/count", Integration::Mock)])
}

fn described() -> World {
    let mut world = World::staged(definition());
    let api = world.names["api"].clone();
    world.gateway.change_stage((&api, "s1"), std::time::Duration::ZERO, |state| {
        state.description = Some("the counter's".to_owned());
        state.documentation_version = Some("v5".to_owned());
    });
    world
}

/// A stage as it is shown, with these fields too, or in place of its own.
fn shown(fields: &Value) -> Value {
    let mut stage = json!({
        "cacheClusterEnabled": false,
        "cacheClusterStatus": "NOT_AVAILABLE",
        "createdDate": "*",
        "deploymentId": "{d1}",
        "lastUpdatedDate": "*",
        "methodSettings": {},
        "stageName": "s1",
        "tracingEnabled": false,
    });
    for (name, value) in fields.as_object().unwrap() {
        stage[name] = value.clone();
    }
    stage
}

fn shown_described(fields: &Value) -> Value {
    let mut stage = shown(fields);
    stage["documentationVersion"] = json!("v5");
    if stage["description"].is_null() {
        stage["description"] = json!("the counter's");
    }
    stage
}

fn settings(burst: u32) -> Value {
    json!({
        "cacheDataEncrypted": false,
        "cacheTtlInSeconds": 300,
        "cachingEnabled": true,
        "dataTraceEnabled": false,
        "metricsEnabled": false,
        "requireAuthorizationForCacheControl": true,
        "throttlingBurstLimit": burst,
        "throttlingRateLimit": 10000.0,
        "unauthorizedCacheControlHeaderStrategy": "SUCCEED_WITH_RESPONSE_HEADER",
    })
}

fn updates(operations: &[(&str, &str, &str)], expected: Value) -> Step {
    step("PATCH /restapis/{api}/stages/s1", patches(operations), Expected::Just(200, expected))
}

fn refuses(operation: (&str, &str, &str), message: &str) -> Step {
    step("PATCH /restapis/{api}/stages/s1", patches(&[operation]), bad_request(message))
}

fn refuses_path(path: &str) -> Step {
    let paths = super::super::patch::PATHS;
    refuses(("replace", path, "v"), &format!("Invalid method setting path: {path}. Must be one of: [{paths}]"))
}

fn update() -> Vec<Step> {
    let changed = |burst: u32| {
        shown_described(&json!({
            "description": "of visits",
            "tracingEnabled": true,
            "variables": {"alias": "live", "deployment": "none"},
            "methodSettings": {"*/*": settings(burst), "count/GET": settings(9)},
        }))
    };
    let operations = [
        ("replace", "/description", "of visits"),
        ("replace", "/variables/alias", "live"),
        ("replace", "/variables/deployment", "none"),
        ("replace", "/*/*/throttling/burstLimit", "8"),
        ("replace", "/*/*/caching/enabled", "true"),
        ("replace", "/tracingEnabled", "true"),
        ("replace", "/~1count/GET/throttling/burstLimit", "9"),
    ];
    vec![
        refuses_path("/documentation_version"),
        refuses_path("/tags/owner"),
        updates(&operations, changed(8)),
        reads("GET /restapis/{api}/stages/s1", changed(8)),
        updates(&[("replace", "/*/*/throttling/burstLimit", "7")], changed(7)),
    ]
}

fn wildcard() -> Vec<Step> {
    let none = "Cannot remove method setting */* because there is no method setting for this method ";
    let plain = || shown_described(&json!({}));
    vec![
        reads("GET /restapis/{api}/stages/s1", plain()),
        refuses(("remove", "/*/*", ""), none),
        updates(
            &[("replace", "/*/*/caching/enabled", "true")],
            shown_described(&json!({"methodSettings": {"*/*": settings(5000)}})),
        ),
        updates(&[("remove", "/*/*", "")], plain()),
        reads("GET /restapis/{api}/stages/s1", plain()),
    ]
}

fn access_log() -> Vec<Step> {
    let (arn, other) = ("arn:aws:logs:eu-west-1:111111111111:log-group:visits", "arn:aws:logs:other");
    let logs = |settings: Value| shown_described(&json!({"accessLogSettings": settings}));
    vec![
        updates(&[("add", "/accessLogSettings/destinationArn", arn)], logs(json!({"destinationArn": arn}))),
        updates(&[("replace", "/accessLogSettings/destinationArn", other)], logs(json!({"destinationArn": other}))),
        updates(
            &[("add", "/accessLogSettings/format", "$context.requestId")],
            logs(json!({"destinationArn": other, "format": "$context.requestId"})),
        ),
        updates(&[("remove", "/accessLogSettings", "")], shown_described(&json!({}))),
    ]
}

fn wrong_access_log() -> Vec<Step> {
    let none =
        |path: &str| format!("Cannot remove method setting {path} because there is no method setting for this method ");
    vec![
        refuses(("add", "/accessLogSettings/colour", "v"), LOG_PATH),
        refuses(("remove", "/accessLogSettings/colour", ""), &none("accessLogSettings/colour")),
        refuses(("replace", "/accessLogSettings/colour", "v"), LOG_PATH),
        refuses(("add", "/accessLogSettings/*", "v"), LOG_PATH),
        refuses(("remove", "/accessLogSettings/*", ""), &none("accessLogSettings/*")),
        refuses(("add", "/accessLogSettings", "v"), LOG_PATH),
        refuses(("replace", "/accessLogSettings", "v"), LOG_PATH),
        refuses(("add", "/accessLogSettings/destinationArn", ""), "Access Log value must not be empty"),
        refuses(("add", "/accessLogSettings/format", ""), "Access Log value must not be empty"),
        refuses(("remove", "/accessLogSettings/destinationArn", ""), &none("accessLogSettings/destinationArn")),
        reads("GET /restapis/{api}/stages/s1", shown_described(&json!({}))),
    ]
}

fn delete_served() -> Vec<Step> {
    let delete = || step("DELETE /restapis/{api}/deployments/{d1}", Value::Null, bad_request(IN_USE));
    let deployments = || json!({"item": [{"id": "{d1}", "createdDate": "*"}]});
    vec![
        reads("GET /restapis/{api}/deployments/{d1}", json!({"id": "{d1}", "createdDate": "*"})),
        reads("GET /restapis/{api}/stages", json!({"item": [shown(&json!({}))]})),
        delete(),
        reads("GET /restapis/{api}/deployments", deployments()),
        delete(),
        reads("GET /restapis/{api}/deployments", deployments()),
        reads("GET /restapis/{api}/stages", json!({"item": [shown(&json!({}))]})),
    ]
}

fn move_stage() -> Vec<Step> {
    let created = json!({"id": "*", "createdDate": "*", "description": "release 2"});
    let moved = shown(&json!({"deploymentId": "{d2}", "variables": {"deployment": "{d2}"}}));
    let to_new = [("replace", "/deploymentId", "{d2}"), ("replace", "/variables/deployment", "{d2}")];
    let delete = |call, expected| step(call, Value::Null, expected);
    vec![
        delete("DELETE /restapis/{api}/deployments/{d1}", bad_request(IN_USE)),
        step("POST /restapis/{api}/deployments", json!({"description": "release 2"}), Expected::Just(201, created))
            .keeps("d2"),
        reads("GET /restapis/{api}/stages", json!({"item": [shown(&json!({}))]})),
        updates(&to_new, moved.clone()),
        reads("GET /restapis/{api}/stages/s1", moved.clone()),
        reads("GET /restapis/{api}/stages", json!({"item": [moved]})),
        delete("DELETE /restapis/{api}/deployments/{d1}", Expected::Nothing(202)),
        delete("DELETE /restapis/{api}/deployments/{d2}", bad_request(IN_USE)),
        not_found("GET /restapis/{api}/deployments/{d1}", "Invalid Deployment identifier specified"),
    ]
}

fn of_deployment() -> Vec<Step> {
    let created = || Expected::Just(201, json!({"id": "*", "createdDate": "*"}));
    let second = shown(&json!({"deploymentId": "{d2}", "stageName": "s2"}));
    vec![
        step("POST /restapis/{api}/deployments", json!({"stageName": "s2"}), created()).keeps("d2"),
        reads("GET /restapis/{api}/stages", json!({"item": [shown(&json!({})), second]})),
        reads("GET /restapis/{api}/stages?deploymentId={d1}", json!({"item": [shown(&json!({}))]})),
        reads("GET /restapis/{api}/stages?deploymentId={d2}", json!({"item": [second]})),
    ]
}

/// Not recorded as one sequence; the messages are AWS's.
fn unknown() -> Vec<Step> {
    vec![
        refuses(("replace", "/deploymentId", "abcdef"), "Deployment id does not exist"),
        not_found("GET /restapis/{api}/stages/none", "Invalid stage identifier specified"),
        not_found("DELETE /restapis/{api}/deployments/abcdef", "Invalid Deployment identifier specified"),
        not_found("POST /restapis/abcdef/deployments", "Invalid API identifier specified 111111111111:abcdef"),
        reads("GET /restapis/{api}/stages/s1", shown(&json!({}))),
    ]
}

fn nothing() -> Vec<Step> {
    let refused = || bad_request("The REST API doesn't contain any methods");
    vec![step("POST /restapis/{api}/deployments", json!({}), refused())]
}
