//! The lock item: who may move the environment.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The lock item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// Who holds it; nobody if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// Grows by one with every hold and is never reset: an old holder is told by it.
    pub fence: u64,
}

/// Who holds the lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (`{}`, since {}", self.actor, self.command, self.since)?;
        match &self.run_url {
            Some(url) => write!(formatter, ", {url})"),
            None => write!(formatter, ")"),
        }
    }
}
