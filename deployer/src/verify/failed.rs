//! A check that failed: what was expected, what came, and what caused it, as far as that is known.

use std::fmt;

use super::Log;
use crate::config::Check;
use crate::ledger::CheckRecord;

/// A check that failed, with the record of it.
#[derive(Debug, Clone)]
pub struct Failed {
    /// What goes into the ledger: it has no value from a body.
    pub record: CheckRecord,
    /// The function that the check is for.
    pub function: String,
    /// What caused it, as far as that is known.
    pub blame: Blame,
    /// What was expected and what came. Printed, stored nowhere.
    pub difference: Option<Difference>,
    /// The last lines that the function logged, where an Invoke returned them. Printed, stored nowhere.
    pub log: Log,
}

/// What was expected of a response beside what came, both without secrets and bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What differs: the status, a header, a field of the body. Empty where there is no response at all.
    pub of: String,
    /// What the check expects.
    pub expected: String,
    /// What came.
    pub got: String,
}

/// Why a response is not as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// In words that have no value from a body.
    pub(super) words: String,
    pub(super) difference: Option<Difference>,
}

impl Mismatch {
    pub(super) fn new(words: impl Into<String>, of: &str, (expected, got): (String, String)) -> Self {
        Self { words: words.into(), difference: Some(Difference { of: of.to_owned(), expected, got }) }
    }

    /// The same, with what was sent before it.
    pub(super) fn to(self, sent: &str) -> Self {
        Self { words: format!("{sent}{}", self.words), ..self }
    }
}

impl From<String> for Mismatch {
    fn from(words: String) -> Self {
        Self { words, difference: None }
    }
}

/// What caused a check to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The new version returned a wrong response.
    Application,
    /// The new version raised an exception, exited or timed out: there is no response.
    Exception,
    /// The new version returned 502, 503 or 504: something that it needs does not work.
    Dependency,
    /// The deployer may not invoke the new version, which says nothing about the release.
    Permission,
    /// API Gateway responded for the function with 502, 503 or 504: the function crashed or took too long.
    Crash,
    /// API Gateway responded for the function.
    Gateway,
    /// The gateway's rate limit (429) or its firewall stopped the check, which says nothing about the release.
    Limits,
    /// Lambda throttled the Invoke, which says nothing about the release either.
    Concurrency,
    /// The old parts still responded when the time was over.
    Propagation,
}

impl fmt::Display for Blame {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Application => "the function returned a wrong response",
            Self::Exception => "the function failed",
            Self::Dependency => "something that the function needs does not work",
            Self::Permission => "the deployer may not invoke the function",
            Self::Crash => "the function failed, or took too long",
            Self::Gateway => "the gateway responded, not the function",
            Self::Limits => "the gateway's rate limit or firewall stopped the check",
            Self::Concurrency => "the concurrency of the function or the account is used up",
            Self::Propagation => "the switch did not show in time",
        })
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CheckRecord { name, phase, response, .. } = &self.record;
        write!(formatter, "check `{name}` failed {phase}: {response}")?;
        // Such a response begins with its cause.
        if self.blame == Blame::Exception { Ok(()) } else { write!(formatter, " ({})", self.blame) }
    }
}

impl std::error::Error for Failed {}

impl Failed {
    pub(super) fn new(check: &Check, record: CheckRecord, (blame, why): (Blame, Option<Difference>)) -> Box<Self> {
        Box::new(Self { record, function: check.function.clone(), blame, difference: why, log: Log::default() })
    }

    /// As the error of the run.
    pub fn explain(&self) -> anyhow::Error {
        anyhow::Error::new(self.clone())
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self.blame {
            Blame::Permission => "give the role the action that the message names",
            Blame::Concurrency => {
                "run again when the functions are less busy, or raise the reserved concurrency or the quota"
            }
            Blame::Crash | Blame::Exception => "fix what the function's log shows, then deploy again",
            _ => "fix what the check shows, or the check itself, then deploy again",
        }
    }
}
