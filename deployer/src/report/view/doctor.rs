//! What `doctor` found.

use std::fmt::Write as _;

use serde::Serialize;

use super::View;
use crate::doctor::{Finding, Verdict};
use crate::report::markdown::Markdown;

/// `doctor`: as JSON, the list of findings.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct DoctorView {
    #[serde(skip)]
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
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }
}

impl View for DoctorView {
    fn text(&self) -> String {
        let mut text = String::new();
        for group in self.findings.chunk_by(|a, b| a.subject == b.subject) {
            let _ = writeln!(text, "{}", group[0].subject);
            let width = group.iter().map(|finding| finding.check.chars().count()).max().unwrap_or_default();
            for (index, finding) in group.iter().enumerate() {
                // Many that cannot be asked have one reason: it is said once.
                let before = index.checked_sub(1).map(|before| &group[before]);
                let repeated = before.is_some_and(|before| {
                    finding.fix.is_some() && (&before.detail, &before.fix) == (&finding.detail, &finding.fix)
                });
                let (verdict, check) = (word(finding.verdict), &finding.check);
                let detail = if repeated { "likewise" } else { &finding.detail };
                let _ = writeln!(text, "  {verdict:<11}  {check:<width$}  {detail}");
                if let Some(fix) = finding.fix.as_deref().filter(|_| !repeated) {
                    let _ = writeln!(text, "  {:<11}  -> {fix}", "");
                }
            }
            text.push('\n');
        }
        let _ = writeln!(text, "{}", self.count_in_words());
        text
    }

    fn summary(&self) -> Option<Markdown> {
        let sign = if self.problems() == 0 { "✅" } else { "❌" };
        let mut page = Markdown::titled(&format!("{sign} {}", self.count_in_words()));
        let found = self.findings.iter().filter(|finding| finding.verdict != Verdict::Ok);
        let rows: Vec<_> = found
            .map(|finding| {
                let Finding { subject, check, verdict, detail, fix } = finding;
                let fix = fix.clone().unwrap_or_default();
                [subject.clone(), check.clone(), word(*verdict).to_owned(), detail.clone(), fix]
            })
            .collect();
        page.table(["", "asked", "verdict", "found", "what to do"], &rows);
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
            finding("API a", "another", Verdict::NotChecked, Some("ask")),
        ];
        DoctorView::new("dev", findings)
    }

    #[test]
    fn people_see_groups_fixes_and_a_summary() {
        let expected = "function f\n  ok           alias             so\n  PROBLEM      permission GET /  so\n               -> apply\n\n\
                        API a\n  not checked  one      so\n               -> ask\n  not checked  another  likewise\n\n\
                        dev: 1 problem, 0 warnings, 2 not checked, 1 ok\n";
        assert_eq!(view().text(), expected);
    }

    #[test]
    fn programs_see_a_list_of_findings() {
        let expected = json!({"subject": "function f", "check": "permission GET /", "verdict": "problem", "detail": "so", "fix": "apply"});
        let seen = serde_json::to_value(view()).unwrap();
        assert_eq!((&seen[1], &seen[2]["verdict"], &seen[0]["fix"]), (&expected, &json!("not checked"), &json!(null)));
    }

    #[test]
    fn the_page_of_a_run_shows_what_is_not_well() {
        let expected = "\
## ❌ dev: 1 problem, 0 warnings, 2 not checked, 1 ok

|  | asked | verdict | found | what to do |
| --- | --- | --- | --- | --- |
| function f | permission GET / | PROBLEM | so | apply |
| API a | one | not checked | so | ask |
| API a | another | not checked | so | ask |
";
        assert_eq!(view().summary().unwrap().to_string(), expected);
    }
}
