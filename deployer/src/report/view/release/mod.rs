//! What a release did, and how its checks were answered.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::{CallsView, View};
use crate::aws::Calls;
use crate::ledger::{CheckRecord, Release, ReleaseKind};
use crate::observe::Observed;
use crate::verify::Url;

/// `deploy`, `promote`, `rollback`.
#[derive(Debug, Serialize)]
pub struct ReleaseView {
    environment: String,
    changed: bool,
    kind: Option<ReleaseKind>,
    release: u32,
    back_to: Option<u32>,
    from: Option<String>,
    versions: BTreeMap<String, String>,
    deployment_id: String,
    previous: Option<u32>,
    url: String,
    checks: Vec<CheckRecord>,
    aws_calls: CallsView,
}

impl ReleaseView {
    /// A release that is live now.
    pub fn released(environment: &str, release: &Release, url: &Url, calls: &Calls) -> Self {
        Self {
            environment: environment.to_owned(),
            changed: true,
            kind: Some(release.kind),
            release: release.number,
            back_to: release.back_to,
            from: release.from.as_ref().map(|from| format!("{}@{}", from.environment, from.release)),
            versions: versions(release),
            deployment_id: release.parts.deployment.clone(),
            previous: Some(release.previous),
            url: url.base().to_owned(),
            checks: release.checks.clone(),
            aws_calls: CallsView::of(calls),
        }
    }

    /// Nothing had to be done.
    pub fn unchanged(environment: &str, observed: &Observed, url: &Url, calls: &Calls) -> Self {
        let live = observed.ledger.live.as_ref();
        Self {
            environment: environment.to_owned(),
            changed: false,
            kind: None,
            back_to: None,
            from: None,
            release: live.map_or(0, |release| release.number),
            versions: live.map(versions).unwrap_or_default(),
            deployment_id: observed.stage.deployment.clone(),
            previous: None,
            url: url.base().to_owned(),
            checks: Vec::new(),
            aws_calls: CallsView::of(calls),
        }
    }
}

fn versions(release: &Release) -> BTreeMap<String, String> {
    release.parts.functions.iter().map(|(key, part)| (key.clone(), part.version.clone())).collect()
}

impl View for ReleaseView {
    fn text(&self) -> String {
        let what = match self.changed {
            true => {
                let back = self.back_to.map_or_else(String::new, |root| format!(" (back to {root})"));
                let from = self.from.as_ref().map_or_else(String::new, |from| format!(" (from {from})"));
                format!("{}: release {}{back}{from} is live", self.environment, self.release)
            }
            false => format!("{}: nothing to do, release {} is live", self.environment, self.release),
        };
        format!("{what} ({})\n{}\n", self.aws_calls, self.url)
    }
}

/// `check`.
#[derive(Debug, Serialize)]
pub struct CheckView {
    environment: String,
    url: String,
    /// Whether all of them passed.
    pub passed: bool,
    checks: Vec<CheckRecord>,
    aws_calls: CallsView,
}

impl CheckView {
    /// Of the checks of one environment.
    pub fn new(environment: &str, checks: Vec<CheckRecord>, url: &Url, calls: &Calls) -> Self {
        Self {
            environment: environment.to_owned(),
            url: url.base().to_owned(),
            passed: checks.iter().all(|check| check.passed),
            checks,
            aws_calls: CallsView::of(calls),
        }
    }
}

impl View for CheckView {
    fn text(&self) -> String {
        let mut text = format!("{}: {}\n", self.environment, self.url);
        for check in &self.checks {
            let verdict = if check.passed { "passed" } else { "FAILED" };
            let _ = writeln!(text, "  {verdict}  {:<12} {} ({} requests)", check.name, check.answer, check.requests);
        }
        text
    }
}
