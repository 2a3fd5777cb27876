//! What a release would do, and why: before and after side by side.

use std::fmt::Write as _;

use serde::Serialize;

use super::{CallsView, View};
use crate::aws::Calls;
use crate::plan::{After, ApiChange, Plan, short};

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
        let Plan { release, live, functions, api, .. } = &self.plan;
        let mut text = match self.changes {
            true => format!("{}: release {release} would follow release {live}\n\n", self.environment),
            false => format!("{}: nothing to do, release {live} is live\n\n", self.environment),
        };
        let _ = writeln!(text, "  {:<10} {:<36} {:<36} why", "", "before", "after");
        for (key, function) in functions {
            let before = format!("version {}, code {}", function.before.version, short(&function.before.code_sha256));
            let after = match &function.after {
                After::Same => "unchanged".to_owned(),
                other => other.to_string(),
            };
            row(&mut text, key, &before, &after, &joined(&function.changes));
        }
        let after = match &api.change {
            None => "unchanged".to_owned(),
            Some(ApiChange::Deployment(id)) => format!("deployment {id}"),
            Some(_) => "new deployment".to_owned(),
        };
        let why = api.change.as_ref().map_or_else(String::new, ToString::to_string);
        row(&mut text, "API", &format!("deployment {}", api.before), &after, &why);
        for (number, phase) in self.steps.iter().enumerate() {
            let before = if number == 0 { "\n" } else { "" };
            let _ = writeln!(text, "{before}  {}. {}", number + 1, phase.join("; "));
        }
        text
    }
}

fn row(text: &mut String, what: &str, before: &str, after: &str, why: &str) {
    let line = format!("  {what:<10} {before:<36} {after:<36} {why}");
    let _ = writeln!(text, "{}", line.trim_end());
}

fn joined(changes: &[impl ToString]) -> String {
    changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
