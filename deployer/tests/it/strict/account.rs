//! One emulator behind the strict proxy.

use std::collections::HashMap;
use std::sync::Mutex;

use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{HeaderMap, HeaderValue};
use serde_json::Value;

use super::name::Service;
use super::reply::Reply;
use crate::harness::token;

/// The AWS behind one port of the emulator.
pub(super) struct Account {
    pub port: u16,
    /// By API: what it is tagged with.
    tags: Mutex<HashMap<String, Vec<(String, String)>>>,
    client: reqwest::Client,
}

impl Account {
    pub(super) fn at(port: u16) -> Self {
        // A connection for each call: one that was kept may be closed just when a write goes out on it.
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
        Self { port, tags: Mutex::default(), client }
    }

    /// Sends a request on as it came.
    pub(super) async fn send(&self, method: Method, target: &str, mut headers: HeaderMap, body: Bytes) -> Reply {
        // The strict proxy may have changed the body. The `Host` stays what the client sent: it is part of the signature.
        headers.remove("content-length");
        // An emulator of `local up` opens only to its own token, and to its own name.
        if let Some(token) = token(self.port) {
            headers.remove("host");
            headers.insert("x-amz-security-token", token.parse().unwrap());
        }
        let address = format!("http://127.0.0.1:{}{target}", self.port);
        let sent = self.client.request(method, address).headers(headers).body(body).send().await;
        let unreachable = |error: reqwest::Error| {
            Reply::error(Service::Open, 502, "BadGateway", &format!("the emulator does not respond: {error:?}"))
        };
        match sent {
            Ok(response) => Reply::of(response).await.unwrap_or_else(unreachable),
            Err(error) => unreachable(error),
        }
    }

    /// A question of the strict proxy's own. Without a signature the emulator responds for its own account.
    pub(super) async fn ask(&self, target: &str, signed: Option<&HeaderValue>) -> Result<Value, Reply> {
        let mut headers = HeaderMap::new();
        headers.extend(signed.map(|signed| (hyper::header::AUTHORIZATION, signed.clone())));
        let response = self.send(Method::GET, target, headers, Bytes::new()).await;
        if response.good() { Ok(response.value()) } else { Err(response) }
    }

    /// What an API is tagged with: nothing if it does not exist. It is asked once: no run of the deployer changes a tag.
    pub(super) async fn tags(&self, api: &str, signed: Option<&HeaderValue>) -> Vec<(String, String)> {
        if let Some(known) = self.tags.lock().unwrap().get(api) {
            return known.clone();
        }
        let found = self.ask(&format!("/restapis/{api}"), signed).await.unwrap_or_default();
        let pair = |(key, value): (&String, &Value)| (key.clone(), value.as_str().unwrap_or_default().to_owned());
        let tags: Vec<_> = found["tags"].as_object().into_iter().flatten().map(pair).collect();
        self.tags.lock().unwrap().insert(api.to_owned(), tags.clone());
        tags
    }
}
