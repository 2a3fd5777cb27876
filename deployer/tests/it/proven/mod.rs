//! The invariants as measurements: many cases each, and a row of the table of figures ([`crate::promises`]).
//!
//! `cargo test` tries a fixed part that stands for the whole, `.ci/prove` all of it.

pub(crate) mod one_account;
pub(crate) mod privileges;
pub(crate) mod secrets;
