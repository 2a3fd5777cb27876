//! What differs between two environments.

use std::collections::BTreeMap;

use serde::Serialize;

use super::history::known;
use super::table::{Column, Table, letters, list, paragraph};
use super::units::{age, count, hash, moment};
use super::{CallsView, Detail, View};
use crate::artifact::Commits;
use crate::commands::{Compared, Diff, FunctionDiff, Side};
use crate::report::markdown::Markdown;
use crate::report::screen::Screen;

/// `diff`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DiffView {
    /// The environment that a promotion would come from.
    from: SideView,
    /// The environment that it would go to.
    to: SideView,
    /// Whether anything differs that a promotion would move, or that it would meet.
    differs: bool,
    commits: CommitsView,
    /// The functions by key.
    functions: BTreeMap<String, FunctionView>,
    /// The pieces of the API definition that differ: `only in dev`, `only in prod` or `different`.
    definition: BTreeMap<String, String>,
    /// Why the definitions cannot be compared.
    definition_unknown: Option<String>,
    aws_calls: CallsView,
    #[serde(skip)]
    same: Vec<String>,
    #[serde(skip)]
    detail: Detail,
}

/// What is live on one side.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct SideView {
    /// The environment.
    environment: String,
    /// The release that is live; null before the first one.
    release: Option<u32>,
    /// Whether that release is stable.
    stable: bool,
    /// When it became live.
    since: Option<String>,
    /// Its git commit.
    commit: Option<String>,
    /// Whether its sources differed from that commit.
    dirty: bool,
    /// The person or the GitHub actor of that release.
    by: Option<String>,
}

/// The commits that only one side has.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct CommitsView {
    /// What a promotion would bring, the newest first; not all if there are many.
    brought: Vec<CommitView>,
    /// How many a promotion would bring.
    brought_total: usize,
    /// What only TO has.
    lost: Vec<CommitView>,
    /// How many only TO has.
    lost_total: usize,
    /// Why they are not known.
    unknown: Option<String>,
}

/// A commit.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct CommitView {
    /// Its id.
    id: String,
    /// The first line of its message.
    title: String,
}

/// One function on both sides.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct FunctionView {
    /// `same`, `different`, `only in dev` or `only in prod`.
    code: String,
    /// The digest of its code in FROM.
    from_sha256: Option<String>,
    /// The digest of its code in TO.
    to_sha256: Option<String>,
    /// The names of the settings that differ.
    settings: Vec<String>,
    /// Why the settings cannot be compared.
    settings_unknown: Option<String>,
    #[serde(skip)]
    same: Vec<String>,
}

const SIDES: [Column; 6] = [
    Column::kept("environment"),
    Column::kept("release").right(),
    Column::dropped("state", 4),
    Column::dropped("deployed", 2),
    Column::kept("commit"),
    Column::dropped("by", 3),
];
const COMMITS: [Column; 2] = [Column::kept("commit"), Column::kept("title")];
const FUNCTIONS: [Column; 3] = [Column::kept("function"), Column::kept("code"), Column::kept("settings that differ")];
const PIECES: [Column; 2] = [Column::kept("API definition"), Column::kept("where")];

impl DiffView {
    /// Of what was compared.
    pub fn new(diff: Diff, detail: Detail) -> Self {
        let Diff { from, to, commits, functions, definition, same, calls } = diff;
        let names = (from.environment.as_str(), to.environment.as_str());
        let functions: BTreeMap<_, _> =
            functions.into_iter().map(|(key, function)| (key, FunctionView::of(function, names))).collect();
        let (definition, definition_unknown) = match definition {
            Ok(pieces) => (pieces, None),
            Err(why) => (BTreeMap::new(), Some(why)),
        };
        let definition: BTreeMap<_, _> =
            definition.into_iter().map(|(piece, (here, there))| (piece, place((here, there), names))).collect();
        let differs = !definition.is_empty() || functions.values().any(FunctionView::differs);
        Self {
            differs,
            commits: CommitsView::of(commits),
            functions,
            definition,
            definition_unknown,
            aws_calls: CallsView::of(&calls),
            from: SideView::of(from),
            to: SideView::of(to),
            same,
            detail,
        }
    }

    fn title(&self) -> String {
        format!("{} compared with {}", self.from.name(), self.to.name())
    }

    fn sides(&self, at: impl Fn(&SideView) -> String) -> [[String; 6]; 2] {
        [&self.from, &self.to].map(|side| side.cells(at(side)))
    }

    /// What there is to say of the commits besides listing them.
    fn commits_in_words(&self) -> Vec<String> {
        let CommitsView { unknown, brought_total, lost_total, .. } = &self.commits;
        let (from, to) = (&self.from.environment, &self.to.environment);
        if let Some(why) = unknown {
            return vec![format!("commits between them: not known, {why}")];
        }
        let mut words = Vec::new();
        if *brought_total > 0 {
            words.push(format!("a promotion would bring {} to {to}", count(*brought_total, "commit")));
        }
        if *lost_total > 0 {
            words.push(format!("{to} has {} that {from} does not have", count(*lost_total, "commit")));
        }
        if words.is_empty() {
            let changed = match (self.from.dirty, self.to.dirty) {
                (false, false) => String::new(),
                (true, true) => ", each with uncommitted changes".to_owned(),
                (true, false) => format!(", {from} with uncommitted changes"),
                (false, true) => format!(", {to} with uncommitted changes"),
            };
            words.push(format!("both are of the same commit{changed}"));
        }
        words
    }

    /// The functions in which something differs; all of them if that is wanted.
    fn function_rows(&self) -> Vec<[String; 3]> {
        let wide = self.detail == Detail::Wide;
        let shown = self.functions.iter().filter(|(_, function)| wide || function.differs());
        shown.map(|(key, function)| [key.clone(), function.code_in_short(), function.settings_in_short()]).collect()
    }

    /// What is the same, and what could not be compared.
    fn facts(&self) -> Vec<(String, String)> {
        let mut facts = Vec::new();
        let same = self.functions.values().filter(|function| !function.differs()).count();
        if same > 0 {
            facts.push(("functions".to_owned(), format!("{same} of {} are the same", self.functions.len())));
        }
        match &self.definition_unknown {
            Some(why) => facts.push(("API definition".to_owned(), format!("not compared: {why}"))),
            None if self.definition.is_empty() => facts.push(("API definition".to_owned(), "the same".to_owned())),
            None => {}
        }
        if self.detail == Detail::Wide {
            let functions = self.functions.iter().filter(|(_, function)| !function.same.is_empty());
            facts.extend(functions.map(|(key, function)| (format!("the same in {key}"), function.same.join(", "))));
        }
        facts
    }

    /// The pieces of the API definition that differ; also those that are the same, if that is wanted.
    fn pieces(&self) -> Vec<[String; 2]> {
        let differing = self.definition.iter().map(|(piece, place)| [piece.clone(), place.clone()]);
        let same = self.same.iter().filter(|_| self.detail == Detail::Wide);
        differing.chain(same.map(|piece| [piece.clone(), "same".to_owned()])).collect()
    }
}

/// Where something is.
fn place((here, there): (bool, bool), (from, to): (&str, &str)) -> String {
    match (here, there) {
        (true, false) => format!("only in {from}"),
        (false, true) => format!("only in {to}"),
        _ => "different".to_owned(),
    }
}

impl SideView {
    fn of(Side { environment, release }: Side) -> Self {
        let artifact = release.as_ref().map(|release| &release.artifact);
        Self {
            environment,
            commit: artifact.and_then(|artifact| artifact.commit.clone()),
            dirty: artifact.is_some_and(|artifact| artifact.dirty),
            stable: release.as_ref().is_some_and(|release| release.stable),
            since: release.as_ref().and_then(|release| release.ended_at.clone()),
            by: release.as_ref().and_then(|release| known(&release.actor).map(str::to_owned)),
            release: release.map(|release| release.number),
        }
    }

    fn name(&self) -> String {
        match self.release {
            Some(release) => format!("{} (release {release})", self.environment),
            None => format!("{} (no release)", self.environment),
        }
    }

    fn cells(&self, since: String) -> [String; 6] {
        let commit = self.commit.as_deref().map(hash).unwrap_or_default();
        [
            self.environment.clone(),
            self.release.map_or_else(|| "-".to_owned(), |release| release.to_string()),
            if self.stable { "stable" } else { "not stable" }.to_owned(),
            since,
            format!("{commit}{}", if self.dirty { "+" } else { "" }),
            self.by.clone().unwrap_or_default(),
        ]
    }
}

impl CommitsView {
    fn of(commits: Result<Compared, String>) -> Self {
        let view = |commits: Vec<(String, String)>| {
            commits.into_iter().map(|(id, title)| CommitView { id, title }).collect::<Vec<_>>()
        };
        match commits {
            Err(why) => Self { unknown: Some(why), ..Self::default() },
            Ok(Compared {
                brought: Commits { shown: brought, total: brought_total },
                lost: Commits { shown: lost, total: lost_total },
            }) => Self { brought: view(brought), brought_total, lost: view(lost), lost_total, unknown: None },
        }
    }

    /// What is listed: marked `+` if a promotion would bring it, `-` if it would take it away.
    fn rows(&self) -> Vec<[String; 2]> {
        let row = |mark: &str, commit: &CommitView| [format!("{mark} {}", hash(&commit.id)), commit.title.clone()];
        let more = |mark: &str, total: usize, shown: usize| {
            (total > shown).then(|| [mark.to_owned(), format!("and {}", count(total - shown, "older commit"))])
        };
        let brought = self.brought.iter().map(|commit| row("+", commit));
        let lost = self.lost.iter().map(|commit| row("-", commit));
        let (brought_more, lost_more) =
            (more("+", self.brought_total, self.brought.len()), more("-", self.lost_total, self.lost.len()));
        brought.chain(brought_more).chain(lost).chain(lost_more).collect()
    }
}

impl FunctionView {
    fn of(FunctionDiff { code: (here, there), settings, same }: FunctionDiff, names: (&str, &str)) -> Self {
        let code = match (&here, &there) {
            (Some(ours), Some(theirs)) if ours == theirs => "same".to_owned(),
            (ours, theirs) => place((ours.is_some(), theirs.is_some()), names),
        };
        let (settings, settings_unknown) = match settings {
            Ok(settings) => (settings, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        Self { code, from_sha256: here, to_sha256: there, settings, settings_unknown, same }
    }

    fn differs(&self) -> bool {
        self.code != "same" || !self.settings.is_empty() || self.settings_unknown.is_some()
    }

    fn code_in_short(&self) -> String {
        match (&self.from_sha256, &self.to_sha256) {
            (Some(ours), Some(theirs)) if ours != theirs => format!("{} / {}", hash(ours), hash(theirs)),
            _ => self.code.clone(),
        }
    }

    fn settings_in_short(&self) -> String {
        match &self.settings_unknown {
            Some(why) => format!("not known: {why}"),
            None => self.settings.join(", "),
        }
    }
}

impl View for DiffView {
    fn text(&self, screen: &Screen) -> String {
        let mut text = paragraph(&self.title(), "", screen);
        let mut part = |columns: &[Column], rows: Vec<Vec<String>>, above: &[String]| {
            if !rows.is_empty() || !above.is_empty() {
                let mut table = Table::new(columns);
                rows.into_iter().for_each(|row| table.row(row));
                text.push('\n');
                above.iter().for_each(|words| text.push_str(&paragraph(words, "", screen)));
                text.push_str(&table.text(screen));
            }
        };
        let since = |side: &SideView| side.since.as_deref().map(|since| age(since, screen)).unwrap_or_default();
        part(&SIDES, self.sides(since).map(Vec::from).into(), &[]);
        part(&COMMITS, self.commits.rows().into_iter().map(Vec::from).collect(), &self.commits_in_words());
        part(&FUNCTIONS, self.function_rows().into_iter().map(Vec::from).collect(), &[]);
        part(&PIECES, self.pieces().into_iter().map(Vec::from).collect(), &[]);
        let facts = list(&self.facts(), "", screen);
        if !facts.is_empty() {
            text.push('\n');
            text.push_str(&facts);
        }
        letters(&text, screen)
    }

    fn summary(&self) -> Option<Markdown> {
        let mut page = Markdown::titled(&self.title());
        let since = |side: &SideView| side.since.as_deref().map(moment).unwrap_or_default();
        let sides = [&self.from, &self.to].map(|side| {
            let [environment, release, state, since, commit, by] = side.cells(since(side));
            [environment, release, state, since, commit.replace('+', " and changes"), by]
        });
        page.table(["environment", "release", "state", "since", "commit", "by"], &sides);
        for words in self.commits_in_words() {
            page.paragraph(&words);
        }
        page.table(["commit", "title"], &self.commits.rows());
        page.table(["function", "code", "settings that differ"], &self.function_rows());
        page.table(["API definition", "where"], &self.pieces());
        let facts: Vec<_> = self.facts().into_iter().map(|(name, value)| [name, value]).collect();
        page.table(["", ""], &facts);
        Some(page)
    }

    fn outputs(&self) -> Vec<(&'static str, String)> {
        vec![("differs", self.differs.to_string())]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::Calls;
    use crate::ledger::Release;

    fn release(number: u32, commit: &str, ended: &str) -> Release {
        let parts = json!({"functions": {}});
        serde_json::from_value(json!({
            "number": number, "kind": "deploy", "state": "live", "parts": parts, "previous_parts": parts, "stable": true,
            "previous": number - 1, "actor": "ada", "fencing_token": 1, "started_at": ended, "ended_at": ended,
            "artifact": {"source_hash": "s", "functions": {}, "commit": commit},
        }))
        .unwrap()
    }

    fn function(here: Option<&str>, there: Option<&str>, settings: &[&str]) -> FunctionDiff {
        FunctionDiff {
            code: (here.map(str::to_owned), there.map(str::to_owned)),
            settings: Ok(settings.iter().map(|name| (*name).to_owned()).collect()),
            same: vec!["Handler".to_owned()],
        }
    }

    fn view() -> DiffView {
        let side = |environment: &str, release| Side { environment: environment.to_owned(), release: Some(release) };
        let commit = |id: &str, title: &str| (id.to_owned(), title.to_owned());
        let brought = Commits {
            shown: vec![commit("89abcdef0", "Count each visitor once"), commit("76543210f", "Colder\u{1b}[2J cache")],
            total: 12,
        };
        let functions = [
            ("counter", function(Some("zip1zip1"), Some("zip2zip2"), &["Environment.Variables.TABLE", "MemorySize"])),
            ("extra", function(Some("zip3zip3"), None, &[])),
            ("preflight", function(Some("zip4zip4"), Some("zip4zip4"), &[])),
        ];
        let definition = [("GET /orders".to_owned(), (true, false)), ("POST /count".to_owned(), (true, true))];
        let diff = Diff {
            from: side("dev", release(9, "89abcdef0123", "2026-01-10T09:57:00Z")),
            to: side("prod", release(4, "0123456789ab", "2026-01-08T09:57:00Z")),
            commits: Ok(Compared { brought, lost: Commits::default() }),
            functions: functions.map(|(key, function)| (key.to_owned(), function)).into(),
            definition: Ok(definition.into()),
            same: vec!["GET /count".to_owned()],
            calls: Calls::default(),
        };
        DiffView::new(diff, Detail::Brief)
    }

    fn text(view: &DiffView, width: impl Into<Option<usize>>, unicode: bool) -> String {
        let now = "2026-01-10T10:00:00Z".parse().unwrap();
        view.text(&Screen { width: width.into(), unicode, ..Screen::plain(now) })
    }

    #[test]
    fn diff_shows_releases_commits_functions_and_definition() {
        let expected = "\
dev (release 9) compared with prod (release 4)

ENVIRONMENT  RELEASE  STATE   DEPLOYED   COMMIT   BY
dev                9  stable  3 min ago  89abcde  ada
prod               4  stable  2 d ago    0123456  ada

a promotion would bring 12 commits to prod
COMMIT     TITLE
+ 89abcde  Count each visitor once
+ 7654321  Colder�[2J cache
+          and 10 older commits

FUNCTION  CODE               SETTINGS THAT DIFFER
counter   zip1zip / zip2zip  Environment.Variables.TABLE, MemorySize
extra     only in dev

API DEFINITION  WHERE
GET /orders     only in dev
POST /count     different

functions  1 of 3 are the same
";
        assert_eq!(text(&view(), None, true), expected);
        assert_eq!(text(&view(), 100, true), expected);
        assert_eq!(text(&view(), 100, false), expected.replace('\u{fffd}', "?"));
    }

    #[test]
    fn a_wide_diff_lists_what_is_the_same() {
        let shown = text(&DiffView { detail: Detail::Wide, ..view() }, None, true);
        for line in ["preflight  same\n", "GET /count      same", "the same in preflight  Handler"] {
            assert!(shown.contains(line) && !text(&view(), None, true).contains(line), "{shown}");
        }
    }

    #[test]
    fn diff_fits_narrow_screens() {
        let expected = "\
dev (release 9) compared with prod
(release 4)

ENVIRONMENT  RELEASE  DEPLOYED   COMMIT
dev                9  3 min ago  89abcde
prod               4  2 d ago    0123456

a promotion would bring 12 commits to
prod
COMMIT     TITLE
+ 89abcde  Count each visitor once
+ 7654321  Colder�[2J cache
+          and 10 older commits

function  counter
code  zip1zip / zip2zip
settings that differ
  Environment.Variables.TABLE,
  MemorySize

function  extra
code  only in dev

API DEFINITION  WHERE
GET /orders     only in dev
POST /count     different

functions  1 of 3 are the same
";
        assert_eq!(text(&view(), 40, true), expected);
    }

    #[test]
    fn diff_fits_twenty_columns() {
        let expected = "\
dev (release 9)
compared with prod
(release 4)

environment  dev
release  9
state  stable
deployed  3 min ago
commit  89abcde
by  ada

environment  prod
release  4
state  stable
deployed  2 d ago
commit  0123456
by  ada

a promotion would
bring 12 commits to
prod
commit  + 89abcde
title
  Count each visitor
  once

commit  + 7654321
title
  Colder�[2J cache

commit  +
title
  and 10 older
  commits

function  counter
code
  zip1zip / zip2zip
settings that differ
  Environment.Variables.TABLE,
  MemorySize

function  extra
code  only in dev

API definition
  GET /orders
where  only in dev

API definition
  POST /count
where  different

functions
  1 of 3 are the
  same
";
        assert_eq!(text(&view(), 20, true), expected);
    }

    #[test]
    fn what_is_not_known_is_named_with_its_reason() {
        let side = |environment: &str| Side { environment: environment.to_owned(), release: None };
        let diff = Diff {
            from: side("dev"),
            to: side("prod"),
            commits: Err("one of the two has no release yet".to_owned()),
            functions: BTreeMap::new(),
            definition: Err("it is not recorded".to_owned()),
            same: Vec::new(),
            calls: Calls::default(),
        };
        let shown = text(&DiffView::new(diff, Detail::Brief), None, true);
        assert!(shown.contains("commits between them: not known, one of the two has no release yet\n"), "{shown}");
        assert!(shown.contains("API definition  not compared: it is not recorded\n"), "{shown}");
    }

    #[test]
    fn the_same_commit_with_uncommitted_changes_is_not_the_same() {
        let mut view = view();
        view.commits = CommitsView::default();
        for (from, to, words) in [
            (false, false, "both are of the same commit\n"),
            (true, false, "both are of the same commit, dev with uncommitted changes\n"),
            (true, true, "both are of the same commit, each with uncommitted changes\n"),
        ] {
            (view.from.dirty, view.to.dirty) = (from, to);
            let shown = text(&view, None, true);
            assert!(shown.contains(words) && shown.contains("89abcde+") == from, "{shown}");
            assert_eq!(view.summary().unwrap().to_string().contains("89abcde and changes"), from);
        }
    }

    #[test]
    fn programs_see_each_difference() {
        let seen = serde_json::to_value(view()).unwrap();
        let counter = json!({
            "code": "different", "from_sha256": "zip1zip1", "to_sha256": "zip2zip2",
            "settings": ["Environment.Variables.TABLE", "MemorySize"], "settings_unknown": null,
        });
        assert_eq!(seen["functions"]["counter"], counter);
        assert_eq!(seen["functions"]["extra"]["code"], "only in dev");
        assert_eq!(seen["definition"], json!({"GET /orders": "only in dev", "POST /count": "different"}));
        assert_eq!((&seen["commits"]["brought_total"], &seen["differs"]), (&json!(12), &json!(true)));
    }

    #[test]
    fn the_page_of_a_run_shows_the_same() {
        let expected = "\
## dev (release 9) compared with prod (release 4)

| environment | release | state | since | commit | by |
| --- | --- | --- | --- | --- | --- |
| dev | 9 | stable | 2026-01-10 09:57:00 UTC | 89abcde | ada |
| prod | 4 | stable | 2026-01-08 09:57:00 UTC | 0123456 | ada |

a promotion would bring 12 commits to prod

| commit | title |
| --- | --- |
| + 89abcde | Count each visitor once |
| + 7654321 | Colder \\[2J cache |
| + | and 10 older commits |

| function | code | settings that differ |
| --- | --- | --- |
| counter | zip1zip / zip2zip | Environment.Variables.TABLE, MemorySize |
| extra | only in dev |  |

| API definition | where |
| --- | --- |
| GET /orders | only in dev |
| POST /count | different |

|  |  |
| --- | --- |
| functions | 1 of 3 are the same |
";
        assert_eq!(view().summary().unwrap().to_string(), expected);
        assert_eq!(view().outputs(), [("differs", "true".to_owned())]);
    }
}
