//! CloudWatch Logs: what functions logged, and FilterLogEvents. JSON 1.1.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::denial::Denial;
use super::wire::{Moment, Reply, Request};

/// One record.
#[derive(Clone, Debug)]
struct Record {
    stream: String,
    at: jiff::Timestamp,
    message: String,
}

/// The log groups of one account and region.
#[derive(Clone, Debug, Default)]
pub(crate) struct Logs {
    groups: BTreeMap<String, Vec<Record>>,
    /// Whether callers may read them.
    pub(crate) is_denied: bool,
    /// How many pages without a record come before the last one.
    pub(crate) empty_pages: usize,
}

impl Logs {
    pub(crate) fn name(request: &Request) -> Option<&'static str> {
        (operation(request)? == "FilterLogEvents").then_some("FilterLogEvents")
    }

    /// Lets a function have logged this, in the stream of its version.
    pub(crate) fn add(&mut self, function: &str, version: &str, message: &str, at: jiff::Timestamp) {
        let stream = format!("{}/[{version}]{:032x}", at.strftime("%Y/%m/%d"), 7);
        let record = Record { stream, at, message: message.to_owned() };
        self.groups.entry(format!("/aws/lambda/{function}")).or_default().push(record);
    }

    pub(crate) fn handle(&self, request: &Request, _: &Moment) -> Option<Reply> {
        Self::name(request)?;
        let asked = request.json();
        let group = asked["logGroupName"].as_str().unwrap_or_default();
        if self.is_denied {
            let resource = format!("arn:aws:logs:us-east-1:111111111111:log-group:{group}:log-stream:");
            return Some(Denial::not_allowed(request, "the caller", "logs:FilterLogEvents", &resource).reply());
        }
        let Some(records) = self.groups.get(group) else {
            let (code, message) = ("ResourceNotFoundException", "The specified log group does not exist.");
            return Some(Reply::json(400, &json!({ "__type": code, "message": message })));
        };
        let page = asked["nextToken"].as_str().map_or(0, |token| token.parse().unwrap_or_default());
        if page < self.empty_pages {
            return Some(Reply::json(200, &json!({ "events": [], "nextToken": (page + 1).to_string() })));
        }
        let is_asked_for = |record: &&Record| {
            record.stream.starts_with(asked["logStreamNamePrefix"].as_str().unwrap_or_default())
                && record.at.as_millisecond() >= asked["startTime"].as_i64().unwrap_or_default()
                && matches(&record.message, asked["filterPattern"].as_str().unwrap_or_default())
        };
        let events: Vec<Value> = records.iter().filter(is_asked_for).map(event).collect();
        Some(Reply::json(200, &json!({ "events": events, "searchedLogStreams": [] })))
    }
}

fn operation(request: &Request) -> Option<&str> {
    Some(request.header("x-amz-target")?.split_once("Logs_20140328.")?.1)
}

fn event(record: &Record) -> Value {
    json!({
        "logStreamName": record.stream, "timestamp": record.at.as_millisecond(), "message": record.message,
        "ingestionTime": record.at.as_millisecond(), "eventId": "1",
    })
}

/// Whether a record has one of the terms of a pattern of `?term`s, which is case sensitive.
fn matches(message: &str, pattern: &str) -> bool {
    let terms = pattern.split('?').map(|term| term.trim().trim_matches('"')).filter(|term| !term.is_empty());
    pattern.is_empty() || terms.into_iter().any(|term| message.contains(term))
}
