//! Sequences of calls that follow recordings of real AWS, with expectations of our own: statuses, errors, the fields that are
//! there, and when `RevisionId`, `State` and `LastUpdateStatus` change.

mod act;
mod aliases;
mod around;
mod publishing;
mod versions;

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};

use super::tests::{Echo, moment, request, sha256, zip};
use super::{Around, Configuration, Lambda, NoObjects, Rules};
use crate::aws::wire::Moment;
use crate::record;
use act::Act;

/// Calls, and what each of them gives. The function `f` is there, unpublished, with the zip of `a`.
struct Sequence {
    name: &'static str,
    steps: Vec<Step>,
}

enum Step {
    Call(Box<Expected>),
    /// Seconds go by.
    Wait(u64),
    /// What Terraform or a person does.
    Do(Act),
}

/// A call with what is expected of the response. In bodies and expectations `@1` is a RevisionId by its number, `zip:x` the
/// zip of x, `sha:x` its digest; in messages `ARN` is the ARN up to the function's name.
struct Expected {
    method: &'static str,
    path: String,
    body: Value,
    status: u16,
    error: Option<(&'static str, String)>,
    has: Vec<(&'static str, Value)>,
    lacks: Vec<&'static str>,
    /// Revisions by number: the same number is the same revision, another number another.
    revisions: Vec<(&'static str, u32)>,
}

fn call(method: &'static str, path: &str, body: Value) -> Expected {
    let empty = (Vec::new(), Vec::new(), Vec::new());
    let (has, lacks, revisions) = empty;
    Expected { method, path: path.to_owned(), body, status: 200, error: None, has, lacks, revisions }
}

/// A GET below `/2015-03-31/functions/`.
fn get(path: &str) -> Expected {
    call("GET", &format!("/2015-03-31/functions/{path}"), Value::Null)
}

fn put_code(body: Value) -> Expected {
    call("PUT", "/2015-03-31/functions/f/code", body)
}

fn publish(body: Value) -> Expected {
    Expected { status: 201, ..call("POST", "/2015-03-31/functions/f/versions", body) }
}

fn put_alias(alias: &str, body: Value) -> Expected {
    call("PUT", &format!("/2015-03-31/functions/f/aliases/{alias}"), body)
}

fn delete(path: &str) -> Expected {
    call("DELETE", &format!("/2015-03-31/functions/{path}"), Value::Null)
}

fn invoke(path: &str) -> Expected {
    let (name, query) = path.split_once('?').unwrap_or((path, ""));
    call("POST", &format!("/2015-03-31/functions/{name}/invocations?{query}"), json!({ "hello": "there" }))
}

impl Expected {
    fn refused(self, status: u16, code: &'static str, message: &str) -> Step {
        Step::Call(Box::new(Self { status, error: Some((code, message.to_owned())), ..self }))
    }

    fn ok(self) -> Step {
        Step::Call(Box::new(self))
    }

    fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    fn has(mut self, pointer: &'static str, value: Value) -> Self {
        self.has.push((pointer, value));
        self
    }

    fn lacks(mut self, pointer: &'static str) -> Self {
        self.lacks.push(pointer);
        self
    }

    fn revision(mut self, pointer: &'static str, number: u32) -> Self {
        self.revisions.push((pointer, number));
        self
    }

    /// `State` and `LastUpdateStatus` of a configuration on its own.
    fn states(self, state: &str, update: &str) -> Self {
        self.has("/State", json!(state)).has("/LastUpdateStatus", json!(update))
    }

    /// The same of GetFunction.
    fn shows(self, state: &str, update: &str) -> Self {
        self.has("/Configuration/State", json!(state)).has("/Configuration/LastUpdateStatus", json!(update))
    }
}

struct Run {
    lambda: Lambda,
    moment: Moment,
    revisions: BTreeMap<u32, String>,
    record: record::Sequence,
}

impl Run {
    fn new(name: &str) -> Self {
        let mut lambda = Lambda::new("111111111111", "us-east-1");
        // PublishVersion gives an Active version in the recordings.
        lambda.rules = Rules {
            update_takes: Duration::from_secs(2),
            pending: Duration::from_secs(2),
            warming: Duration::from_secs(2),
            ..Rules::instant()
        };
        let record = record::Sequence::new(format!("Lambda: {name}"));
        let mut run = Self { lambda, moment: moment(1), revisions: BTreeMap::new(), record };
        run.act(&Act::Create("a"));
        run
    }

    fn act(&mut self, act: &Act) {
        act.on(&mut self.lambda, &self.moment);
        match act.calls() {
            Some(calls) => calls.iter().for_each(|call| self.record.makes(call, &json!({}))),
            None => self.record.rule(),
        }
        // What is made here is there at once.
        if let Act::Create(_) | Act::Recreate(_) = act {
            self.record.wait(2);
        }
    }

    fn wait(&mut self, seconds: u64) {
        self.moment.now += Duration::from_secs(seconds);
        self.record.wait(seconds);
    }

    /// The value with what stands for something else replaced.
    fn real(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => match text.split_at_checked(4) {
                Some(("zip:", x)) => json!(base64::engine::general_purpose::STANDARD.encode(zip(x))),
                Some(("sha:", x)) => json!(sha256(&zip(x))),
                _ => match text.strip_prefix('@').and_then(|number| number.parse().ok()) {
                    Some(number) => json!(self.revisions[&number]),
                    None => json!(text.replace("ARN", "arn:aws:lambda:us-east-1:111111111111:function:")),
                },
            },
            Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), self.real(value))).collect(),
            Value::Array(values) => values.iter().map(|value| self.real(value)).collect(),
            other => other.clone(),
        }
    }

    fn call(&mut self, expected: &Expected, at: &str) {
        let body = match &expected.body {
            Value::Null => Vec::new(),
            body => self.real(body).to_string().into_bytes(),
        };
        let at = format!("{at}: {} {}", expected.method, expected.path);
        let sent = request(expected.method, &expected.path, body);
        let (mut app, objects) = (Echo, NoObjects);
        let mut around = Around { app: &mut app, objects: &objects };
        let reply = self.lambda.handle(&sent, &mut self.moment, &mut around).expect(&at);
        self.record.call(&sent, &reply);
        let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let header =
            |name: &str| reply.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        assert_eq!(reply.status, expected.status, "{at}: {body}");
        assert_eq!(header("x-amzn-errortype"), expected.error.as_ref().map(|(code, _)| *code), "{at}: {body}");
        if let Some((code, message)) = &expected.error {
            let field = if *code == "ResourceNotFoundException" { "Message" } else { "message" };
            assert_eq!(body[field], self.real(&json!(message)), "{at}");
        }
        for (pointer, value) in &expected.has {
            let found = match pointer.strip_prefix("header ") {
                Some(name) => header(name).map(|value| json!(value)),
                None => body.pointer(pointer).cloned(),
            };
            assert_eq!(found.as_ref(), Some(&self.real(value)), "{at}: {pointer} of {body}");
        }
        for pointer in &expected.lacks {
            assert_eq!(body.pointer(pointer), None, "{at}: {pointer} of {body}");
        }
        for (pointer, number) in &expected.revisions {
            self.revision(&body, (pointer, *number), &at);
        }
    }

    fn revision(&mut self, body: &Value, (pointer, number): (&str, u32), at: &str) {
        let found = body.pointer(pointer).and_then(Value::as_str).expect(at).to_owned();
        match self.revisions.get(&number) {
            Some(known) => assert_eq!(*known, found, "{at}: revision {number} is another one by now"),
            None => {
                let same = self.revisions.iter().find(|(_, known)| **known == found);
                assert_eq!(same, None, "{at}: revision {number} did not move");
                self.revisions.insert(number, found);
            }
        }
    }
}

#[test]
fn recorded_sequences_are_reproduced() {
    let all: Vec<Sequence> =
        [versions::all(), publishing::all(), aliases::all(), around::all()].into_iter().flatten().collect();
    let names: std::collections::BTreeSet<_> = all.iter().map(|sequence| sequence.name).collect();
    assert_eq!(names.len(), all.len());
    for sequence in &all {
        let mut run = Run::new(sequence.name);
        for (index, step) in sequence.steps.iter().enumerate() {
            match step {
                Step::Wait(seconds) => run.wait(*seconds),
                Step::Do(act) => run.act(act),
                Step::Call(expected) => run.call(expected, &format!("{}, step {index}", sequence.name)),
            }
        }
        run.record.end();
    }
    println!("{} sequences", all.len());
    assert!(all.len() >= 20, "{} sequences", all.len());
}
