//! The functions from outside: their handlers over a store in memory, and their real binaries
//! between stand-ins for the Lambda runtime's API, for DynamoDB and for SSM.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

#[cfg(feature = "dynamodb")]
mod bad_input;
#[cfg(feature = "dynamodb")]
mod binaries;
mod counter;
mod dependencies;
#[cfg(feature = "visits")]
mod expressions;
#[cfg(feature = "visits")]
mod faults;
mod fuzz;
mod key;
#[cfg(feature = "dynamodb")]
mod lambda;
#[cfg(feature = "dynamodb")]
mod load;
mod memory;
mod preflight;
#[cfg(feature = "visits")]
mod recount;
mod shards;
#[cfg(feature = "dynamodb")]
mod ssm;
#[cfg(feature = "dynamodb")]
mod standin;
#[cfg(feature = "visits")]
mod table;
#[cfg(feature = "dynamodb")]
mod telemetry;
#[cfg(feature = "visits")]
mod visits;
