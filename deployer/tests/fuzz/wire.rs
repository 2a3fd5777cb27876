//! The items as DynamoDB sends them: attributes of every type, through the real client.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use deployer::aws::{TableWriter, Writer};
use deployer::config::{Access, Environment, LocalAccess};
use deployer::ledger::{Holder, Ledger};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::ledger::{LEDGER, items, look};
use crate::{cases, configuration, named, promises, tried};

/// The items in one partition: `stack`, `lock`, `live`, the last release. Encoded.
type Items = [Option<Value>; 4];

/// A value as an attribute.
fn attribute(value: &Value) -> Value {
    match value {
        Value::Null => json!({"NULL": true}),
        Value::Bool(value) => json!({"BOOL": value}),
        Value::Number(value) => json!({"N": value.to_string()}),
        Value::String(value) => json!({"S": value}),
        Value::Array(values) => json!({"L": values.iter().map(attribute).collect::<Vec<_>>()}),
        Value::Object(values) => {
            let members: serde_json::Map<_, _> =
                values.iter().map(|(name, value)| (name.clone(), attribute(value))).collect();
            json!({"M": members})
        }
    }
}

/// Invalid numbers, and numbers that the deployer never writes.
const NUMBERS: [&str; 10] =
    ["", "x", "NaN", "inf", "1e999", "0x10", "1.0", " 1", "99999999999999999999999999999999999999", "-0"];

/// Attributes that the deployer never writes.
fn odd() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => select(&NUMBERS[..]).prop_map(|number| json!({"N": number})),
        2 => select(vec![
            json!({"SS": ["a", "b"]}), json!({"NS": ["1", "x"]}), json!({"BS": ["YQ=="]}), json!({"B": "AP8="}), json!({"L": []}),
            json!({"M": {}}), json!({"NULL": true}), json!({"NULL": false}), json!({"BOOL": false}),
        ]),
        1 => Just(json!({"TYPE_OF_TOMORROW": "x"})),
    ]
}

/// The places in an item where an attribute is.
fn places(item: &Value, above: &str, all: &mut Vec<String>) {
    for (name, inner) in item.as_object().into_iter().flatten() {
        let place = format!("{above}/{}", name.replace('~', "~0").replace('/', "~1"));
        all.push(place.clone());
        places(&inner["M"], &format!("{place}/M"), all);
    }
}

fn wired() -> impl Strategy<Value = Items> {
    let changes = vec((0_usize..4, any::<Index>(), odd()), 0..3);
    (items(), changes).prop_map(|(items, changes)| {
        let mut items = items.map(|item| item.map(|item| attribute(&item)["M"].take()));
        for (which, index, odd) in changes {
            let Some(item) = &mut items[which] else { continue };
            let mut all = Vec::new();
            places(item, "", &mut all);
            if let Some(place) = (!all.is_empty()).then(|| index.get(&all)).and_then(|place| item.pointer_mut(place)) {
                *place = odd;
            }
        }
        items
    })
}

/// Responds like a table with these items that accepts every write.
async fn respond(items: Arc<Mutex<Items>>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let asked: Value = serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap();
    let [stack, lock, live, last] = items.lock().unwrap().clone();
    let response = match parts.headers["x-amz-target"].to_str().unwrap() {
        "DynamoDB_20120810.GetItem" => match asked["Key"]["sk"]["S"].as_str().unwrap() {
            "stack" => json!({"Item": stack}),
            "lock" => json!({"Item": lock}),
            "live" => json!({"Item": live}),
            _ => json!({"Item": last}),
        },
        "DynamoDB_20120810.Query" => {
            let items = match asked["ExpressionAttributeValues"][":from"]["S"].as_str() {
                Some("live") => vec![lock, live],
                Some(_) => vec![stack, last],
                None => vec![last],
            };
            json!({"Items": items.into_iter().flatten().collect::<Vec<_>>()})
        }
        _ => json!({}),
    };
    let response = response.as_object().unwrap().iter().filter(|(_, value)| !value.is_null());
    let response: serde_json::Map<_, _> = response.map(|(name, value)| (name.clone(), value.clone())).collect();
    Ok(Response::new(Full::new(Value::Object(response).to_string().into())))
}

/// Reads all items, and works with them as a command would.
async fn is_read_or_named(ledger: &Ledger, table: &TableWriter) -> Result<(), String> {
    if let Err(error) = ledger.release(8).await {
        named(&error, LEDGER)?;
    }
    if let Err(error) = ledger.history().await {
        named(&error, LEDGER)?;
    }
    let state = match ledger.read().await {
        Err(error) => return named(&error, LEDGER),
        Ok(state) => state,
    };
    look(&state)?;
    let us = Holder {
        id: "us".into(),
        actor: "us".into(),
        run_url: None,
        command: "deploy dev".into(),
        since: "now".into(),
        lease_seconds: 20,
    };
    let mut ended =
        vec![ledger.unlock(table, &state.lock).await, ledger.take_over(table, &state, us.clone()).await.map(drop)];
    match &state.lock.holder {
        Some(holder) => {
            ended.extend(tokio::time::timeout(Duration::from_millis(1), ledger.watch(&state.lock, holder)).await);
        }
        None => {
            let mut release = state.last.clone();
            if let Some(release) = &mut release {
                ended.push(ledger.begin(table, &state, us, release).await.map(drop));
            }
        }
    }
    // The contract names the environment, and the ledger is named by its table.
    ended.into_iter().filter_map(Result::err).try_for_each(|error| named(&error, ""))
}

#[test]
fn attributes_of_every_type_are_read_or_refused_by_name() {
    let began = Instant::now();
    let config = configuration::sound();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
    let port = listener.local_addr().unwrap().port();
    let table = Arc::new(Mutex::new([const { None }; 4]));
    let served = Arc::clone(&table);
    runtime.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let items = Arc::clone(&served);
            let service = service_fn(move |request| respond(Arc::clone(&items), request));
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    let access = Access::Local(LocalAccess { port, account: "111111111111".to_owned(), credentials: PathBuf::new() });
    let environment =
        Environment { ledger: LEDGER.to_owned(), access, ..config.environment(Some("dev")).unwrap().clone() };
    let aws = runtime.block_on(Writer::open(&environment, &deployer::world::World::real()));
    let ledger = Ledger::new(&aws.reader.table, "app");
    let count = cases(1_000);
    let violations = tried(count, wired(), |items| {
        *table.lock().unwrap() = items;
        runtime.block_on(is_read_or_named(&ledger, &aws.table))
    });
    promises::kept(
        "attributes of every type of DynamoDB in a ledger: no panic, and an error names the ledger",
        "sets, binaries, numbers that are none and types of tomorrow, sent by a table to the real client; read, then locked, unlocked and watched",
        count as usize,
        &violations,
        began,
    );
}
