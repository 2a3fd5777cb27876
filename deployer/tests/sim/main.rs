//! The simulator: the whole engine against a simulated AWS, in this process, in virtual time, from a seed.
//!
//! | folder or file | what is in it |
//! |---|---|
//! | [`aws`] | the services, at wire level: each a small state machine that keeps AWS's rules |
//! | [`outside`], [`fault`] | the outside world of a run, and the faults of its calls |
//! | [`record`] | the traffic on the wire, for `.ci/models` |
//! | [`application`], [`stack`] | the functions' code, and the stacks of infrastructure code |
//! | [`simulation`] | commands, run by their arguments, also in parallel |
//! | [`verdict`], [`printed`], [`output`] | rules for an environment after any run, and for what a run prints and stores |
//! | [`behaviour`] | what each command does without faults, and what it refuses |
//! | [`ledgers`] | what every released version of the deployer wrote, and what this one does with it |
//! | [`cases`], [`schedule`], [`promises`] | cases in parallel, the order of several runs' writes, and the table of figures |
//! | [`scale`] | what commands cost with up to 500 functions and 10,000 releases |
//! | [`smoke`], [`findings`], [`matrix`], [`races`], [`search`] | the cases |

// A case awaits the future of a whole run.
#![recursion_limit = "256"]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a failing test may panic, and prints its cases"
)]
#![expect(dead_code, reason = "the simulated services offer more to a case than today's cases use")]

mod application;
mod aws;
mod behaviour;
mod cases;
mod fault;
mod findings;
mod ledgers;
mod matrix;
mod output;
mod outside;
mod printed;
#[path = "../promises/mod.rs"]
mod promises;
mod races;
mod record;
mod scale;
mod schedule;
mod search;
mod simulation;
mod smoke;
mod stack;
mod verdict;
