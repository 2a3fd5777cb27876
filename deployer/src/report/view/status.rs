//! What is live, beside what the ledger says: every environment on one screen.

use std::collections::BTreeMap;

use serde::Serialize;

use super::history::{in_short, known};
use super::table::{Column, Table, letters, line, list};
use super::units::{age, hash, moment};
use super::{Detail, View};
use crate::aws::{Alarm, AlarmState};
use crate::ledger::Holder;
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
    /// How much of each is shown.
    #[serde(skip)]
    pub detail: Detail,
}

/// `status --idle`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "StatusIdle"))]
pub struct IdleView {
    /// The environment.
    environment: String,
    /// Always true: while a run has the lock, the command fails instead.
    idle: bool,
}

impl IdleView {
    /// Of an environment whose lock is free.
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
    /// The environment.
    environment: String,
    /// The URL of the API or function.
    url: Option<String>,
    /// The release that is live; 0 before the first one.
    release: u32,
    /// Whether that release is stable.
    stable: bool,
    /// When it became live.
    since: Option<String>,
    /// The person or the GitHub actor of that release.
    by: Option<String>,
    /// The page of the run that released it, if it has one.
    run_url: Option<String>,
    /// The git commit of that release.
    commit: Option<String>,
    /// Whether its sources differed from that commit.
    dirty: bool,
    /// Over the sources of all its functions, hexadecimal.
    source_hash: Option<String>,
    /// The deployment that the REST API's stage is at; null without one.
    deployment_id: Option<String>,
    /// The functions by key.
    functions: BTreeMap<String, FunctionStatus>,
    /// How what is live differs from the ledger; null if it does not.
    drift: Option<String>,
    /// Which run has the lock, in words; null if it is free.
    lock: Option<String>,
    /// The run that has the lock.
    lock_holder: Option<Holder>,
    /// A release that was begun and has not ended: it is under way, or its run died.
    unfinished: Option<String>,
    /// Alarms that are not in OK.
    alarms: Vec<String>,
    /// How many alarms are in which state; absent if they cannot be read.
    alarm_states: Option<AlarmStates>,
    /// Functions without a check: a release counts as stable without them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unchecked: Vec<String>,
    /// Why nothing of this is known.
    error: Option<String>,
}

/// How many alarms are in which state.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct AlarmStates {
    /// In OK.
    ok: usize,
    /// In ALARM.
    in_alarm: usize,
    /// In INSUFFICIENT_DATA.
    no_data: usize,
}

/// What is live of one function.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct FunctionStatus {
    /// Its name in Lambda.
    name: String,
    /// The version behind the alias.
    version: String,
    /// Further versions with their share of the traffic, 0 to 1.
    weights: BTreeMap<String, f64>,
    /// SHA-256 of the version's zip, base64, as Lambda writes it; of a container image its digest, in hexadecimal.
    code_sha256: String,
    /// Over its sources, hexadecimal, as the ledger has it.
    source_hash: Option<String>,
}

/// The more important a column is on a narrow screen, the lower its rank.
const COLUMNS: [Column; 8] = [
    Column::kept("environment"),
    Column::kept("release").right(),
    Column::kept("state"),
    Column::dropped("deployed", 1),
    Column::dropped("commit", 2),
    Column::dropped("by", 5),
    Column::dropped("alarms", 3),
    Column::dropped("lock", 4),
];

const FUNCTIONS: [Column; 4] =
    [Column::kept("function"), Column::kept("version"), Column::dropped("code", 1), Column::dropped("name", 2)];

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
        let holder = observed.ledger.lock.holder.as_ref();
        Self {
            environment: environment.to_owned(),
            url,
            release: live.map_or(0, |release| release.number),
            stable: live.is_some_and(|release| release.stable),
            since: live.and_then(|release| release.ended_at.clone()),
            by: live.map(|release| release.actor.clone()),
            run_url: live.and_then(|release| release.run_url.clone()),
            commit: live.and_then(|release| release.artifact.commit.clone()),
            dirty: live.is_some_and(|release| release.artifact.dirty),
            source_hash: live.map(|release| release.artifact.source_hash.clone()),
            deployment_id: observed.parts().deployment,
            functions: functions.collect(),
            // In the middle of a release the parts are where it put them so far: that is not drift.
            drift: observed.ledger.unfinished().is_none().then(|| crate::plan::drift(observed)).flatten(),
            lock: holder.map(ToString::to_string),
            lock_holder: holder.cloned(),
            unfinished: observed.ledger.unfinished().map(in_short),
            alarms: alarms(observed),
            alarm_states: observed.alarms.as_ref().ok().map(|alarms| AlarmStates::of(alarms)),
            unchecked: Vec::new(),
            error: None,
        }
    }

    /// With the functions that have no check.
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

impl AlarmStates {
    fn of(alarms: &[Alarm]) -> Self {
        let count = |state| alarms.iter().filter(|alarm| alarm.state == state).count();
        Self {
            ok: count(AlarmState::Ok),
            in_alarm: count(AlarmState::InAlarm),
            no_data: count(AlarmState::InsufficientData),
        }
    }

    /// `2 ok, 1 in ALARM`; the worst comes first.
    fn in_short(self) -> String {
        let counts = [(self.in_alarm, "in ALARM"), (self.no_data, "no data"), (self.ok, "ok")];
        let counts = counts.into_iter().filter(|(number, _)| *number > 0);
        let counts: Vec<_> = counts.map(|(number, state)| format!("{number} {state}")).collect();
        if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }
    }
}

impl StatusView {
    /// An environment that could not be read.
    pub fn unknown(environment: &str, error: &anyhow::Error) -> EnvironmentStatus {
        EnvironmentStatus {
            environment: environment.to_owned(),
            error: Some(format!("{error:#}")),
            ..EnvironmentStatus::default()
        }
    }

    /// One environment alone is shown whole.
    fn is_whole(&self) -> bool {
        self.detail == Detail::Wide || self.environments.len() == 1
    }
}

impl View for StatusView {
    fn text(&self, screen: &Screen) -> String {
        let mut table = Table::new(&COLUMNS);
        for environment in &self.environments {
            table.row(environment.cells(screen));
        }
        let mut text = table.text(screen);
        for environment in &self.environments {
            let block = environment.block(self.is_whole(), screen);
            if !block.is_empty() {
                text.push_str(&format!("\n{}\n{block}", line(&environment.environment)));
            }
        }
        letters(&text, screen)
    }

    fn summary(&self) -> Option<Markdown> {
        let mut page = Markdown::titled("What is live");
        let rows: Vec<_> = self.environments.iter().map(EnvironmentStatus::summary_row).collect();
        page.table(["environment", "release", "state", "since", "commit", "by", "alarms", "lock"], &rows);
        for environment in &self.environments {
            let mut facts = environment.wrong();
            if environment.error.is_none() {
                facts.extend(environment.facts());
            }
            let facts: Vec<_> = facts.into_iter().map(|(name, value)| [name, value]).collect();
            if !facts.is_empty() {
                page.heading(&environment.environment).table(["", ""], &facts);
            }
        }
        Some(page)
    }
}

impl EnvironmentStatus {
    /// Whether nothing of it is known.
    pub fn is_unknown(&self) -> bool {
        self.error.is_some()
    }

    fn cells(&self, screen: &Screen) -> [String; 8] {
        let since = self.since.as_deref().map(|since| age(since, screen)).unwrap_or_default();
        let commit = self.commit.as_deref().map(hash).unwrap_or_default();
        self.row(since, format!("{commit}{}", if self.dirty { "+" } else { "" }))
    }

    fn summary_row(&self) -> [String; 8] {
        let commit = self.commit.as_deref().map_or_else(String::new, |commit| format!("`{}`", short(commit)));
        self.row(
            self.since.as_deref().map(moment).unwrap_or_default(),
            format!("{commit}{}", if self.dirty { " and changes" } else { "" }),
        )
    }

    fn row(&self, since: String, commit: String) -> [String; 8] {
        if self.error.is_some() {
            let nothing = String::new;
            let state = "unreachable".to_owned();
            return [self.environment.clone(), nothing(), state, nothing(), nothing(), nothing(), nothing(), nothing()];
        }
        let release = if self.release == 0 { "-".to_owned() } else { self.release.to_string() };
        let by = self.by.as_deref().and_then(known).unwrap_or_default();
        let alarms = self.alarm_states.map_or_else(|| "unreadable".to_owned(), AlarmStates::in_short);
        let lock = self.lock_holder.as_ref().map_or("free", |holder| &holder.actor);
        [
            self.environment.clone(),
            release,
            self.state().to_owned(),
            since,
            commit,
            by.to_owned(),
            alarms,
            lock.to_owned(),
        ]
    }

    fn state(&self) -> &'static str {
        let split = self.functions.values().any(|function| !function.weights.is_empty());
        match (&self.unfinished, &self.lock_holder) {
            (Some(_), Some(_)) => "releasing",
            (Some(_), None) => "UNFINISHED",
            (None, _) if self.drift.is_some() => "DRIFT",
            (None, _) if self.release == 0 => "no release",
            (None, _) if split => "split",
            (None, _) if !self.stable => "not stable",
            (None, _) => "live",
        }
    }

    /// What deserves a look and, where all is `whole`, everything else.
    fn block(&self, whole: bool, screen: &Screen) -> String {
        let mut rows = self.wrong();
        if let Some(holder) = &self.lock_holder {
            let run = holder.run_url.as_ref().map_or_else(String::new, |url| format!(", {url}"));
            let since = age(&holder.since, screen);
            rows.push(("lock".to_owned(), format!("{} runs `{}`, started {since}{run}", holder.actor, holder.command)));
        }
        if whole && self.error.is_none() {
            rows.extend(self.facts());
        }
        let mut text = list(&rows, "  ", screen);
        if whole && !self.functions.is_empty() {
            let mut table = Table::new(&FUNCTIONS);
            for (key, function) in &self.functions {
                let code = hash(&function.code_sha256).to_owned();
                table.row([key.clone(), function.traffic(), code, function.name.clone()]);
            }
            text.push('\n');
            text.push_str(&table.text(screen));
        }
        text
    }

    /// What is not as it should be.
    fn wrong(&self) -> Vec<(String, String)> {
        let mut rows = Vec::new();
        let mut row = |name: &str, value: String| rows.push((name.to_owned(), value));
        if let Some(error) = &self.error {
            row("error", error.clone());
        }
        if let Some(release) = &self.unfinished {
            row("unfinished", format!("{release}: the next deploy or rollback ends it, if its run does not"));
        }
        if let Some(drift) = &self.drift {
            row("drift", drift.clone());
        }
        for alarm in &self.alarms {
            row("alarm", alarm.clone());
        }
        for (key, function) in self.functions.iter().filter(|(_, function)| !function.weights.is_empty()) {
            row("traffic", format!("`{key}`: version {}", function.traffic()));
        }
        if !self.unchecked.is_empty() {
            let functions = self.unchecked.join("`, `");
            row("no check", format!("of `{functions}`: a release counts as stable once its alias has moved"));
        }
        rows
    }

    fn facts(&self) -> Vec<(String, String)> {
        let facts = [("url", &self.url), ("deployment", &self.deployment_id), ("run", &self.run_url)];
        let facts = facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
        let sources = self.source_hash.as_ref().filter(|hash| !hash.is_empty());
        facts.chain(sources.map(|sources| ("sources".to_owned(), short(sources).to_owned()))).collect()
    }
}

impl FunctionStatus {
    /// `5`, or `5, and 6 with 10 %`.
    fn traffic(&self) -> String {
        let others =
            self.weights.iter().map(|(version, weight)| format!(", and {version} with {:.0} %", weight * 100.0));
        self.version.clone() + &others.collect::<String>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(version: &str) -> FunctionStatus {
        FunctionStatus {
            name: "app-counter-dev".to_owned(),
            version: version.to_owned(),
            weights: BTreeMap::new(),
            code_sha256: "zip1zip1zip1".to_owned(),
            source_hash: None,
        }
    }

    fn dev() -> EnvironmentStatus {
        EnvironmentStatus {
            environment: "dev".to_owned(),
            url: Some("https://dev.example".to_owned()),
            release: 7,
            stable: true,
            since: Some("2026-01-10T09:57:00.123456789Z".to_owned()),
            by: Some("ada".to_owned()),
            commit: Some("0123456789abcdef".to_owned()),
            dirty: true,
            deployment_id: Some("d1".to_owned()),
            functions: [("counter".to_owned(), function("5"))].into(),
            alarm_states: Some(AlarmStates { ok: 2, ..AlarmStates::default() }),
            ..EnvironmentStatus::default()
        }
    }

    fn view() -> StatusView {
        let holder = Holder {
            id: "x".to_owned(),
            actor: "grace".to_owned(),
            run_url: Some("https://ci.example/7".to_owned()),
            command: "deploy prod".to_owned(),
            since: "2026-01-10T09:59:00Z".to_owned(),
            lease_seconds: 60,
        };
        let prod = EnvironmentStatus {
            environment: "prod".to_owned(),
            release: 4,
            by: Some("unknown".to_owned()),
            commit: Some("89abcdef01".to_owned()),
            since: Some("2026-01-08T09:57:00Z".to_owned()),
            dirty: false,
            unfinished: Some("release 5, shifting, 0123456, by grace".to_owned()),
            alarms: vec!["`a|b` is in ALARM: 2 errors\nin a minute".to_owned()],
            alarm_states: Some(AlarmStates { in_alarm: 1, ok: 1, no_data: 0 }),
            lock_holder: Some(holder),
            ..dev()
        };
        let test = StatusView::unknown("test", &anyhow::anyhow!("no response"));
        StatusView { environments: vec![dev(), prod, test], detail: Detail::Brief }
    }

    fn text(view: &StatusView, width: impl Into<Option<usize>>, unicode: bool) -> String {
        let now = "2026-01-10T10:00:00Z".parse().unwrap();
        view.text(&Screen { width: width.into(), unicode, ..Screen::plain(now) })
    }

    #[test]
    fn status_is_one_screen_for_all_environments() {
        let expected = "\
ENVIRONMENT  RELEASE  STATE        DEPLOYED   COMMIT    BY   ALARMS            LOCK
dev                7  live         2 min ago  0123456+  ada  2 ok              free
prod               4  releasing    2 d ago    89abcde        1 in ALARM, 1 ok  grace
test                  unreachable

prod
  unfinished  release 5, shifting, 0123456, by grace: the next deploy or rollback ends it, if its
              run does not
  alarm       `a|b` is in ALARM: 2 errors in a minute
  lock        grace runs `deploy prod`, started 1 min ago, https://ci.example/7

test
  error  no response
";
        assert_eq!(text(&view(), 100, true), expected);
        let without_an_edge = expected.replace("if its\n              run does not", "if its run does not");
        assert_eq!(text(&view(), None, true), without_an_edge);
        assert_eq!(text(&view(), 100, false), expected);
    }

    #[test]
    fn one_environment_is_shown_whole() {
        let expected = "\
ENVIRONMENT  RELEASE  STATE  DEPLOYED   COMMIT    BY   ALARMS  LOCK
dev                7  live   2 min ago  0123456+  ada  2 ok    free

dev
  url         https://dev.example
  deployment  d1

FUNCTION  VERSION  CODE     NAME
counter   5        zip1zip  app-counter-dev
";
        assert_eq!(text(&StatusView { environments: vec![dev()], detail: Detail::Brief }, 100, true), expected);
        let wide = StatusView { detail: Detail::Wide, ..view() };
        assert_eq!(text(&wide, 100, true).matches("FUNCTION").count(), 2);
    }

    #[test]
    fn status_fits_narrow_screens() {
        let expected = "\
ENVIRONMENT  RELEASE  STATE
dev                7  live
prod               4  releasing
test                  unreachable

prod
  unfinished  release 5, shifting,
              0123456, by grace: the
              next deploy or rollback
              ends it, if its run does
              not
  alarm       `a|b` is in ALARM: 2
              errors in a minute
  lock        grace runs `deploy prod`,
              started 1 min ago,
              https://ci.example/7

test
  error  no response
";
        assert_eq!(text(&view(), 40, true), expected);
    }

    #[test]
    fn status_fits_twenty_columns() {
        let expected = "\
environment  dev
release  7
state  live
deployed  2 min ago
commit  0123456+
by  ada
alarms  2 ok
lock  free

environment  prod
release  4
state  releasing
deployed  2 d ago
commit  89abcde
alarms
  1 in ALARM, 1 ok
lock  grace

environment  test
state  unreachable

prod
  unfinished
    release 5,
    shifting,
    0123456, by
    grace: the next
    deploy or
    rollback ends
    it, if its run
    does not
  alarm
    `a|b` is in
    ALARM: 2 errors
    in a minute
  lock
    grace runs
    `deploy prod`,
    started 1 min
    ago,
    https://ci.example/7

test
  error  no response
";
        assert_eq!(text(&view(), 20, true), expected);
    }

    #[test]
    fn the_page_of_a_run_shows_the_same() {
        let expected = "\
## What is live

| environment | release | state | since | commit | by | alarms | lock |
| --- | --- | --- | --- | --- | --- | --- | --- |
| dev | 7 | live | 2026-01-10 09:57:00 UTC | `0123456789ab` and changes | ada | 2 ok | free |
| prod | 4 | releasing | 2026-01-08 09:57:00 UTC | `89abcdef01` |  | 1 in ALARM, 1 ok | grace |
| test |  | unreachable |  |  |  |  |  |

### dev

|  |  |
| --- | --- |
| url | https://dev.example |
| deployment | d1 |

### prod

|  |  |
| --- | --- |
| unfinished | release 5, shifting, 0123456, by grace: the next deploy or rollback ends it, if its run does not |
| alarm | <code>a&#124;b</code> is in ALARM: 2 errors in a minute |
| url | https://dev.example |
| deployment | d1 |

### test

|  |  |
| --- | --- |
| error | no response |
";
        assert_eq!(view().summary().unwrap().to_string(), expected);
    }
}
