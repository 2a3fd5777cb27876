//! What is live, beside what the ledger says.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::View;
use super::history::in_short;
use crate::aws::{Alarm, AlarmState};
use crate::observe::Observed;
use crate::plan::short;
use crate::report::markdown::Markdown;
use crate::report::screen::Screen;

/// `status`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Status"))]
pub struct StatusView {
    /// The environments by name.
    pub environments: Vec<EnvironmentStatus>,
}

/// `status --idle`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "StatusIdle"))]
pub struct IdleView {
    environment: String,
    idle: bool,
}

impl IdleView {
    /// Of an environment whose lock nobody holds.
    pub fn new(environment: &str) -> Self {
        Self { environment: environment.to_owned(), idle: true }
    }
}

impl View for IdleView {
    fn text(&self, _: &Screen) -> String {
        format!("{}: no release is under way\n", self.environment)
    }
}

/// What is live in one environment.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EnvironmentStatus {
    environment: String,
    url: Option<String>,
    release: u32,
    since: Option<String>,
    by: Option<String>,
    commit: Option<String>,
    dirty: bool,
    source_hash: Option<String>,
    deployment_id: Option<String>,
    functions: BTreeMap<String, FunctionStatus>,
    drift: Option<String>,
    lock: Option<String>,
    /// A release that was begun and not ended: under way, or left by a run that died.
    unfinished: Option<String>,
    /// Alarms that do not say that all is well.
    alarms: Vec<String>,
    /// Functions that no check looks at: a release counts as stable without them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unchecked: Vec<String>,
    /// Why nothing of this is known.
    error: Option<String>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    pub fn new(environment: &str, observed: &Observed, url: Option<String>) -> Self {
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
            url,
            release: live.map_or(0, |release| release.number),
            since: live.and_then(|release| release.ended_at.clone()),
            by: live.map(|release| release.actor.clone()),
            commit: live.and_then(|release| release.artifact.commit.clone()),
            dirty: live.is_some_and(|release| release.artifact.dirty),
            source_hash: live.map(|release| release.artifact.source_hash.clone()),
            deployment_id: observed.parts().deployment,
            functions: functions.collect(),
            // In the middle of a release the parts are where it put them so far: that is no drift.
            drift: observed.ledger.unfinished().is_none().then(|| crate::plan::drift(observed)).flatten(),
            lock: observed.ledger.lock.holder.as_ref().map(ToString::to_string),
            unfinished: observed.ledger.unfinished().map(in_short),
            alarms: alarms(observed),
            unchecked: Vec::new(),
            error: None,
        }
    }

    /// With the functions that no check looks at.
    #[must_use]
    pub fn with_unchecked<'a>(self, functions: impl Iterator<Item = &'a String>) -> Self {
        Self { unchecked: functions.cloned().collect(), ..self }
    }
}

fn alarms(observed: &Observed) -> Vec<String> {
    match &observed.alarms {
        Err(error) => vec![format!("cannot be read: {error}")],
        Ok(alarms) => {
            let odd = alarms.iter().filter(|alarm| alarm.state != AlarmState::Ok);
            let word = |alarm: &Alarm| match alarm.state {
                AlarmState::InAlarm => format!("`{}` is in ALARM: {}", alarm.name, alarm.reason),
                _ => format!("`{}` has no data", alarm.name),
            };
            odd.map(word).collect()
        }
    }
}

impl StatusView {
    /// An environment of which nothing is known.
    pub fn unknown(environment: &str, error: &anyhow::Error) -> EnvironmentStatus {
        EnvironmentStatus {
            environment: environment.to_owned(),
            error: Some(format!("{error:#}")),
            ..EnvironmentStatus::default()
        }
    }
}

impl View for StatusView {
    fn text(&self, _: &Screen) -> String {
        self.environments.iter().map(EnvironmentStatus::text).collect::<Vec<_>>().join("\n")
    }

    fn summary(&self) -> Option<Markdown> {
        let mut page = Markdown::titled("What is live");
        for environment in &self.environments {
            let rows: Vec<_> = environment.rows().into_iter().map(|(name, value)| [name, value]).collect();
            page.heading(&environment.environment).table(["", ""], &rows);
        }
        Some(page)
    }
}

impl EnvironmentStatus {
    /// Whether nothing of it is known.
    pub fn is_unknown(&self) -> bool {
        self.error.is_some()
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n", self.environment);
        for (name, value) in self.rows() {
            let _ = writeln!(text, "  {name:<11} {value}");
        }
        text
    }

    /// All that is known of it: what, and how it stands.
    fn rows(&self) -> Vec<(String, String)> {
        if let Some(error) = &self.error {
            return vec![("UNKNOWN".to_owned(), error.clone())];
        }
        let mut rows = Vec::new();
        let mut row = |name: &str, value: String| rows.push((name.to_owned(), value));
        let or_unknown = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".to_owned());
        match self.release {
            0 => row("release", "none yet".to_owned()),
            number => {
                row("release", format!("{number}, since {} by {}", or_unknown(&self.since), or_unknown(&self.by)));
            }
        }
        if let Some(commit) = &self.commit {
            row("commit", format!("{}{}", short(commit), if self.dirty { " and changes" } else { "" }));
        }
        if let Some(hash) = &self.source_hash {
            row("source", hash.clone());
        }
        for (key, function) in &self.functions {
            row(
                key,
                format!("version {} of {}, code {}", function.version, function.name, short(&function.code_sha256)),
            );
            for (version, weight) in &function.weights {
                row("", format!("and version {version} with {:.0} % of the traffic", weight * 100.0));
            }
        }
        if let Some(deployment) = &self.deployment_id {
            row("deployment", deployment.clone());
        }
        if let Some(url) = &self.url {
            row("url", url.clone());
        }
        if let Some(drift) = &self.drift {
            row("DRIFT", drift.clone());
        }
        if let Some(lock) = &self.lock {
            row("lock", format!("held by {lock}"));
        }
        if let Some(release) = &self.unfinished {
            row("UNFINISHED", format!("{release}: the next deploy or rollback ends it, if its run does not"));
        }
        for alarm in &self.alarms {
            row("ALARM", alarm.clone());
        }
        if !self.unchecked.is_empty() {
            row(
                "no check",
                format!("of `{}`: a release counts as stable once its alias has moved", self.unchecked.join("`, `")),
            );
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> StatusView {
        let live = EnvironmentStatus {
            environment: "dev".to_owned(),
            url: Some("http://x".to_owned()),
            release: 7,
            by: Some("ada".to_owned()),
            deployment_id: Some("d1".to_owned()),
            alarms: vec!["`a|b` is in ALARM".to_owned()],
            ..EnvironmentStatus::default()
        };
        StatusView { environments: vec![live, StatusView::unknown("prod", &anyhow::anyhow!("no response"))] }
    }

    #[test]
    fn status_shows_what_is_known_and_what_is_not() {
        let expected = "\
dev
  release     7, since ? by ada
  deployment  d1
  url         http://x
  ALARM       `a|b` is in ALARM

prod
  UNKNOWN     no response
";
        assert_eq!(view().text(&Screen::plain(jiff::Timestamp::UNIX_EPOCH)), expected);
    }

    #[test]
    fn the_page_of_a_run_shows_the_same() {
        let expected = "\
## What is live

### dev

|  |  |
| --- | --- |
| release | 7, since ? by ada |
| deployment | d1 |
| url | http://x |
| ALARM | <code>a&#124;b</code> is in ALARM |

### prod

|  |  |
| --- | --- |
| UNKNOWN | no response |
";
        assert_eq!(view().summary().unwrap().to_string(), expected);
    }
}
