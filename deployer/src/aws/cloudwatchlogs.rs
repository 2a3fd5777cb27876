//! CloudWatch Logs: the errors that a version logged. Only looked at once a release has failed.

use std::collections::VecDeque;
use std::ops::Range;

use aws_config::SdkConfig;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::calls::Counting;
use super::request::{Client, Request, Service};
use super::{AwsError, Calls, wire};

const FILTER: &str = "FilterLogEvents";
const TARGET: &str = "Logs_20140328";

/// What the log of an error has in it, in the words of the usual runtimes and libraries; `?` means "or".
const ERRORS: &str = "?ERROR ?Error ?error ?FATAL ?Fatal ?fatal ?panicked ?Exception ?Traceback ?\"timed out\"";
/// How many records are kept: more than are shown, as some of them are Lambda's own.
const KEPT: usize = 100;

/// The newest of the records that were read.
#[derive(Debug, Default)]
pub struct LastRecords(VecDeque<String>);

impl LastRecords {
    /// Oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    fn add(&mut self, record: String) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(record);
    }
}

/// Reads the log groups of one account and region.
#[derive(Debug, Clone)]
pub struct CloudWatchLogs(Client);

/// The streams of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStreams {
    /// The log group.
    pub group: String,
    /// How the names of the streams begin, without the date.
    pub begin: String,
}

impl LogStreams {
    /// Those of `version` of a function, which logs to a group of its own or to `shared`, one that it may have in common with
    /// others: there Lambda puts the function's name before the version.
    pub fn new(function: &str, version: &str, shared: Option<&str>) -> Self {
        match shared {
            None => Self { group: format!("/aws/lambda/{function}"), begin: format!("[{version}]") },
            Some(group) => Self { group: group.to_owned(), begin: format!("{function}[{version}]") },
        }
    }
}

impl CloudWatchLogs {
    pub(super) fn new(shared: &SdkConfig, calls: &Calls) -> Self {
        Self(Client::new(Service::Logs, shared, Counting::reads(calls)))
    }

    /// Reads the records of errors in the streams that began on the first or the last day of `time`, oldest first, into `last`:
    /// the caller has what was read even if it waits no longer.
    pub async fn errors(
        &self,
        of: &LogStreams,
        time: Range<Timestamp>,
        last: &mut LastRecords,
    ) -> Result<(), AwsError> {
        let day = |time: Timestamp| time.strftime("%Y/%m/%d").to_string();
        let mut days = vec![day(time.start), day(time.end)];
        days.dedup();
        for day in days {
            let mut request = json!({
                "logGroupName": of.group, "filterPattern": ERRORS, "logStreamNamePrefix": format!("{day}/{}", of.begin),
                "startTime": time.start.as_millisecond(),
            });
            // A page may be empty although more follow, and the newest errors are on the last one.
            loop {
                let response = self.0.send(Request::json(FILTER, TARGET, &request), wire::json::<Page>).await;
                let object = || format!("log group `{}`", of.group);
                let page = response.map_err(|error| AwsError::new(FILTER, object(), &error))?;
                let records = page.events.unwrap_or_default().into_iter().filter_map(|event| event.message);
                records.for_each(|record| last.add(record));
                let Some(next) = page.next_token else { break };
                request["nextToken"] = Value::String(next);
            }
        }
        Ok(())
    }
}

/// A page of records.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    events: Option<Vec<Event>>,
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Event {
    message: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_records_are_kept() {
        let mut last = LastRecords::default();
        (0..1000).for_each(|record| last.add(record.to_string()));
        assert_eq!((last.iter().count(), last.iter().next(), last.iter().last()), (KEPT, Some("900"), Some("999")));
    }

    #[test]
    fn a_shared_log_group_names_the_function_in_its_streams() {
        let of = |shared| LogStreams::new("counter", "7", shared);
        let named = |group: &str, begin: &str| LogStreams { group: group.to_owned(), begin: begin.to_owned() };
        assert_eq!(of(None), named("/aws/lambda/counter", "[7]"));
        assert_eq!(of(Some("team")), named("team", "counter[7]"));
    }
}
