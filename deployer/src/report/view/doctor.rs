//! What `doctor` found: problems with their fixes first, then warnings, then what was not checked.

use std::collections::BTreeMap;

use serde::Serialize;

use super::table::{letters, list, paragraph};
use super::units::count;
use super::{Detail, View};
use crate::doctor::{Finding, Verdict};
use crate::report::markdown::Markdown;
use crate::report::screen::Screen;

/// Of more subjects than this only the number is shown.
const SHOWN: usize = 6;

/// `doctor`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Doctor"))]
pub struct DoctorView {
    /// The environment.
    environment: String,
    /// What was found.
    findings: Vec<Finding>,
    #[serde(skip)]
    detail: Detail,
}

/// The same of several subjects.
#[derive(Debug)]
struct Group<'a> {
    first: &'a Finding,
    subjects: Vec<&'a str>,
    checks: Vec<&'a str>,
    /// What was found, with `NAME` for what the subjects are called.
    detail: String,
    fix: Option<String>,
}

impl DoctorView {
    /// Of what was found.
    pub fn new(environment: &str, findings: Vec<Finding>, detail: Detail) -> Self {
        Self { environment: environment.to_owned(), findings, detail }
    }

    /// How many problems there are.
    pub fn problems(&self) -> usize {
        self.count(Verdict::Problem)
    }

    fn count_in_words(&self) -> String {
        let (problems, warnings) = (self.problems(), self.count(Verdict::Warning));
        let (problems, warnings) = (count(problems, "problem"), count(warnings, "warning"));
        let (unchecked, ok) = (self.count(Verdict::NotChecked), self.count(Verdict::Ok));
        format!("{}: {problems}, {warnings}, {unchecked} not checked, {ok} ok", self.environment)
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.of(verdict).count()
    }

    fn of(&self, verdict: Verdict) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.verdict == verdict)
    }

    /// The findings of a verdict; those that say the same of several subjects, or of several checks of one, are one.
    fn groups(&self, verdict: Verdict) -> Vec<Group<'_>> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        for finding in self.of(verdict) {
            let (detail, fix) =
                (neutral(&finding.detail, finding), finding.fix.as_deref().map(|fix| neutral(fix, finding)));
            let same = groups.iter_mut().find(|group| {
                let other_check = group.subjects == [finding.subject.as_str()];
                let other_subject = group.checks == [finding.check.as_str()];
                (group.detail == detail && group.fix == fix) && (other_check || other_subject)
            });
            match same {
                Some(group) => group.add(finding),
                None => groups.push(Group {
                    first: finding,
                    subjects: vec![&finding.subject],
                    checks: vec![&finding.check],
                    detail,
                    fix,
                }),
            }
        }
        groups
    }

    /// How many were not checked, and why, in one line; `--wide` and programs get each.
    fn not_checked(&self) -> Option<String> {
        let reasons = self.reasons();
        let reasons: Vec<_> =
            reasons.iter().map(|(reason, findings)| format!("{} ({reason})", findings.len())).collect();
        (!reasons.is_empty()).then(|| format!("not checked: {}", reasons.join("; ")))
    }

    /// What was not checked, by the reason and what to do about it.
    fn reasons(&self) -> BTreeMap<String, Vec<&Finding>> {
        let mut reasons: BTreeMap<String, Vec<&Finding>> = BTreeMap::new();
        for finding in self.of(Verdict::NotChecked) {
            let fix = finding.fix.as_ref().map_or_else(String::new, |fix| format!(" -> {fix}"));
            reasons.entry(format!("{}{fix}", finding.detail)).or_default().push(finding);
        }
        reasons
    }
}

/// A text with `NAME` in place of its subject's name: the same of two functions is the same text then.
fn neutral(text: &str, finding: &Finding) -> String {
    let name = finding.subject.split_once(' ').map_or("", |(_, name)| name);
    let is_part = |letter: char| letter.is_alphanumeric() || "-_".contains(letter);
    let (mut neutral, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(name).filter(|_| !name.is_empty()) {
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        // Not within a longer name.
        let whole = !before.ends_with(is_part) && !after.starts_with(is_part);
        neutral.push_str(before);
        neutral.push_str(if whole { "NAME" } else { name });
        rest = after;
    }
    neutral + rest
}

impl<'a> Group<'a> {
    fn add(&mut self, finding: &'a Finding) {
        if !self.subjects.contains(&finding.subject.as_str()) {
            self.subjects.push(&finding.subject);
        }
        if !self.checks.contains(&finding.check.as_str()) {
            self.checks.push(&finding.check);
        }
    }

    fn is_of_many(&self) -> bool {
        self.subjects.len() > 1
    }

    /// `function f`, or `3 functions: a, b, c`.
    fn subject(&self) -> String {
        let names: Vec<_> =
            self.subjects.iter().map(|subject| subject.split_once(' ').unwrap_or(("", subject))).collect();
        let kind = names.first().map_or("", |(kind, _)| kind);
        let same_kind = !kind.is_empty() && names.iter().all(|(other, _)| *other == kind);
        match self.subjects.as_slice() {
            [only] => (*only).to_owned(),
            _ if same_kind => {
                let names: Vec<_> = names.iter().map(|(_, name)| *name).collect();
                format!("{}: {}", count(names.len(), kind), some_of(&names))
            }
            _ => some_of(&self.subjects),
        }
    }

    fn detail(&self) -> &str {
        if self.is_of_many() { &self.detail } else { &self.first.detail }
    }

    fn fix(&self) -> Option<&str> {
        if self.is_of_many() { self.fix.as_deref() } else { self.first.fix.as_deref() }
    }
}

fn some_of(names: &[&str]) -> String {
    match names.len().checked_sub(SHOWN) {
        Some(more @ 1..) => format!("{} and {more} more", names.get(..SHOWN).unwrap_or_default().join(", ")),
        _ => names.join(", "),
    }
}

impl View for DoctorView {
    fn text(&self, screen: &Screen) -> String {
        let mut text = String::new();
        for verdict in [Verdict::Problem, Verdict::Warning] {
            for group in self.groups(verdict) {
                let title = format!("{} {}: {}", word(verdict), group.subject(), some_of(&group.checks));
                text.push_str(&paragraph(&title, "", screen));
                text.push_str(&paragraph(group.detail(), "  ", screen));
                if let Some(fix) = group.fix() {
                    text.push_str(&paragraph(&format!("-> {fix}"), "  ", screen));
                }
                text.push('\n');
            }
        }
        if self.detail == Detail::Wide {
            for (reason, findings) in self.reasons() {
                text.push_str(&paragraph(&format!("{}: {reason}", word(Verdict::NotChecked)), "", screen));
                for finding in findings {
                    text.push_str(&paragraph(&format!("{}: {}", finding.subject, finding.check), "  ", screen));
                }
                text.push('\n');
            }
            let ok = self.of(Verdict::Ok);
            let rows: Vec<_> =
                ok.map(|finding| (format!("{}: {}", finding.subject, finding.check), finding.detail.clone())).collect();
            if !rows.is_empty() {
                text.push_str(&format!("{}\n{}\n", word(Verdict::Ok), list(&rows, "  ", screen)));
            }
        } else if let Some(line) = self.not_checked() {
            text.push_str(&paragraph(&line, "", screen));
            text.push('\n');
        }
        text.push_str(&paragraph(&self.count_in_words(), "", screen));
        letters(&text, screen)
    }

    fn summary(&self) -> Option<Markdown> {
        let sign = if self.problems() == 0 { "✅" } else { "❌" };
        let mut page = Markdown::titled(&format!("{sign} {}", self.count_in_words()));
        let found = [Verdict::Problem, Verdict::Warning].into_iter();
        let rows: Vec<_> = found
            .flat_map(|verdict| self.groups(verdict).into_iter().map(move |group| (verdict, group)))
            .map(|(verdict, group)| {
                let (detail, fix) = (group.detail().to_owned(), group.fix().unwrap_or_default().to_owned());
                [word(verdict).to_owned(), group.subject(), some_of(&group.checks), detail, fix]
            })
            .collect();
        page.table(["", "of", "check", "found", "what to do"], &rows);
        if let Some(line) = self.not_checked() {
            page.paragraph(&line);
        }
        Some(page)
    }
}

/// A problem is in capitals: it has to be found in a long list.
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

    fn view(detail: Detail) -> DoctorView {
        let of = |name: &str, verdict| Finding {
            detail: format!("alias `live` of `{name}` does not exist"),
            ..finding(&format!("function {name}"), "alias", verdict, Some("make it"))
        };
        let findings = vec![
            finding("function a", "version", Verdict::Ok, None),
            of("a", Verdict::Problem),
            of("b", Verdict::Problem),
            finding("API x", "permission GET /", Verdict::Problem, Some("apply")),
            finding("API x", "permission GET /orders", Verdict::Problem, Some("apply")),
            finding("API a", "one", Verdict::NotChecked, Some("run it with the role that releases")),
            finding("alarms", "errors", Verdict::Warning, Some("wait")),
            of("c", Verdict::Problem),
            finding("API a", "another", Verdict::NotChecked, Some("run it with the role that releases")),
            finding("API a", "a third", Verdict::NotChecked, Some("look")),
        ];
        DoctorView::new("dev", findings, detail)
    }

    fn text(detail: Detail, width: impl Into<Option<usize>>, unicode: bool) -> String {
        let screen = Screen { width: width.into(), unicode, ..Screen::plain(jiff::Timestamp::UNIX_EPOCH) };
        view(detail).text(&screen)
    }

    #[test]
    fn problems_come_first_and_the_same_of_many_is_one() {
        let expected = "\
PROBLEM 3 functions: a, b, c: alias
  alias `live` of `NAME` does not exist
  -> make it

PROBLEM API x: permission GET /, permission GET /orders
  so
  -> apply

warning alarms: errors
  so
  -> wait

not checked: 1 (so -> look); 2 (so -> run it with the role that releases)

dev: 5 problems, 1 warning, 3 not checked, 1 ok
";
        assert_eq!(text(Detail::Brief, None, true), expected);
        assert_eq!(text(Detail::Brief, 140, true), expected);
        assert_eq!(text(Detail::Brief, 140, false), expected);
    }

    #[test]
    fn doctor_fits_narrow_screens() {
        let expected = "\
PROBLEM 3 functions: a, b, c: alias
  alias `live` of `NAME` does not exist
  -> make it

PROBLEM API x: permission GET /,
permission GET /orders
  so
  -> apply

warning alarms: errors
  so
  -> wait

not checked: 1 (so -> look); 2 (so ->
run it with the role that releases)

dev: 5 problems, 1 warning, 3 not
checked, 1 ok
";
        assert_eq!(text(Detail::Brief, 40, true), expected);
        let expected = "\
PROBLEM 3 functions:
a, b, c: alias
  alias `live` of
  `NAME` does not
  exist
  -> make it

PROBLEM API x:
permission GET /,
permission GET
/orders
  so
  -> apply

warning alarms:
errors
  so
  -> wait

not checked: 1 (so
-> look); 2 (so ->
run it with the role
that releases)

dev: 5 problems, 1
warning, 3 not
checked, 1 ok
";
        assert_eq!(text(Detail::Brief, 20, true), expected);
    }

    #[test]
    fn a_wide_screen_lists_everything() {
        let expected = "\
not checked: so -> look
  API a: a third

not checked: so -> run it with the role that releases
  API a: one
  API a: another

ok
  function a: version  so

dev: 5 problems, 1 warning, 3 not checked, 1 ok
";
        let text = text(Detail::Wide, None, true);
        assert!(text.ends_with(expected), "{text}");
    }

    #[test]
    fn of_many_functions_some_are_named() {
        let findings = (1..=500).map(|number| finding(&format!("function f{number}"), "alias", Verdict::Problem, None));
        let shown =
            DoctorView::new("dev", findings.collect(), Detail::Brief).text(&Screen::plain(jiff::Timestamp::UNIX_EPOCH));
        assert!(shown.starts_with("PROBLEM 500 functions: f1, f2, f3, f4, f5, f6 and 494 more: alias\n"), "{shown}");
    }

    #[test]
    fn where_all_is_well_people_see_the_counts_only() {
        let view = DoctorView::new("dev", vec![finding("function f", "alias", Verdict::Ok, None)], Detail::Brief);
        assert_eq!(
            view.text(&Screen::plain(jiff::Timestamp::UNIX_EPOCH)),
            "dev: 0 problems, 0 warnings, 0 not checked, 1 ok\n"
        );
    }

    #[test]
    fn programs_see_a_list_of_findings() {
        let expected = json!({"subject": "API x", "check": "permission GET /", "verdict": "problem", "detail": "so", "fix": "apply"});
        let seen = serde_json::to_value(view(Detail::Brief)).unwrap();
        assert_eq!(
            (&seen["findings"][3], &seen["findings"][5]["verdict"], &seen["findings"][0]["fix"]),
            (&expected, &json!("not checked"), &json!(null))
        );
    }

    #[test]
    fn the_page_of_a_run_shows_what_is_not_well() {
        let expected = "\
## ❌ dev: 5 problems, 1 warning, 3 not checked, 1 ok

|  | of | check | found | what to do |
| --- | --- | --- | --- | --- |
| PROBLEM | 3 functions: a, b, c | alias | alias `live` of `NAME` does not exist | make it |
| PROBLEM | API x | permission GET /, permission GET /orders | so | apply |
| warning | alarms | errors | so | wait |

not checked: 1 (so -&gt; look); 2 (so -&gt; run it with the role that releases)
";
        assert_eq!(view(Detail::Brief).summary().unwrap().to_string(), expected);
    }
}
