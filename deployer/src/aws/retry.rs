//! Refusals of a call that did nothing: it may be sent again. What a lost reply did is looked up first: `lost_reply.rs`.

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
        Self(Backoff::new(world, Pace::ADMITTED).waiting_for("AWS to accept a call that it refused"))
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
