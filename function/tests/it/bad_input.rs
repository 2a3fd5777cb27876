//! What an event or a store may come with, and what a visitor then gets: the documented response with CORS
//! headers and nothing internal, and one line in the log with the reason.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    binaries::{counter, event},
    lambda::{Lambda, dynamodb},
    standin::{Sent, StandIn},
};

/// Internal text of stores, which no visitor may read.
const INTERNAL: &str = "arn:aws:dynamodb:eu-west-1:123456789012:table/visits";

fn assert_framed(response: &Value) {
    let headers = &response["headers"];
    assert_eq!(headers["Access-Control-Allow-Origin"], "https://a.example", "{response}");
    assert_eq!(headers["Access-Control-Allow-Methods"], "GET, OPTIONS", "{response}");
    assert_eq!(headers["Access-Control-Allow-Headers"], "Content-Type", "{response}");
    assert_eq!((&headers["Vary"], &headers["Content-Type"]), (&json!("Origin"), &json!("application/json")));
}

fn body(response: &Value) -> Value {
    serde_json::from_str(response["body"].as_str().unwrap()).unwrap()
}

#[test]
fn an_odd_event_gets_its_response_and_one_line() {
    let with = |change: Value| {
        let mut odd = event("GET", "/count");
        odd.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        odd
    };
    let agent = |agent: &str| with(json!({"headers": {"User-Agent": agent}}));
    let mut bare = event("GET", "/count");
    bare.as_object_mut().unwrap().remove("requestContext");
    let cases = [
        ("nothing in it", json!({}), 404, Some("Not found")),
        ("null", json!(null), 404, Some("Not found")),
        ("a list", json!([1, {"httpMethod": "GET"}]), 404, Some("Not found")),
        ("null headers", with(json!({"headers": null, "multiValueHeaders": null})), 200, None),
        ("headers of numbers", with(json!({"headers": {"User-Agent": 7, "Origin": []}})), 200, None),
        ("a user agent of a megabyte", agent(&"ä".repeat(500_000)), 200, None),
        ("control characters", agent("a\r\nSet-Cookie: x\0\u{202e}\u{7f}"), 200, None),
        ("no context", bare, 200, None),
        ("an address that is none", with(json!({"requestContext": {"identity": {"sourceIp": "::1::"}}})), 200, None),
        ("a wrong method", event("DELETE", "/count"), 405, Some("Method not allowed")),
        ("no method", with(json!({"httpMethod": null})), 405, Some("Method not allowed")),
        ("an unknown path", event("GET", "/../etc/passwd"), 404, Some("Not found")),
    ];
    let (table, _) = dynamodb();
    let function = counter(&table);
    for (name, event, status, error) in &cases {
        let response = function.invoke(event);
        assert_framed(&response);
        assert_eq!(
            (response["statusCode"].as_u64(), body(&response)["error"].as_str()),
            (Some(*status), *error),
            "{name}"
        );
    }
    let log = function.log();
    let statuses: Vec<_> = log.iter().map(|line| line["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, cases.map(|(_, _, status, _)| status), "{log:#?}");
}

/// Invokes a function over `table`, and asserts the documented failure: within the function's 10 s, framed,
/// with nothing internal, and with one line that contains `cause`.
fn assert_reported(name: &str, table: &StandIn, path: &str, error: &str, cause: &str) {
    let function: Lambda = counter(table);
    assert_eq!(function.invoke(&event("GET", "/nowhere"))["statusCode"], 404, "{name}: it must start all the same");
    let started = Instant::now();
    let response = function.invoke(&event("GET", path));
    assert!(started.elapsed() < Duration::from_secs(9), "{name}: {:?}", started.elapsed());
    assert_framed(&response);
    let (status, body) = (&response["statusCode"], body(&response));
    assert_eq!((status, &body["error"], &body["request_id"]), (&json!(500), &json!(error), &json!("r-1")), "{name}");
    assert!(body["message"].as_str().unwrap().ends_with("Please try again later."), "{name}: {body}");
    assert_eq!(body.as_object().unwrap().len(), 3, "{name}: {body}");
    let log = function.log();
    let causes: Vec<_> = log.iter().filter(|line| line["level"] == "ERROR").collect();
    let [line] = causes.as_slice() else { panic!("{name}: {log:#?}") };
    let said = line["cause"].as_str().unwrap();
    assert!(said.starts_with("failed to ") && said.contains(cause), "{name}: {said}");
    assert_eq!(line["span"]["request_id"], "r-1", "{name}");
}

fn refusal(status: u16, code: &str) -> Sent {
    let error = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": INTERNAL});
    (status, vec![], error.to_string())
}

#[test]
fn a_store_failure_is_a_500_with_its_cause_in_the_log() {
    let returning = |sent: Sent| StandIn::start(move |_| sent.clone());
    let rubbish = |body: &str| returning((200, vec![], body.to_owned()));
    for path in ["/count", "/health"] {
        let database = |name, table: &StandIn, cause| assert_reported(name, table, path, "Database error", cause);
        database("no table", &returning(refusal(400, "ResourceNotFoundException")), INTERNAL);
        database("not allowed", &returning(refusal(400, "AccessDeniedException")), INTERNAL);
        database("throttled", &returning(refusal(400, "ProvisionedThroughputExceededException")), INTERNAL);
        database("failing", &returning(refusal(500, "InternalServerError")), INTERNAL);
        database("rubbish", &rubbish("<html>"), "");
    }
    let other =
        |name, body| assert_reported(name, &rubbish(body), "/count", "Internal server error", "no whole number");
    other("an empty response", "{}");
    other("no number", r#"{"Attributes": {"count": {"S": "many"}}}"#);
    other("a fraction", r#"{"Attributes": {"count": {"N": "1.5"}}}"#);
    other("a negative total", r#"{"Attributes": {"count": {"N": "-1"}}}"#);
}

#[test]
fn an_unresponsive_store_ends_before_the_function_times_out() {
    let nowhere = StandIn::nowhere();
    assert_reported("down", &nowhere, "/count", "Database error", "");
    let slow = StandIn::start(|_| {
        thread::sleep(Duration::from_secs(30));
        (200, vec![], "{}".to_owned())
    });
    assert_reported("slow", &slow, "/count", "Database error", "");
}
