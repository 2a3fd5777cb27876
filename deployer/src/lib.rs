//! `deployer` releases AWS Lambda functions: it checks each new version before it takes traffic, moves all parts of a release
//! together, and moves them back if something fails. This crate is the library behind the binary of the same name. Its interface is for the
//! binary and the tests: it may change with any commit.
//!
//! # How a command runs
//!
//! [`run`] gets a parsed command line ([`cli`]), a snapshot of the environment variables, the outside [`world`] and a [`report`]. A
//! command reads `deployer.toml` ([`config`]) and what is live ([`observe`]), computes a [`plan`], and, if it releases, hands the plan to the
//! [`engine`], which carries it out phase by phase. After each phase [`verify`] checks whether the new parts respond as declared. Every
//! step goes into the [`ledger`]. The command returns a plain value, which the report shows as text, JSON or a page of GitHub.
//!
//! The modules in reading order. Data flows one way through them, and a module imports only those before it, [`aws`] and [`ledger`]:
//!
//! [`cli`] -> [`config`] -> [`artifact`] -> [`observe`] -> [`plan`] -> [`verify`] -> [`engine`] -> [`commands`] -> [`report`].
//!
//! | module | what happens there |
//! |---|---|
//! | [`config`] | `deployer.toml`, flags and environment variables become a validated [`config::Config`] |
//! | [`artifact`] | sources become packages, with a manifest |
//! | [`aws`] | single calls of AWS, by two types: [`aws::Reader`] reads, [`aws::Writer`] changes |
//! | [`ledger`] | the stack contract, the lock with its lease and fencing token, the releases |
//! | [`observe`], [`plan`] | what exists, and what would be done: both are values |
//! | [`verify`] | whether the new parts respond as declared |
//! | [`engine`] | the lock, the phases, the revert, the record |
//! | [`commands`] | one file for each command, over the engine |
//! | [`retention`], [`mod@doctor`] | what may be pruned; what is wrong with a stack |
//! | [`guard`] | what a Terraform plan would take from live traffic |
//! | [`init`] | a first `deployer.toml` for functions that exist already |
//! | [`local`] | the local AWS |
//! | [`completions`], [`man`] | what a shell offers to complete; the manual |
//! | [`events`], [`report`] | what the core reports while it works; how that and the results are shown |
//!
//! # Rules for all modules
//!
//! - A function that only reads gets a [`aws::Reader`] and cannot write, so `plan` and `status` are safe by their types.
//! - Network, clocks, randomness and signals come from one value, [`world::World`]. The simulator in `tests/sim` passes another one, and runs
//!   whole releases in virtual time against simulated services.
//! - Writes are never repeated blindly: after a lost response the code reads back and decides by what it finds.
//! - An error is an [`anyhow::Error`]. Where its exit code or its hint matters, a [`failure::Failure`] is in its chain.
//! - Only [`report`] prints, and only [`config`] reads environment variables.

pub mod ending;
pub mod failure;

pub mod cli;
pub mod config;

pub mod artifact;
pub mod aws;
pub mod ledger;
pub mod observe;
pub mod plan;
pub mod retention;
pub mod verify;

pub mod backoff;
pub mod context;
pub mod duration;
pub mod events;
pub mod interrupt;
pub mod notices;
pub mod rates;
pub mod world;

pub mod engine;

pub mod commands;
mod dispatch;
pub mod doctor;
pub mod guard;
pub mod init;

pub mod completions;
pub mod local;
pub mod man;
pub mod report;
pub mod without_command;

#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod documentation;
#[cfg(test)]
mod general;
#[cfg(test)]
mod glossary;

pub use dispatch::run;
