//! The invariants as measurements: many cases each, and a row of the table of figures ([`crate::promises`]).
//!
//! `cargo test` tries a fixed part that stands for the whole, `.ci/prove` all of it.

mod fresh;
pub(crate) mod matrix;
mod serving;
pub(crate) mod traffic;
pub(crate) mod two_runs;
