//! The function `counter`: `GET /count` counts a visit, `GET /health` shows the count.
//!
//! A failure is a response too: the visitor gets a fixed sentence, the log the cause.

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use jiff::Timestamp;
use serde_json::json;

use crate::{
    failure::Failure,
    handler::Handler,
    key::{AddressKey, KeySource},
    log,
    reply::{Frame, Reply, Response},
    request::Request,
    store::{Counted, Store},
    telemetry::{Calls, Telemetry},
    visit::Visit,
};

/// Counts visits in a store, with hashed addresses.
#[derive(Debug)]
pub struct Counter<S, K> {
    store: S,
    key: AddressKey<K>,
    frame: Frame,
    telemetry: Telemetry,
}

impl<S: Store, K: KeySource> Handler for Counter<S, K> {
    async fn respond(&self, request: &Request) -> Response {
        // A panic that reached the runtime would be a bare 502, which no web page may read.
        let calls = Calls::default();
        let reply = AssertUnwindSafe(self.reply(request, &calls)).catch_unwind().await;
        let reply = reply.unwrap_or(Err(Failure::Panicked));
        let counted = matches!(reply, Ok(Outcome::Visit(_)));
        self.telemetry.report(request, counted, self.store.service(), &calls.into_inner());
        match reply {
            Ok(Outcome::Visit(reply) | Outcome::Other(reply)) => self.frame.respond(request, reply),
            Err(failure) => {
                log::failed(&failure);
                self.frame.respond(request, failure.reply(&request.id))
            }
        }
    }
}

impl<S: Store, K: KeySource> Counter<S, K> {
    /// A counter over `store`, which hashes addresses with `key`, whose responses carry the headers of
    /// `frame`, and which reports its calls to `telemetry`.
    pub fn new(store: S, key: AddressKey<K>, frame: Frame, telemetry: Telemetry) -> Self {
        Self { store, key, frame, telemetry }
    }

    async fn reply(&self, request: &Request, calls: &Calls) -> Result<Outcome, Failure> {
        match (request.route(), request.method.as_str()) {
            ("/count", "GET") => self.count(request, calls).await,
            ("/health", "GET") => self.health(calls).await.map(Outcome::Other),
            ("/count" | "/health", _) => Ok(Outcome::Other(Reply::method_not_allowed("GET", &request.id))),
            _ => Ok(Outcome::Other(Reply::not_found(&request.id))),
        }
    }

    async fn count(&self, request: &Request, calls: &Calls) -> Result<Outcome, Failure> {
        let at = Timestamp::now();
        let visitor_ip = self.key.pseudonym(request.source.as_ref(), at).await;
        let Counted { total, new } = self.store.count(&Visit::new(request, visitor_ip, at), calls).await?;
        let reply = Reply::ok(&json!({"count": total, "message": "Visitor count updated successfully"}));
        Ok(if new { Outcome::Visit(reply) } else { Outcome::Other(reply) })
    }

    async fn health(&self, calls: &Calls) -> Result<Reply, Failure> {
        let count = self.store.total(calls).await?;
        let version = self.frame.marks.version();
        Ok(Reply::ok(&json!({"status": "ok", "count": count, "version": version})))
    }
}

/// The outcome of a request.
enum Outcome {
    /// A visit that was not counted before.
    Visit(Reply),
    /// Anything else.
    Other(Reply),
}
