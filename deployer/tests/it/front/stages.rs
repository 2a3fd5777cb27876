//! What a stage's URL answers.

use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};

use super::scratch::{Scratch, ask, front, said};
use crate::harness::{block_on, client};
use crate::stack;
use crate::strict::Front;

const NO_ROUTE: (u16, &str) = (403, "MissingAuthenticationTokenException");

fn switch_to(front: &Front, scratch: &Scratch, deployment: &str) {
    let patch = json!({"patchOperations": [{"op": "replace", "path": "/deploymentId", "value": deployment}]});
    ask(front, "PATCH", &scratch.stage(), &patch).good();
}

fn deploy(front: &Front, scratch: &Scratch) -> String {
    let made = ask(front, "POST", &format!("/restapis/{}/deployments", scratch.api), &json!({})).good();
    made["id"].as_str().unwrap().to_owned()
}

pub(crate) fn a_stage_hands_the_function_the_proxy_event_and_the_client_its_answer() {
    let scratch = Scratch::with_api("event");
    let front = front();
    let stage = format!("/restapis/{}/test/_user_request_", scratch.api);
    let address = front.url(&format!("http://127.0.0.1:{}{stage}/echo", stack().checkout.port("dev")));
    let get = |accept: &str| {
        let request = client().get(format!("{address}?a=1&a=2&b=%C3%A4")).header("accept", accept);
        block_on(async { said(request.header("x-forwarded-for", "192.0.2.7").send().await.unwrap()).await.unwrap() })
    };
    // A client that accepts none of the API's binary types gets the base64 as it is.
    let text = get("text/plain");
    let decoded = base64::engine::general_purpose::STANDARD.decode(&text.text).unwrap();
    let event: Value = serde_json::from_slice(&decoded).unwrap();
    assert_eq!(
        (&event["resource"], &event["path"], &event["httpMethod"]),
        (&json!("/echo"), &json!("/echo"), &json!("GET"))
    );
    assert_eq!(event["multiValueQueryStringParameters"], json!({"a": ["1", "2"], "b": ["ä"]}));
    assert_eq!(event["queryStringParameters"], json!({"a": "2", "b": "ä"}));
    assert_eq!(event["stageVariables"], json!({"color": "blue"}));
    assert_eq!(event["requestContext"]["path"], "/test/echo");
    assert_eq!(event["requestContext"]["identity"]["sourceIp"], "127.0.0.1");
    let binary = get("image/png");
    assert_eq!(binary.body["path"], "/echo", "{binary:?}");
    assert_eq!((binary.status, binary.header("x-version")), (200, "1"));
    // By the host's name, too.
    let named = client().get(format!("http://127.0.0.1:{}/test/echo", front.port));
    let named = named.header("host", format!("{}.execute-api.localhost:{}", scratch.api, front.port));
    assert_eq!(block_on(async { named.send().await.unwrap().status() }), 200);
    let cookies: Vec<_> = binary.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    assert_eq!(front.take().iter().map(|call| (call.name, call.status)).collect::<Vec<_>>(), [("URL", Some(200)); 3]);
}

pub(crate) fn a_weighted_alias_is_answered_by_both_versions_by_chance_which_its_seed_repeats() {
    let scratch = Scratch::with_api("weights");
    let second = scratch.publish("version 2");
    scratch.alias(&json!({"RoutingConfig": {"AdditionalVersionWeights": {(second.clone()): 0.3}}}));
    let front = front();
    let course = |seed: u64| {
        front.seed(seed);
        (0..40).map(|_| scratch.get(&front, "/echo").header("x-version").to_owned()).collect::<Vec<_>>()
    };
    let first = course(7);
    let of_second = first.iter().filter(|version| **version == second).count();
    assert!((4..=24).contains(&of_second), "{first:?}");
    assert_eq!(course(7), first);
    assert_ne!(course(8), first);
}

pub(crate) fn a_stage_serves_the_definition_that_its_deployment_froze() {
    let scratch = Scratch::with_api("snapshot");
    let front = front();
    scratch.add_route("late", "live");
    let missing = scratch.get(&front, "/late");
    assert_eq!((missing.status, missing.header("x-amzn-errortype")), NO_ROUTE);
    assert_eq!(missing.body, json!({"message": "Missing Authentication Token"}));
    let second = deploy(&front, &scratch);
    assert_eq!(scratch.get(&front, "/late").status, 403, "the stage has not moved");
    switch_to(&front, &scratch, &second);
    assert_eq!(scratch.get(&front, "/late").status, 200);
    scratch.add_route("later", "live");
    drop(front);
    // A later front knows what an earlier one saw.
    let front = super::scratch::front();
    assert_eq!((scratch.get(&front, "/late").status, scratch.get(&front, "/later").status), (200, 403));
    switch_to(&front, &scratch, &scratch.deployment);
    assert_eq!((scratch.get(&front, "/late").status, scratch.get(&front, "/echo").status), (403, 200));
}

pub(crate) fn a_switch_of_a_stage_is_seen_late_and_flips_back_for_a_moment() {
    let scratch = Scratch::with_api("propagation");
    let front = front();
    scratch.add_route("late", "live");
    let second = deploy(&front, &scratch);
    front.propagation(Duration::from_secs(3));
    // What has been invoked before answers quickly.
    assert_eq!(scratch.get(&front, "/echo").status, 200);
    switch_to(&front, &scratch, &second);
    let started = Instant::now();
    let mut seen = Vec::new();
    while started.elapsed() < Duration::from_millis(3800) {
        seen.push(scratch.get(&front, "/late").status);
    }
    seen.dedup();
    assert_eq!(seen, [403, 200, 403, 200]);
}

pub(crate) fn an_alias_that_does_not_allow_the_route_is_not_called() {
    let scratch = Scratch::with_api("permission");
    let front = front();
    let allowed = |caller: &str| {
        scratch.allow("one", &format!("{}/{caller}", scratch.api));
        let status = scratch.get(&front, "/echo").status;
        scratch.forbid("one");
        status
    };
    scratch.forbid("all");
    let refused = scratch.get(&front, "/echo");
    assert_eq!((refused.status, refused.body), (500, json!({"message": "Internal server error"})));
    for caller in ["test/GET/other", "other/GET/echo", "test/POST/echo", "test/GET/echo/more"] {
        assert_eq!(allowed(caller), 500, "{caller}");
    }
    for caller in ["test/GET/echo", "*/GET/echo", "*/*/*", "*", "test/GE?/e*"] {
        assert_eq!(allowed(caller), 200, "{caller}");
    }
}

pub(crate) fn an_alias_or_version_that_does_not_exist_is_a_500_and_a_failed_function_a_502() {
    let scratch = Scratch::with_api("broken");
    let front = front();
    assert_eq!(scratch.get(&front, "/gone").status, 500);
    for path in ["/fail", "/nonsense"] {
        let failed = scratch.get(&front, path);
        assert_eq!((failed.status, failed.body), (502, json!({"message": "Internal server error"})), "{path}");
    }
    assert_eq!(scratch.get(&front, "/echo").status, 200);
    scratch.alias(&json!({"FunctionVersion": "99"}));
    assert_eq!(scratch.get(&front, "/echo").status, 500);
}

pub(crate) fn a_stage_names_a_deployment_that_exists_and_keeps_it() {
    let scratch = Scratch::with_api("deployments");
    let front = front();
    let patch = json!({"patchOperations": [{"op": "replace", "path": "/deploymentId", "value": "nothing"}]});
    let refused = ask(&front, "PATCH", &scratch.stage(), &patch);
    refused.refused(400, "BadRequestException", "Deployment id does not exist");
    let second = deploy(&front, &scratch);
    let delete = |id: &str| ask(&front, "DELETE", &format!("/restapis/{}/deployments/{id}", scratch.api), &Value::Null);
    let words = "Active stages pointing to this deployment must be moved or deleted";
    delete(&scratch.deployment).refused(400, "BadRequestException", words);
    switch_to(&front, &scratch, &second);
    delete(&scratch.deployment).good();
    delete(&second).refused(400, "BadRequestException", words);
}
