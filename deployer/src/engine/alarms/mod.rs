//! Alarms: they let a release start, and while it moves traffic one that goes into ALARM has it reverted.

pub(super) mod before;
pub(super) mod during;
