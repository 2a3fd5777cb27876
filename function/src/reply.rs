//! From what a handler decided to what API Gateway sends.
//!
//! In: a [`Reply`]: status and body. Out: a [`Response`]: the same with every header that all
//! responses carry, errors included. It never looks at a route.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::{cors::AllowedOrigins, marks::Marks, request::Request};

/// What a handler decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    status: u16,
    body: String,
    allow: Option<&'static str>,
}

impl Reply {
    /// 200 with `body`.
    #[must_use]
    pub fn ok(body: &Value) -> Self {
        Self { status: 200, body: body.to_string(), allow: None }
    }

    /// 200 without a body.
    #[must_use]
    pub fn empty() -> Self {
        Self { status: 200, body: String::new(), allow: None }
    }

    /// 404.
    #[must_use]
    pub fn not_found(request_id: &str) -> Self {
        let message = "There is nothing at this path.";
        Problem { status: 404, error: "Not found", message }.reply(request_id)
    }

    /// 405, naming in `allow` the method that is served.
    #[must_use]
    pub fn method_not_allowed(allow: &'static str, request_id: &str) -> Self {
        let message = "This path does not support this method.";
        let problem = Problem { status: 405, error: "Method not allowed", message };
        Self { allow: Some(allow), ..problem.reply(request_id) }
    }
}

/// A response that is an error. Its texts are `'static`: nothing that was found out can leak.
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) error: &'static str,
    pub(crate) message: &'static str,
}

impl Problem {
    pub(crate) fn reply(self, request_id: &str) -> Reply {
        let Self { status, error, message } = self;
        let body = json!({"error": error, "message": message, "request_id": request_id});
        Reply { status, body: body.to_string(), allow: None }
    }
}

/// What API Gateway's proxy integration takes for a response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The HTTP status.
    pub status_code: u16,
    /// The headers, each at most once.
    pub headers: BTreeMap<&'static str, String>,
    /// The body: JSON, or empty.
    pub body: String,
    /// Always `false`: bodies are text.
    pub is_base64_encoded: bool,
}

/// The headers that every response of a function carries.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The origins that may read responses.
    pub origins: AllowedOrigins,
    /// The version that responds.
    pub marks: Marks,
}

impl Frame {
    /// Puts the headers round `reply`, the response to `request`.
    #[must_use]
    pub fn respond(&self, request: &Request, reply: Reply) -> Response {
        let cors = self.origins.headers(request.origin.as_deref());
        let fixed = [("Content-Type", "application/json")].into_iter().chain(cors);
        let allow = reply.allow.map(|methods| ("Allow", methods));
        let headers = fixed.chain(allow).map(|(name, value)| (name, value.to_owned()));
        let headers = headers.chain(self.marks.headers(request.deployment.as_deref())).collect();
        Response { status_code: reply.status, headers, body: reply.body, is_base64_encoded: false }
    }
}
