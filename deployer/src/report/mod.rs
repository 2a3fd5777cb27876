//! Every word that a person reads, and the JSON that a program reads. The only room that prints.
//!
//! Words go to stderr as things happen; the result goes to stdout at the end, as text or as one JSON document.

mod view;

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::cli::Output;
use crate::failure::Failure;
use crate::ledger::Release;
use crate::plan::{Plan, Step};

pub use view::{
    BuildView, CallsView, CheckView, DoctorView, EnvironmentStatus, GuardView, HistoryView, LocalEnvironment,
    LocalView, PlanView, PruneView, ReleaseView, StatusView, UnlockView, View,
};

/// Where words go.
#[derive(Debug)]
pub struct Report {
    output: Output,
    color: bool,
}

/// The width of the column of verbs.
const VERBS: usize = 12;

impl Report {
    /// Words in colour if that is allowed and somebody is watching.
    pub fn new(output: Output, allows_color: bool) -> Self {
        Self { output, color: allows_color && std::io::stderr().is_terminal() }
    }

    /// A line of progress: a verb and what it is done to.
    pub fn line(&self, verb: &str, rest: &str) {
        self.words(&format!("{} {rest}", self.painted(&format!("{verb:>VERBS$}"), "1;32")));
    }

    /// Something that deserves a look but stops nothing.
    pub fn warn(&self, message: &str) {
        self.words(&format!("{}: {message}", self.painted("warning", "1;33")));
    }

    /// A build begins; the compiler's own words follow.
    pub fn building<'a>(&self, keys: impl Iterator<Item = &'a String>) {
        self.line("Building", &keys.map(String::as_str).collect::<Vec<_>>().join(", "));
    }

    /// A release has its number and its lock.
    pub fn release_begins(&self, environment: &str, release: &Release, plan: &Plan) {
        self.line("Releasing", &format!("{release} to {environment}"));
        for (key, function) in &plan.functions {
            for change in &function.changes {
                self.line("", &format!("{key}: {change}"));
            }
        }
        if let Some(change) = &plan.api.change {
            self.line("", &format!("API: {change}"));
        }
    }

    /// A step is done, and so long it took.
    pub fn step_done(&self, step: &Step, release: &Release, took: Duration) {
        let version =
            |key: &String| release.parts.functions.get(key).map_or("?", |part| part.version.as_str()).to_owned();
        let (verb, rest) = match step {
            Step::Prepare(key) => ("Prepared", format!("version {} of `{key}`, checked before traffic", version(key))),
            Step::CreateDeployment => ("Created", format!("deployment `{}`", release.parts.deployment)),
            Step::ShiftAlias(key, percent) => {
                ("Shifted", format!("{percent} % of `{key}` to version {}", version(key)))
            }
            Step::MoveAlias(key) => ("Switched", format!("`{key}` to version {}", version(key))),
            Step::MoveStage => ("Switched", format!("the stage to deployment `{}`", release.parts.deployment)),
            Step::Verify(moment) => ("Checked", format!("through the URL {moment}")),
            Step::Watch(time) => ("Watched", format!("the alarms for {} s", time.as_secs())),
        };
        self.line(verb, &format!("{rest} ({} ms)", took.as_millis()));
    }

    /// A release failed after traffic had begun to move.
    pub fn taking_back(&self, release: &Release) {
        let reason = release.reason.as_deref().unwrap_or("it failed");
        self.warn(&format!("release {release} is taken back: {reason}"));
    }

    /// Asks a person. Where nobody sits at the terminal, nobody agrees.
    ///
    /// # Errors
    /// There is nobody to ask.
    pub fn confirm(&self, question: &str) -> Result<bool> {
        if !std::io::stdin().is_terminal() {
            return Err(Failure::bad_input(format!("{question} Nobody is there to answer"))
                .hint("run it in a terminal, or with `--force`; nothing was changed")
                .into());
        }
        self.words(&format!("{question} [y/N]"));
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).context("cannot read the answer")?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }

    /// The completions of a shell, to stdout.
    ///
    /// # Errors
    /// Nobody reads stdout any more.
    pub fn completions(&self, shell: clap_complete::Shell) -> Result<()> {
        let mut text = Vec::new();
        clap_complete::generate(
            shell,
            &mut <crate::cli::Cli as clap::CommandFactory>::command(),
            "deployer",
            &mut text,
        );
        std::io::stdout().lock().write_all(&text).context("cannot write the completions")
    }

    /// An error with its causes, and the one hint.
    pub fn error(&self, error: &anyhow::Error) {
        self.words(&format!("{}: {error:#}", self.painted("error", "1;31")));
        if let Some(hint) = Failure::hint_of(error) {
            self.words(&format!("{}: {hint}", self.painted("hint", "1;36")));
        }
    }

    /// The result of the command, to stdout.
    ///
    /// # Errors
    /// Nobody reads stdout any more.
    pub fn result(&self, view: &impl View) -> Result<()> {
        let text = match self.output {
            Output::Text => view.text(),
            Output::Json => format!("{}\n", serde_json::to_string_pretty(view)?),
        };
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).context("cannot write the result")
    }

    /// A lost word must not stop a release: whether stderr can be written to is not asked.
    fn words(&self, line: &str) {
        let _ = writeln!(std::io::stderr(), "{line}");
    }

    fn painted(&self, text: &str, color: &str) -> String {
        match self.color {
            true => format!("\x1b[{color}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }
}
