//! Requests and responses on the wire, and what a service gets with a request.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

/// A request as it arrives.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The host, without a port.
    pub(crate) host: String,
    /// The path as it was sent, percent-encoded.
    pub(crate) path: String,
    /// The query's pairs, decoded, in their order.
    pub(crate) query: Vec<(String, String)>,
    /// The headers by their lower-case names.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// The moment at which a request is handled, and the chance that it meets.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    /// Since the simulation began: virtual time.
    pub(crate) now: Duration,
    /// What the wall clock of AWS showed when it began.
    pub(crate) epoch: jiff::Timestamp,
    /// All that is left to chance comes from here, so that a seed repeats it.
    pub(crate) chance: fastrand::Rng,
}

impl Request {
    /// The segments of the path, decoded: `/2015-03-31/functions/a%3Ab` is `["2015-03-31", "functions", "a:b"]`.
    pub(crate) fn segments(&self) -> Vec<String> {
        self.path.split('/').filter(|part| !part.is_empty()).map(decoded).collect()
    }

    /// The value of a name of the query.
    pub(crate) fn asked(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The body as JSON; null if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// The text with its percent-encoding undone.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()).map(|hex| u8::from_str_radix(hex, 16));
        match (first, code) {
            (b'%', Some(Ok(byte))) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { status, headers, body: body.to_string().into_bytes() }
    }

    /// An error of a service with REST and JSON (Lambda, API Gateway): the code is in a header.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        Self::json(status, &json!({ "message": message })).with("x-amzn-errortype", code)
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }
}

impl Moment {
    /// The wall clock of AWS now.
    pub(crate) fn timestamp(&self) -> jiff::Timestamp {
        self.epoch + self.now
    }
}
