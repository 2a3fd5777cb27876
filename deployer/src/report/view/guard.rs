//! A plan of Terraform's, and whether it may be applied.

use serde::Serialize;

use super::{Failed, View};
use crate::guard::Guarded;
use crate::report::markdown::Markdown;
use crate::report::screen::Screen;

/// The page shows at most this many bytes of a plan's text: GitHub drops a summary of more than 1 MiB whole.
const SHOWN: usize = 500_000;

/// `guard`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Guard"))]
pub struct GuardView {
    /// How many changes the plan has.
    changes: usize,
    /// What may matter to live traffic, in words.
    warnings: Vec<String>,
    /// What Terraform says of the plan to people. Programs have the plan itself.
    #[serde(skip)]
    text: Option<String>,
    /// Why it may not be applied.
    #[serde(rename = "error", skip_serializing_if = "Option::is_none")]
    failed: Option<Failed>,
}

impl GuardView {
    /// Of a plan.
    pub fn new(Guarded { changes, warnings, text, refused }: &Guarded) -> Self {
        Self {
            changes: *changes,
            warnings: warnings.clone(),
            text: text.clone(),
            failed: refused.as_ref().map(Failed::of),
        }
    }

    fn changes(&self) -> String {
        if self.changes == 1 { "1 change".to_owned() } else { format!("{} changes", self.changes) }
    }
}

impl View for GuardView {
    fn text(&self, _: &Screen) -> String {
        format!("{}: none cuts live traffic\n", self.changes())
    }

    fn summary(&self) -> Option<Markdown> {
        let mark = match (&self.failed, &self.text) {
            (Some(_), _) => "❌ ",
            (None, Some(_)) => "",
            (None, None) => return None,
        };
        let mut page = Markdown::titled(&format!("{mark}Terraform plan: {}", self.changes()));
        if let Some(failed) = &self.failed {
            failed.show(&mut page);
        }
        if !self.warnings.is_empty() {
            page.labelled("May matter to live traffic", &self.warnings.join("\n"));
        }
        if let Some(text) = &self.text {
            let (shown, left_out) = text.split_at(text.floor_char_boundary(SHOWN));
            page.block_of("text", shown);
            if !left_out.is_empty() {
                page.paragraph(&format!("{} bytes more are left out here; the log has all of it.", left_out.len()));
            }
        }
        Some(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;

    fn view(changes: usize, text: Option<String>, refused: Option<anyhow::Error>) -> GuardView {
        GuardView::new(&Guarded { changes, warnings: Vec::new(), text, refused })
    }

    fn page(view: &GuardView) -> String {
        view.summary().unwrap().to_string()
    }

    #[test]
    fn the_page_shows_the_plan_which_cannot_end_its_block() {
        let text = "  + a\n```\n## b\n\nPlan: 1 to add.\n".to_owned();
        let expected = "\
## Terraform plan: 1 change

````text
  + a
```
## b

Plan: 1 to add.
````
";
        assert_eq!(page(&view(1, Some(text), None)), expected);
        assert_eq!(view(1, None, None).summary(), None);
    }

    #[test]
    fn the_page_of_a_refused_plan_says_why_and_what_to_do_above_the_plan() {
        let error = || anyhow::Error::from(Failure::refused("it would cut `a`").hint("add one beside it"));
        let expected = "\
## ❌ Terraform plan: 2 changes

**What happened:** it would cut `a`

**What to do:** add one beside it

```text
- a
```
";
        assert_eq!(page(&view(2, Some("- a\n".to_owned()), Some(error()))), expected);
        let without_text = expected.split("\n```").next().unwrap();
        assert_eq!(page(&view(2, None, Some(error()))), without_text);
    }

    #[test]
    fn a_long_plan_is_cut_between_two_letters() {
        let text = format!("a{}", "\u{e4}".repeat(SHOWN / 2));
        let page = page(&view(1, Some(text), None));
        assert!(page.ends_with("\u{e4}\n```\n\n2 bytes more are left out here; the log has all of it.\n"));
        assert!(page.len() < SHOWN + 200, "{}", page.len());
    }
}
