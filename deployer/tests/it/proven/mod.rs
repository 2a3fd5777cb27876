//! The invariants as measurements: many cases each, and a row of the table of figures ([`crate::promises`]).
//!
//! `cargo test` tries a fixed part of the cases, `.ci/prove` all of them.

pub(crate) mod one_account;
pub(crate) mod privileges;
pub(crate) mod secrets;
