//! A visitor counter behind API Gateway REST: one event comes in, one response goes out.
//!
//! In reading order: [`serve`] takes an event from the Lambda runtime, [`event`] reads from it
//! the few fields that matter to a [`request`], [`handler`] decides, asking the [`store`] for what lasts, and
//! [`reply`] dresses the response with the headers of [`cors`] and [`marks`]. What the store learns of
//! an address is what [`privacy`] makes of it, with the secret in [`key`]; its calls,
//! [`telemetry`] reports to CloudWatch and X-Ray. [`settings`] is the only reader of environment variables,
//! [`log`] the only place that decides what a log line is.
//!
//! Only [`serve`] uses the Lambda runtime, and only `signed`, `signature` and `visits` use the crates of AWS's
//! SDK: without the features `dynamodb`, `postgres` and `counter` none of them is linked, and so the binary
//! `preflight` is built. `visits`, behind the feature of that name, is the command that reads what was
//! counted: no Lambda carries it.
//! Nothing here depends on how it is deployed.

pub mod cors;
pub mod event;
pub mod failure;
pub mod handler;
pub mod key;
pub mod log;
pub mod marks;
pub mod privacy;
pub mod reply;
pub mod request;
pub mod serve;
pub mod settings;
#[cfg(feature = "counter")]
mod signature;
#[cfg(feature = "counter")]
mod signed;
pub mod store;
pub mod telemetry;
pub mod visit;
#[cfg(feature = "visits")]
pub mod visits;
