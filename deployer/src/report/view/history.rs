//! The releases of an environment, as a graph like that of `git log`.

use serde::Serialize;

use super::graph::{Kind, Node, graph};
use super::table::{Column, Table, letters, line, paragraph};
use super::units::{age, count, duration, hash, moment, trend};
use super::{Detail, View};
use crate::ledger::{Release, ReleaseState};
use crate::plan::short;
use crate::report::markdown::Markdown;
use crate::report::screen::Screen;

/// `history`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "History"))]
pub struct HistoryView {
    /// The environment.
    environment: String,
    /// The newest first.
    releases: Vec<Row>,
    /// How many there are, shown or not.
    total: usize,
    #[serde(skip)]
    detail: Detail,
}

/// One release.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "HistoryRelease"))]
struct Row {
    /// Its number.
    release: u32,
    /// `deploy`, `promote`, `rollback` or `adopt`.
    kind: String,
    /// The release whose parts a rollback restored.
    back_to: Option<u32>,
    /// Where a promotion came from, as `dev@12`.
    from: Option<String>,
    /// `pending`, `shifting`, `live`, `superseded`, `failed` or `reverted`.
    state: String,
    /// Whether it took all of the traffic, passed its checks, and was not reverted.
    stable: bool,
    /// The release that was live before; 0 for the placeholder.
    previous: u32,
    /// The git commit.
    commit: Option<String>,
    /// Whether the sources differed from that commit.
    dirty: bool,
    /// The person or the GitHub actor.
    actor: String,
    /// The page of the run, if it has one.
    run_url: Option<String>,
    /// When it began.
    started_at: String,
    /// How long it took.
    seconds: Option<f64>,
    /// Why it failed, or could not be verified.
    reason: Option<String>,
    #[serde(skip)]
    parts: String,
    #[serde(skip)]
    node: Kind,
}

/// The more important a column is on a narrow screen, the lower its rank.
const COLUMNS: [Column; 8] = [
    Column::kept(""),
    Column::kept("release").right(),
    Column::kept("what"),
    Column::kept("state"),
    Column::dropped("age", 1),
    Column::dropped("took", 4).right(),
    Column::dropped("commit", 2),
    Column::dropped("by", 3),
];

impl HistoryView {
    /// Of the newest releases, the newest first.
    pub fn new(environment: &str, releases: Vec<Release>, detail: Detail) -> Self {
        // Numbers are given one by one: what was not read is below the lowest of them.
        let older = releases.last().map_or(0, |oldest| oldest.number.saturating_sub(1) as usize);
        Self {
            environment: environment.to_owned(),
            total: releases.len() + older,
            releases: releases.into_iter().map(Row::of).collect(),
            detail,
        }
    }

    fn older(&self) -> Option<String> {
        let older = self.total - self.releases.len();
        (older > 0).then(|| format!("and {}: `--limit` shows more", count(older, "older release")))
    }

    /// How long the releases took, the oldest first.
    fn trend(&self, screen: &Screen) -> Option<String> {
        let took: Vec<f64> = self.releases.iter().rev().filter_map(|row| row.seconds).collect();
        let (lowest, highest) = (took.iter().copied().reduce(f64::min)?, took.iter().copied().reduce(f64::max)?);
        (took.len() > 1).then(|| {
            format!("took {} {} to {}, oldest first", trend(&took, screen), duration(lowest), duration(highest))
        })
    }
}

impl Row {
    fn of(release: Release) -> Self {
        let node = match release.state {
            ReleaseState::Live => Kind::Live,
            ReleaseState::Superseded => Kind::Superseded,
            ReleaseState::Failed | ReleaseState::Reverted => Kind::Side,
            ReleaseState::Pending | ReleaseState::Shifting => Kind::Unfinished,
        };
        Self {
            node,
            parts: parts(&release),
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

    /// `deploy`, `promote dev@9`, `rollback to 27`.
    fn what(&self) -> String {
        match (self.back_to, &self.from) {
            (Some(root), _) => format!("{} to {root}", self.kind),
            (None, Some(from)) => format!("{} {from}", self.kind),
            (None, None) => self.kind.clone(),
        }
    }

    /// What took the traffic and did not pass its checks is named.
    fn how(&self) -> String {
        let took_traffic = matches!(self.node, Kind::Live | Kind::Superseded);
        if took_traffic && !self.stable { format!("{}, not stable", self.state) } else { self.state.clone() }
    }

    fn cells(&self, graph: String, screen: &Screen) -> [String; 8] {
        let commit = self.commit.as_deref().map(hash).unwrap_or_default();
        [
            graph,
            self.release.to_string(),
            self.what(),
            self.how(),
            age(&self.started_at, screen),
            self.seconds.map(duration).unwrap_or_default(),
            format!("{commit}{}", if self.dirty { "+" } else { "" }),
            known(&self.actor).unwrap_or_default().to_owned(),
        ]
    }
}

/// `version 5 of orders, version 3 of invoices, deployment d1`.
fn parts(release: &Release) -> String {
    let functions = release.parts.functions.iter().map(|(key, part)| format!("version {} of {key}", part.version));
    let deployment = release.parts.deployment.iter().map(|id| format!("deployment {id}"));
    functions.chain(deployment).collect::<Vec<_>>().join(", ")
}

/// The actor, unless the ledger has none.
pub(super) fn known(actor: &str) -> Option<&str> {
    (actor != "unknown" && !actor.is_empty()).then_some(actor)
}

/// How long it took, if it has ended.
pub(super) fn seconds(release: &Release) -> Option<f64> {
    let started: jiff::Timestamp = release.started_at.parse().ok()?;
    let ended: jiff::Timestamp = release.ended_at.as_deref()?.parse().ok()?;
    Some(ended.duration_since(started).as_secs_f64())
}

impl View for HistoryView {
    fn text(&self, screen: &Screen) -> String {
        if self.releases.is_empty() {
            return format!("{}: no releases yet\n", line(&self.environment));
        }
        let nodes: Vec<Node> = self
            .releases
            .iter()
            .map(|row| Node { number: row.release, back_to: row.back_to, kind: row.node })
            .collect();
        let lanes = graph(&nodes, screen);
        let mut table = Table::new(&COLUMNS);
        for (row, (node, margin)) in self.releases.iter().zip(lanes) {
            let failed = row.node == Kind::Side;
            table.row(row.cells(node, screen));
            let wide = self.detail == Detail::Wide;
            for more in [&row.reason, &row.run_url].into_iter().flatten().filter(|_| failed || wide) {
                table.below(&format!("{margin}  "), more);
            }
            if wide && !row.parts.is_empty() {
                table.below(&format!("{margin}  "), &row.parts);
            }
        }
        let mut text = paragraph(&format!("{}: {}", self.environment, count(self.total, "release")), "", screen);
        text.push('\n');
        text.push_str(&table.text(screen));
        let after: Vec<String> = [self.older(), self.trend(screen)].into_iter().flatten().collect();
        if !after.is_empty() {
            text.push('\n');
        }
        for words in after {
            text.push_str(&paragraph(&words, "", screen));
        }
        letters(&text, screen)
    }

    fn summary(&self) -> Option<Markdown> {
        let mut page = Markdown::titled(&format!("{}: {}", self.environment, count(self.total, "release")));
        let rows = self.releases.iter().map(|row| {
            let commit = row.commit.as_deref().map_or_else(String::new, |commit| format!("`{}`", short(commit)));
            let commit = format!("{commit}{}", if row.dirty { " and changes" } else { "" });
            [
                row.release.to_string(),
                row.what(),
                if row.node == Kind::Live && row.stable { "live, stable".to_owned() } else { row.how() },
                commit,
                format!("`{}`", row.actor),
                moment(&row.started_at),
                row.seconds.map(duration).unwrap_or_default(),
                row.reason.clone().unwrap_or_default(),
            ]
        });
        page.table(["release", "what", "state", "commit", "by", "began", "took", "why"], &rows.collect::<Vec<_>>());
        for words in [self.older(), self.trend(&Screen::plain(jiff::Timestamp::UNIX_EPOCH))].into_iter().flatten() {
            page.paragraph(&words);
        }
        Some(page)
    }
}

/// A release in a few words, for other views.
pub(super) fn in_short(release: &Release) -> String {
    let commit = release.artifact.commit.as_deref().map_or("no commit", hash);
    let by = known(&release.actor).map_or_else(String::new, |actor| format!(", by {actor}"));
    let dirty = if release.artifact.dirty { " and changes" } else { "" };
    format!("release {release}, {}, {commit}{dirty}{by}", release.state)
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

    fn releases() -> Vec<Release> {
        vec![
            release(6, "deploy", "pending", &json!({"ended_at": null, "actor": "unknown"})),
            release(5, "deploy", "live", &json!({"ended_at": "2026-01-10T10:02:05Z"})),
            release(4, "rollback", "superseded", &json!({"back_to": 2, "stable": true})),
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
                &json!({"artifact": {"source_hash": "s", "functions": {}, "dirty": true}, "stable": true}),
            ),
        ]
    }

    fn text(width: impl Into<Option<usize>>, unicode: bool, detail: Detail) -> String {
        let now = "2026-01-12T10:00:03Z".parse().unwrap();
        let screen = Screen { width: width.into(), unicode, ..Screen::plain(now) };
        HistoryView::new("prod", releases(), detail).text(&screen)
    }

    #[test]
    fn history_is_a_graph() {
        let expected = "\
prod: 6 releases

       RELEASE  WHAT           STATE             AGE           TOOK  COMMIT   BY
  ◌          6  deploy         pending           2 d ago             0123456
  ●          5  deploy         live, not stable  2 d ago  2 min 5 s  0123456  ada
╭─○          4  rollback to 2  superseded        2 d ago      2.5 s  0123456  ada
│ ├─×        3  promote dev@9  reverted          2 d ago      2.5 s  0123456  ada
│ │    alarm `errors` is in ALARM
│ │    https://ci.example/7
╰▸○          2  deploy         superseded        2 d ago      2.5 s  +        ada

and 1 older release: `--limit` shows more
took ▁▁▁█ 2.5 s to 2 min 5 s, oldest first
";
        assert_eq!(text(None, true, Detail::Brief), expected);
        assert_eq!(text(100, true, Detail::Brief), expected);
        let empty = HistoryView::new("prod", Vec::new(), Detail::Brief);
        assert_eq!(empty.text(&Screen::plain(jiff::Timestamp::UNIX_EPOCH)), "prod: no releases yet\n");
    }

    #[test]
    fn a_wide_history_shows_versions_and_deployments() {
        let parts = json!({"functions": {"counter": {"version": "5", "code_sha256": "x"}}, "deployment": "d1"});
        let releases = || vec![release(1, "deploy", "live", &json!({"parts": parts}))];
        let shown =
            |detail| HistoryView::new("prod", releases(), detail).text(&Screen::plain(jiff::Timestamp::UNIX_EPOCH));
        let line = "version 5 of counter, deployment d1\n";
        assert!(shown(Detail::Wide).contains(line) && !shown(Detail::Brief).contains(line), "{}", shown(Detail::Wide));
    }

    #[test]
    fn history_fits_narrow_screens() {
        let expected = "\
prod: 6 releases

       RELEASE  WHAT          STATE
  ◌          6  deploy        pending
  ●          5  deploy        live, not…
╭─○          4  rollback to…  superseded
│ ├─×        3  promote dev…  reverted
│ │    alarm `errors` is in ALARM
│ │    https://ci.example/7
╰▸○          2  deploy        superseded

and 1 older release: `--limit` shows
more
took ▁▁▁█ 2.5 s to 2 min 5 s, oldest
first
";
        assert_eq!(text(40, true, Detail::Brief), expected);
    }

    #[test]
    fn history_fits_twenty_columns() {
        let expected = "\
prod: 6 releases

release  6
what  deploy
state  pending
age  2 d ago
commit  0123456

release  5
what  deploy
state
  live, not stable
age  2 d ago
took  2 min 5 s
commit  0123456
by  ada

release  4
what  rollback to 2
state  superseded
age  2 d ago
took  2.5 s
commit  0123456
by  ada

release  3
what  promote dev@9
state  reverted
age  2 d ago
took  2.5 s
commit  0123456
by  ada
alarm `errors` is in
ALARM
https://ci.example/7

release  2
what  deploy
state  superseded
age  2 d ago
took  2.5 s
commit  +
by  ada

and 1 older release:
`--limit` shows more
took ▁▁▁█ 2.5 s to 2
min 5 s, oldest
first
";
        assert_eq!(text(20, true, Detail::Brief), expected);
    }

    #[test]
    fn history_is_drawn_in_ascii() {
        let expected = "\
prod: 6 releases

       RELEASE  WHAT           STATE             AGE           TOOK  COMMIT   BY
  ~          6  deploy         pending           2 d ago             0123456
  *          5  deploy         live, not stable  2 d ago  2 min 5 s  0123456  ada
,-o          4  rollback to 2  superseded        2 d ago      2.5 s  0123456  ada
| |-x        3  promote dev@9  reverted          2 d ago      2.5 s  0123456  ada
| |    alarm `errors` is in ALARM
| |    https://ci.example/7
`>o          2  deploy         superseded        2 d ago      2.5 s  +        ada

and 1 older release: `--limit` shows more
took ___# 2.5 s to 2 min 5 s, oldest first
";
        assert_eq!(text(100, false, Detail::Brief), expected);
    }

    #[test]
    fn the_page_of_a_run_has_a_row_for_each_release() {
        let failed = json!({"reason": "alarm `a|b` is in ALARM\n| x"});
        let expected = "\
## prod: 1 release

| release | what | state | commit | by | began | took | why |
| --- | --- | --- | --- | --- | --- | --- | --- |
| 1 | deploy | reverted | `0123456789ab` | `ada` | 2026-01-10 10:00:00 UTC | 2.5 s | alarm <code>a&#124;b</code> is in ALARM &#124; x |
";
        let view = HistoryView::new("prod", vec![release(1, "deploy", "reverted", &failed)], Detail::Brief);
        assert_eq!(view.summary().unwrap().to_string(), expected);
    }
}
