//! The results of checks.

use std::fmt::Write as _;

use serde::Serialize;

use super::{CallsView, View};
use crate::commands::Checked;
use crate::ledger::CheckRecord;
use crate::report::markdown::Markdown;
use crate::report::screen::Screen;

/// `check`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Check"))]
pub struct CheckView {
    /// The environment.
    environment: String,
    /// The URL of the API or function.
    url: Option<String>,
    /// Whether all of them passed.
    pub passed: bool,
    /// The checks with their responses.
    checks: Vec<CheckRecord>,
    aws_calls: CallsView,
}

impl CheckView {
    /// Of the checks of one environment.
    pub fn new(environment: &str, checked: Checked) -> Self {
        let Checked { checks, url, calls } = checked;
        Self {
            environment: environment.to_owned(),
            url,
            passed: checks.iter().all(|check| check.passed),
            checks,
            aws_calls: CallsView::of(&calls),
        }
    }
}

impl View for CheckView {
    fn text(&self, _: &Screen) -> String {
        let mut text = format!("{}: {}\n", self.environment, self.url.as_deref().unwrap_or("by Invoke"));
        for check in &self.checks {
            let verdict = if check.passed { "passed" } else { "FAILED" };
            let how = check.by_invoke.as_ref().map_or_else(String::new, |why| format!(", by Invoke alone: {why}"));
            let CheckRecord { name, response, requests, .. } = check;
            let _ = writeln!(text, "  {verdict}  {name:<12} {response} ({requests} requests{how})");
        }
        text
    }

    fn summary(&self) -> Option<Markdown> {
        let failed = self.checks.iter().filter(|check| !check.passed).count();
        let title = match failed {
            0 => match self.checks.len() {
                1 => format!("✅ {}: the check passes", self.environment),
                count => format!("✅ {}: all {count} checks pass", self.environment),
            },
            _ => format!("❌ {}: {failed} of {} checks fail", self.environment, self.checks.len()),
        };
        let mut page = Markdown::titled(&title);
        table(&mut page, &self.checks);
        Some(page)
    }
}

/// The checks with their responses.
pub(super) fn table(page: &mut Markdown, checks: &[CheckRecord]) {
    let rows: Vec<_> = checks
        .iter()
        .map(|check| {
            let verdict = if check.passed { "passed" } else { "❌ failed" };
            let CheckRecord { name, phase, response, requests, .. } = check;
            let how = check.by_invoke.as_ref().map_or_else(String::new, |why| format!(", by Invoke alone: {why}"));
            [format!("`{name}`"), phase.clone(), verdict.to_owned(), format!("{response}{how}"), requests.to_string()]
        })
        .collect();
    page.table(["check", "when", "result", "request -> response", "requests"], &rows);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_which_check_fails() {
        let check = |name: &str, passed, response: &str| CheckRecord {
            name: name.to_owned(),
            phase: "live".to_owned(),
            passed,
            response: response.to_owned(),
            requests: 3,
            by_invoke: None,
        };
        let view = CheckView {
            environment: "dev".to_owned(),
            url: Some("http://x".to_owned()),
            passed: false,
            checks: vec![check("health", true, "GET /health -> 200"), check("a|b", false, "503 `x|y`\n| z")],
            aws_calls: CallsView::of(&crate::aws::Calls::default()),
        };
        let expected = "\
## ❌ dev: 1 of 2 checks fail

| check | when | result | request -&gt; response | requests |
| --- | --- | --- | --- | --- |
| `health` | live | passed | GET /health -&gt; 200 | 3 |
| <code>a&#124;b</code> | live | ❌ failed | 503 <code>x&#124;y</code> &#124; z | 3 |
";
        assert_eq!(view.summary().unwrap().to_string(), expected);
    }
}
