//! The preflight's handler.

use function::{
    handler::{Handler as _, Preflight},
    reply::Response,
    request::Request,
};
use serde_json::json;

use crate::memory::{assert_framed, body, frame, read, request};

async fn ask(request: &Request) -> Response {
    Preflight::new(frame()).respond(request).await
}

#[tokio::test]
async fn a_preflight_gets_headers_and_no_body() {
    for path in ["/count", "/health", "/anything"] {
        let response = ask(&request("OPTIONS", path)).await;
        assert_framed(&response);
        assert_eq!((response.status_code, response.body.as_str()), (200, ""));
    }
}

#[tokio::test]
async fn a_preflight_echoes_the_asking_origin_and_the_deployment() {
    let event = json!({
        "httpMethod": "OPTIONS", "path": "/count", "headers": {"origin": "https://b.example"},
        "stageVariables": {"deployment": "d4e5"},
    });
    let response = ask(&read(&event)).await;
    assert_eq!(response.headers["Access-Control-Allow-Origin"], "https://b.example");
    assert_eq!(response.headers["x-api-deployment"], "d4e5");
}

#[tokio::test]
async fn another_method_is_not_allowed() {
    for method in ["GET", "POST", "options", ""] {
        let response = ask(&request(method, "/count")).await;
        assert_framed(&response);
        assert_eq!((response.status_code, response.headers["Allow"].as_str()), (405, "OPTIONS"));
        assert_eq!(body(&response)["request_id"], "r-1");
    }
}
