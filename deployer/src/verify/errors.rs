//! What a version logged while it took traffic: looked up once its release has failed.

use std::time::Duration;

use jiff::Timestamp;

use super::Log;
use crate::aws::{LastRecords, LogStreams, Reader};

/// The longest that a failed release waits for it.
const WITHIN: Duration = Duration::from_secs(3);

/// The last errors in these streams since then, as far as they can be read in time; none without permission or a log group.
/// The release has failed already: this only helps to explain it.
pub async fn last_errors(reader: &Reader, of: &LogStreams, since: &str) -> Log {
    let now = reader.world.now();
    let since = since.parse().unwrap_or(Timestamp::UNIX_EPOCH);
    let mut last = LastRecords::default();
    // Whether it ended, failed or took too long, what was read by then is shown.
    let _ = tokio::time::timeout(WITHIN, reader.logs.errors(of, since..now, &mut last)).await;
    Log::of_records(last.iter())
}
