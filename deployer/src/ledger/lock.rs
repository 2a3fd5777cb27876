//! The lock item: which run may change the environment.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use super::Beyond;

/// The lock item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// The run that has it; none if absent.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// Grows by one whenever the lock is taken, and is never reset: an old holder is recognised by it.
    pub fencing_token: u64,
    /// Grows with every heartbeat of the holder. A waiter watches it grow, and never compares clocks.
    #[serde(default)]
    pub beat: u64,
    /// What a newer version of the deployer added to it.
    #[serde(skip)]
    pub beyond: Beyond,
}

/// The run that has the lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Holder {
    /// Of this very run.
    pub id: String,
    /// The person or the GitHub actor.
    pub actor: String,
    /// The page of the run, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_url: Option<String>,
    /// What the run does, as `deploy dev`.
    pub command: String,
    /// When it began, by its own clock; for people only, never compared.
    pub since: String,
    /// The lease: after this many seconds without a heartbeat the run counts as dead.
    #[serde(default)]
    pub lease_seconds: u64,
}

/// `null` is neither a holder nor an absent one: a lock with it could never be taken.
fn present<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Holder>, D::Error> {
    Holder::deserialize(input).map(Some)
}

impl Holder {
    /// The lease.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // To the second: `2026-11-28 14:02:47`.
        let since = self.since.get(..19).unwrap_or(&self.since).replace('T', " ");
        write!(formatter, "{} (`{}`, since {since} UTC", self.actor, self.command)?;
        match &self.run_url {
            Some(url) => write!(formatter, ", {url})"),
            None => write!(formatter, ")"),
        }
    }
}
