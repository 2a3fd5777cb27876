//! Lost replies: whether a write has had its effect is looked up before it is sent again, so that nothing is made twice. A move of an
//! alias or the stage is sent again only after a read: `engine/moves.rs`.

use super::retry::patiently;
use super::{AwsError, Kind};
use crate::world::World;

/// How many times a write is sent whose reply gets lost and that turns out to have done nothing.
pub const TRIES: u32 = 3;

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
