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

use serde::Serialize;

use crate::telemetry::Call;

const NAMESPACE: &str = "ResumeMetrics";
const VISITS: &str = "VisitorCount";
const FUNCTION: &str = "FunctionName";

/// The line of a request.
#[derive(Debug, Serialize)]
pub struct Line<'a> {
    #[serde(rename = "_aws")]
    aws: Metadata<'a>,
    #[serde(rename = "FunctionName")]
    function: &'a str,
    #[serde(rename = "VisitorCount", skip_serializing_if = "Option::is_none")]
    visits: Option<u8>,
    #[serde(flatten)]
    latencies: &'a Latencies,
}

/// The milliseconds of each operation's calls, under the name of its metric.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Latencies(BTreeMap<String, Vec<f64>>);

/// From which CloudWatch takes what is a metric in the line.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata<'a> {
    timestamp: u64,
    #[serde(rename = "CloudWatchMetrics")]
    directives: Vec<Directive<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'a> {
    namespace: &'static str,
    dimensions: &'static [&'static [&'static str]],
    metrics: Vec<Metric<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metric<'a> {
    name: &'a str,
    unit: &'static str,
}

impl Latencies {
    /// Those of `calls`.
    #[must_use]
    pub fn of(calls: &[Call]) -> Self {
        let mut latencies = BTreeMap::<_, Vec<_>>::new();
        for Call { operation, took, .. } in calls {
            latencies.entry(format!("{operation}Latency")).or_default().push(milliseconds(*took));
        }
        Self(latencies)
    }

    /// The line for a request to `function` that ended at `now`; none if there is nothing to report.
    #[must_use]
    pub fn line<'a>(&'a self, function: &'a str, now: SystemTime, counted: bool) -> Option<Line<'a>> {
        let visits = || vec![Metric { name: VISITS, unit: "Count" }];
        let visits = counted.then(|| directive(&[&[], &[FUNCTION]], visits()));
        let store = self.0.keys().map(|name| Metric { name, unit: "Milliseconds" }).collect::<Vec<_>>();
        let store = (!store.is_empty()).then(|| directive(&[&[FUNCTION]], store));
        let directives: Vec<_> = visits.into_iter().chain(store).collect();
        if directives.is_empty() {
            return None;
        }
        let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let aws = Metadata { timestamp: whole_milliseconds(since_1970), directives };
        Some(Line { aws, function, visits: counted.then_some(1), latencies: self })
    }
}

fn directive<'a>(dimensions: &'static [&'static [&'static str]], metrics: Vec<Metric<'a>>) -> Directive<'a> {
    Directive { namespace: NAMESPACE, dimensions, metrics }
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
    use serde_json::{Value, json};

    use super::*;

    fn line(now: SystemTime, counted: bool, calls: &[Call]) -> Option<Value> {
        let latencies = Latencies::of(calls);
        latencies.line("counter-dev", now, counted).map(|line| serde_json::to_value(line).unwrap())
    }

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
        assert_eq!(line(at(1_767_225_600_123), true, &calls), Some(expected));
    }

    #[test]
    fn repeated_calls_of_an_operation_are_values_of_one_metric() {
        let line = line(at(0), false, &[call("GetItem", 1_000), call("GetItem", 2_000)]).unwrap();
        assert_eq!(line["GetItemLatency"], json!([1.0, 2.0]));
        assert_eq!(line["_aws"]["CloudWatchMetrics"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn a_request_without_a_visit_or_a_call_reports_neither() {
        let failed = line(at(0), false, &[call("PutItem", 1)]).unwrap();
        assert_eq!(failed.get("VisitorCount"), None);
        assert_eq!(line(at(0), false, &[]), None);
    }
}
