//! What every command starts from.

use crate::config::Config;
use crate::events::Events;
use crate::world::World;

/// What every command starts from.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// What the run was asked for.
    pub config: &'a Config,
    /// The outside world.
    pub world: &'a World,
    /// Where words go.
    pub events: &'a dyn Events,
}
