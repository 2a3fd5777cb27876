//! One emulator behind the front, and what the front knows of it that it does not tell itself.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{HeaderMap, HeaderValue};
use serde_json::Value;
use tokio::sync::OwnedMutexGuard;

use super::answer::Answer;
use super::name::Service;
use super::rules::rates::Buckets;
use crate::harness::token;

/// By the emulator's port and a function: until when requests still go to a version that is deleted. For all fronts of
/// this process: who visits through one is hit by what a run does through another.
static SEVERED: LazyLock<Mutex<HashMap<(u16, String), Instant>>> = LazyLock::new(Mutex::default);

/// The AWS behind one port of the emulator.
pub(super) struct Account {
    pub port: u16,
    pub buckets: Mutex<Buckets>,
    /// Until when a version, by function and number, is Pending.
    pub pending: Mutex<HashMap<(String, String), Instant>>,
    /// By API and stage: what the stage was before it was switched, and when that was.
    pub switches: Mutex<HashMap<(String, String), (Value, Instant)>>,
    /// By function and alias: what the alias was before it was changed, and when that was.
    pub aliases: Mutex<HashMap<(String, String), (Value, Instant)>>,
    /// The items of the transactions that are under way.
    pub transactions: Mutex<HashSet<String>>,
    /// By API: what it is tagged with.
    tags: Mutex<HashMap<String, Vec<(String, String)>>>,
    client: reqwest::Client,
    objects: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl Account {
    pub(super) fn at(port: u16) -> Self {
        Self {
            port,
            buckets: Mutex::default(),
            pending: Mutex::default(),
            switches: Mutex::default(),
            aliases: Mutex::default(),
            transactions: Mutex::default(),
            tags: Mutex::default(),
            // A connection for each call: one that was kept may be closed just when a write goes out on it.
            client: reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap(),
            objects: Mutex::default(),
        }
    }

    /// One change of an object at a time, so that what was looked at is still so when the change arrives.
    pub(super) async fn alone(&self, object: &str) -> OwnedMutexGuard<()> {
        let lock = Arc::clone(self.objects.lock().unwrap().entry(object.to_owned()).or_default());
        lock.lock_owned().await
    }

    /// Sends a request on as it came.
    pub(super) async fn send(&self, method: Method, target: &str, mut headers: HeaderMap, body: Bytes) -> Answer {
        // The front may have changed the body. The `Host` stays what the client sent: it is part of the signature.
        headers.remove("content-length");
        // An emulator of `local up` opens only to its own token, and to its own name.
        if let Some(token) = token(self.port) {
            headers.remove("host");
            headers.insert("x-amz-security-token", token.parse().unwrap());
        }
        let address = format!("http://127.0.0.1:{}{target}", self.port);
        let sent = self.client.request(method, address).headers(headers).body(body).send().await;
        let unreachable = |error: reqwest::Error| {
            Answer::error(Service::Open, 502, "BadGateway", &format!("the emulator does not answer: {error:?}"))
        };
        match sent {
            Ok(answer) => Answer::of(answer).await.unwrap_or_else(unreachable),
            Err(error) => unreachable(error),
        }
    }

    /// A question of the front's own. Without a signature the emulator answers for its own account.
    pub(super) async fn ask(&self, target: &str, signed: Option<&HeaderValue>) -> Result<Value, Answer> {
        let mut headers = HeaderMap::new();
        headers.extend(signed.map(|signed| (hyper::header::AUTHORIZATION, signed.clone())));
        let answer = self.send(Method::GET, target, headers, Bytes::new()).await;
        if answer.good() { Ok(answer.value()) } else { Err(answer) }
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

    /// From now on, for so long, requests for the function go to a version that is gone.
    pub(super) fn sever(&self, function: &str, time: Duration) {
        SEVERED.lock().unwrap().insert((self.port, function.to_owned()), Instant::now() + time);
    }

    pub(super) fn is_severed(&self, function: &str) -> bool {
        let until = SEVERED.lock().unwrap().get(&(self.port, function.to_owned())).copied();
        until.is_some_and(|until| Instant::now() < until)
    }

    /// From now on, for so long, the version is Pending.
    pub(super) fn hold_back(&self, function: &str, version: &str, time: Duration) {
        self.pending.lock().unwrap().insert((function.to_owned(), version.to_owned()), Instant::now() + time);
    }

    pub(super) fn is_pending(&self, function: &str, version: &str) -> bool {
        let until = self.pending.lock().unwrap().get(&(function.to_owned(), version.to_owned())).copied();
        until.is_some_and(|until| Instant::now() < until)
    }
}
