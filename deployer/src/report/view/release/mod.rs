//! What a release did, and how its checks were answered.

mod summary;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;

use super::history::seconds;
use super::timings::{self, Chart};
use super::{CallsView, Failed, View};
use crate::config::{Access, Environment};
use crate::engine::{Done, Outcome};
use crate::ledger::{CheckRecord, FunctionPart, Release, ReleaseKind, ReleaseState, StepRecord, Timings};
use crate::observe::Observed;
use crate::plan::Plan;
use crate::report::console::{self, Link};
use crate::report::markdown::Markdown;
use crate::report::screen::Screen;

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
    deployment_id: Option<String>,
    previous: Option<u32>,
    url: Option<String>,
    checks: Vec<CheckRecord>,
    aws_calls: CallsView,
    state: Option<ReleaseState>,
    stable: bool,
    reason: Option<String>,
    functions: BTreeMap<String, FunctionMove>,
    api: ApiMove,
    source_hash: Option<String>,
    commit: Option<String>,
    dirty: bool,
    actor: Option<String>,
    run_url: Option<String>,
    started_at: Option<String>,
    ended_at: Option<String>,
    seconds: Option<f64>,
    steps: Vec<StepRecord>,
    timings: Timings,
    /// Whether the text ends with a chart of them.
    #[serde(skip)]
    chart: Chart,
    /// The command that goes back to what was live before, if that can be gone back to.
    rollback: Option<String>,
    /// Where the AWS console shows the parts.
    links: Vec<Link>,
    /// Why the run failed, if it did.
    #[serde(rename = "error", skip_serializing_if = "Option::is_none")]
    failed: Option<Failed>,
}

/// What became of one function.
#[derive(Debug, Serialize)]
struct FunctionMove {
    before: FunctionPart,
    after: FunctionPart,
    why: Vec<String>,
}

/// What became of the API: deployments; none without an API.
#[derive(Debug, Serialize)]
struct ApiMove {
    before: Option<String>,
    after: Option<String>,
    why: Option<String>,
}

impl ReleaseView {
    /// Of what came of a command.
    pub fn new(outcome: &Outcome) -> Self {
        let view = match &outcome.done {
            Done::Release(plan, release) => Self::released(outcome, plan, release),
            Done::Confirmed(release, checks) => Self { checks: checks.clone(), ..Self::of(outcome, Some(release)) },
            Done::Nothing => Self::of(outcome, outcome.observed.ledger.live.as_ref()),
        };
        Self { failed: outcome.failed.as_ref().map(Failed::of), ..view }
    }

    /// The same, with a chart of where the time went.
    #[must_use]
    pub fn timed(self, chart: Chart) -> Self {
        Self { chart, ..self }
    }

    /// A release that has ended, or that this run had to leave.
    fn released(outcome: &Outcome, plan: &Plan, release: &Release) -> Self {
        let Outcome { environment, observed, .. } = outcome;
        Self {
            changed: true,
            kind: Some(release.kind),
            back_to: release.back_to,
            from: release.from.as_ref().map(|from| format!("{}@{}", from.environment, from.release)),
            previous: Some(release.previous),
            checks: release.checks.clone(),
            state: Some(release.state),
            reason: release.reason.clone(),
            functions: function_moves(plan, release),
            api: ApiMove {
                before: release.previous_parts.deployment.clone(),
                after: release.parts.deployment.clone(),
                why: plan.api_change().map(ToString::to_string),
            },
            ended_at: release.ended_at.clone(),
            seconds: seconds(release),
            steps: release.steps.clone(),
            timings: release.timings,
            rollback: rollback(environment, observed, release),
            links: links(environment, observed, release),
            deployment_id: release.parts.deployment.clone(),
            run_url: release.run_url.clone(),
            ..Self::of(outcome, Some(release))
        }
    }

    /// Whether other parts take traffic than before: of a release that failed before it moved any, or that was taken
    /// back, they do not; of one that could not be, they may.
    fn is_changed(&self) -> bool {
        match (&self.failed, self.state) {
            (Some(_), Some(state)) => matches!(state, ReleaseState::Shifting | ReleaseState::Live),
            _ => self.changed,
        }
    }

    /// What is known of `release`, with nothing done.
    fn of(outcome: &Outcome, release: Option<&Release>) -> Self {
        let Outcome { environment, observed, url, calls, .. } = outcome;
        let deployment = observed.parts().deployment;
        let artifact = release.map(|release| &release.artifact);
        Self {
            environment: environment.name.clone(),
            changed: false,
            kind: None,
            back_to: None,
            from: None,
            release: release.map_or(0, |release| release.number),
            versions: release.map(versions).unwrap_or_default(),
            deployment_id: deployment.clone(),
            previous: None,
            url: url.clone(),
            checks: Vec::new(),
            aws_calls: CallsView::of(calls),
            state: release.map(|release| release.state),
            stable: release.is_some_and(|release| release.stable),
            reason: None,
            functions: BTreeMap::new(),
            api: ApiMove { before: deployment.clone(), after: deployment, why: None },
            source_hash: artifact.map(|artifact| artifact.source_hash.clone()),
            commit: artifact.and_then(|artifact| artifact.commit.clone()),
            dirty: artifact.is_some_and(|artifact| artifact.dirty),
            actor: release.map(|release| release.actor.clone()),
            run_url: None,
            started_at: release.map(|release| release.started_at.clone()),
            ended_at: None,
            seconds: None,
            steps: Vec::new(),
            timings: Timings::default(),
            chart: Chart::default(),
            rollback: None,
            links: release.map(|release| links(environment, observed, release)).unwrap_or_default(),
            failed: None,
        }
    }
}

fn versions(release: &Release) -> BTreeMap<String, String> {
    release.parts.functions.iter().map(|(key, part)| (key.clone(), part.version.clone())).collect()
}

fn function_moves(plan: &Plan, release: &Release) -> BTreeMap<String, FunctionMove> {
    let part = |parts: &BTreeMap<String, FunctionPart>, key: &str| parts.get(key).cloned().unwrap_or_default();
    let moves = plan.functions.iter().map(|(key, function)| {
        let before = part(&release.previous_parts.functions, key);
        let after = part(&release.parts.functions, key);
        let why = function.changes.iter().map(ToString::to_string).collect();
        (key.clone(), FunctionMove { before, after, why })
    });
    moves.collect()
}

/// What was never stable is no release to go back to, and neither is the placeholder.
fn rollback(environment: &Environment, observed: &Observed, release: &Release) -> Option<String> {
    let before = observed.ledger.live.as_ref().filter(|live| live.stable && live.number == release.previous)?;
    let serves = release.state == ReleaseState::Live;
    let local = if matches!(environment.access, Access::Local(_)) { " --local" } else { "" };
    serves.then(|| format!("deployer rollback {} --to {}{local}", environment.name, before.number))
}

/// No console shows the local AWS.
fn links(environment: &Environment, observed: &Observed, release: &Release) -> Vec<Link> {
    match environment.access {
        Access::Local(_) => Vec::new(),
        Access::Account { .. } => console::links(&observed.ledger.contract, &release.parts),
    }
}

impl View for ReleaseView {
    fn text(&self, screen: &Screen) -> String {
        let what = match self.changed {
            true => {
                let back = self.back_to.map_or_else(String::new, |root| format!(" (back to {root})"));
                let from = self.from.as_ref().map_or_else(String::new, |from| format!(" (from {from})"));
                format!("{}: release {}{back}{from} is live", self.environment, self.release)
            }
            false => format!("{}: nothing to do, release {} is live", self.environment, self.release),
        };
        let url = self.url.as_ref().map_or_else(String::new, |url| format!("{url}\n"));
        let chart = match self.chart {
            Chart::Shown => timings::chart(self.timings, &self.steps, screen),
            Chart::Hidden => String::new(),
        };
        format!("{what} ({})\n{url}{chart}", self.aws_calls)
    }

    fn summary(&self) -> Option<Markdown> {
        Some(summary::page(self))
    }

    fn outputs(&self) -> Vec<(&'static str, String)> {
        let serves = [
            ("url", self.url.clone().unwrap_or_default()),
            ("changed", self.is_changed().to_string()),
            ("previous", self.previous.map_or_else(String::new, |previous| previous.to_string())),
        ];
        // A later step must not take a release that failed for one that it can build on.
        if self.failed.is_some() {
            return serves.into();
        }
        let versions = serde_json::to_value(&self.versions).unwrap_or_default().to_string();
        let made = [
            ("release", self.release.to_string()),
            ("versions", versions),
            ("deployment_id", self.deployment_id.clone().unwrap_or_default()),
        ];
        made.into_iter().chain(serves).collect()
    }
}
