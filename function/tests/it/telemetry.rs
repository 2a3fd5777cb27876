//! What the real binary reports to CloudWatch on stdout, and to X-Ray over UDP.

use std::{
    collections::BTreeMap,
    net::UdpSocket,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use crate::{
    binaries::{counter, endpoints, event, variables},
    lambda::{COUNTER, Lambda, dynamodb, refusing_dynamodb, ssm},
    standin::StandIn,
};

/// A function whose daemon is `listener`.
fn traced(table: &StandIn, listener: &UdpSocket) -> Lambda {
    let (endpoint, keys) = endpoints(table, &ssm(vec![]).0);
    let daemon = listener.local_addr().unwrap().to_string();
    let mut variables = variables(&endpoint, &keys).to_vec();
    variables.push(("AWS_XRAY_DAEMON_ADDRESS", &daemon));
    Lambda::start(COUNTER, &variables)
}

fn listener() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket
}

/// The next subsegment; the header before it must be the daemon's.
fn subsegment(listener: &UdpSocket) -> Value {
    let mut datagram = [0; 4096];
    let length = listener.recv(&mut datagram).unwrap();
    let text = std::str::from_utf8(&datagram[..length]).unwrap();
    let (header, document) = text.split_once('\n').unwrap();
    assert_eq!(serde_json::from_str::<Value>(header).unwrap(), json!({"format": "json", "version": 1}));
    serde_json::from_str(document).unwrap()
}

#[test]
fn the_calls_of_a_visit_are_parallel_subsegments_of_its_trace() {
    let ((table, _), listener) = (dynamodb(), listener());
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let function = traced(&table, &listener);
    function.invoke(&event("GET", "/count"));
    let calls: BTreeMap<_, _> = [subsegment(&listener), subsegment(&listener)]
        .map(|call| (call["aws"]["operation"].as_str().unwrap().to_owned(), call))
        .into();
    assert_eq!(calls.keys().collect::<Vec<_>>(), ["PutItem", "UpdateItem"]);
    for call in calls.values() {
        assert_eq!(call["trace_id"], "1-5759e988-bd862e3fe1be46a994272793");
        assert_eq!((&call["parent_id"], &call["type"]), (&json!("53995c3f42cd8ad8"), &json!("subsegment")));
        assert_eq!((&call["name"], &call["namespace"]), (&json!("DynamoDB"), &json!("aws")));
        assert_eq!((&call["aws"]["table_name"], &call["aws"]["region"]), (&json!("visits"), &json!("eu-west-1")));
        assert_eq!(call.get("fault"), None);
        assert_eq!(call["id"].as_str().unwrap().len(), 16);
    }
    let time = |operation: &str, end: &str| calls[operation][end].as_f64().unwrap();
    assert!(before < time("PutItem", "start_time") && time("PutItem", "start_time") < time("UpdateItem", "end_time"));
    assert!(time("UpdateItem", "start_time") < time("PutItem", "end_time"), "one after the other: {calls:#?}");
    assert_ne!(calls["PutItem"]["id"], calls["UpdateItem"]["id"]);
}

#[test]
fn a_call_that_fails_is_a_fault_in_its_trace() {
    let listener = listener();
    let function = traced(&refusing_dynamodb(), &listener);
    function.invoke(&event("GET", "/health"));
    let call = subsegment(&listener);
    assert_eq!((&call["aws"]["operation"], &call["fault"]), (&json!("GetItem"), &json!(true)));
}

#[test]
fn a_missing_daemon_delays_no_response() {
    let ((table, _), listener) = (dynamodb(), listener());
    let function = traced(&table, &listener);
    drop(listener);
    for _ in 0..3 {
        assert_eq!(function.invoke(&event("GET", "/count"))["statusCode"], 200);
    }
}

/// The metrics of one line: name to dimension sets and unit.
fn declared(line: &Value) -> BTreeMap<String, (Value, Value)> {
    let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
    let metrics = directives.iter().flat_map(|directive| {
        assert_eq!(directive["Namespace"], "ResumeMetrics");
        directive["Metrics"].as_array().unwrap().iter().map(|metric| {
            let name = metric["Name"].as_str().unwrap().to_owned();
            (name, (directive["Dimensions"].clone(), metric["Unit"].clone()))
        })
    });
    metrics.collect()
}

#[test]
fn a_visit_is_a_line_of_metrics_and_health_counts_nobody() {
    let (table, _) = dynamodb();
    let function = counter(&table);
    function.invoke(&event("GET", "/count"));
    function.invoke(&event("GET", "/health"));
    function.invoke(&event("GET", "/nowhere"));
    let (_, metrics) = function.lines();
    let [visit, health] = metrics.as_slice() else { panic!("{metrics:#?}") };
    assert_eq!((&visit["VisitorCount"], &visit["FunctionName"]), (&json!(1), &json!("counter")));
    let latency = (json!([["FunctionName"]]), json!("Milliseconds"));
    let expected = [
        ("PutItemLatency", latency.clone()),
        ("UpdateItemLatency", latency.clone()),
        ("VisitorCount", (json!([[], ["FunctionName"]]), json!("Count"))),
    ];
    assert_eq!(declared(visit), expected.map(|(name, shape)| (name.to_owned(), shape)).into());
    assert_eq!(declared(health), BTreeMap::from([("GetItemLatency".to_owned(), latency)]));
    assert_eq!(health.get("VisitorCount"), None);
    // Every metric has its value at the top of the line, where CloudWatch looks for it.
    for line in &metrics {
        for name in declared(line).keys() {
            assert!(line[name].is_number() || line[name][0].as_f64().unwrap() >= 0.0, "{name}: {line}");
        }
    }
}

#[test]
fn metrics_have_nothing_personal() {
    let (table, _) = dynamodb();
    let function = counter(&table);
    function.invoke(&event("GET", "/count"));
    let (_, metrics) = function.lines();
    let members: Vec<_> = metrics[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["FunctionName", "PutItemLatency", "UpdateItemLatency", "VisitorCount", "_aws"]);
}
