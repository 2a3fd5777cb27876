//! The results of the commands: one model each, shown as text or as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::artifact::Artifact;
use crate::aws::Calls;
use crate::ledger::{CheckRecord, Release};
use crate::observe::Observed;
use crate::plan::{Plan, short};
use crate::verify::Url;

/// A result that can be shown either way.
pub trait View: Serialize {
    /// For people, with a newline at the end.
    fn text(&self) -> String;
}

/// What was said to AWS.
#[derive(Debug, Serialize)]
pub struct CallsView {
    total: usize,
    writes: usize,
    by_operation: BTreeMap<String, usize>,
}

impl CallsView {
    fn of(calls: &Calls) -> Self {
        Self { total: calls.total(), writes: calls.writes(), by_operation: calls.by_operation() }
    }
}

impl std::fmt::Display for CallsView {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} AWS calls, {} of them able to write", self.total, self.writes)
    }
}

/// `build`.
#[derive(Debug, Serialize)]
pub struct BuildView {
    folder: String,
    manifest: crate::artifact::Manifest,
}

impl BuildView {
    /// Of a build.
    pub fn new(artifact: Artifact) -> Self {
        Self { folder: artifact.folder.display().to_string(), manifest: artifact.manifest }
    }
}

impl View for BuildView {
    fn text(&self) -> String {
        let mut text = format!("artifact  {}\nsource    {}\n", self.folder, self.manifest.source_hash);
        for (key, function) in &self.manifest.functions {
            let _ = writeln!(text, "{key:<9} {}  {:>9} bytes  sha256 {}", function.zip, function.size, function.sha256);
        }
        text
    }
}

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

/// `status`.
#[derive(Debug, Serialize)]
pub struct StatusView {
    /// The environments by name.
    pub environments: Vec<EnvironmentStatus>,
}

/// What is live in one environment.
#[derive(Debug, Serialize)]
pub struct EnvironmentStatus {
    environment: String,
    url: String,
    release: u32,
    since: Option<String>,
    by: Option<String>,
    commit: Option<String>,
    dirty: bool,
    source_hash: Option<String>,
    deployment_id: String,
    functions: BTreeMap<String, FunctionStatus>,
    drift: Option<String>,
    lock: Option<String>,
}

#[derive(Debug, Serialize)]
struct FunctionStatus {
    name: String,
    version: String,
    code_sha256: String,
    source_hash: Option<String>,
}

impl EnvironmentStatus {
    /// Of what was observed.
    pub fn new(environment: &str, observed: &Observed, url: &Url) -> Self {
        let live = observed.ledger.live.as_ref();
        let functions = observed.functions.iter().map(|(key, function)| {
            let status = FunctionStatus {
                name: function.resource.name.clone(),
                version: function.alias.version.clone(),
                code_sha256: function.live.code_sha256.clone(),
                source_hash: live.and_then(|release| release.artifact.functions.get(key).cloned()),
            };
            (key.clone(), status)
        });
        Self {
            environment: environment.to_owned(),
            url: url.base().to_owned(),
            release: live.map_or(0, |release| release.number),
            since: live.and_then(|release| release.ended_at.clone()),
            by: live.map(|release| release.actor.clone()),
            commit: live.and_then(|release| release.artifact.commit.clone()),
            dirty: live.is_some_and(|release| release.artifact.dirty),
            source_hash: live.map(|release| release.artifact.source_hash.clone()),
            deployment_id: observed.stage.deployment.clone(),
            functions: functions.collect(),
            drift: crate::plan::drift(observed),
            lock: observed.ledger.lock.holder.as_ref().map(ToString::to_string),
        }
    }
}

impl View for StatusView {
    fn text(&self) -> String {
        self.environments.iter().map(EnvironmentStatus::text).collect::<Vec<_>>().join("\n")
    }
}

impl EnvironmentStatus {
    fn text(&self) -> String {
        let mut text = String::new();
        let mut row = |name: &str, value: &str| {
            let _ = writeln!(text, "  {name:<11} {value}");
        };
        match self.release {
            0 => row("release", "none yet: the placeholder answers"),
            number => row(
                "release",
                &format!(
                    "{number}, since {} by {}",
                    self.since.as_deref().unwrap_or("?"),
                    self.by.as_deref().unwrap_or("?")
                ),
            ),
        }
        if let Some(commit) = &self.commit {
            row("commit", &format!("{}{}", short(commit), if self.dirty { " and changes" } else { "" }));
        }
        if let Some(hash) = &self.source_hash {
            row("source", hash);
        }
        for (key, function) in &self.functions {
            row(
                key,
                &format!("version {} of {}, code {}", function.version, function.name, short(&function.code_sha256)),
            );
        }
        row("deployment", &self.deployment_id);
        row("url", &self.url);
        if let Some(drift) = &self.drift {
            row("DRIFT", drift);
        }
        if let Some(lock) = &self.lock {
            row("lock", &format!("held by {lock}"));
        }
        format!("{}\n{text}", self.environment)
    }
}

/// `local up`, `local down`, `local status`.
#[derive(Debug, Serialize)]
pub struct LocalView {
    /// What runs, by environment: where it answers, and the process.
    pub environments: BTreeMap<String, LocalEnvironment>,
    /// What a person wants to know next.
    #[serde(skip)]
    pub next: String,
}

/// One environment of the local AWS.
#[derive(Debug, Serialize)]
pub struct LocalEnvironment {
    /// Its AWS endpoint.
    pub endpoint: String,
    /// Its process, if it runs.
    pub process: Option<u32>,
    /// Where its API answers, if something is deployed.
    pub url: Option<String>,
}

impl View for LocalView {
    fn text(&self) -> String {
        let mut text = String::new();
        for (name, environment) in &self.environments {
            let process =
                environment.process.map_or_else(|| "not running".to_owned(), |process| format!("process {process}"));
            let _ = writeln!(text, "{name:<6} {}  {process}", environment.endpoint);
            if let Some(url) = &environment.url {
                let _ = writeln!(text, "       {url}");
            }
        }
        text + &self.next
    }
}
