//! What a version logged while it took traffic: looked up once its release has failed.

use std::time::Duration;

use jiff::Timestamp;

use super::Log;
use crate::aws::{LogStreams, Reader};

/// The longest that a failed release waits for it.
const WITHIN: Duration = Duration::from_secs(3);

/// The last errors in these streams since then; none if they cannot be read (no permission, no log group, a throttled or slow
/// response). The release has failed already: this only helps to explain it.
pub async fn last_errors(reader: &Reader, of: &LogStreams, since: &str) -> Log {
    let now = reader.world.now();
    let since = since.parse().unwrap_or(Timestamp::UNIX_EPOCH);
    match tokio::time::timeout(WITHIN, reader.logs.errors(of, since, now)).await {
        Ok(Ok(records)) => Log::of_records(records.iter().map(String::as_str)),
        _ => Log::default(),
    }
}
