//! What went over the wire, written to the file that `EXCHANGES` names: `.ci/models` compares it with AWS's service models.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::sync::{LazyLock, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::aws::wire::{Reply, Request};

#[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of what is tested")]
static FILE: LazyLock<Option<Mutex<File>>> = LazyLock::new(|| {
    let path = std::env::var_os("EXCHANGES")?;
    Some(Mutex::new(OpenOptions::new().create(true).append(true).open(path).unwrap()))
});

/// Notes a request that AWS responded to.
pub(crate) fn exchange(operation: &str, request: &Request, reply: &Reply) {
    let Some(file) = &*FILE else { return };
    let Request { method, host, path, query, headers, body } = request;
    let line = json!({
        "operation": operation, "method": method, "host": host, "path": path, "query": query, "headers": headers,
        "body": STANDARD.encode(body), "status": reply.status, "response_headers": reply.headers,
        "response": STANDARD.encode(&reply.body),
    });
    writeln!(file.lock().unwrap(), "{line}").unwrap();
}
