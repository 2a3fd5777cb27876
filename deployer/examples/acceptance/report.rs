//! What came of a run, for people (Markdown) and programs (JSON). Written after every step, so that no ending loses it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::facts::{Fact, Verdict};

/// One step and what it came to.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) succeeded: bool,
    pub(crate) seconds: f64,
    /// Requests to AWS by operation, as far as the program that made them counts them.
    pub(crate) calls: BTreeMap<String, usize>,
    /// How many of them AWS throttled.
    pub(crate) throttled: usize,
    /// What it came to, in a line.
    pub(crate) note: String,
}

/// The whole run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) prefix: String,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) endpoint: Option<String>,
    pub(crate) commit: String,
    pub(crate) started: String,
    pub(crate) ended: Option<String>,
    pub(crate) steps: Vec<Step>,
    pub(crate) facts: Vec<Fact>,
    /// What could not be removed, each with the command that removes it.
    pub(crate) left: Vec<String>,
    #[serde(skip)]
    pub(crate) folder: PathBuf,
    /// Of the two files: a run that only destroys leaves the report of the run before it.
    #[serde(skip)]
    pub(crate) name: &'static str,
}

impl Report {
    /// Whether every step did what it should and nothing is left. What AWS does otherwise than claimed is a finding, not a failure.
    pub(crate) fn succeeded(&self) -> bool {
        self.left.is_empty() && self.steps.iter().all(|step| step.succeeded)
    }

    pub(crate) fn markdown_path(&self) -> PathBuf {
        self.folder.join(format!("{}.md", self.name))
    }

    /// Writes both files.
    pub(crate) fn write(&self) -> Result<()> {
        write(&self.folder.join(format!("{}.json", self.name)), &serde_json::to_string_pretty(self)?)?;
        write(&self.markdown_path(), &self.markdown())
    }

    fn markdown(&self) -> String {
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = self.describe(&mut text);
        text
    }

    fn describe(&self, text: &mut String) -> std::fmt::Result {
        let verdict = match (&self.ended, self.succeeded()) {
            (None, _) => "not finished",
            (Some(_), true) => "passed",
            (Some(_), false) => "failed",
        };
        writeln!(text, "# Acceptance of `{}`: {verdict}\n", self.prefix)?;
        writeln!(text, "Account {}, region {}, commit {}.", self.account, self.region, self.commit)?;
        if let Some(endpoint) = &self.endpoint {
            writeln!(text, "**Not AWS**: an emulator at {endpoint}.")?;
        }
        writeln!(text, "Started {}, ended {}.", self.started, self.ended.as_deref().unwrap_or("not yet"))?;
        self.steps(text)?;
        self.facts(text)?;
        if !self.left.is_empty() {
            writeln!(text, "\n## Left\n")?;
            for left in &self.left {
                writeln!(text, "- {left}")?;
            }
        }
        Ok(())
    }

    fn steps(&self, text: &mut String) -> std::fmt::Result {
        if self.steps.is_empty() {
            return Ok(());
        }
        writeln!(text, "\n## Steps\n\n| step | | seconds | AWS calls | throttled | |\n|---|---|---|---|---|---|")?;
        for step in &self.steps {
            let outcome = if step.succeeded { "ok" } else { "**failed**" };
            let calls: usize = step.calls.values().sum();
            writeln!(
                text,
                "| {} | {outcome} | {:.1} | {calls} | {} | {} |",
                step.name,
                step.seconds,
                step.throttled,
                cell(&step.note)
            )?;
        }
        writeln!(text, "\n<details><summary>AWS calls by step</summary>\n")?;
        for step in self.steps.iter().filter(|step| !step.calls.is_empty()) {
            let calls: Vec<_> = step.calls.iter().map(|(operation, count)| format!("{operation} {count}")).collect();
            writeln!(text, "- {}: {}", step.name, calls.join(", "))?;
        }
        writeln!(text, "\n</details>")
    }

    fn facts(&self, text: &mut String) -> std::fmt::Result {
        if self.facts.is_empty() {
            return Ok(());
        }
        let count = |verdict| self.facts.iter().filter(|fact| fact.verdict == verdict).count();
        let [confirmed, contradicted, unseen] =
            [Verdict::Confirmed, Verdict::Contradicted, Verdict::NotSeen].map(count);
        writeln!(text, "\n## Facts\n\n{confirmed} confirmed, {contradicted} contradicted, {unseen} not seen.\n")?;
        writeln!(text, "| fact | | seen |\n|---|---|---|")?;
        for fact in &self.facts {
            writeln!(text, "| {} | {} | {} |", cell(fact.claim), fact.verdict, cell(&fact.seen))?;
        }
        Ok(())
    }
}

/// Text escaped for a table.
fn cell(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    line.chars().take(300).collect()
}

fn write(path: &Path, text: &str) -> Result<()> {
    // Whole or not at all.
    let draft = path.with_extension("draft");
    std::fs::write(&draft, text).with_context(|| format!("cannot write `{}`", draft.display()))?;
    std::fs::rename(&draft, path).with_context(|| format!("cannot write `{}`", path.display()))
}
