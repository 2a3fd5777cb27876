//! What `init` wrote and made.

use std::fmt::Write as _;

use serde::Serialize;

use super::View;
use crate::init::Initialized;
use crate::report::screen::Screen;

/// `init`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Init"))]
pub struct InitView {
    /// The file that was written.
    file: String,
    /// The environment.
    environment: String,
    /// The names of the functions in Lambda.
    functions: Vec<String>,
    /// The table that is the ledger.
    ledger: String,
    /// Whether that table was created.
    made_ledger: bool,
    /// Whether what is live was recorded as release 1.
    adopted: bool,
    /// The commands to run next.
    next: [String; 2],
}

impl InitView {
    /// Of what was done.
    pub fn new(initialized: Initialized) -> Self {
        let Initialized { file, environment, functions, ledger, made_ledger, adopted } = initialized;
        Self {
            next: ["plan", "deploy"].map(|command| format!("deployer {command} {environment}")),
            file: file.display().to_string(),
            functions: functions.into_iter().map(|(_, name)| name).collect(),
            environment,
            ledger,
            made_ledger,
            adopted,
        }
    }
}

impl View for InitView {
    fn text(&self, _: &Screen) -> String {
        let mut text = format!("{}: {} in `{}`\n", self.environment, count(self.functions.len()), self.file);
        let ledger = if self.made_ledger { "was made" } else { "was there" };
        let _ = writeln!(text, "  ledger      `{}` {ledger}", self.ledger);
        let live = if self.adopted { "is release 1" } else { "was not recorded" };
        let _ = writeln!(text, "  what is live {live}");
        let _ = writeln!(text, "\nNext:\n  {}   # what a deploy would do, and why\n  {}", self.next[0], self.next[1]);
        text
    }
}

fn count(functions: usize) -> String {
    match functions {
        1 => "1 function".to_owned(),
        several => format!("{several} functions"),
    }
}
