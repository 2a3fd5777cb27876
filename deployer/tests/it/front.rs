//! The front itself: each rule that it keeps, seen by a client that breaks it.

mod faults;
mod functions;
mod scratch;
mod stages;

pub(crate) use faults::*;
pub(crate) use functions::*;
pub(crate) use stages::*;
