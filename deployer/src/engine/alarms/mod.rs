//! Alarms: one in ALARM keeps a release from starting, and reverts a release that is moving traffic.

pub(super) mod before;
pub(super) mod during;
