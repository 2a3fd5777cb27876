//! Rounds: start, first request, many warm ones; the functions take turns.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::{
    aws::Aws,
    function::{Function, Running},
};

const ROUNDS: usize = 10;

/// Warm requests in a round. Together 2,500 of each function, so that 25 are beyond p99.
const REQUESTS: usize = 250;

/// What one round showed.
#[derive(Clone)]
pub(crate) struct Round {
    pub(crate) init: Duration,
    /// The first request after init.
    pub(crate) first: Duration,
    /// The requests after it, and the CPU time that they took together.
    pub(crate) warm: Vec<Duration>,
    pub(crate) cpu: Duration,
    /// In bytes.
    pub(crate) memory: u64,
}

/// The rounds of each of `functions`.
pub(crate) fn run<const N: usize>(aws: &Aws, functions: [&Function; N]) -> Result<[Vec<Round>; N]> {
    let mut rounds = [const { vec![] }; N];
    for _ in 0..ROUNDS {
        for (function, rounds) in functions.into_iter().zip(&mut rounds) {
            rounds.push(round(function, aws)?);
        }
    }
    Ok(rounds)
}

pub(crate) fn round(function: &Function, aws: &Aws) -> Result<Round> {
    let running = Running::start(function, aws)?;
    let first = visit(&running)?;
    let before = running.cpu()?;
    let warm = (0..REQUESTS).map(|_| visit(&running)).collect::<Result<_>>()?;
    let cpu = running.cpu()? - before;
    Ok(Round { init: running.init, first, warm, cpu, memory: running.peak_memory()? })
}

pub(crate) fn visit(running: &Running) -> Result<Duration> {
    let (took, response) = running.invoke(&event("GET", "/count"))?;
    ensure!(response["statusCode"] == 200, "a visit returned {response}");
    Ok(took)
}

/// What API Gateway sends for a request.
pub(crate) fn event(method: &str, path: &str) -> Value {
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let headers = json!({
        "Accept": "*/*", "Accept-Encoding": "gzip, deflate, br", "Accept-Language": "en-GB,en;q=0.5",
        "Host": "abc123.execute-api.eu-west-1.amazonaws.com", "Origin": "https://b.example",
        "Referer": "https://b.example/", "User-Agent": agent, "X-Forwarded-For": "203.0.113.77, 198.51.100.2",
        "X-Forwarded-Port": "443", "X-Forwarded-Proto": "https",
    });
    let many = headers.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), json!([value])));
    json!({
        "resource": path, "path": path, "httpMethod": method, "headers": headers,
        "multiValueHeaders": many.collect::<serde_json::Map<_, _>>(),
        "queryStringParameters": null, "multiValueQueryStringParameters": null, "pathParameters": null,
        "stageVariables": {"deployment": "d4e5"}, "body": null, "isBase64Encoded": false,
        "requestContext": {
            "resourceId": "r1", "resourcePath": path, "httpMethod": method, "path": format!("/prod{path}"),
            "accountId": "111111111111", "protocol": "HTTP/1.1", "stage": "prod", "apiId": "abc123",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef", "extendedRequestId": "JKJaXmPLvHcESHA=", "requestTimeEpoch": 1_767_225_600_000_u64,
            "identity": {"sourceIp": "203.0.113.77", "userAgent": agent},
        },
    })
}
