//! The promises, measured: each trial tries one in many cases and leaves a row for the table.

pub(crate) mod hostile;
pub(crate) mod races;
pub(crate) mod runs;
pub(crate) mod secrets;
