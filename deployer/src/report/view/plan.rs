//! What a release would do, and why: before and after side by side.

use std::fmt::Write as _;

use serde::Serialize;

use super::{CallsView, View};
use crate::commands::Planned;
use crate::plan::{ApiChange, ApiPlan, Plan, short};
use crate::report::markdown::Markdown;
use crate::report::screen::Screen;

/// `plan`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "PlanShown"))]
pub struct PlanView {
    environment: String,
    /// Whether there is something to do.
    pub changes: bool,
    plan: Plan,
    steps: Vec<Vec<String>>,
    /// Why a deploy would be refused without `--downgrade`.
    older: Option<String>,
    aws_calls: CallsView,
}

impl PlanView {
    /// Of a plan.
    pub fn new(environment: &str, Planned { plan, older, calls }: Planned) -> Self {
        let phases = if plan.is_empty() { Vec::new() } else { plan.phases() };
        Self {
            environment: environment.to_owned(),
            changes: !plan.is_empty(),
            steps: phases.iter().map(|phase| phase.iter().map(ToString::to_string).collect()).collect(),
            plan,
            older,
            aws_calls: CallsView::of(&calls),
        }
    }
}

impl PlanView {
    fn title(&self) -> String {
        let Plan { release, live, .. } = &self.plan;
        match self.changes {
            true => format!("{}: release {release} would follow release {live}", self.environment),
            false => format!("{}: nothing to do, release {live} is live", self.environment),
        }
    }

    /// What, before, after, why.
    fn rows(&self) -> Vec<[String; 4]> {
        let Plan { functions, api, .. } = &self.plan;
        let functions = functions.iter().map(|(key, function)| {
            let before = format!("version {}, code {}", function.before.version, short(&function.before.code_sha256));
            [key.clone(), before, function.after.to_string(), joined(&function.changes)]
        });
        functions.chain(api.as_ref().map(api_row)).collect()
    }
}

impl View for PlanView {
    fn text(&self, _: &Screen) -> String {
        let mut text = format!("{}\n\n", self.title());
        let _ = writeln!(text, "  {:<10} {:<36} {:<36} why", "", "before", "after");
        for [what, before, after, why] in self.rows() {
            row(&mut text, &what, &before, &after, &why);
        }
        for (number, phase) in self.steps.iter().enumerate() {
            let before = if number == 0 { "\n" } else { "" };
            let _ = writeln!(text, "{before}  {}. {}", number + 1, phase.join("; "));
        }
        if let Some(older) = &self.older {
            let _ = writeln!(text, "\n  older over newer: {older}; `deploy` refuses it without `--downgrade`");
        }
        text
    }

    fn summary(&self) -> Option<Markdown> {
        let mut page = Markdown::titled(&self.title());
        page.table(["", "before", "after", "why"], &self.rows());
        if self.changes {
            page.numbered(self.steps.iter().map(|phase| phase.join("; ")));
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

fn row(text: &mut String, what: &str, before: &str, after: &str, why: &str) {
    let line = format!("  {what:<10} {before:<36} {after:<36} {why}");
    let _ = writeln!(text, "{}", line.trim_end());
}

fn api_row(api: &ApiPlan) -> [String; 4] {
    let after = match &api.change {
        None => "unchanged".to_owned(),
        Some(ApiChange::Deployment(id)) => format!("deployment {id}"),
        Some(_) => "new deployment".to_owned(),
    };
    let why = api.change.as_ref().map_or_else(String::new, ToString::to_string);
    ["API".to_owned(), format!("deployment {}", api.before), after, why]
}

fn joined(changes: &[impl ToString]) -> String {
    changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::aws::Calls;
    use crate::config::Traffic;
    use crate::ledger::{FunctionPart, ReleaseKind};
    use crate::plan::{After, FunctionChange, FunctionPlan};

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
            kind: ReleaseKind::Deploy,
            back_to: None,
            release: 8,
            live: 7,
            functions: BTreeMap::from([
                ("counter".to_owned(), counter),
                ("preflight".to_owned(), function("p-dev", After::Same, Vec::new())),
            ]),
            api: Some(ApiPlan { before: "d1".to_owned(), definition: "fedcba9876543210".to_owned(), change }),
            traffic: Traffic::default(),
        }
    }

    fn text(changed: bool) -> String {
        PlanView::new("dev", Planned { plan: plan(changed), older: None, calls: Calls::default() })
            .text(&Screen::plain(jiff::Timestamp::UNIX_EPOCH))
    }

    #[test]
    fn a_plan_shows_before_and_after_side_by_side_and_why() {
        let expected = "\
dev: release 8 would follow release 7

             before                               after                                why
  counter    version 5, code zip1zip1zip1         new version                          sources a1b2c3d4e5f6 -> b1b2c3d4e5f6; settings changed: MemorySize
  preflight  version 5, code zip1zip1zip1         unchanged
  API        deployment d1                        new deployment                       definition 0123456789ab -> fedcba987654

  1. publish and check a version of `counter`; create an API deployment
  2. move the alias of `counter`
  3. check through the URL after the aliases
  4. move the stage
  5. check through the URL after the stage
";
        assert_eq!(text(true), expected);
    }

    #[test]
    fn a_plan_says_that_a_later_commit_is_live() {
        let view = PlanView::new(
            "dev",
            Planned { plan: plan(true), older: Some("release 7 is newer".to_owned()), calls: Calls::default() },
        );
        let expected = "older over newer: release 7 is newer; `deploy` refuses it without `--downgrade`\n";
        assert!(
            view.text(&Screen::plain(jiff::Timestamp::UNIX_EPOCH)).ends_with(expected),
            "{}",
            view.text(&Screen::plain(jiff::Timestamp::UNIX_EPOCH))
        );
        assert!(view.summary().unwrap().to_string().contains("Older over newer: release 7 is newer"));
    }

    #[test]
    fn a_plan_with_nothing_to_do_says_so_and_has_no_steps() {
        let expected = "\
dev: nothing to do, release 7 is live

             before                               after                                why
  counter    version 5, code zip1zip1zip1         unchanged
  preflight  version 5, code zip1zip1zip1         unchanged
  API        deployment d1                        unchanged
";
        assert_eq!(text(false), expected);
    }

    #[test]
    fn the_page_of_a_run_shows_the_same() {
        let view = PlanView::new("dev", Planned { plan: plan(true), older: None, calls: Calls::default() });
        let expected = "\
## dev: release 8 would follow release 7

|  | before | after | why |
| --- | --- | --- | --- |
| counter | version 5, code zip1zip1zip1 | new version | sources a1b2c3d4e5f6 -&gt; b1b2c3d4e5f6; settings changed: MemorySize |
| preflight | version 5, code zip1zip1zip1 | unchanged |  |
| API | deployment d1 | new deployment | definition 0123456789ab -&gt; fedcba987654 |

1. publish and check a version of `counter`; create an API deployment
2. move the alias of `counter`
3. check through the URL after the aliases
4. move the stage
5. check through the URL after the stage
";
        assert_eq!(view.summary().unwrap().to_string(), expected);
        assert_eq!(view.outputs(), [("changed", "true".to_owned())]);
    }
}
