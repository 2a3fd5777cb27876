//! What a release would do, and why: before and after side by side, then how it would go.

use serde::Serialize;

use super::table::{Column, Table, letters, list, paragraph};
use super::units::{count, hash, set_time};
use super::{CallsView, View};
use crate::artifact::Checked;
use crate::commands::{Planned, PlannedCheck};
use crate::config::Shift;
use crate::plan::{After, ApiChange, ApiPlan, Checks, FunctionChange, FunctionPlan, Plan, Step};
use crate::report::markdown::Markdown;
use crate::report::screen::Screen;

/// `plan`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "PlanShown"))]
pub struct PlanView {
    /// The environment.
    environment: String,
    /// Whether there is something to do.
    pub changes: bool,
    plan: Plan,
    /// The steps in order; those of one list run side by side.
    steps: Vec<Vec<String>>,
    commit: Commits,
    /// The checks that a release may send.
    checks: Vec<PlannedCheck>,
    /// Why a deploy would be refused without `--downgrade`.
    older: Option<String>,
    aws_calls: CallsView,
}

/// What the live release is of, and what the next one would be of.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Commits {
    /// The commit of the live release.
    before: Option<String>,
    /// The commit of the next one.
    after: Option<String>,
    /// Whether the sources differ from the commit `after`.
    dirty: bool,
}

const COLUMNS: [Column; 4] =
    [Column::kept("what"), Column::kept("change"), Column::dropped("before", 1), Column::kept("after")];

impl PlanView {
    /// Of a plan.
    pub fn new(environment: &str, Planned { plan, commits: (before, after), checks, older, calls }: Planned) -> Self {
        let mut phases = if plan.is_empty() { Vec::new() } else { plan.phases() };
        // Where nothing that moves has a check, none is sent.
        phases.iter_mut().for_each(|phase| phase.retain(|step| sends_checks(step, &plan, &checks)));
        phases.retain(|phase| !phase.is_empty());
        let Checked { commit: after, dirty, .. } = after;
        Self {
            environment: environment.to_owned(),
            changes: !plan.is_empty(),
            steps: phases.iter().map(|phase| phase.iter().map(ToString::to_string).collect()).collect(),
            plan,
            commit: Commits { before, after: after.map(|commit| commit.id), dirty },
            checks,
            older,
            aws_calls: CallsView::of(&calls),
        }
    }

    fn title(&self) -> String {
        let Plan { release, live, .. } = &self.plan;
        match (self.changes, live) {
            (false, _) => format!("{}: nothing to do, release {live} is live", self.environment),
            (true, 0) => format!("{}: release {release} would be the first", self.environment),
            (true, _) => format!("{}: release {release} would follow release {live}", self.environment),
        }
    }

    /// What, which change, before, after: a row for each change.
    fn rows(&self) -> Vec<[String; 4]> {
        let Plan { functions, api, .. } = &self.plan;
        let of_functions = functions.iter().flat_map(|(key, function)| {
            // The name of a function is in its first row only.
            let name = |at: usize| if at == 0 { key.clone() } else { String::new() };
            let rows = function.changes.iter().enumerate().map(move |(at, change)| (name(at), function, change));
            rows.map(|(name, function, change)| function_row(name, function, change))
        });
        of_functions.chain(api.as_ref().and_then(api_row)).collect()
    }

    /// How the release would go, without its steps.
    fn facts(&self) -> Vec<(String, String)> {
        let mut facts = Vec::new();
        let mut fact = |name: &str, value: String| facts.push((name.to_owned(), value));
        let unchanged: Vec<_> =
            self.plan.functions.iter().filter(|(_, function)| function.changes.is_empty()).collect();
        if !unchanged.is_empty() {
            let names: Vec<_> = unchanged.iter().map(|(key, _)| key.as_str()).collect();
            fact("unchanged", format!("{}: {}", count(names.len(), "function"), some_of(&names)));
        }
        if let Some(commit) = self.commit() {
            fact("commit", commit);
        }
        fact("checks", self.checks());
        fact("traffic", traffic(&self.plan));
        facts
    }

    /// `0123456 -> 89abcde and changes`.
    fn commit(&self) -> Option<String> {
        let Commits { before, after, dirty } = &self.commit;
        let after = format!("{}{}", hash(after.as_deref()?), if *dirty { " and changes" } else { "" });
        Some(match before.as_deref().map(hash) {
            Some(before) if before == after => format!("{after}, as the live release"),
            Some(before) => format!("{before} -> {after}"),
            None => after,
        })
    }

    fn checks(&self) -> String {
        let moved: Vec<_> = self.plan.moved().collect();
        let of_moved = |check: &&PlannedCheck| moved.contains(&&check.function);
        let names = |due: &dyn Fn(&&PlannedCheck) -> bool| {
            self.checks.iter().filter(|check| due(check)).map(|check| check.name.as_str()).collect::<Vec<_>>()
        };
        let before = names(&|check| of_moved(check) && !check.writes);
        let after = names(&|check| self.plan.api_change().is_some() || of_moved(check));
        let moments = [("before traffic", before), (&format!("then {}", self.plan.sent), after)];
        let moments = moments.into_iter().filter(|(_, names)| !names.is_empty());
        let moments: Vec<_> = moments.map(|(when, names)| format!("{when}: {}", some_of(&names))).collect();
        if moments.is_empty() { "none of what changes has a check".to_owned() } else { moments.join("; ") }
    }
}

/// At most eight names, and how many more there are.
fn some_of(names: &[&str]) -> String {
    const SOME: usize = 8;
    match names.len().checked_sub(SOME) {
        Some(more @ 1..) => format!("{} and {more} more", names.get(..SOME).unwrap_or_default().join(", ")),
        _ => names.join(", "),
    }
}

/// Whether a step that would send checks has one to send; true of any other step.
fn sends_checks(step: &Step, plan: &Plan, checks: &[PlannedCheck]) -> bool {
    let Step::Verify(what) = step else { return true };
    checks.iter().any(|check| what.checks == Checks::All || plan.moved().any(|key| *key == check.function))
}

fn traffic(Plan { traffic, has_alarms, .. }: &Plan) -> String {
    let shift = match traffic.shift {
        Shift::AllAtOnce => "all at once".to_owned(),
        Shift::Canary { percent, bake } => format!("canary: {percent} % for {}, then all of it", set_time(bake)),
        Shift::Linear { step, interval } => {
            let (every, whole) = (set_time(interval), set_time(traffic.shift.lasts()));
            format!("linear: {step} % more every {every}, all of it after {whole}")
        }
    };
    match (traffic.watch.is_zero(), has_alarms) {
        (true, _) => shift,
        (false, true) => format!("{shift}; alarms are watched for {} after that", set_time(traffic.watch)),
        (false, false) => format!("{shift}; there are no alarms to watch for {} after that", set_time(traffic.watch)),
    }
}

fn function_row(name: String, function: &FunctionPlan, change: &FunctionChange) -> [String; 4] {
    let version = format!("version {}", function.before.version);
    let (change, before, after) = match change {
        FunctionChange::First => ("first release", version, function.after.to_string()),
        FunctionChange::Source(before, after) if before.is_empty() => {
            (code(function), version, sources(function, after))
        }
        FunctionChange::Source(before, after) => {
            (code(function), format!("{version}, sources {}", hash(before)), sources(function, after))
        }
        FunctionChange::Code(before, after) => {
            (code(function), format!("{version}, code {}", hash(before)), format!("code {}", hash(after)))
        }
        FunctionChange::Settings(names) => ("settings", version, format!("other {}", names.join(", "))),
        FunctionChange::Version(before, after) => ("version", format!("version {before}"), format!("version {after}")),
    };
    [name, change.to_owned(), before, after]
}

/// An image has a digest in hexadecimal, a zip a SHA-256 in base64.
fn is_digest(code: &str) -> bool {
    code.len() == 64 && code.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The new sources, and the image if it is known already.
fn sources(function: &FunctionPlan, after: &str) -> String {
    let image = match &function.after {
        After::NewCode(Some(code)) if is_digest(code) => format!(", image {}", hash(code)),
        _ => String::new(),
    };
    format!("sources {}{image}", hash(after))
}

fn code(function: &FunctionPlan) -> &'static str {
    match &function.after {
        After::NewCode(Some(code)) if is_digest(code) => "image",
        _ if is_digest(&function.before.code_sha256) => "image",
        _ => "code",
    }
}

fn api_row(api: &ApiPlan) -> Option<[String; 4]> {
    let before = format!("deployment {}", api.before);
    let (change, before, after) = match api.change.as_ref()? {
        ApiChange::First => ("first deployment", before, "new deployment".to_owned()),
        ApiChange::Definition(old, new) if old.is_empty() => {
            ("definition", before, format!("definition {}, new deployment", hash(new)))
        }
        ApiChange::Definition(old, new) => (
            "definition",
            format!("definition {}, {before}", hash(old)),
            format!("definition {}, new deployment", hash(new)),
        ),
        ApiChange::Deployment(id) => ("deployment", before, format!("deployment {id}")),
    };
    Some(["API".to_owned(), change.to_owned(), before, after])
}

impl View for PlanView {
    fn text(&self, screen: &Screen) -> String {
        let mut text = paragraph(&self.title(), "", screen);
        if self.changes {
            let mut table = Table::new(&COLUMNS);
            self.rows().into_iter().for_each(|row| table.row(row));
            text.push('\n');
            text.push_str(&table.text(screen));
            text.push('\n');
            text.push_str(&list(&self.facts(), "", screen));
            text.push('\n');
            let steps = self.steps.iter().enumerate();
            let steps: Vec<_> = steps.map(|(at, phase)| (format!("{:>2}.", at + 1), phase_in_short(phase))).collect();
            text.push_str(&list(&steps, "", screen));
        }
        if let Some(older) = &self.older {
            text.push('\n');
            let older = format!("older over newer: {older}; `deploy` refuses it without `--downgrade`");
            text.push_str(&paragraph(&older, "", screen));
        }
        letters(&text, screen)
    }

    fn summary(&self) -> Option<Markdown> {
        let mut page = Markdown::titled(&self.title());
        if self.changes {
            page.table(["", "change", "before", "after"], &self.rows());
            let facts: Vec<_> = self.facts().into_iter().map(|(name, value)| [name, value]).collect();
            page.table(["", ""], &facts);
            page.numbered(self.steps.iter().map(|phase| phase_in_short(phase)));
        }
        if let Some(older) = &self.older {
            page.paragraph(&format!("Older over newer: {older}; `deploy` refuses it without `--downgrade`."));
        }
        Some(page)
    }

    fn outputs(&self) -> Vec<(&'static str, String)> {
        vec![("changed", self.changes.to_string())]
    }
}

/// Steps side by side; of many functions only some.
fn phase_in_short(phase: &[String]) -> String {
    const SOME: usize = 4;
    match phase.len().checked_sub(SOME) {
        Some(more @ 2..) => {
            format!("{}; and the same for {more} more", phase.get(..SOME).unwrap_or_default().join("; "))
        }
        _ => phase.join("; "),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::artifact::Commit;
    use crate::aws::Calls;
    use crate::config::Traffic;
    use crate::ledger::{FunctionPart, ReleaseKind};

    fn plan(changed: bool) -> Plan {
        let function = |name: &str, after, changes| FunctionPlan {
            name: name.to_owned(),
            before: FunctionPart { version: "5".to_owned(), code_sha256: "zip1zip1zip1zip1".to_owned() },
            after,
            changes,
        };
        let source = FunctionChange::Source("a1b2c3d4e5f6a7".to_owned(), "b1b2c3d4e5f6a7".to_owned());
        let settings = FunctionChange::Settings(vec!["MemorySize".to_owned()]);
        let counter = match changed {
            true => function("c-dev", After::NewCode(None), vec![source, settings]),
            false => function("c-dev", After::Same, Vec::new()),
        };
        let change =
            changed.then(|| ApiChange::Definition("0123456789abcdef".to_owned(), "fedcba9876543210".to_owned()));
        Plan {
            sent: crate::plan::Sent::ThroughUrl,
            first: crate::plan::First::Code,
            has_alarms: true,
            kind: ReleaseKind::Deploy,
            back_to: None,
            release: 8,
            live: 7,
            functions: BTreeMap::from([
                ("counter".to_owned(), counter),
                ("preflight".to_owned(), function("p-dev", After::Same, Vec::new())),
            ]),
            api: Some(ApiPlan { before: "d1".to_owned(), definition: "fedcba9876543210".to_owned(), change }),
            traffic: Traffic {
                shift: Shift::Canary { percent: 10, bake: std::time::Duration::from_secs(300) },
                ..Traffic::default()
            },
        }
    }

    fn view(plan: Plan, older: Option<&str>) -> PlanView {
        let after = Commit { id: "89abcdef0123".to_owned(), at: None };
        let check = |name: &str, function: &str, writes| PlannedCheck {
            name: name.to_owned(),
            function: function.to_owned(),
            writes,
        };
        let planned = Planned {
            plan,
            commits: (Some("0123456789ab".to_owned()), Checked { commit: Some(after), dirty: true, warning: None }),
            checks: vec![
                check("health", "counter", false),
                check("count", "counter", true),
                check("up", "preflight", false),
            ],
            older: older.map(str::to_owned),
            calls: Calls::default(),
        };
        PlanView::new("dev", planned)
    }

    fn text(plan: Plan, width: impl Into<Option<usize>>, unicode: bool) -> String {
        let screen = Screen { width: width.into(), unicode, ..Screen::plain(jiff::Timestamp::UNIX_EPOCH) };
        view(plan, None).text(&screen)
    }

    #[test]
    fn a_plan_shows_before_and_after_and_how_it_would_go() {
        let expected = "\
dev: release 8 would follow release 7

WHAT     CHANGE      BEFORE                             AFTER
counter  code        version 5, sources a1b2c3d         sources b1b2c3d
         settings    version 5                          other MemorySize
API      definition  definition 0123456, deployment d1  definition fedcba9, new deployment

unchanged  1 function: preflight
commit     0123456 -> 89abcde and changes
checks     before traffic: health; then through the URL: health, count, up
traffic    canary: 10 % for 5 min, then all of it

 1.  publish and check a version of `counter`; create an API deployment
 2.  give the new version of `counter` 10 % of the traffic
 3.  check through the URL during the shift
 4.  watch the alarms for 5 min
 5.  move the alias of `counter`
 6.  check through the URL after the aliases
 7.  move the stage
 8.  check through the URL after the stage
";
        assert_eq!(text(plan(true), None, true), expected);
        assert_eq!(text(plan(true), 100, true), expected);
        assert_eq!(text(plan(true), 100, false), expected);
    }

    #[test]
    fn a_plan_without_checks_lists_none() {
        let mut planned = Planned {
            plan: plan(true),
            commits: (None, Checked { commit: None, dirty: false, warning: None }),
            checks: Vec::new(),
            older: None,
            calls: Calls::default(),
        };
        planned.plan.has_alarms = false;
        let steps: Vec<_> = PlanView::new("dev", planned).steps.into_iter().flatten().collect();
        let expected = [
            "publish and check a version of `counter`",
            "create an API deployment",
            "give the new version of `counter` 10 % of the traffic",
            "wait 5 min, with no alarms to watch",
            "move the alias of `counter`",
            "move the stage",
        ];
        assert_eq!(steps, expected);
    }

    #[test]
    fn a_plan_fits_narrow_screens() {
        let expected = "\
dev: release 8 would follow release 7

WHAT     CHANGE      AFTER
counter  code        sources b1b2c3d
         settings    other MemorySize
API      definition  definition fedcba9…

unchanged  1 function: preflight
commit     0123456 -> 89abcde and
           changes
checks     before traffic: health; then
           through the URL: health,
           count, up
traffic    canary: 10 % for 5 min, then
           all of it

 1.  publish and check a version of
     `counter`; create an API deployment
 2.  give the new version of `counter`
     10 % of the traffic
 3.  check through the URL during the
     shift
 4.  watch the alarms for 5 min
 5.  move the alias of `counter`
 6.  check through the URL after the
     aliases
 7.  move the stage
 8.  check through the URL after the
     stage
";
        assert_eq!(text(plan(true), 40, true), expected);
    }

    const AT_TWENTY: &str = "\
dev: release 8 would
follow release 7

what  counter
change  code
before
  version 5, sources
  a1b2c3d
after
  sources b1b2c3d

change  settings
before  version 5
after
  other MemorySize

what  API
change  definition
before
  definition
  0123456,
  deployment d1
after
  definition
  fedcba9, new
  deployment

unchanged
  1 function:
  preflight
commit
  0123456 -> 89abcde
  and changes
checks
  before traffic:
  health; then
  through the URL:
  health, count, up
traffic
  canary: 10 % for 5
  min, then all of
  it

 1.  publish and
     check a version
     of `counter`;
     create an API
     deployment
 2.  give the new
     version of
     `counter` 10 %
     of the traffic
 3.  check through
     the URL during
     the shift
 4.  watch the
     alarms for 5
     min
 5.  move the alias
     of `counter`
 6.  check through
     the URL after
     the aliases
 7.  move the stage
 8.  check through
     the URL after
     the stage
";

    #[test]
    fn a_plan_fits_twenty_columns() {
        assert_eq!(text(plan(true), 20, true), AT_TWENTY);
    }

    #[test]
    fn a_first_release_and_an_image_are_named() {
        let mut first = plan(true);
        (first.release, first.live) = (1, 0);
        first.functions.get_mut("counter").unwrap().changes = vec![FunctionChange::First];
        let shown = text(first, None, true);
        assert!(shown.starts_with("dev: release 1 would be the first\n"), "{shown}");
        assert!(shown.contains("counter  first release  version 5"), "{shown}");
        let mut image = plan(true);
        let counter = image.functions.get_mut("counter").unwrap();
        counter.after = After::NewCode(Some("0".repeat(64)));
        assert!(text(image, None, true).contains("counter  image"));
    }

    #[test]
    fn how_traffic_moves_is_named_with_its_times() {
        let (minute, none) = (std::time::Duration::from_secs(60), std::time::Duration::ZERO);
        let of = |shift, watch| traffic(&Plan { traffic: Traffic { shift, watch }, ..plan(true) });
        let canary = of(Shift::Canary { percent: 10, bake: 5 * minute }, 2 * minute);
        assert_eq!(canary, "canary: 10 % for 5 min, then all of it; alarms are watched for 2 min after that");
        let linear = of(Shift::Linear { step: 25, interval: minute / 2 }, none);
        assert_eq!(linear, "linear: 25 % more every 30 s, all of it after 1 min 30 s");
    }

    #[test]
    fn a_plan_says_that_a_later_commit_is_live() {
        let view = view(plan(true), Some("release 7 is newer"));
        let expected = "older over newer: release 7 is newer; `deploy` refuses it without `--downgrade`\n";
        let text = view.text(&Screen::plain(jiff::Timestamp::UNIX_EPOCH));
        assert!(text.ends_with(expected), "{text}");
        assert!(view.summary().unwrap().to_string().contains("Older over newer: release 7 is newer"));
    }

    #[test]
    fn a_plan_with_nothing_to_do_is_one_line() {
        assert_eq!(text(plan(false), None, true), "dev: nothing to do, release 7 is live\n");
    }

    #[test]
    fn a_plan_of_many_functions_is_short() {
        let mut many = plan(true);
        let counter = many.functions["counter"].clone();
        many.functions = (1..=500).map(|number| (format!("f{number}"), counter.clone())).collect();
        let shown = text(many, 100, true);
        assert!(shown.contains("and the same for 497 more"), "{shown}");
    }

    #[test]
    fn the_page_of_a_run_shows_the_same() {
        let view = view(plan(true), None);
        let expected = "\
## dev: release 8 would follow release 7

|  | change | before | after |
| --- | --- | --- | --- |
| counter | code | version 5, sources a1b2c3d | sources b1b2c3d |
|  | settings | version 5 | other MemorySize |
| API | definition | definition 0123456, deployment d1 | definition fedcba9, new deployment |

|  |  |
| --- | --- |
| unchanged | 1 function: preflight |
| commit | 0123456 -&gt; 89abcde and changes |
| checks | before traffic: health; then through the URL: health, count, up |
| traffic | canary: 10 % for 5 min, then all of it |

1. publish and check a version of `counter`; create an API deployment
2. give the new version of `counter` 10 % of the traffic
3. check through the URL during the shift
4. watch the alarms for 5 min
5. move the alias of `counter`
6. check through the URL after the aliases
7. move the stage
8. check through the URL after the stage
";
        assert_eq!(view.summary().unwrap().to_string(), expected);
        assert_eq!(view.outputs(), [("changed", "true".to_owned())]);
    }
}
