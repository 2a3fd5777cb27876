//! What is live, beside what the ledger says.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::View;
use crate::observe::Observed;
use crate::plan::short;
use crate::verify::Url;

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
