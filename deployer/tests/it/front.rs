//! The front itself: each rule that it keeps, seen by a client that breaks it.

mod faults;
mod functions;
mod limits;
mod scratch;
mod stages;

pub(crate) use faults::*;
pub(crate) use functions::*;
pub(crate) use limits::*;
pub(crate) use stages::*;
