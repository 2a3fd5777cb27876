//! Events of every shape, through the parser and the counter: none panics, and each gets the response that the
//! documentation describes.
//!
//! `cargo test` tries some thousand, with `CASES=all` twenty times as many. `.ci/fuzz function
//! functions fuzz::any_bytes_get_a_response` lets libFuzzer search, guided by what is covered.

use std::path::Path;
use std::time::Instant;

use bolero::check;
use function::{
    handler::{Counter, Handler as _},
    visit::TEXT_LIMIT,
};
use proptest::test_runner::TestRunner;
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Map, Value, json};

use crate::memory::{Memory, assert_framed, body, frame, key, read, telemetry};

/// What API Gateway puts into an event, at any depth.
const NAMES: [&str; 18] = [
    "resource",
    "path",
    "httpMethod",
    "headers",
    "multiValueHeaders",
    "Origin",
    "origin",
    "User-Agent",
    "X-Forwarded-For",
    "requestContext",
    "requestId",
    "extendedRequestId",
    "identity",
    "sourceIp",
    "stageVariables",
    "deployment",
    "body",
    "isBase64Encoded",
];

const TEXTS: [&str; 12] = [
    "GET",
    "OPTIONS",
    "/count",
    "/health",
    "/{proxy+}",
    "203.0.113.77",
    "::ffff:203.0.113.77",
    "2001:db8::1",
    "https://b.example",
    "null",
    "",
    "\r\n\u{0}\u{202e}",
];

/// Passes `event` to the counter, and checks the response and what was stored.
fn assert_documented(event: &Value) {
    let store = Memory::default();
    let request = read(event);
    let counter = Counter::new(&store, key(), frame(), telemetry());
    let response = futures::executor::block_on(counter.respond(&request));
    let origin = response.headers["Access-Control-Allow-Origin"].as_str();
    assert!(["https://a.example", "https://b.example"].contains(&origin), "{origin}");
    if origin == "https://a.example" {
        assert_framed(&response);
    }
    assert!([200, 404, 405].contains(&response.status_code), "{event}: {response:?}");
    assert_eq!(response.status_code == 200, body(&response)["error"].is_null(), "{response:?}");
    let visits = store.visits.lock().unwrap();
    for text in visits.iter().flat_map(|visit| [&visit.user_agent, &visit.path]) {
        assert!((1..=TEXT_LIMIT).contains(&text.chars().count()) && !text.contains(char::is_control), "{text:?}");
    }
}

#[test]
fn any_bytes_get_a_response() {
    check!().for_each(|bytes: &[u8]| {
        if let Ok(event) = serde_json::from_slice(bytes) {
            assert_documented(&event);
        }
    });
}

/// A text that an event may have, or any.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![3 => select(&TEXTS[..]).prop_map(str::to_owned), 1 => ".{0,300}"]
}

/// Any JSON whose members have the names that the parser looks for.
fn shape() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => text().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        let member = (select(&NAMES[..]).prop_map(str::to_owned), inner.clone());
        prop_oneof![
            4 => vec(member, 0..8).prop_map(|members| Value::Object(Map::from_iter(members))),
            1 => vec(inner, 0..4).prop_map(Value::Array),
        ]
    })
}

/// A sound event in which some members, at the top or in the context, are of another shape.
fn nearly_sound() -> impl Strategy<Value = Value> {
    vec((select(&NAMES[..]), shape(), any::<bool>()), 0..5).prop_map(|changes| {
        let mut event = json!({
            "resource": "/count", "path": "/count", "httpMethod": "GET", "headers": {"User-Agent": "a"},
            "requestContext": {"requestId": "r", "extendedRequestId": "e", "identity": {"sourceIp": "203.0.113.77"}},
        });
        for (name, shape, inside) in changes {
            match event["requestContext"].as_object_mut().filter(|_| inside) {
                Some(context) => drop(context.insert(name.to_owned(), shape)),
                None => event[name] = shape,
            }
        }
        event
    })
}

#[test]
fn every_event_of_any_shape_gets_a_response() {
    #[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of what is tested")]
    let all = std::env::var("CASES").is_ok_and(|cases| cases == "all");
    let cases = if all { 40_000 } else { 2_000 };
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) };
    let began = Instant::now();
    TestRunner::new(config)
        .run(&prop_oneof![shape(), nearly_sound()], |event| {
            assert_documented(&event);
            Ok(())
        })
        .unwrap();
    measured(cases, began.elapsed().as_secs_f64());
}

/// Leaves a row for the table of the promises, which the deployer's tests write.
fn measured(cases: u32, seconds: f64) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("promises");
    let row = json!({
        "promise": "events of API Gateway of every shape: no panic, and each gets the documented response",
        "how": "any JSON with the names of an event, and sound events with members of another shape, through the counter",
        "cases": cases, "violations": 0, "seconds": seconds,
    });
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("function-events.json"), row.to_string()).unwrap();
}
