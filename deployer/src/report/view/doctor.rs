//! What `doctor` found.

use std::fmt::Write as _;

use serde::Serialize;

use super::View;
use crate::doctor::{Finding, Verdict};
use crate::report::markdown::Markdown;
use crate::report::screen::Screen;

/// `doctor`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Doctor"))]
pub struct DoctorView {
    environment: String,
    findings: Vec<Finding>,
}

impl DoctorView {
    /// Of what was found.
    pub fn new(environment: &str, findings: Vec<Finding>) -> Self {
        Self { environment: environment.to_owned(), findings }
    }

    /// How many problems there are.
    pub fn problems(&self) -> usize {
        self.count(Verdict::Problem)
    }

    fn count_in_words(&self) -> String {
        let (problems, warnings) = (self.problems(), self.count(Verdict::Warning));
        let plural = |number: usize| if number == 1 { "" } else { "s" };
        format!(
            "{}: {problems} problem{}, {warnings} warning{}, {} not checked, {} ok",
            self.environment,
            plural(problems),
            plural(warnings),
            self.count(Verdict::NotChecked),
            self.count(Verdict::Ok),
        )
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.of(verdict).count()
    }

    fn of(&self, verdict: Verdict) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.verdict == verdict)
    }

    /// How many were not checked for which reason, in one line; what they are, programs see.
    fn not_checked(&self) -> Option<String> {
        let mut reasons: Vec<(&str, &str, usize)> = Vec::new();
        for finding in self.of(Verdict::NotChecked) {
            let fix = finding.fix.as_deref().unwrap_or_default();
            match reasons.iter_mut().find(|(why, what, _)| (*why, *what) == (finding.detail.as_str(), fix)) {
                Some((.., count)) => *count += 1,
                None => reasons.push((&finding.detail, fix, 1)),
            }
        }
        let reasons: Vec<_> = reasons.iter().map(|(why, fix, count)| format!("{count}: {why} (-> {fix})")).collect();
        (!reasons.is_empty()).then(|| format!("not checked, with `--output json` each: {}", reasons.join("; ")))
    }
}

impl View for DoctorView {
    fn text(&self, _: &Screen) -> String {
        let mut text = String::new();
        for verdict in [Verdict::Problem, Verdict::Warning] {
            for Finding { subject, check, detail, fix, .. } in self.of(verdict) {
                let _ = writeln!(text, "{} {subject}: {check}\n  {detail}", word(verdict));
                if let Some(fix) = fix {
                    let _ = writeln!(text, "  -> {fix}");
                }
                text.push('\n');
            }
        }
        if let Some(line) = self.not_checked() {
            let _ = writeln!(text, "{line}\n");
        }
        let _ = writeln!(text, "{}", self.count_in_words());
        text
    }

    fn summary(&self) -> Option<Markdown> {
        let sign = if self.problems() == 0 { "✅" } else { "❌" };
        let mut page = Markdown::titled(&format!("{sign} {}", self.count_in_words()));
        let found = [Verdict::Problem, Verdict::Warning].into_iter().flat_map(|verdict| self.of(verdict));
        let rows: Vec<_> = found
            .map(|finding| {
                let Finding { subject, check, verdict, detail, fix } = finding;
                let fix = fix.clone().unwrap_or_default();
                [subject.clone(), check.clone(), word(*verdict).to_owned(), detail.clone(), fix]
            })
            .collect();
        if !rows.is_empty() {
            page.table(["", "asked", "verdict", "found", "what to do"], &rows);
        }
        if let Some(line) = self.not_checked() {
            page.paragraph(&line);
        }
        Some(page)
    }
}

/// A problem shouts: it is looked for in a long table.
fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "ok",
        Verdict::Problem => "PROBLEM",
        Verdict::Warning => "warning",
        Verdict::NotChecked => "not checked",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn finding(subject: &str, check: &str, verdict: Verdict, fix: Option<&str>) -> Finding {
        let text = str::to_owned;
        Finding { subject: text(subject), check: text(check), verdict, detail: text("so"), fix: fix.map(text) }
    }

    fn view() -> DoctorView {
        let findings = vec![
            finding("function f", "alias", Verdict::Ok, None),
            finding("function f", "permission GET /", Verdict::Problem, Some("apply")),
            finding("API a", "one", Verdict::NotChecked, Some("ask")),
            finding("alarms", "b", Verdict::Warning, Some("wait")),
            finding("API a", "another", Verdict::NotChecked, Some("ask")),
            finding("API a", "a third", Verdict::NotChecked, Some("look")),
        ];
        DoctorView::new("dev", findings)
    }

    #[test]
    fn people_see_problems_first_and_one_line_for_all_that_was_not_checked() {
        let expected = "\
PROBLEM function f: permission GET /
  so
  -> apply

warning alarms: b
  so
  -> wait

not checked, with `--output json` each: 2: so (-> ask); 1: so (-> look)

dev: 1 problem, 1 warning, 3 not checked, 1 ok
";
        assert_eq!(view().text(&Screen::plain(jiff::Timestamp::UNIX_EPOCH)), expected);
    }

    #[test]
    fn where_all_is_well_people_see_the_counts_only() {
        let view = DoctorView::new("dev", vec![finding("function f", "alias", Verdict::Ok, None)]);
        assert_eq!(
            view.text(&Screen::plain(jiff::Timestamp::UNIX_EPOCH)),
            "dev: 0 problems, 0 warnings, 0 not checked, 1 ok\n"
        );
    }

    #[test]
    fn programs_see_a_list_of_findings() {
        let expected = json!({"subject": "function f", "check": "permission GET /", "verdict": "problem", "detail": "so", "fix": "apply"});
        let seen = serde_json::to_value(view()).unwrap();
        assert_eq!(
            (&seen["findings"][1], &seen["findings"][2]["verdict"], &seen["findings"][0]["fix"]),
            (&expected, &json!("not checked"), &json!(null))
        );
    }

    #[test]
    fn the_page_of_a_run_shows_what_is_not_well() {
        let expected = "\
## ❌ dev: 1 problem, 1 warning, 3 not checked, 1 ok

|  | asked | verdict | found | what to do |
| --- | --- | --- | --- | --- |
| function f | permission GET / | PROBLEM | so | apply |
| alarms | b | warning | so | wait |

not checked, with `--output json` each: 2: so (-&gt; ask); 1: so (-&gt; look)
";
        assert_eq!(view().summary().unwrap().to_string(), expected);
    }
}
