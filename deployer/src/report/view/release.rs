//! What a release would do, did, and how its checks were answered.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::{CallsView, View};
use crate::aws::Calls;
use crate::ledger::{CheckRecord, Release};
use crate::observe::Observed;
use crate::plan::Plan;
use crate::verify::Url;

/// `plan`.
#[derive(Debug, Serialize)]
pub struct PlanView {
    environment: String,
    /// Whether there is something to do.
    pub changes: bool,
    plan: Plan,
    steps: Vec<Vec<String>>,
    aws_calls: CallsView,
}

impl PlanView {
    /// Of a plan.
    pub fn new(environment: &str, plan: Plan, calls: &Calls) -> Self {
        let phases = if plan.is_empty() { Vec::new() } else { plan.phases() };
        Self {
            environment: environment.to_owned(),
            changes: !plan.is_empty(),
            steps: phases.iter().map(|phase| phase.iter().map(ToString::to_string).collect()).collect(),
            plan,
            aws_calls: CallsView::of(calls),
        }
    }
}

impl View for PlanView {
    fn text(&self) -> String {
        let Plan { release, live, functions, api } = &self.plan;
        let mut text = match self.changes {
            true => format!("{}: release {release} would follow release {live}\n\n", self.environment),
            false => format!("{}: nothing to do, release {live} is live\n\n", self.environment),
        };
        for (key, function) in functions {
            let after = if function.changes.is_empty() { "unchanged".to_owned() } else { "-> new version".to_owned() };
            let _ =
                writeln!(text, "  {key:<10} version {:<8} {after:<16} {}", function.version, joined(&function.changes));
        }
        let (after, why) = api
            .change
            .as_ref()
            .map_or(("unchanged", String::new()), |change| ("-> new deployment", change.to_string()));
        let _ = writeln!(text, "  {:<10} deployment {:<5} {after:<16} {why}", "API", api.deployment);
        for (number, phase) in self.steps.iter().enumerate() {
            let before = if number == 0 { "\n" } else { "" };
            let _ = writeln!(text, "{before}  {}. {}", number + 1, phase.join("; "));
        }
        text
    }
}

fn joined(changes: &[impl ToString]) -> String {
    changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// `deploy`.
#[derive(Debug, Serialize)]
pub struct DeployView {
    environment: String,
    changed: bool,
    release: u32,
    versions: BTreeMap<String, String>,
    deployment_id: String,
    previous: Option<u32>,
    url: String,
    checks: Vec<CheckRecord>,
    aws_calls: CallsView,
}

impl DeployView {
    /// A release that is live now.
    pub fn released(environment: &str, release: &Release, url: &Url, calls: &Calls) -> Self {
        Self {
            environment: environment.to_owned(),
            changed: true,
            release: release.number,
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

impl View for DeployView {
    fn text(&self) -> String {
        let what = match self.changed {
            true => format!("{}: release {} is live", self.environment, self.release),
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
