//! CloudWatch Logs: the errors that a version logged. Only looked at once a release has failed.

use aws_config::SdkConfig;
use jiff::Timestamp;

use super::{AwsError, Calls, clients};

/// What the log of an error has in it, in the words of the usual runtimes and libraries; `?` means "or".
const ERRORS: &str = "?ERROR ?Error ?error ?FATAL ?Fatal ?fatal ?panicked ?Exception ?Traceback ?\"timed out\"";
/// A page has 1 MB at most.
const PAGES: usize = 4;

/// Reads the log groups of one account and region.
#[derive(Debug, Clone)]
pub struct CloudWatchLogs(aws_sdk_cloudwatchlogs::Client);

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
        let (read, _) = clients!(aws_sdk_cloudwatchlogs, shared, calls);
        Self(read)
    }

    /// The records of errors in the streams that began on the day of `now` or of `since`, oldest first.
    pub async fn errors(&self, of: &LogStreams, since: Timestamp, now: Timestamp) -> Result<Vec<String>, AwsError> {
        let day = |time: Timestamp| time.strftime("%Y/%m/%d").to_string();
        let mut days = vec![day(since), day(now)];
        days.dedup();
        let mut records = Vec::new();
        for day in days {
            records.extend(self.errors_of(&of.group, format!("{day}/{}", of.begin), since).await?);
        }
        Ok(records)
    }

    async fn errors_of(&self, group: &str, streams: String, since: Timestamp) -> Result<Vec<String>, AwsError> {
        let request = self.0.filter_log_events().log_group_name(group).log_stream_name_prefix(streams);
        let request = request.start_time(since.as_millisecond()).filter_pattern(ERRORS);
        let (mut records, mut next) = (Vec::new(), None);
        for _ in 0..PAGES {
            let response = request.clone().set_next_token(next.take()).send().await;
            let object = || format!("log group `{group}`");
            let response = response.map_err(|error| AwsError::new("FilterLogEvents", object(), &error))?;
            records.extend(response.events.unwrap_or_default().into_iter().filter_map(|event| event.message));
            next = response.next_token;
            if next.is_none() {
                break;
            }
        }
        Ok(records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_log_group_names_the_function_in_its_streams() {
        let of = |shared| LogStreams::new("counter", "7", shared);
        let named = |group: &str, begin: &str| LogStreams { group: group.to_owned(), begin: begin.to_owned() };
        assert_eq!(of(None), named("/aws/lambda/counter", "[7]"));
        assert_eq!(of(Some("team")), named("team", "counter[7]"));
    }
}
