//! What is live, beside what the ledger says.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::View;
use super::history::in_short;
use crate::aws::{Alarm, AlarmState};
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
#[derive(Debug, Default, Serialize)]
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
    /// A release that was begun and not ended: under way, or left by a run that died.
    unfinished: Option<String>,
    /// Alarms that do not say that all is well.
    alarms: Vec<String>,
    /// Why nothing of this is known.
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct FunctionStatus {
    name: String,
    version: String,
    /// Further versions with their share of the traffic, 0 to 1.
    weights: BTreeMap<String, f64>,
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
                weights: function.alias.weights.clone(),
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
            // In the middle of a release the parts are where it put them so far: that is no drift.
            drift: observed.ledger.unfinished().is_none().then(|| crate::plan::drift(observed)).flatten(),
            lock: observed.ledger.lock.holder.as_ref().map(ToString::to_string),
            unfinished: observed.ledger.unfinished().map(in_short),
            alarms: alarms(observed),
            error: None,
        }
    }
}

fn alarms(observed: &Observed) -> Vec<String> {
    match &observed.alarms {
        Err(error) => vec![format!("cannot be read: {error}")],
        Ok(alarms) => {
            let odd = alarms.iter().filter(|alarm| alarm.state != AlarmState::Ok);
            let word = |alarm: &Alarm| match alarm.state {
                AlarmState::Ringing => format!("`{}` rings: {}", alarm.name, alarm.reason),
                _ => format!("`{}` has no data", alarm.name),
            };
            odd.map(word).collect()
        }
    }
}

impl StatusView {
    /// An environment of which nothing can be told.
    pub fn unknown(environment: &str, error: &anyhow::Error) -> EnvironmentStatus {
        EnvironmentStatus {
            environment: environment.to_owned(),
            error: Some(format!("{error:#}")),
            ..EnvironmentStatus::default()
        }
    }
}

impl View for StatusView {
    fn text(&self) -> String {
        self.environments.iter().map(EnvironmentStatus::text).collect::<Vec<_>>().join("\n")
    }
}

impl EnvironmentStatus {
    /// Whether nothing of it is known.
    pub fn is_unknown(&self) -> bool {
        self.error.is_some()
    }

    fn text(&self) -> String {
        let mut text = String::new();
        if let Some(error) = &self.error {
            return format!("{}\n  UNKNOWN     {error}\n", self.environment);
        }
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
            for (version, weight) in &function.weights {
                row("", &format!("and version {version} with {:.0} % of the traffic", weight * 100.0));
            }
        }
        row("deployment", &self.deployment_id);
        row("url", &self.url);
        if let Some(drift) = &self.drift {
            row("DRIFT", drift);
        }
        if let Some(lock) = &self.lock {
            row("lock", &format!("held by {lock}"));
        }
        if let Some(release) = &self.unfinished {
            row("UNFINISHED", &format!("{release}: the next deploy or rollback ends it, if its run does not"));
        }
        for alarm in &self.alarms {
            row("ALARM", alarm);
        }
        format!("{}\n{text}", self.environment)
    }
}
