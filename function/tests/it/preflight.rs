//! The preflight's handler.

use function::{
    handler::{Handler as _, Preflight},
    reply::Answer,
    request::Request,
};
use serde_json::json;

use crate::memory::{assert_framed, body, frame, request};

async fn ask(request: &Request) -> Answer {
    Preflight::new(frame()).answer(request).await
}

#[tokio::test]
async fn a_preflight_is_answered_with_headers_and_no_body() {
    for path in ["/count", "/health", "/anything"] {
        let answer = ask(&request("OPTIONS", path)).await;
        assert_framed(&answer);
        assert_eq!((answer.status_code, answer.body.as_str()), (200, ""));
    }
}

#[tokio::test]
async fn a_preflight_echoes_the_asking_origin_and_the_deployment() {
    let event = json!({
        "httpMethod": "OPTIONS", "path": "/count", "headers": {"origin": "https://b.example"},
        "stageVariables": {"deployment": "d4e5"},
    });
    let answer = ask(&Request::read(&event, "r-1", None)).await;
    assert_eq!(answer.headers["Access-Control-Allow-Origin"], "https://b.example");
    assert_eq!(answer.headers["x-api-deployment"], "d4e5");
}

#[tokio::test]
async fn another_method_is_not_allowed() {
    for method in ["GET", "POST", "options", ""] {
        let answer = ask(&request(method, "/count")).await;
        assert_framed(&answer);
        assert_eq!((answer.status_code, answer.headers["Allow"].as_str()), (405, "OPTIONS"));
        assert_eq!(body(&answer)["request_id"], "r-1");
    }
}
