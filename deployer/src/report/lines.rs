//! The plain lines of a release: each is a verb and what was done.

use std::collections::BTreeMap;

use super::many::{MANY, Shown, few};
use super::{Report, VERBS, locked, printable};
use crate::cli::Verbosity;
use crate::duration::spoken;
use crate::events::StepDone;
use crate::ledger::{CheckRecord, Release};
use crate::plan::{Plan, Sent, Step};
use crate::verify;

impl Report {
    /// A release has its number and its lock.
    pub(super) fn release_begins(&self, environment: &str, release: &Release, plan: &Plan) {
        self.line("Releasing", &format!("{release} to {environment}"));
        let changed: Vec<_> = plan.functions.iter().filter(|(_, function)| !function.changes.is_empty()).collect();
        let shown = if changed.len() > MANY && self.is_brief() { MANY / 2 } else { changed.len() };
        for (key, function) in &changed[..shown] {
            for change in &function.changes {
                self.line("", &format!("{key}: {change}"));
            }
        }
        if shown < changed.len() {
            self.line("", &format!("and {} more functions", changed.len() - shown));
        }
        if let Some(change) = plan.api_change() {
            self.line("", &format!("API: {change}"));
        }
    }

    /// Whether many functions are counted instead of listed.
    fn is_brief(&self) -> bool {
        self.verbosity < Verbosity::Verbose
    }

    /// A step is done.
    pub(super) fn step_done(&self, done: &StepDone<'_>) {
        match locked(&self.tally).done(done.step) {
            Shown::Count(count, all) if self.is_brief() => return self.counted(done, (count, all)),
            Shown::Nothing if self.is_brief() => return,
            _ => {}
        }
        let (version, deployment) = (done.version.unwrap_or("?"), done.deployment.unwrap_or("?"));
        let (verb, rest) = match done.step {
            Step::Prepare(key) if !done.checked => ("Prepared", format!("version {version} of `{key}`")),
            Step::Prepare(key) => ("Prepared", format!("version {version} of `{key}`, checked before traffic")),
            Step::CreateDeployment => ("Created", format!("deployment `{deployment}`")),
            Step::ShiftAlias(key, percent) => ("Shifted", format!("{percent} % of `{key}` to version {version}")),
            Step::MoveAlias(key) => ("Switched", format!("`{key}` to version {version}")),
            Step::MoveStage(_) => ("Switched", format!("the stage to deployment `{deployment}`")),
            Step::Verify(what) if !done.checked => {
                ("Unchecked", format!("{}: no check covers what moved", what.moment))
            }
            Step::Verify(what) if done.by_invoke => ("Checked", format!("{} {}", Sent::ByInvoke, what.moment)),
            Step::Verify(what) => ("Checked", format!("{} {}", what.sent, what.moment)),
            Step::Watch(time) => return self.line("Watched", &format!("the alarms for {}", spoken(*time))),
            Step::Wait(time) => return self.line("Waited", &format!("{}; no alarms to watch", spoken(*time))),
        };
        self.line(verb, &format!("{rest} ({})", spoken(done.took)));
    }

    /// The steps of a phase so far. They began together.
    fn counted(&self, done: &StepDone<'_>, (count, all): (usize, usize)) {
        let (verb, rest) = match done.step {
            Step::ShiftAlias(_, percent) => ("Shifted", format!("{percent} % of {count} of {all} functions")),
            Step::MoveAlias(_) => ("Switched", format!("{count} of {all} functions")),
            _ => ("Prepared", format!("{count} of {all} functions")),
        };
        self.line(verb, &format!("{rest} ({})", spoken(done.took)));
    }

    /// A release failed after traffic had begun to move.
    pub(super) fn revert_begins(&self, release: &Release) {
        if self.world.interrupt.check().is_err() {
            let back = match release.previous {
                0 => "the placeholder".to_owned(),
                previous => format!("release {previous}"),
            };
            return self.words(&format!("Interrupted; going back to {back}"));
        }
        let reason = release.reason.as_deref().unwrap_or("it failed");
        self.warning(&format!("release {release} is reverted: {reason}"));
    }

    /// One line for each reason why checks were made by Invoke alone.
    pub(super) fn by_invoke(&self, checks: &[&CheckRecord]) {
        let mut names: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for check in checks {
            let why = check.by_invoke.as_deref().unwrap_or_default();
            names.entry((why, &check.phase)).or_default().push(&check.name);
        }
        for ((why, phase), names) in names {
            self.line("Checked", &format!("`{}` {phase} by Invoke alone: {why}", few(&names, "`, `")));
        }
    }

    /// What a check expected, and what came instead. It is part of a failure: it is shown however quiet the run is.
    pub(super) fn check_failed(&self, failed: &verify::Failed) {
        let Some(verify::Difference { of, expected, got }) = &failed.difference else {
            return self.verb_line("Failed", &failed.to_string());
        };
        let CheckRecord { name, phase, .. } = &failed.record;
        self.verb_line("Failed", &format!("check `{name}` {phase}"));
        let what = format!("{of} expected:");
        let what = what.trim_start();
        self.aside(&format!("{what} {expected}"));
        self.aside(&format!("{:>width$} {got}", "got:", width = what.chars().count()));
    }

    /// What a function logged. It is part of a failure: it is shown however quiet the run is.
    pub(super) fn log(&self, function: &str, lines: &[String]) {
        self.verb_line("Logged", function);
        lines.iter().for_each(|line| self.aside(line));
    }

    /// A line that belongs to the one above.
    fn aside(&self, line: &str) {
        self.words(&format!("{:>VERBS$} {}", "|", printable(line)));
    }
}
