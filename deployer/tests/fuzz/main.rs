//! External input of every shape, through the code that reads it: the items of a ledger, the contract, the manifest of an
//! artifact, `deployer.toml`, a Terraform plan. Nothing panics; what is read is what was meant; everything else is an error
//! that names the object, has the right exit code, and says what to do.
//!
//! `cargo test` tries some thousand of each, with `CASES=all` twenty times as many. `.ci/fuzz deployer fuzz
//! ledger::no_bytes_are_taken_for_items` lets libFuzzer search, guided by coverage. Every test named `no_bytes_…` is such a
//! target.
//!
//! A binary of its own, because bolero's targets need the standard harness, and `it` starts a stack.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod configuration;
mod ledger;
mod manifest;
#[path = "../promises/mod.rs"]
mod promises;
mod shapes;
mod terraform;
mod wire;

use std::fmt::Debug;

use deployer::ending::Ending as _;
use deployer::failure::Exit;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

/// The number of cases: `part`, or more if all cases run.
fn cases(part: u32) -> u32 {
    #[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of what is tested")]
    let all = std::env::var("CASES").is_ok_and(|cases| cases == "all");
    if all { part * 20 } else { part }
}

/// Tries a number of values, and returns what broke the promise, shrunk as far as possible.
fn tried<T: Debug>(
    count: u32,
    values: impl Strategy<Value = T>,
    keeps: impl Fn(T) -> Result<(), String>,
) -> Vec<String> {
    let config = Config { cases: count, failure_persistence: None, ..Config::default() };
    let tried = TestRunner::new(config).run(&values, |value| keeps(value).map_err(TestCaseError::fail));
    let broken = |error| match error {
        TestError::Fail(why, value) => format!("{why}: {value:?}"),
        error => error.to_string(),
    };
    tried.err().map(broken).into_iter().collect()
}

/// Whether an error helps: it names the object, and has a hint.
fn named(error: &anyhow::Error, object: &str) -> Result<(), String> {
    let (words, exit) = (format!("{error:#}"), error.exit());
    if !matches!(exit, Exit::BadInput | Exit::Refused) {
        return Err(format!("ends with {exit:?}: {words}"));
    }
    if !words.contains(object) {
        return Err(format!("does not name `{object}`: {words}"));
    }
    error.hint().map(drop).ok_or_else(|| format!("has no hint: {words}"))
}
