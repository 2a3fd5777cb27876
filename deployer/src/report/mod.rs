//! Every word that a person reads, and the JSON that a program reads. The only module that prints.
//!
//! Words go to stderr as things happen; the result goes to stdout at the end, as text or as one JSON document. In
//! GitHub Actions the log gets groups and annotations, the run's page a summary, and later steps the outputs.

mod console;
mod github;
mod markdown;
mod screen;
#[cfg(test)]
mod tests;
mod timeline;
mod view;

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};

use github::GitHub;
use view::Failed;

use crate::cli::Output;
use crate::config::GitHubStep;
use crate::ending::Ending as _;
use crate::events::{Event, Events};
use crate::failure::{Exit, Failure};
use crate::ledger::{CheckRecord, Release};
use crate::plan::{Plan, Step};
use crate::world::World;

pub use markdown::Markdown;
pub use screen::Screen;
pub use view::{
    BuildView, CallsView, CheckView, ContractView, DoctorView, EnvironmentStatus, GuardView, HistoryView, IdleView,
    InitView, PlanView, PruneView, ReleaseView, StatusView, UnlockView, View, WrittenView,
};

/// Where words go.
#[derive(Debug)]
pub struct Report {
    output: Output,
    color: bool,
    unicode: bool,
    world: World,
    github: Option<GitHub>,
    kept: Option<Kept>,
}

/// Words and results that were kept instead of printed.
pub type Kept = Arc<Mutex<String>>;

/// The width of the column of verbs.
const VERBS: usize = 12;

impl Report {
    /// Words in colour if that is allowed and somebody is watching, and commands for GitHub if this is a `step` there.
    pub fn new(output: Output, (allows_color, unicode): (bool, bool), step: Option<GitHubStep>, world: &World) -> Self {
        Self {
            output,
            color: allows_color && std::io::stderr().is_terminal(),
            unicode,
            world: world.clone(),
            github: step.map(|step| GitHub::new(step, world)),
            kept: None,
        }
    }

    /// One that prints nothing: what it would print is kept.
    pub fn kept(output: Output, world: &World) -> (Self, Kept) {
        let kept = Kept::default();
        let report = Self {
            output,
            color: false,
            unicode: true,
            world: world.clone(),
            github: None,
            kept: Some(Arc::clone(&kept)),
        };
        (report, kept)
    }

    /// A line of progress: a verb and what it is done to.
    fn line(&self, verb: &str, rest: &str) {
        self.words(&format!("{} {}", self.painted(&format!("{verb:>VERBS$}"), "1;32"), printable(rest)));
    }

    /// Something that deserves a look but stops nothing.
    fn warning(&self, message: &str) {
        if self.command(|_| GitHub::warning(message)) {
            return;
        }
        self.words(&format!("{}: {}", self.painted("warning", "1;33"), printable(message)));
    }

    /// Lines of the log that belong together. On GitHub they fold; groups do not nest there.
    fn group(&self, title: &str) {
        self.command(|_| GitHub::group(title));
    }

    /// A release has its number and its lock.
    fn release_begins(&self, environment: &str, release: &Release, plan: &Plan) {
        self.line("Releasing", &format!("{release} to {environment}"));
        for (key, function) in &plan.functions {
            for change in &function.changes {
                self.line("", &format!("{key}: {change}"));
            }
        }
        if let Some(change) = plan.api_change() {
            self.line("", &format!("API: {change}"));
        }
    }

    /// A step is done, and so long it took.
    fn step_done(&self, (step, checked): (&Step, bool), release: &Release, took: Duration) {
        let version =
            |key: &String| release.parts.functions.get(key).map_or("?", |part| part.version.as_str()).to_owned();
        let deployment = release.parts.deployment.as_deref().unwrap_or("?");
        let (verb, rest) = match step {
            Step::Prepare(key) if !checked => ("Prepared", format!("version {} of `{key}`", version(key))),
            Step::Prepare(key) => ("Prepared", format!("version {} of `{key}`, checked before traffic", version(key))),
            Step::CreateDeployment => ("Created", format!("deployment `{deployment}`")),
            Step::ShiftAlias(key, percent) => {
                ("Shifted", format!("{percent} % of `{key}` to version {}", version(key)))
            }
            Step::MoveAlias(key) => ("Switched", format!("`{key}` to version {}", version(key))),
            Step::MoveStage(_) => ("Switched", format!("the stage to deployment `{deployment}`")),
            Step::Verify(what) if !checked => ("Unchecked", format!("{}: no check looks at what moved", what.moment)),
            Step::Verify(what) => ("Checked", format!("{} {}", what.sent, what.moment)),
            Step::Watch(time) => ("Watched", format!("the alarms for {} s", time.as_secs())),
        };
        self.line(verb, &format!("{rest} ({} ms)", took.as_millis()));
    }

    /// A release failed after traffic had begun to move.
    fn revert_begins(&self, release: &Release) {
        let reason = release.reason.as_deref().unwrap_or("it failed");
        self.warning(&format!("release {release} is reverted: {reason}"));
    }

    /// A command did not end well and has something to say all the same: of a release the run's page says what was
    /// done, what not, and what serves, and later steps get what is true of it. What went wrong the error itself says,
    /// which comes last.
    pub fn failed(&self, view: &impl View) {
        if self.output == Output::Json && self.result(view).is_ok() {
            return;
        }
        self.show(view.summary());
        self.hand_on(view);
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

    /// What the parser has to say instead of a command line: help and version to stdout, an error to stderr; on GitHub
    /// an error is one like any other.
    pub fn usage(&self, message: &clap::Error) -> Exit {
        let exit = if message.use_stderr() { Exit::Usage } else { Exit::Done };
        if self.github.is_none() || exit == Exit::Done {
            // Where even this cannot be printed, the exit code still says it.
            let _ = message.print();
            return exit;
        }
        let text = message.render().to_string();
        self.words(text.trim_end());
        self.error(&Failure::new(exit, first_lines(&text)).into());
        exit
    }

    /// One line for each reason.
    fn by_invoke(&self, checks: &[&CheckRecord]) {
        let mut names: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for check in checks {
            let why = check.by_invoke.as_deref().unwrap_or_default();
            names.entry((why, &check.phase)).or_default().push(&check.name);
        }
        for ((why, phase), names) in names {
            self.line("Checked", &format!("`{}` {phase} by Invoke alone: {why}", names.join("`, `")));
        }
    }

    /// An error with its causes, and the one hint.
    pub fn error(&self, error: &anyhow::Error) {
        let hint = error.hint();
        if let Some(github) = &self.github {
            let hinted = hint.map_or_else(String::new, |hint| format!("\nhint: {hint}"));
            let title = title(error.exit());
            self.raw(&github.error(title, Failure::place_of(error), &format!("{error:#}{hinted}")));
            if !github.has_shown() {
                let mut page = Markdown::titled(&format!("❌ deployer: {}", title.to_lowercase()));
                Failed::of(error).tell(&mut page);
                self.show(Some(page));
            }
            return;
        }
        self.words(&format!("{}: {}", self.painted("error", "1;31"), printable(&format!("{error:#}"))));
        if let Some(hint) = hint {
            self.words(&format!("{}: {}", self.painted("hint", "1;36"), printable(hint)));
        }
    }

    /// The result of the command, to stdout; and to GitHub, if this is a step there.
    ///
    /// # Errors
    /// Nobody reads stdout any more.
    pub fn result(&self, view: &impl View) -> Result<()> {
        let text = match self.output {
            Output::Text => printable(&view.text(&self.screen())),
            Output::Json => format!("{}\n", serde_json::to_string_pretty(view)?),
        };
        let text = match (&self.github, self.output) {
            (None, _) => text,
            (Some(_), Output::Text) => github::harmless(&text),
            (Some(_), Output::Json) => github::harmless_json(&text),
        };
        self.show(view.summary());
        self.hand_on(view);
        if self.keep(&text) {
            return Ok(());
        }
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).context("cannot write the result")
    }

    /// On the page of the run, if there is one. That it cannot be written fails nothing.
    fn show(&self, summary: Option<Markdown>) {
        let (Some(github), Some(summary)) = (&self.github, summary) else { return };
        if let Err(error) = github.show(&summary) {
            self.warning(&format!("the summary could not be written: {error}"));
        }
    }

    /// To the steps that follow, if there are any. That it cannot be written fails nothing.
    fn hand_on(&self, view: &impl View) {
        if let Some(Err(error)) = self.github.as_ref().map(|github| github.hand_on(&view.outputs())) {
            self.warning(&format!("the outputs could not be written: {error}"));
        }
    }

    /// A line for GitHub. Returns whether there is one to read it.
    fn command(&self, command: impl FnOnce(&GitHub) -> String) -> bool {
        self.github.as_ref().map(|github| self.raw(&command(github))).is_some()
    }

    fn words(&self, line: &str) {
        match self.github {
            Some(_) => self.raw(&github::harmless(line)),
            None => self.raw(line),
        }
    }

    /// A lost word must not stop a release: whether stderr can be written to is not asked.
    fn raw(&self, line: &str) {
        if !self.keep(&format!("{line}\n")) {
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }

    /// Where results are shown.
    fn screen(&self) -> Screen {
        match self.kept {
            Some(_) => Screen::plain(self.world.now()),
            None => Screen::stdout(self.color, self.unicode, self.world.now()),
        }
    }

    /// Whether the text was kept: then it is not printed.
    fn keep(&self, text: &str) -> bool {
        let Some(kept) = &self.kept else { return false };
        kept.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
        true
    }

    fn painted(&self, text: &str, color: &str) -> String {
        match self.color {
            true => format!("\x1b[{color}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }
}

impl Events for Report {
    fn emit(&self, event: Event<'_>) {
        match event {
            Event::Progress(verb, what) => self.line(verb, what),
            Event::Warning(message) => self.warning(message),
            Event::BuildBegins(functions) => {
                let functions = functions.join(", ");
                self.group(&format!("build {functions}"));
                self.line("Building", &functions);
            }
            Event::ReleaseBegins(environment, release, plan) => self.release_begins(environment, release, plan),
            Event::PhaseBegins(phase) => {
                self.group(&phase.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "));
            }
            Event::StepDone(step, release, took, checked) => self.step_done((step, checked), release, took),
            Event::ByInvoke(checks) => self.by_invoke(checks),
            Event::Log(check, lines) => self.log(check, lines),
            Event::RevertBegins(release) => self.revert_begins(release),
            Event::Ended => drop(self.command(|_| GitHub::end_group())),
        }
    }

    fn confirm(&self, question: &str, flag: &str) -> Result<bool> {
        if !std::io::stdin().is_terminal() {
            return Err(Failure::bad_input(format!("{question} There is no terminal to reply on"))
                .hint(format!("run it in a terminal, or pass `{flag}` to confirm; nothing was changed"))
                .into());
        }
        self.words(&format!("{} [y/N]", printable(question)));
        let mut response = String::new();
        std::io::stdin().read_line(&mut response).context("cannot read the reply")?;
        Ok(matches!(response.trim(), "y" | "Y" | "yes"))
    }
}

impl Report {
    /// A function's own words.
    fn log(&self, check: &str, lines: &[String]) {
        self.line("Logged", &format!("by the function during check `{check}`, at the end"));
        for line in lines {
            self.words(&format!("{:>VERBS$} {}", "|", printable(line)));
        }
    }
}

/// Words without what a terminal obeys, or what turns the direction of a line: they may come from AWS or from a file.
fn printable(words: &str) -> String {
    let obeyed = |letter: char| {
        letter.is_control() && !"\n\t".contains(letter)
            || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    words.chars().map(|letter| if obeyed(letter) { char::REPLACEMENT_CHARACTER } else { letter }).collect()
}

/// An error in the fewest words, for the list of annotations.
fn title(exit: Exit) -> &'static str {
    match exit {
        Exit::BadInput => "Bad input or configuration",
        Exit::Usage => "Usage",
        Exit::Refused => "Refused",
        Exit::Locked => "Another run holds the lock",
        Exit::Reverted => "The release failed; what was live before is live",
        Exit::NotReverted => "The release failed and was not reverted",
        Exit::Done | Exit::Error | Exit::Changes => "Failed",
    }
}

/// What is wrong with a command line, without how it should look and where that is explained.
fn first_lines(message: &str) -> &str {
    let first = message.split("\n\nUsage:").next().unwrap_or_default().trim();
    first.strip_prefix("error: ").unwrap_or(first)
}
