//! The function `counter`: `GET /count` counts a visit, `GET /health` shows the count.
//!
//! A failure is an answer too: the visitor gets a fixed sentence, the log the cause.

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::{
    failure::Failure,
    handler::Handler,
    key::{AddressKey, KeySource},
    log,
    reply::{Answer, Frame, Reply},
    request::Request,
    store::{Store, StoreError},
    visit::Visit,
};

/// Counts visits in a store, with hashed addresses.
#[derive(Debug)]
pub struct Counter<S, K> {
    store: S,
    key: AddressKey<K>,
    frame: Frame,
}

impl<S: Store, K: KeySource> Handler for Counter<S, K> {
    async fn answer(&self, request: &Request) -> Answer {
        // A panic that reached the runtime would be a bare 502, which no web page may read.
        let reply = AssertUnwindSafe(self.reply(request)).catch_unwind().await;
        let reply = reply.unwrap_or(Err(Failure::Panicked)).unwrap_or_else(|failure| {
            log::failed(&failure);
            failure.reply(&request.id)
        });
        self.frame.answer(request, reply)
    }
}

impl<S: Store, K: KeySource> Counter<S, K> {
    /// A counter over `store`, which hashes addresses with `key` and whose answers carry the
    /// headers of `frame`.
    pub fn new(store: S, key: AddressKey<K>, frame: Frame) -> Self {
        Self { store, key, frame }
    }

    async fn reply(&self, request: &Request) -> Result<Reply, Failure> {
        match (request.route(), request.method.as_str()) {
            ("/count", "GET") => self.count(request).await,
            ("/health", "GET") => self.health().await,
            ("/count" | "/health", _) => Ok(Reply::method_not_allowed("GET", &request.id)),
            _ => Ok(Reply::not_found(&request.id)),
        }
    }

    async fn count(&self, request: &Request) -> Result<Reply, Failure> {
        // Both to their end, even where one fails: a write given up half-way is neither made nor not.
        let (recorded, counted) = tokio::join!(self.record(request), self.store.increment());
        if let (Err(error), Err(_)) = (&recorded, &counted) {
            log::failed(error); // the other one becomes the request's failure
        }
        let count = counted?;
        recorded?;
        Ok(Reply::ok(&json!({"count": count, "message": "Visitor count updated successfully"})))
    }

    async fn record(&self, request: &Request) -> Result<(), StoreError> {
        let at = Timestamp::now();
        let visitor_ip = self.key.pseudonym(request.source.as_ref(), at).await;
        self.store.record(&Visit::new(request, visitor_ip, Uuid::new_v4(), at)).await
    }

    async fn health(&self) -> Result<Reply, Failure> {
        let count = self.store.total().await?;
        let version = self.frame.marks.version();
        Ok(Reply::ok(&json!({"status": "ok", "count": count, "version": version})))
    }
}
