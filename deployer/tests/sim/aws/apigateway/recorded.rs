//! Sequences of calls that follow recordings of real AWS: the same calls, statuses, codes, messages and fields. Names and
//! values are our own.

mod definitions;
mod stages;
mod visits;
mod world;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::super::wire::{Moment, Reply, Request};
use super::*;
use crate::record;

/// A sequence: what is there at first, and the calls.
pub(super) struct Sequence {
    pub(super) name: &'static str,
    pub(super) world: World,
    pub(super) steps: Vec<Step>,
}

/// An account with one API, and names for the ids in it: `{api}` in a path stands for the API's.
pub(super) struct World {
    pub(super) gateway: ApiGateway,
    pub(super) names: BTreeMap<String, String>,
}

/// A call, what has to come of it, and under which name its `id` is kept.
pub(super) struct Step {
    call: &'static str,
    body: Value,
    expected: Expected,
    keeps: Option<&'static str>,
}

pub(super) enum Expected {
    /// This JSON with just these fields. `*` is any value, `{name}` an id.
    Just(u16, Value),
    Error(u16, &'static str, String),
    Nothing(u16),
}

pub(super) const ACCOUNT: &str = "111111111111";

impl World {
    pub(super) fn of(definition: Definition) -> Self {
        let mut gateway = ApiGateway::new(ACCOUNT, "eu-west-1");
        gateway.rules =
            Rules { read_lag: Duration::ZERO, propagation: Duration::ZERO, rates: Rates::off(), ..Rules::default() };
        let api = gateway.create_api("counter", definition);
        let [root, parent] = ["/", "/parent"].map(|path| resource_id(&api, path));
        let names = [("api", api), ("root", root), ("parent", parent)].map(|(name, id)| (name.to_owned(), id));
        Self { gateway, names: names.into() }
    }

    /// With a stage `s1` of a deployment `{d1}`.
    pub(super) fn staged(definition: Definition) -> Self {
        let mut world = Self::of(definition);
        let api = world.names["api"].clone();
        let deployment = world.gateway.deploy(&api, "", Duration::ZERO);
        world.gateway.create_stage(&api, "s1", &deployment, &[]);
        world.names.insert("d1".to_owned(), deployment);
        world
    }

    pub(super) fn filled(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (name, id)| text.replace(&format!("{{{name}}}"), id))
    }
}

impl Step {
    pub(super) fn keeps(mut self, name: &'static str) -> Self {
        self.keeps = Some(name);
        self
    }
}

pub(super) fn step(call: &'static str, body: Value, expected: Expected) -> Step {
    Step { call, body, expected, keeps: None }
}

pub(super) fn reads(call: &'static str, expected: Value) -> Step {
    step(call, Value::Null, Expected::Just(200, expected))
}

pub(super) fn not_found(call: &'static str, message: &str) -> Step {
    step(call, Value::Null, Expected::Error(404, "NotFoundException", message.to_owned()))
}

pub(super) fn bad_request(message: &str) -> Expected {
    Expected::Error(400, "BadRequestException", message.to_owned())
}

/// The body of an update: operation, path and value.
pub(super) fn patches(operations: &[(&str, &str, &str)]) -> Value {
    let operation = |(op, path, value): &(&str, &str, &str)| match *op {
        "remove" => json!({"op": op, "path": path}),
        _ => json!({"op": op, "path": path, "value": value}),
    };
    json!({"patchOperations": operations.iter().map(operation).collect::<Vec<_>>()})
}

/// `METHOD PATH?QUERY` as a request.
pub(super) fn request(call: &str, body: &Value) -> Request {
    let (method, target) = call.split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    Request {
        method: method.to_owned(),
        host: "apigateway.eu-west-1.amazonaws.com".to_owned(),
        path: path.to_owned(),
        query: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        headers: BTreeMap::new(),
        body: if body.is_null() { Vec::new() } else { body.to_string().into_bytes() },
    }
}

pub(super) fn moment() -> Moment {
    Moment { now: Duration::from_secs(60), epoch: jiff::Timestamp::UNIX_EPOCH, chance: fastrand::Rng::with_seed(7) }
}

/// Where a value is not what it should be; `None` where it is.
pub(super) fn difference(wanted: &Value, got: &Value, at: &str) -> Option<String> {
    match (wanted, got) {
        (Value::String(any), got) if any == "*" && !got.is_null() => None,
        (Value::Object(wanted), Value::Object(got)) => {
            let names = |map: &Map<String, Value>| map.keys().cloned().collect::<BTreeSet<_>>();
            if names(wanted) != names(got) {
                return Some(format!("{at}: fields {:?}, not {:?}", names(got), names(wanted)));
            }
            wanted.iter().find_map(|(name, wanted)| difference(wanted, &got[name], &format!("{at}/{name}")))
        }
        (Value::Array(wanted), Value::Array(got)) if wanted.len() == got.len() => {
            let mut pairs = wanted.iter().zip(got).enumerate();
            pairs.find_map(|(index, (wanted, got))| difference(wanted, got, &format!("{at}/{index}")))
        }
        _ => (wanted != got).then(|| format!("{at}: {got}, not {wanted}")),
    }
}

fn body(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap_or(Value::Null)
}

/// What was wrong with the reply; `None` if nothing was.
fn mismatch(world: &World, expected: &Expected, reply: &Reply) -> Option<String> {
    let code = reply.headers.iter().find(|(name, _)| name == "x-amzn-errortype").map(|(_, code)| code.as_str());
    let (status, wrong) = match expected {
        Expected::Nothing(status) => (*status, (!reply.body.is_empty()).then(|| "a body".to_owned())),
        Expected::Just(status, wanted) => {
            let wanted = serde_json::from_str(&world.filled(&wanted.to_string())).unwrap();
            // AWS promises no order of items.
            (*status, difference(&sorted(wanted), &sorted(body(reply)), ""))
        }
        Expected::Error(status, wanted, message) => {
            let message = json!({"message": world.filled(message)});
            let wrong_code = (code != Some(*wanted)).then(|| format!("{code:?}, not {wanted}"));
            (*status, wrong_code.or_else(|| difference(&message, &body(reply), "")))
        }
    };
    let wrong_status = (reply.status != status).then(|| format!("status {}, not {status}", reply.status));
    wrong_status.or(wrong).map(|what| format!("{what}: {}", String::from_utf8_lossy(&reply.body)))
}

/// The items of a list in the order of their names.
fn sorted(mut list: Value) -> Value {
    if let Some(items) = list["item"].as_array_mut() {
        let name = |item: &Value| {
            ["path", "responseType", "stageName", "name", "id"].map(|key| item[key].to_string()).concat()
        };
        items.sort_by_key(name);
    }
    list
}

fn play(sequence: Sequence) -> Vec<String> {
    let Sequence { name, mut world, steps } = sequence;
    let (mut wrong, mut moment) = (Vec::new(), moment());
    let mut record = record::Sequence::new(format!("API Gateway: {name}"));
    world.noted(&mut record);
    for (number, step) in steps.into_iter().enumerate() {
        moment.now += Duration::from_secs(1);
        let call = world.filled(step.call);
        let body_sent = serde_json::from_str(&world.filled(&step.body.to_string())).unwrap();
        let sent = request(&call, &body_sent);
        let reply = world.gateway.handle(&sent, &mut moment);
        let Some(reply) = reply else {
            wrong.push(format!("{name} {number} {call}: not known"));
            continue;
        };
        record.call(&sent, &reply);
        wrong.extend(mismatch(&world, &step.expected, &reply).map(|what| format!("{name} {number} {call}: {what}")));
        if let Some(key) = step.keeps {
            world.names.insert(key.to_owned(), body(&reply)["id"].as_str().unwrap_or_default().to_owned());
        }
    }
    record.end();
    wrong
}

#[test]
fn responses_are_as_recorded() {
    let sequences: Vec<Sequence> = stages::all().into_iter().chain(definitions::all()).collect();
    assert_eq!(sequences.len(), 19);
    let steps: usize = sequences.iter().map(|sequence| sequence.steps.len()).sum();
    assert_eq!(steps, 86);
    let wrong: Vec<String> = sequences.into_iter().flat_map(play).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
