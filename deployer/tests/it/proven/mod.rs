//! The invariants as measurements: many cases each, and a row of the table of figures ([`crate::promises`]).
//!
//! `cargo test` tries a fixed part that stands for the whole, `.ci/prove` all of it.

pub(crate) mod deploys;
mod fresh;
pub(crate) mod hostile;
pub(crate) mod one_account;
pub(crate) mod orders;
pub(crate) mod privileges;
pub(crate) mod races;
pub(crate) mod secrets;
mod serving;
pub(crate) mod traffic;
mod visitors;
