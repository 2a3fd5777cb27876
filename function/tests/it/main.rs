//! The functions from outside: their handlers over a store in memory, and their real binaries
//! between a stand-in for the Lambda runtime's API and one for DynamoDB.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

#[cfg(feature = "dynamodb")]
mod binaries;
mod counter;
mod dependencies;
#[cfg(feature = "dynamodb")]
mod lambda;
mod memory;
mod preflight;
#[cfg(feature = "dynamodb")]
mod standin;
