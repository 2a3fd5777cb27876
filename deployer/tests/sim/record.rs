//! The traffic on the wire, written to files. `EXCHANGES` gets every call of the deployer: `.ci/models` compares it with AWS's
//! service models. `SEQUENCES` gets the calls that follow recordings of AWS: `.ci/witness` repeats them against another
//! simulation of AWS.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::sync::{LazyLock, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::aws::wire::{Reply, Request};

type Lines = LazyLock<Option<Mutex<File>>>;
static EXCHANGES: Lines = LazyLock::new(|| named_by("EXCHANGES"));
static SEQUENCES: Lines = LazyLock::new(|| named_by("SEQUENCES"));

#[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of what is tested")]
fn named_by(variable: &str) -> Option<Mutex<File>> {
    let path = std::env::var_os(variable)?;
    Some(Mutex::new(OpenOptions::new().create(true).append(true).open(path).unwrap()))
}

fn write(lines: &Lines, line: &Value) {
    let Some(file) = &**lines else { return };
    writeln!(file.lock().unwrap(), "{line}").unwrap();
}

fn shown(request: &Request) -> Value {
    let Request { method, host, path, query, headers, body } = request;
    json!({
        "method": method, "host": host, "path": path, "query": query, "headers": headers, "body": STANDARD.encode(body),
    })
}

fn with_reply(mut shown: Value, reply: &Reply) -> Value {
    shown["status"] = json!(reply.status);
    shown["response_headers"] = json!(reply.headers);
    shown["response"] = json!(STANDARD.encode(&reply.body));
    shown
}

/// Where each case is simulated on a thread with the name of its test. What the others send is the same again, a thousand times, and
/// with faults of the network in it.
const RECORDED: [&str; 3] = ["behaviour::", "findings::", "smoke::"];

/// Records a request with a response.
pub(crate) fn exchange(operation: &str, request: &Request, reply: &Reply) {
    let is_recorded = |test: &str| RECORDED.iter().any(|module| test.starts_with(module));
    if EXCHANGES.is_none() || !std::thread::current().name().is_some_and(is_recorded) {
        return;
    }
    let mut line = with_reply(shown(request), reply);
    line["operation"] = json!(operation);
    write(&EXCHANGES, &line);
}

/// A sequence of calls, so that they can be made to another simulation.
pub(crate) struct Sequence {
    name: String,
    steps: Vec<Value>,
}

impl Sequence {
    pub(crate) fn new(name: String) -> Self {
        Self { name, steps: Vec::new() }
    }

    /// A call with which Terraform or a person would make what the simulation has already, with the ids there: the fields of the
    /// response.
    pub(crate) fn makes(&mut self, request: &Request, ids: &Value) {
        let mut step = shown(request);
        step["ids"] = ids.clone();
        self.steps.push(step);
    }

    pub(crate) fn call(&mut self, request: &Request, reply: &Reply) {
        self.steps.push(with_reply(shown(request), reply));
    }

    pub(crate) fn wait(&mut self, seconds: u64) {
        self.steps.push(json!({ "wait": seconds }));
    }

    /// From here on a rule applies that no call sets.
    pub(crate) fn rule(&mut self) {
        self.steps.push(json!({ "rule": true }));
    }

    pub(crate) fn end(self) {
        write(&SEQUENCES, &json!({ "sequence": self.name, "steps": self.steps }));
    }
}
