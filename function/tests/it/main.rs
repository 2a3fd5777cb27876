//! The functions from outside: their handlers over a store in memory, and their real binaries
//! between stand-ins for the Lambda runtime's API, for DynamoDB, SSM and Secrets Manager, and a real PostgreSQL.

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
#[cfg_attr(not(feature = "dynamodb"), expect(dead_code, reason = "most of it is for tests over DynamoDB"))]
mod lambda;
#[cfg(feature = "dynamodb")]
mod load;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod preflight;
#[cfg(feature = "postgres")]
mod proxy;
#[cfg(feature = "postgres")]
mod server;
#[cfg(any(feature = "dynamodb", feature = "postgres"))]
mod ssm;
#[cfg_attr(not(feature = "dynamodb"), expect(dead_code, reason = "most of it is for tests over DynamoDB"))]
mod standin;
#[cfg(feature = "visits")]
mod table;
#[cfg(feature = "dynamodb")]
mod telemetry;
#[cfg(feature = "visits")]
mod visits;
