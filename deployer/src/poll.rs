//! Waiting for AWS: every tenth of a second while it may be done any moment, then less and less often, and an end that
//! says what was waited for.

use std::time::Duration;

use tokio::time::Instant;

use anyhow::Result;

use crate::failure::Failure;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// So long it is asked for at the first pace: GetFunction, which is what polls as a rule, is admitted 100 times a second.
const BRISK_FOR: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// The longest that Lambda may take to make a version ready; functions in a VPC take minutes.
const READY_WITHIN: Duration = Duration::from_secs(300);
/// Longer than a read lags behind what was written. AWS gives no figure; the safe state after a signal has to be reached
/// within 7 s.
const READ_WITHIN: Duration = Duration::from_secs(3);

/// A bounded series of pauses.
#[derive(Debug)]
pub struct Poll {
    started: Instant,
    within: Duration,
    pause: Duration,
}

impl Poll {
    /// For what takes Lambda moments as a rule, and minutes at worst.
    pub fn until_ready() -> Self {
        Self { started: Instant::now(), within: READY_WITHIN, pause: FIRST_PAUSE }
    }

    /// For what is carried out already, and may for a moment be read as it was before.
    pub fn until_read() -> Self {
        Self { started: Instant::now(), within: READ_WITHIN, pause: FIRST_PAUSE }
    }

    /// Waits once.
    ///
    /// # Errors
    /// It has taken too long; `what` says what was waited for.
    pub async fn pause(&mut self, what: impl FnOnce() -> String) -> Result<()> {
        if self.started.elapsed() > self.within {
            return Err(Failure::error(format!("waited {} s for {}", self.within.as_secs(), what()))
                .hint("look at its state in the console, then run again")
                .into());
        }
        tokio::time::sleep(self.pause).await;
        if self.started.elapsed() > BRISK_FOR {
            self.pause = self.pause.mul_f32(1.5).min(LONGEST_PAUSE);
        }
        Ok(())
    }
}
