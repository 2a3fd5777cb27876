//! What an event or a store may come with, and what a visitor then gets: the documented answer with CORS
//! headers and nothing internal, and one line in the log that says why.

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

/// What stores say of themselves, and no visitor may read.
const INTERNAL: &str = "arn:aws:dynamodb:eu-west-1:123456789012:table/visits";

fn assert_framed(answer: &Value) {
    let headers = &answer["headers"];
    assert_eq!(headers["Access-Control-Allow-Origin"], "https://a.example", "{answer}");
    assert_eq!(headers["Access-Control-Allow-Methods"], "GET, OPTIONS", "{answer}");
    assert_eq!(headers["Access-Control-Allow-Headers"], "Content-Type", "{answer}");
    assert_eq!((&headers["Vary"], &headers["Content-Type"]), (&json!("Origin"), &json!("application/json")));
}

fn body(answer: &Value) -> Value {
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
}

#[test]
fn an_odd_event_gets_its_answer_and_one_line() {
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
        let answer = function.invoke(event);
        assert_framed(&answer);
        assert_eq!((answer["statusCode"].as_u64(), body(&answer)["error"].as_str()), (Some(*status), *error), "{name}");
    }
    let log = function.log();
    let statuses: Vec<_> = log.iter().map(|line| line["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, cases.map(|(_, _, status, _)| status), "{log:#?}");
}

/// Invokes a function over `table`, and asserts the documented failure: within the function's 10 s, framed,
/// with nothing internal, and with one line that says `cause`.
fn assert_told(name: &str, table: &StandIn, path: &str, error: &str, cause: &str) {
    let function: Lambda = counter(table);
    assert_eq!(function.invoke(&event("GET", "/nowhere"))["statusCode"], 404, "{name}: it must start all the same");
    let started = Instant::now();
    let answer = function.invoke(&event("GET", path));
    assert!(started.elapsed() < Duration::from_secs(9), "{name}: {:?}", started.elapsed());
    assert_framed(&answer);
    let (status, body) = (&answer["statusCode"], body(&answer));
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
fn a_store_that_fails_gets_the_visitor_the_documented_answer_and_the_log_its_cause() {
    let answering = |sent: Sent| StandIn::start(move |_| sent.clone());
    let rubbish = |body: &str| answering((200, vec![], body.to_owned()));
    for path in ["/count", "/health"] {
        let database = |name, table: &StandIn, cause| assert_told(name, table, path, "Database error", cause);
        database("no table", &answering(refusal(400, "ResourceNotFoundException")), INTERNAL);
        database("not allowed", &answering(refusal(400, "AccessDeniedException")), INTERNAL);
        database("throttled", &answering(refusal(400, "ProvisionedThroughputExceededException")), INTERNAL);
        database("failing", &answering(refusal(500, "InternalServerError")), INTERNAL);
        database("rubbish", &rubbish("<html>"), "");
    }
    let other = |name, body| assert_told(name, &rubbish(body), "/count", "Internal server error", "no whole number");
    other("an empty answer", "{}");
    other("no number", r#"{"Attributes": {"count": {"S": "many"}}}"#);
    other("a fraction", r#"{"Attributes": {"count": {"N": "1.5"}}}"#);
    other("less than nobody", r#"{"Attributes": {"count": {"N": "-1"}}}"#);
}

#[test]
fn a_store_that_is_down_or_hangs_up_or_never_answers_does_not_outlast_the_function() {
    let nowhere = StandIn::nowhere();
    assert_told("down", &nowhere, "/count", "Database error", "");
    let slow = StandIn::start(|_| {
        thread::sleep(Duration::from_secs(30));
        (200, vec![], "{}".to_owned())
    });
    assert_told("slow", &slow, "/count", "Database error", "");
}
