//! The counter's handler over stores in memory.

use std::sync::atomic::Ordering::SeqCst;

use function::{
    handler::{Counter, Handler as _},
    key::AddressKey,
    privacy::Address,
    reply::Response,
    request::Request,
};
use proptest::prelude::*;
use serde_json::json;

use crate::memory::{CAUSE, Goes, Memory, Vault, assert_framed, body, frame, key, read, request, telemetry};

async fn ask(store: &Memory, request: &Request) -> Response {
    Counter::new(store, key(), frame(), telemetry()).respond(request).await
}

/// Asserts a 500 that shows `error`, the request id and nothing of the cause.
fn assert_failed(response: &Response, error: &str) {
    assert_framed(response);
    let body = body(response);
    assert_eq!((response.status_code, &body["error"]), (500, &json!(error)));
    assert_eq!(body["request_id"], "r-1");
    assert!(body["message"].as_str().unwrap().ends_with("Please try again later."));
    assert!(!response.body.contains(CAUSE), "{}", response.body);
}

#[tokio::test]
async fn a_visit_is_counted_and_remembered() {
    let store = Memory { count: 41.into(), ..Memory::default() };
    let response = ask(&store, &request("GET", "/count")).await;
    assert_framed(&response);
    let counted = json!({"count": 42, "message": "Visitor count updated successfully"});
    assert_eq!((response.status_code, body(&response)), (200, counted));
    assert_eq!(store.visits.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn every_visit_has_an_id_of_its_own() {
    let store = Memory::default();
    ask(&store, &request("GET", "/count")).await;
    ask(&store, &request("GET", "/count")).await;
    let visits = store.visits.lock().unwrap();
    assert_ne!(visits[0].id, visits[1].id);
}

#[tokio::test]
async fn a_visit_is_stored_sanitised() {
    let store = Memory::default();
    let agent = Some(format!("evil\r\n{}", "ü".repeat(300)));
    let path = format!("/count\0{}", "p".repeat(300));
    let request = Request { user_agent: agent, path, ..request("GET", "/count") };
    assert_eq!(ask(&store, &request).await.status_code, 200);
    let visits = store.visits.lock().unwrap();
    assert_eq!(visits[0].user_agent, format!("evil{}", "ü".repeat(252)));
    assert_eq!(visits[0].path, format!("/count{}", "p".repeat(250)));
}

#[tokio::test]
async fn a_bare_event_with_nothing_but_method_and_path_is_counted() {
    let event = json!({"httpMethod": "GET", "path": "/count"});
    let response = ask(&Memory::default(), &read(&event)).await;
    assert_eq!(response.status_code, 200);
    assert_framed(&response);
}

#[tokio::test]
async fn an_event_with_nothing_at_all_is_not_found() {
    let response = ask(&Memory::default(), &Request::default()).await;
    assert_eq!(response.status_code, 404);
    assert_framed(&response);
}

#[tokio::test]
async fn a_store_that_cannot_count_is_a_database_error() {
    let store = Memory { counts: Goes::Fails, ..Memory::default() };
    assert_failed(&ask(&store, &request("GET", "/count")).await, "Database error");
}

#[tokio::test]
async fn other_errors_than_those_of_the_store_are_distinguished() {
    for goes in [Goes::Malformed, Goes::Panics] {
        let store = Memory { counts: goes, total: goes, ..Memory::default() };
        for path in ["/count", "/health"] {
            assert_failed(&ask(&store, &request("GET", path)).await, "Internal server error");
        }
    }
}

#[tokio::test]
async fn health_shows_the_count_and_the_version_and_writes_nothing() {
    let store = Memory { count: 5.into(), ..Memory::default() };
    let response = ask(&store, &request("GET", "/health")).await;
    assert_framed(&response);
    let healthy = json!({"status": "ok", "count": 5, "version": "7"});
    assert_eq!((response.status_code, body(&response)), (200, healthy));
    assert_eq!((store.count.load(SeqCst), store.visits.lock().unwrap().len()), (5, 0));
}

#[tokio::test]
async fn health_of_an_unresponsive_store_is_a_database_error() {
    let store = Memory { total: Goes::Fails, ..Memory::default() };
    assert_failed(&ask(&store, &request("GET", "/health")).await, "Database error");
}

#[tokio::test]
async fn an_unknown_route_is_not_found_and_writes_nothing() {
    let store = Memory::default();
    for path in ["/", "/Count", "/count/", "/count/x", "//count", "/healthz"] {
        let response = ask(&store, &request("GET", path)).await;
        assert_framed(&response);
        assert_eq!((response.status_code, &body(&response)["error"]), (404, &json!("Not found")));
    }
    assert_eq!(store.count.load(SeqCst), 0);
}

#[tokio::test]
async fn a_wrong_method_is_not_allowed_and_writes_nothing() {
    let store = Memory::default();
    for (method, path) in [("POST", "/count"), ("OPTIONS", "/count"), ("", "/count"), ("PUT", "/health")] {
        let response = ask(&store, &request(method, path)).await;
        assert_framed(&response);
        assert_eq!((response.status_code, response.headers["Allow"].as_str()), (405, "GET"));
        assert_eq!(body(&response)["error"], "Method not allowed");
    }
    assert_eq!(store.count.load(SeqCst), 0);
}

#[tokio::test]
async fn a_response_names_the_deployment_of_its_stage() {
    let event = json!({"path": "/health", "httpMethod": "GET", "stageVariables": {"deployment": "d4e5"}});
    let response = ask(&Memory::default(), &read(&event)).await;
    assert_eq!(response.headers["x-api-deployment"], "d4e5");
    let without = ask(&Memory::default(), &request("GET", "/health")).await;
    assert!(!without.headers.contains_key("x-api-deployment"));
}

#[tokio::test]
async fn an_allowed_origin_is_echoed_on_errors_too() {
    let store = Memory { counts: Goes::Fails, ..Memory::default() };
    for path in ["/count", "/health", "/nowhere"] {
        let origin = Some("https://b.example".to_owned());
        let response = ask(&store, &Request { origin, ..request("GET", path) }).await;
        assert_eq!(response.headers["Access-Control-Allow-Origin"], "https://b.example");
    }
}

/// A visit of someone at `address`.
fn visit_from(address: &str) -> Request {
    Request { source: Address::read(address), ..request("GET", "/count") }
}

fn stored(store: &Memory) -> Vec<String> {
    let visits = store.visits.lock().unwrap();
    visits.iter().map(|visit| visit.visitor_ip.as_str().to_owned()).collect()
}

#[tokio::test]
async fn a_visit_without_an_address_is_unknown_and_reads_no_key() {
    let (store, vault) = (Memory::default(), Vault::down(0));
    let counter = Counter::new(&store, AddressKey::new(&vault), frame(), telemetry());
    for address in ["", "test-invoke-source-ip"] {
        assert_eq!(counter.respond(&visit_from(address)).await.status_code, 200);
    }
    assert_eq!((stored(&store), vault.asked()), (vec!["unknown".to_owned(); 2], 0));
}

#[tokio::test]
async fn without_a_key_visits_count_and_each_reads_it_once() {
    let (store, vault) = (Memory::default(), Vault::down(2));
    let counter = Counter::new(&store, AddressKey::new(&vault), frame(), telemetry());
    for _ in 0..4 {
        assert_eq!(counter.respond(&visit_from("203.0.113.77")).await.status_code, 200);
    }
    let stored = stored(&store);
    assert_eq!((stored[0].as_str(), stored[1].as_str()), ("unknown", "unknown"));
    assert_eq!((stored[2].len(), &stored[2]), (32, &stored[3]));
    assert_eq!((vault.asked(), store.count.load(SeqCst)), (3, 4));
}

#[tokio::test]
async fn nothing_but_a_visit_asks_for_the_key() {
    let (store, vault) = (Memory::default(), Vault::down(9));
    let counter = Counter::new(&store, AddressKey::new(&vault), frame(), telemetry());
    for (method, path) in [("GET", "/health"), ("GET", "/nowhere"), ("OPTIONS", "/count")] {
        let source = Address::read("203.0.113.77");
        counter.respond(&Request { source, ..request(method, path) }).await;
    }
    assert_eq!(vault.asked(), 0);
}

proptest! {
    #[test]
    fn neither_response_nor_store_contains_the_address(ip: std::net::IpAddr, path in "/count|/health|/x") {
        let address = ip.to_string();
        let event = json!({
            "httpMethod": "GET", "path": path, "requestContext": {"identity": {"sourceIp": address}},
        });
        let request = read(&event);
        let store = Memory::default();
        let response = futures::executor::block_on(ask(&store, &request));
        let shown = format!("{request:?} {response:?} {store:?}");
        prop_assert!(!shown.contains(&address), "{}", shown);
        prop_assert!(path != "/count" || stored(&store)[0].len() == 32);
    }
}
