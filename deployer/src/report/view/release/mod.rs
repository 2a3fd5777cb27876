//! What a release did, and how its checks ended.

mod ending;
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Release"))]
pub struct ReleaseView {
    /// The environment.
    environment: String,
    /// Whether this run made a release.
    changed: bool,
    /// The kind of release.
    kind: Option<ReleaseKind>,
    /// The number of the release; of the live one if nothing had to be done.
    release: u32,
    /// The release whose parts a rollback restored.
    back_to: Option<u32>,
    /// Where a promotion came from, as `dev@12`.
    from: Option<String>,
    /// The Lambda version of each function, by function.
    versions: BTreeMap<String, String>,
    /// The deployment of the REST API; null without one.
    deployment_id: Option<String>,
    /// The release that was live before.
    previous: Option<u32>,
    /// The URL of the API or function.
    url: Option<String>,
    /// The checks with their responses.
    checks: Vec<CheckRecord>,
    aws_calls: CallsView,
    /// The state of the release.
    state: Option<ReleaseState>,
    /// Whether it took all of the traffic, passed its checks, and was not reverted.
    stable: bool,
    /// Why it failed, or could not be verified.
    reason: Option<String>,
    /// How each function moved, by function.
    functions: BTreeMap<String, FunctionMove>,
    api: ApiMove,
    /// Over the sources of all functions, hexadecimal.
    source_hash: Option<String>,
    /// The git commit.
    commit: Option<String>,
    /// Whether the sources differed from that commit.
    dirty: bool,
    /// The person or the GitHub actor.
    actor: Option<String>,
    /// The page of the run, if it has one.
    run_url: Option<String>,
    /// When it began.
    started_at: Option<String>,
    /// When it ended.
    ended_at: Option<String>,
    /// How long it took.
    seconds: Option<f64>,
    /// Its steps in order.
    steps: Vec<StepRecord>,
    timings: Timings,
    /// Whether the text ends with a chart of them.
    #[serde(skip)]
    chart: Chart,
    /// The command that goes back to what was live before, if that can be gone back to.
    rollback: Option<String>,
    /// Where the AWS console shows the parts.
    links: Vec<Link>,
    /// The log groups of the functions that the release was about, by function.
    log_groups: BTreeMap<String, String>,
    /// Why the run failed, if it did.
    #[serde(rename = "error", skip_serializing_if = "Option::is_none")]
    failed: Option<Failed>,
}

/// How one function moved.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct FunctionMove {
    /// The part that took the traffic before.
    before: FunctionPart,
    /// The part of the release.
    after: FunctionPart,
    /// Why it moved: what changed.
    why: Vec<String>,
}

/// The API's deployments before and after; null without an API.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ApiMove {
    /// The deployment that the stage was at.
    before: Option<String>,
    /// The deployment of the release.
    after: Option<String>,
    /// Why it moved: what changed.
    why: Option<String>,
}

impl ReleaseView {
    /// Of the outcome of a command.
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

    /// Where the time went, if that is wanted.
    fn chart(&self, screen: &Screen) -> String {
        match self.chart {
            Chart::Shown => timings::chart(self.timings, &self.steps, screen),
            Chart::Hidden => String::new(),
        }
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
            log_groups: log_groups(observed, release),
            deployment_id: release.parts.deployment.clone(),
            run_url: release.run_url.clone(),
            ..Self::of(outcome, Some(release))
        }
    }

    /// Whether other parts take traffic than before. After a release that failed before it moved any, or that was reverted, they do
    /// not; after one that could not be reverted, they may.
    fn is_changed(&self) -> bool {
        match (&self.failed, self.state) {
            (Some(_), Some(state)) => matches!(state, ReleaseState::Shifting | ReleaseState::Live),
            _ => self.changed,
        }
    }

    /// What is known about `release` where nothing was done.
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
            log_groups: BTreeMap::new(),
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

/// None where the release before was never stable, or is the placeholder.
fn rollback(environment: &Environment, observed: &Observed, release: &Release) -> Option<String> {
    let before = observed.ledger.live.as_ref().filter(|live| live.stable && live.number == release.previous)?;
    let is_live = release.state == ReleaseState::Live;
    let local = if matches!(environment.access, Access::Local(_)) { " --local" } else { "" };
    is_live.then(|| format!("deployer rollback {} --to {}{local}", environment.name, before.number))
}

/// No console shows the local AWS.
fn links(environment: &Environment, observed: &Observed, release: &Release) -> Vec<Link> {
    match environment.access {
        Access::Local(_) => Vec::new(),
        Access::Account { .. } => {
            console::links(&observed.ledger.contract, &release.parts, &log_groups(observed, release))
        }
    }
}

fn log_groups(observed: &Observed, release: &Release) -> BTreeMap<String, String> {
    let group = |key: &String| {
        let function = observed.functions.get(key)?;
        let own = || format!("/aws/lambda/{}", function.resource.name);
        Some((key.clone(), function.latest.settings.log_group().unwrap_or_else(own)))
    };
    release.parts.functions.keys().filter_map(group).collect()
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
        format!("{what} ({})\n{url}{}", self.aws_calls, self.chart(screen))
    }

    fn ending(&self, screen: &Screen) -> Option<String> {
        ending::text(self, screen)
    }

    fn summary(&self) -> Option<Markdown> {
        Some(summary::page(self))
    }

    fn outputs(&self) -> Vec<(&'static str, String)> {
        let live = [
            ("url", self.url.clone().unwrap_or_default()),
            ("changed", self.is_changed().to_string()),
            ("previous", self.previous.map_or_else(String::new, |previous| previous.to_string())),
        ];
        // A later step must not build on a release that failed.
        if self.failed.is_some() {
            return live.into();
        }
        let versions = serde_json::to_value(&self.versions).unwrap_or_default().to_string();
        let made = [
            ("release", self.release.to_string()),
            ("versions", versions),
            ("deployment_id", self.deployment_id.clone().unwrap_or_default()),
        ];
        made.into_iter().chain(live).collect()
    }
}
