//! Patience with refusals, which may be sent again, and with lost replies, which have to be looked into first.

use std::time::Duration;

use super::{AwsError, Kind};
use crate::backoff::{Backoff, Pace};
use crate::world::World;

/// The longest that an endpoint may be unreachable in the middle of a release.
const REACHED_WITHIN: Duration = Duration::from_secs(5);

/// How long refusals have been waited out.
#[derive(Debug)]
pub struct Patience(Backoff);

impl Patience {
    /// Begins now.
    pub fn new(world: &World) -> Self {
        Self(Backoff::new(world, Pace::ADMITTED))
    }

    /// Waits, if `error` is the refusal of a call that did nothing (too many calls, or another update in progress) and
    /// it has not taken too long. Only such a refusal may be sent again blindly; whatever may have had an effect is
    /// decided by reading back.
    pub async fn outlasts(&mut self, error: &AwsError) -> bool {
        let within = match error.kind {
            Kind::Throttled | Kind::Conflict => Pace::ADMITTED.within,
            Kind::Unreachable => REACHED_WITHIN,
            _ => return false,
        };
        let pause = self.0.pause();
        self.0.wait_for(error.retry_after.unwrap_or(pause), within).await
    }
}

/// Repeats a write that was refused before it did anything.
pub async fn patiently<T>(world: &World, call: impl AsyncFn() -> Result<T, AwsError>) -> Result<T, AwsError> {
    let mut patience = Patience::new(world);
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
/// refusal may be caused by our own success, `look` finds out whether it is there.
pub async fn certainly<T>(
    world: &World,
    call: impl AsyncFn() -> Result<T, AwsError>,
    look: impl AsyncFn() -> Result<Option<T>, AwsError>,
) -> Result<T, AwsError> {
    let mut tries = 1;
    loop {
        let error = match patiently(world, &call).await {
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
