//! Patience with refusals, which may be sent again, and with lost replies, which have to be looked into first.

use std::time::Duration;

use tokio::time::Instant;

use super::{AwsError, Kind};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest that a write may be refused; CreateDeployment alone is admitted once in 5 s.
const ADMITTED_WITHIN: Duration = Duration::from_secs(60);
/// The longest that an endpoint may be unreachable in the middle of a release.
const REACHED_WITHIN: Duration = Duration::from_secs(5);

/// How long refusals have been waited out.
#[derive(Debug)]
pub struct Patience {
    started: Instant,
    pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { started: Instant::now(), pause: FIRST_PAUSE }
    }
}

impl Patience {
    /// Waits, if `error` is the refusal of a call that did nothing (too many calls, or another update in progress) and
    /// it has not taken too long. Only such a refusal may be answered blindly; whatever may have had an effect is
    /// judged by reading back.
    pub async fn outlasts(&mut self, error: &AwsError) -> bool {
        let within = match error.kind {
            Kind::Throttled | Kind::Conflict => ADMITTED_WITHIN,
            Kind::Unreachable => REACHED_WITHIN,
            _ => return false,
        };
        self.pause = error.retry_after.unwrap_or(self.pause.mul_f32(1.5)).min(ADMITTED_WITHIN);
        if self.started.elapsed() + self.pause > within {
            return false;
        }
        tokio::time::sleep(self.pause).await;
        true
    }
}

/// Repeats a write that was refused before it did anything.
pub async fn patiently<T>(call: impl AsyncFn() -> Result<T, AwsError>) -> Result<T, AwsError> {
    let mut patience = Patience::default();
    loop {
        match call().await {
            Err(error) if patience.outlasts(&error).await => {}
            ended => return ended,
        }
    }
}

/// How often a call whose reply was lost, and that had no effect, is sent again.
const TRIES: u32 = 3;

/// A write that makes something new, sent until it is known what became of it: where the reply was lost, or the
/// refusal may be the answer to our own success, `look` tells whether it is there.
pub async fn certainly<T>(
    call: impl AsyncFn() -> Result<T, AwsError>,
    look: impl AsyncFn() -> Result<Option<T>, AwsError>,
) -> Result<T, AwsError> {
    let mut tries = 1;
    loop {
        let error = match patiently(&call).await {
            Err(error) if matches!(error.kind, Kind::Unknown | Kind::Malformed | Kind::Precondition) => error,
            ended => return ended,
        };
        if let Some(made) = look().await? {
            return Ok(made);
        }
        if tries == TRIES || error.kind == Kind::Precondition {
            return Err(error);
        }
        tries += 1;
    }
}
