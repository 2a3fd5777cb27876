//! A small DynamoDB in memory with the operations that `counter` and `visits` use, and nothing else: a Scan, an
//! operation or an expression that is not implemented, or one that DynamoDB would refuse, fails the test.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex},
    thread::{self, sleep},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    expressions::{allows, apply, check, project, select},
    standin::{Received, Sent, StandIn},
};

/// Much longer than the function waits for a response.
const STALL: Duration = Duration::from_secs(4);
/// Visits on a page of the index.
const PAGE: usize = 2;

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 500, and nothing was done.
    Refused,
    /// 400 `ProvisionedThroughputExceededException`, and nothing was done.
    Throttled,
    /// It was done, but the connection ends without a response.
    Lost,
    /// It was done, but the response comes too late.
    Stalled,
}

/// What is in the table, and how it behaves.
pub(crate) struct State {
    items: BTreeMap<String, Value>,
    /// What every call returns instead, if anything: code and message.
    pub(crate) refusal: Option<(&'static str, &'static str)>,
    /// By the caller's access key and the operation: how its next calls go.
    faults: HashMap<(String, String), VecDeque<Option<Fault>>>,
    /// The requests.
    pub(crate) asked: Vec<(String, Value)>,
    wrong: Vec<String>,
}

/// The table `visits`.
pub(crate) struct Table {
    pub(crate) endpoint: String,
    state: Arc<Mutex<State>>,
}

impl Table {
    /// An empty one.
    pub(crate) fn start() -> Self {
        let state = Arc::new(Mutex::new(State {
            items: BTreeMap::new(),
            refusal: None,
            faults: HashMap::new(),
            asked: vec![],
            wrong: vec![],
        }));
        let shared = Arc::clone(&state);
        let server = StandIn::start_moody(move |received| respond(&shared, &received));
        Self { endpoint: format!("http://{}", server.address), state }
    }

    /// Looks at the state, or changes it.
    pub(crate) fn with<T>(&self, what: impl FnOnce(&mut State) -> T) -> T {
        what(&mut self.state.lock().unwrap())
    }

    /// Remembers a visit without counting it.
    pub(crate) fn visit(&self, at: Timestamp, path: &str, user_agent: &str) {
        let id = Uuid::new_v4();
        let day = at.strftime("%Y-%m-%d").to_string();
        let item = json!({
            "visit_id": {"S": id.to_string()}, "day": {"S": day}, "timestamp": {"S": format!("{at:.3}")},
            "visitor_ip": {"S": "private"}, "user_agent": {"S": user_agent}, "path": {"S": path},
        });
        self.with(|state| state.items.insert(id.to_string(), item));
    }

    /// How the next calls of `operation` by `caller` go.
    pub(crate) fn faults(&self, caller: &str, operation: &str, faults: impl IntoIterator<Item = Option<Fault>>) {
        let key = (caller.to_owned(), operation.to_owned());
        self.with(|state| state.faults.insert(key, faults.into_iter().collect()));
    }

    /// The visits that are remembered.
    pub(crate) fn visits(&self) -> i64 {
        self.with(|state| state.items.values().filter(|item| item.get("day").is_some()).count()).try_into().unwrap()
    }

    /// The total.
    pub(crate) fn total(&self) -> i64 {
        let number = |item: &Value| item["count"]["N"].as_str().unwrap().parse().unwrap();
        self.with(|state| state.items.get("total").map_or(0, number))
    }

    /// How often `operation` was called.
    pub(crate) fn asked(&self, operation: &str) -> usize {
        self.with(|state| state.asked.iter().filter(|(name, _)| name == operation).count())
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        let wrong = self.with(|state| std::mem::take(&mut state.wrong));
        assert!(thread::panicking() || wrong.is_empty(), "received what it must not: {wrong:#?}");
    }
}

fn respond(state: &Mutex<State>, received: &Received) -> Option<Sent> {
    let operation = received.headers["x-amz-target"].replace("DynamoDB_20120810.", "");
    let input: Value = serde_json::from_str(&received.body).unwrap();
    let caller = received.headers["authorization"].split_once("Credential=").unwrap().1;
    let key = (caller.split('/').next().unwrap().to_owned(), operation.clone());
    let mut state = state.lock().unwrap();
    let fault = state.faults.get_mut(&key).and_then(VecDeque::pop_front).flatten();
    state.asked.push((operation.clone(), input.clone()));
    let (status, body) = match (fault, state.refusal) {
        (Some(Fault::Refused), _) => refuse(500, "InternalServerError", "try again"),
        (Some(Fault::Throttled), _) => refuse(400, "ProvisionedThroughputExceededException", "too much"),
        (_, Some((code, message))) => refuse(400, code, message),
        _ => state.perform(&operation, &input),
    };
    drop(state);
    match fault {
        Some(Fault::Lost) => return None,
        Some(Fault::Stalled) => sleep(STALL),
        _ => {}
    }
    Some((status, vec![("content-type", "application/x-amz-json-1.0".to_owned())], body.to_string()))
}

fn refuse(status: u16, code: &str, message: &str) -> (u16, Value) {
    (status, json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": message}))
}

impl State {
    fn perform(&mut self, operation: &str, input: &Value) -> (u16, Value) {
        self.wrong.extend(check(input));
        match operation {
            "GetItem" => match self.item(&input["Key"]) {
                Some(item) => (200, json!({"Item": item})),
                None => (200, json!({})),
            },
            "PutItem" => self.put(input),
            "UpdateItem" => self.update(input),
            "Query" => self.query(input),
            other => {
                self.wrong.push(format!("{other}: {input}"));
                refuse(400, "ValidationException", "not known here")
            }
        }
    }

    fn item(&self, key: &Value) -> Option<&Value> {
        self.items.get(key["visit_id"]["S"].as_str().unwrap())
    }

    fn put(&mut self, input: &Value) -> (u16, Value) {
        let item = &input["Item"];
        let there = self.item(item);
        if !allows(input, there) {
            let (status, mut body) = refuse(400, "ConditionalCheckFailedException", "The conditional request failed");
            if input["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD" {
                body["Item"] = there.cloned().unwrap_or_default();
            }
            return (status, body);
        }
        let id = item["visit_id"]["S"].as_str().unwrap().to_owned();
        self.items.insert(id, item.clone());
        (200, json!({}))
    }

    fn update(&mut self, input: &Value) -> (u16, Value) {
        let id = input["Key"]["visit_id"]["S"].as_str().unwrap();
        let item = self.items.entry(id.to_owned()).or_insert_with(|| input["Key"].clone());
        apply(item, input);
        (200, json!({"Attributes": item}))
    }

    /// The index sorts by the moment, and equals in some order that stays.
    fn query(&mut self, input: &Value) -> (u16, Value) {
        if input["IndexName"] != "by-day" || input.get("ConsistentRead").is_some() {
            self.wrong.push(format!("Query: {input}"));
        }
        let mut found: Vec<_> = self.items.values().filter(|item| select(input, item)).collect();
        let place = |item: &Value| (item["timestamp"]["S"].to_string(), item["visit_id"]["S"].to_string());
        found.sort_by_key(|item| place(item));
        if let Some(start) = input.get("ExclusiveStartKey") {
            found.retain(|item| place(item) > place(start));
        }
        let more = found.len() > PAGE;
        found.truncate(PAGE);
        let mut output = json!({"Count": found.len(), "ScannedCount": found.len()});
        if more {
            let key =
                ["visit_id", "day", "timestamp"].map(|name| (name.to_owned(), found[found.len() - 1][name].clone()));
            output["LastEvaluatedKey"] = Value::Object(key.into_iter().collect());
        }
        output["Items"] = found.into_iter().map(|item| project(input, item)).collect();
        (200, output)
    }
}
