//! CloudWatch's embedded metric format: a log line from which CloudWatch makes metrics by itself. A
//! call of PutMetricData would cost each visitor some 60 ms.
//!
//! `VisitorCount` is 1 for each visit: its sum over a time is the visits of that time. It has no
//! dimension, and once more the function's name, so that environments that share an account can be
//! distinguished. `PutItemLatency` and so on have the function's name.
//!
//! Written out, because the line has one shape: of the libraries that keep to the format, `metrique`
//! brings 8 crates and `metrics_cloudwatch_embedded` a recorder for any metrics of any process.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};

use crate::telemetry::Call;

const NAMESPACE: &str = "ResumeMetrics";
const VISITS: &str = "VisitorCount";
const FUNCTION: &str = "FunctionName";

/// The line for a request to `function` that ended at `now`; none if there is nothing to report.
#[must_use]
pub fn line(function: &str, now: SystemTime, counted: bool, calls: &[Call]) -> Option<Value> {
    let latencies = latencies(calls);
    let visits = counted.then(|| directive(&json!([[], [FUNCTION]]), &json!([metric(VISITS, "Count")])));
    let store = latencies.keys().map(|name| metric(name, "Milliseconds")).collect::<Vec<_>>();
    let store = (!store.is_empty()).then(|| directive(&json!([[FUNCTION]]), &json!(store)));
    let directives: Vec<_> = visits.into_iter().chain(store).collect();
    if directives.is_empty() {
        return None;
    }
    let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut line = json!({
        "_aws": {"Timestamp": whole_milliseconds(since_1970), "CloudWatchMetrics": directives},
        FUNCTION: function,
    });
    if counted {
        line[VISITS] = json!(1);
    }
    for (name, values) in latencies {
        line[name] = json!(values);
    }
    Some(line)
}

/// The milliseconds of each operation's calls, under the name of its metric.
fn latencies(calls: &[Call]) -> BTreeMap<String, Vec<f64>> {
    let mut latencies = BTreeMap::<_, Vec<_>>::new();
    for Call { operation, took, .. } in calls {
        latencies.entry(format!("{operation}Latency")).or_default().push(milliseconds(*took));
    }
    latencies
}

fn directive(dimensions: &Value, metrics: &Value) -> Value {
    json!({"Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": metrics})
}

fn metric(name: &str, unit: &str) -> Value {
    json!({"Name": name, "Unit": unit})
}

/// To a thousandth.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

fn whole_milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(operation: &'static str, microseconds: u64) -> Call {
        let took = Duration::from_micros(microseconds);
        Call { operation, began: SystemTime::UNIX_EPOCH, took, failed: false }
    }

    fn at(milliseconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_visit_is_one_line_in_the_embedded_metric_format() {
        let calls = [call("PutItem", 4_321), call("UpdateItem", 5_000)];
        let visits = json!([{"Name": "VisitorCount", "Unit": "Count"}]);
        let store = json!([
            {"Name": "PutItemLatency", "Unit": "Milliseconds"}, {"Name": "UpdateItemLatency", "Unit": "Milliseconds"},
        ]);
        let expected = json!({
            "_aws": {"Timestamp": 1_767_225_600_123_u64, "CloudWatchMetrics": [
                {"Namespace": "ResumeMetrics", "Dimensions": [[], ["FunctionName"]], "Metrics": visits},
                {"Namespace": "ResumeMetrics", "Dimensions": [["FunctionName"]], "Metrics": store},
            ]},
            "FunctionName": "counter-dev", "VisitorCount": 1,
            "PutItemLatency": [4.321], "UpdateItemLatency": [5.0],
        });
        assert_eq!(line("counter-dev", at(1_767_225_600_123), true, &calls), Some(expected));
    }

    #[test]
    fn repeated_calls_of_an_operation_are_values_of_one_metric() {
        let line = line("f", at(0), false, &[call("GetItem", 1_000), call("GetItem", 2_000)]).unwrap();
        assert_eq!(line["GetItemLatency"], json!([1.0, 2.0]));
        assert_eq!(line["_aws"]["CloudWatchMetrics"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn a_request_without_a_visit_or_a_call_reports_neither() {
        let failed = line("f", at(0), false, &[call("PutItem", 1)]).unwrap();
        assert_eq!(failed.get("VisitorCount"), None);
        assert_eq!(line("f", at(0), false, &[]), None);
    }
}
