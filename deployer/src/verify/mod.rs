//! Whether the new parts respond as declared: by Invoke before traffic, through the URL after.
//!
//! Every wait is bounded, and only a response with the new marks counts: the absence of an error is not a success.
//!
//! | file | what happens there |
//! |---|---|
//! | `verifier.rs` | which check goes through the URL, and which by Invoke |
//! | `through_url.rs`, `budget.rs`, `url.rs` | responses in a row, within a release's requests; one request |
//! | `invoke.rs`, `event/` | an Invoke, and the event that the function's trigger would send |
//! | `response.rs` | whether a response is as declared |
//! | `failed.rs` | why a check failed |
//! | `log.rs`, `mask.rs`, `address.rs` | what the function logged, without secrets and clients' addresses |
//! | `errors.rs` | what a version logged while it took traffic |

mod address;
mod budget;
mod errors;
mod event;
mod failed;
mod invoke;
mod log;
mod mask;
mod response;
mod through_url;
mod url;
mod verifier;

use crate::config::Check;
use crate::ledger::CheckRecord;

pub use errors::last_errors;
pub use event::{Gateways, RestGateway};
pub use failed::{Blame, Difference, Failed, Mismatch};
pub(crate) use invoke::without_api;
pub use invoke::{Invoker, awake, wake};
pub use log::Log;
pub use response::Response;
pub use url::{Expected, reachable};
pub use verifier::{Traffic, Verifier};

/// A new version may be throttled once, or a dependency may fail once; three wrong responses in a row are no accident.
const TRIES: u32 = 3;

fn record(check: &Check, phase: &str, passed: bool, response: String, requests: u32) -> CheckRecord {
    CheckRecord { name: check.name.clone(), phase: phase.to_owned(), passed, response, requests, by_invoke: None }
}
