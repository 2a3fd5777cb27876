//! Whether the new parts respond as declared: by Invoke before traffic, through the URL after.
//!
//! Every wait is bounded, and only a response that carries the new marks counts. Never takes "no error" for success.
//!
//! | file | what happens there |
//! |---|---|
//! | `verifier.rs` | which check goes through the URL, and which by Invoke |
//! | `through_url.rs`, `budget.rs`, `url.rs` | responses in a row, within a release's requests; one request |
//! | `invoke.rs`, `event/` | an Invoke, and the event that the function's trigger would send |
//! | `answer.rs` | what a check says of a response |

mod budget;
mod event;
mod invoke;
mod response;
mod through_url;
mod url;
mod verifier;

use crate::config::Check;
use crate::failure::{Exit, Failure};
use crate::ledger::CheckRecord;

pub use event::{Gateways, RestGateway};
pub(crate) use invoke::without_api;
pub use invoke::{Invoker, awake, wake};
pub use response::Response;
pub use url::{Expected, reachable};
pub use verifier::{Traffic, Verifier};

/// A new version may meet a throttle or a dependency that hiccups; a wrong response three times in a row is meant.
const TRIES: u32 = 3;

/// A check that failed, with the record of it.
#[derive(Debug)]
pub struct Failed {
    /// What goes into the ledger.
    pub record: CheckRecord,
    /// Whose fault it is, as far as it is known.
    pub blame: Blame,
    /// What the function logged last, where an Invoke gave it. For eyes alone: it is stored nowhere.
    pub log: Box<Log>,
}

/// The last lines that a function logged.
#[derive(Debug, Default)]
pub struct Log(pub Vec<String>);

/// Whose fault a failed check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The new version answered, and wrongly.
    Application,
    /// The new version answered that something it needs does not (502, 503, 504).
    Dependency,
    /// The deployer may not invoke the new version: it says nothing of the release.
    Permission,
    /// API Gateway responded in its place with a 502, 503 or 504: the function failed, or took too long.
    Crash,
    /// API Gateway answered in its place.
    Gateway,
    /// The gateway's limits (429) or its firewall stopped the check: it says nothing of the release.
    Limits,
    /// Lambda throttled the Invoke: the concurrency of the function or the account is used up. Nor does that.
    Concurrency,
    /// The old parts still answered when time ran out.
    Propagation,
}

impl std::fmt::Display for Blame {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Application => "the function answered wrongly",
            Self::Dependency => "a service that the function needs does not respond",
            Self::Permission => "the deployer may not ask the function",
            Self::Crash => "the function failed, or took too long",
            Self::Gateway => "the gateway answered in the function's place",
            Self::Limits => "the gateway's limits stopped the check",
            Self::Concurrency => "the concurrency of the function or the account is used up",
            Self::Propagation => "the switch was not seen in time",
        })
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let CheckRecord { name, phase, response, .. } = &self.record;
        write!(formatter, "check `{name}` failed {phase}: {response} ({})", self.blame)
    }
}

impl Failed {
    /// The failure as an error of the run.
    pub fn explain(&self) -> anyhow::Error {
        let hint = match self.blame {
            Blame::Permission => "give the role the action that the message names",
            Blame::Concurrency => "run again when fewer executions run, or raise the reserved concurrency or the quota",
            Blame::Crash => "fix what the check shows and deploy again; the log group of the function says more",
            _ => "fix what the check shows, or the check, and deploy again",
        };
        Failure::new(Exit::Reverted, self.to_string()).hint(hint).into()
    }
}

fn record(check: &Check, phase: &str, passed: bool, response: String, requests: u32) -> CheckRecord {
    CheckRecord { name: check.name.clone(), phase: phase.to_owned(), passed, response, requests, by_invoke: None }
}
