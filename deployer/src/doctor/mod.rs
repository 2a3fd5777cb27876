//! `doctor`: compares the contract with AWS, and says what to fix.
//!
//! Comes in: an environment. Goes out: a list of findings. Reading (`facts`) and comparing (`findings`) are apart, and
//! what cannot be read hides nothing else. It calls the live versions with the checks that only read; it never
//! writes, and never takes "could not be checked" for "is well".

mod facts;
mod findings;
mod questions;

use serde::Serialize;

use crate::aws::Reader;
use crate::config::Environment;
use crate::context::Context;

/// What was found of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Finding {
    /// What it is about: a function, the API, the ledger.
    pub subject: String,
    /// What was checked.
    pub check: String,
    /// Whether it is as it should be.
    pub verdict: Verdict,
    /// What was found.
    pub detail: String,
    /// What to do about it; none where all is well.
    pub fix: Option<String>,
}

/// Whether something is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Verdict {
    /// As it should be.
    #[serde(rename = "ok")]
    Ok,
    /// It breaks releases or affects clients.
    #[serde(rename = "problem")]
    Problem,
    /// Worth a look; nothing fails for it today.
    #[serde(rename = "warning")]
    Warning,
    /// It could not be checked: nothing is known of it.
    #[serde(rename = "not checked")]
    NotChecked,
}

/// Examines one environment. Never fails as a whole: what cannot be read is a finding too.
pub async fn doctor(context: Context<'_>, environment: &Environment) -> Vec<Finding> {
    let Context { config, world, .. } = context;
    let reader = Reader::open(environment, world).await;
    let facts = facts::gather(config, environment, &reader).await;
    findings::find(&facts)
}

impl Finding {
    fn ok(subject: &str, check: &str, detail: impl Into<String>) -> Self {
        Self {
            subject: subject.to_owned(),
            check: check.to_owned(),
            verdict: Verdict::Ok,
            detail: detail.into(),
            fix: None,
        }
    }

    fn problem(subject: &str, check: &str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: Verdict::Problem, fix: Some(fix.into()), ..Self::ok(subject, check, detail) }
    }

    fn warning(subject: &str, check: &str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, ..Self::problem(subject, check, detail, fix) }
    }

    fn not_checked(subject: &str, check: &str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: Verdict::NotChecked, ..Self::problem(subject, check, detail, fix) }
    }
}
