//! What every command starts with.

use crate::config::Config;
use crate::events::Events;
use crate::world::World;

/// What every command starts with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The configuration, with flags and environment variables applied.
    pub config: &'a Config,
    /// The outside world.
    pub world: &'a World,
    /// Where events go.
    pub events: &'a dyn Events,
}
