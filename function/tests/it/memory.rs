//! A store and a key in memory, and such as fail in one way each.

use std::sync::{
    Mutex,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use function::{
    key::{AddressKey, KeyError, KeySource},
    privacy::Secret,
    reply::{Frame, Response},
    request::Request,
    store::{Counted, Store, StoreError},
    telemetry::{Calls, Service, Telemetry},
    visit::Visit,
};
use serde_json::Value;
use uuid::Uuid;

/// Text of the store's own errors, which no response may contain.
pub(crate) const CAUSE: &str = "AccessDeniedException: arn:aws:dynamodb:secret";

/// How one operation of a store goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Goes {
    #[default]
    Well,
    Fails,
    Malformed,
    Panics,
}

impl Goes {
    fn or_fail(self) -> Result<(), StoreError> {
        let action = "reach the store".to_owned();
        match self {
            Self::Well => Ok(()),
            Self::Fails => Err(StoreError::Unavailable { action, cause: CAUSE.into() }),
            Self::Malformed => Err(StoreError::Malformed { action }),
            Self::Panics => panic!("{CAUSE}"),
        }
    }
}

/// Visits and their total in memory.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) counts: Goes,
    pub(crate) total: Goes,
    pub(crate) visits: Mutex<Vec<Visit>>,
    pub(crate) count: AtomicU64,
}

impl Store for &Memory {
    fn service(&self) -> &Service {
        static SERVICE: Service = Service { name: "Memory", resource: String::new(), region: None };
        &SERVICE
    }

    async fn count(&self, visit: &Visit, _: &Calls) -> Result<Counted, StoreError> {
        self.counts.or_fail()?;
        self.visits.lock().unwrap().push(visit.clone());
        Ok(Counted { total: self.count.fetch_add(1, Ordering::SeqCst) + 1, new: true })
    }

    async fn total(&self, _: &Calls) -> Result<u64, StoreError> {
        self.total.or_fail()?;
        Ok(self.count.load(Ordering::SeqCst))
    }
}

/// What addresses are hashed with.
pub(crate) const SECRET: &str = "a secret of no less than 32 bytes, for tests";

/// A source that fails `down` times with an error of its own, and then has [`SECRET`].
#[derive(Debug)]
pub(crate) struct Vault {
    pub(crate) down: usize,
    pub(crate) error: fn() -> KeyError,
    pub(crate) asked: AtomicUsize,
}

impl Vault {
    /// A source that cannot be reached `down` times.
    pub(crate) fn down(down: usize) -> Self {
        let unavailable = || KeyError::Unavailable { parameter: "/p".to_owned(), cause: CAUSE.into() };
        Self { down, error: unavailable, asked: AtomicUsize::new(0) }
    }

    /// How often it was read.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl KeySource for &Vault {
    async fn fetch(&self) -> Result<Secret, KeyError> {
        // Others get their turn in between, as with a real request.
        tokio::task::yield_now().await;
        let before = self.asked.fetch_add(1, Ordering::SeqCst);
        if before < self.down { Err((self.error)()) } else { Ok(Secret::new(SECRET).unwrap()) }
    }
}

/// A key that can be had.
pub(crate) fn key() -> AddressKey<&'static Vault> {
    AddressKey::new(Box::leak(Box::new(Vault::down(0))))
}

/// The headers of responses of version 7 for `https://a.example`.
pub(crate) fn frame() -> Frame {
    Frame { origins: "https://a.example,https://b.example".parse().unwrap(), marks: function::marks::Marks::new("7") }
}

/// Nothing listens.
pub(crate) fn telemetry() -> Telemetry {
    Telemetry { function: None, tracer: None }
}

/// A request `r-1` for `path` without anything else.
pub(crate) fn request(method: &str, path: &str) -> Request {
    Request {
        id: "r-1".to_owned(),
        gateway_id: Uuid::new_v4().to_string(),
        method: method.to_owned(),
        resource: path.to_owned(),
        path: path.to_owned(),
        ..Request::default()
    }
}

/// The request `r-1` that is in `event`.
pub(crate) fn read(event: &Value) -> Request {
    Request::of(serde_json::from_str(&event.to_string()).unwrap(), "r-1", None)
}

/// The headers that every response must have.
pub(crate) fn assert_framed(response: &Response) {
    for (name, value) in [
        ("Access-Control-Allow-Origin", "https://a.example"),
        ("Access-Control-Allow-Methods", "GET, OPTIONS"),
        ("Access-Control-Allow-Headers", "Content-Type"),
        ("Content-Type", "application/json"),
        ("Vary", "Origin"),
        ("x-function-version", "7"),
    ] {
        assert_eq!(response.headers.get(name).map(String::as_str), Some(value), "{name}");
    }
}

pub(crate) fn body(response: &Response) -> Value {
    serde_json::from_str(&response.body).unwrap()
}
