//! The releases of an environment.

use std::fmt::Write as _;

use serde::Serialize;

use super::View;
use crate::ledger::Release;
use crate::plan::short;
use crate::report::markdown::Markdown;
use crate::report::screen::Screen;

/// `history`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "History"))]
pub struct HistoryView {
    environment: String,
    /// The newest first.
    releases: Vec<Row>,
    /// How many there are, shown or not.
    total: usize,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "HistoryRelease"))]
struct Row {
    release: u32,
    kind: String,
    back_to: Option<u32>,
    from: Option<String>,
    state: String,
    stable: bool,
    previous: u32,
    commit: Option<String>,
    dirty: bool,
    actor: String,
    run_url: Option<String>,
    started_at: String,
    seconds: Option<f64>,
    reason: Option<String>,
}

impl HistoryView {
    /// Of the releases, the newest first.
    pub fn new(environment: &str, releases: Vec<Release>, limit: usize) -> Self {
        let total = releases.len();
        Self {
            environment: environment.to_owned(),
            releases: releases.into_iter().take(limit).map(Row::of).collect(),
            total,
        }
    }
}

impl Row {
    fn of(release: Release) -> Self {
        Self {
            seconds: seconds(&release),
            release: release.number,
            kind: release.kind.to_string(),
            back_to: release.back_to,
            from: release.from.map(|from| format!("{}@{}", from.environment, from.release)),
            state: release.state.to_string(),
            stable: release.stable,
            previous: release.previous,
            commit: release.artifact.commit,
            dirty: release.artifact.dirty,
            actor: release.actor,
            run_url: release.run_url,
            started_at: release.started_at,
            reason: release.reason,
        }
    }

    fn what(&self) -> String {
        match (self.back_to, &self.from) {
            (Some(root), _) => format!("{} (back to {root})", self.kind),
            (None, Some(from)) => format!("{} (from {from})", self.kind),
            (None, None) => self.kind.clone(),
        }
    }
}

/// How long it took, if it has ended.
pub(super) fn seconds(release: &Release) -> Option<f64> {
    let started: jiff::Timestamp = release.started_at.parse().ok()?;
    let ended: jiff::Timestamp = release.ended_at.as_deref()?.parse().ok()?;
    Some(ended.duration_since(started).as_secs_f64())
}

impl View for HistoryView {
    fn text(&self, _: &Screen) -> String {
        if self.releases.is_empty() {
            return format!("{}: no releases yet\n", self.environment);
        }
        let mut text = format!("{}\n", self.environment);
        for row in &self.releases {
            let commit = row.commit.as_deref().map_or("-", |commit| commit.get(..7).unwrap_or(commit));
            let dirty = if row.dirty { "+" } else { " " };
            let took = row.seconds.map_or("      -".to_owned(), |seconds| format!("{seconds:>6.1}s"));
            // To the second, without the `T` and the fraction.
            let began = row.started_at.get(..19).unwrap_or(&row.started_at).replace('T', " ");
            let _ = writeln!(
                text,
                "  {:>4}  {:<24} {:<12} from {:<4} {began}  {took}  {commit}{dirty} {}",
                row.release,
                row.what(),
                row.state,
                row.previous,
                row.actor
            );
            if let Some(url) = &row.run_url {
                let _ = writeln!(text, "        {url}");
            }
            if let Some(reason) = &row.reason {
                let _ = writeln!(text, "        {reason}");
            }
        }
        if self.total > self.releases.len() {
            let _ = writeln!(text, "  and {} older ones: `--limit` shows more", self.total - self.releases.len());
        }
        text
    }

    fn summary(&self) -> Option<Markdown> {
        let mut page = Markdown::titled(&format!(
            "{}: {} release{}",
            self.environment,
            self.total,
            if self.total == 1 { "" } else { "s" }
        ));
        let rows = self.releases.iter().map(|row| {
            let state = if row.stable { format!("{}, stable", row.state) } else { row.state.clone() };
            let commit = row.commit.as_deref().map_or_else(String::new, |commit| format!("`{}`", short(commit)));
            let took = row.seconds.map_or_else(String::new, |seconds| format!("{seconds:.1} s"));
            let why = row.reason.clone().unwrap_or_default();
            [
                row.release.to_string(),
                row.what(),
                state,
                commit,
                format!("`{}`", row.actor),
                row.started_at.clone(),
                took,
                why,
            ]
        });
        page.table(["release", "kind", "state", "commit", "by", "began", "took", "why"], &rows.collect::<Vec<_>>());
        Some(page)
    }
}

/// A release in a few words, for other views.
pub(super) fn in_short(release: &Release) -> String {
    let commit = release.artifact.commit.as_deref().map_or("no commit", short);
    format!("release {release}, {}, {commit}, by {}", release.state, release.actor)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn release(number: u32, kind: &str, state: &str, more: &serde_json::Value) -> Release {
        let parts = json!({"functions": {}, "deployment": "d1"});
        let mut release = json!({
            "number": number, "kind": kind, "state": state, "parts": parts, "previous_parts": parts,
            "previous": number - 1, "definition": "x", "actor": "ada", "fencing_token": 1,
            "artifact": {"source_hash": "s", "functions": {}, "commit": "0123456789abcdef"},
            "started_at": "2026-01-10T10:00:00.123Z", "ended_at": "2026-01-10T10:00:02.623Z",
        });
        for (name, value) in more.as_object().unwrap() {
            release[name] = value.clone();
        }
        serde_json::from_value(release).unwrap()
    }

    #[test]
    fn history_shows_kind_state_who_commit_run_duration_and_why_not() {
        let releases = vec![
            release(4, "rollback", "live", &json!({"back_to": 2})),
            release(
                3,
                "promote",
                "reverted",
                &json!({
                    "from": {"environment": "dev", "release": 9}, "reason": "alarm `errors` is in ALARM",
                    "run_url": "https://ci.example/7",
                }),
            ),
            release(
                2,
                "deploy",
                "superseded",
                &json!({"artifact": {"source_hash": "s", "functions": {}, "dirty": true}}),
            ),
            release(1, "deploy", "pending", &json!({"ended_at": null})),
        ];
        let expected = "\
prod
     4  rollback (back to 2)     live         from 3    2026-01-10 10:00:00     2.5s  0123456  ada
     3  promote (from dev@9)     reverted     from 2    2026-01-10 10:00:00     2.5s  0123456  ada
        https://ci.example/7
        alarm `errors` is in ALARM
     2  deploy                   superseded   from 1    2026-01-10 10:00:00     2.5s  -+ ada
  and 1 older ones: `--limit` shows more
";
        assert_eq!(HistoryView::new("prod", releases, 3).text(&Screen::plain(jiff::Timestamp::UNIX_EPOCH)), expected);
        assert_eq!(
            HistoryView::new("prod", Vec::new(), 3).text(&Screen::plain(jiff::Timestamp::UNIX_EPOCH)),
            "prod: no releases yet\n"
        );
    }

    #[test]
    fn the_page_of_a_run_has_a_row_for_each_release() {
        let failed = json!({"reason": "alarm `a|b` is in ALARM\n| x"});
        let expected = "\
## prod: 1 release

| release | kind | state | commit | by | began | took | why |
| --- | --- | --- | --- | --- | --- | --- | --- |
| 3 | deploy | reverted | `0123456789ab` | `ada` | 2026-01-10T10:00:00.123Z | 2.5 s | alarm <code>a&#124;b</code> is in ALARM &#124; x |
";
        let view = HistoryView::new("prod", vec![release(3, "deploy", "reverted", &failed)], 3);
        assert_eq!(view.summary().unwrap().to_string(), expected);
    }
}
