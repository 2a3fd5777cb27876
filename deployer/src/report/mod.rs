//! Everything that a person reads, and the JSON that a program reads. The only module that prints.
//!
//! Messages go to stderr as things happen; the result goes to stdout at the end, as text or as one JSON document. In
//! GitHub Actions the log gets groups and annotations, the run's page a summary, and later steps the outputs.

mod console;
mod follow;
mod github;
mod html;
mod lines;
mod many;
mod markdown;
mod progress;
#[cfg(test)]
mod schema;
mod screen;
#[cfg(test)]
mod tests;
mod timeline;
mod view;

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};

use github::GitHub;
use progress::{Live, Progress};
use view::Failed;

use crate::cli::{Output, Verbosity};
use crate::config::GitHubStep;
use crate::ending::Ending as _;
use crate::failure::{Exit, Failure};
use crate::world::World;

pub use html::{Lane, Page, PageView, Repository, write as write_page};
pub use markdown::Markdown;
pub use screen::Screen;
pub use view::{
    BuildView, CallsView, Chart, CheckView, ContractView, Detail, DiffView, DoctorView, EnvironmentStatus, GuardView,
    HistoryView, IdleView, InitView, PlanView, PruneView, ReleaseView, StatusView, UnlockView, View, WrittenView,
};

/// Where messages and results go.
#[derive(Debug)]
pub struct Report {
    output: Output,
    verbosity: Verbosity,
    color: bool,
    unicode: bool,
    world: World,
    github: Option<GitHub>,
    kept: Option<Kept>,
    /// Whether a document was printed: there is one at most.
    has_document: AtomicBool,
    progress: Mutex<Progress>,
    /// The steps of the phase that is under way.
    tally: Mutex<many::Tally>,
    /// None where lines cannot change in place.
    live: Option<Mutex<Live>>,
}

/// The version of the documents that `--output json` prints. It grows when a name goes, or changes its meaning.
const SCHEMA: u32 = 1;

/// What `--output json` prints.
#[derive(serde::Serialize)]
struct Document<'a, T> {
    schema: u32,
    #[serde(flatten)]
    result: &'a T,
}

/// Instead of a result.
#[derive(serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Unsuccessful {
    /// Why there is no result.
    error: Failed,
}

/// Messages and results that were kept instead of printed.
pub type Kept = Arc<Mutex<String>>;

/// The width of the column of verbs.
const VERBS: usize = 12;

impl Report {
    /// Messages in colour if that is allowed and stderr is a terminal, and commands for GitHub if this is a `step` there.
    pub fn new(output: Output, (allows_color, unicode): (bool, bool), step: Option<GitHubStep>, world: &World) -> Self {
        Self {
            output,
            verbosity: Verbosity::Usual,
            color: allows_color && std::io::stderr().is_terminal(),
            unicode,
            world: world.clone(),
            github: step.map(|step| GitHub::new(step, world)),
            kept: None,
            has_document: AtomicBool::new(false),
            progress: Mutex::default(),
            tally: Mutex::default(),
            live: None,
        }
    }

    /// The same, as quiet or verbose as that.
    #[must_use]
    pub fn with_verbosity(mut self, verbosity: Verbosity) -> Self {
        self.verbosity = verbosity;
        self
    }

    /// The same, with live lines where `allowed`, unless stderr is not a terminal or the run is quiet.
    #[must_use]
    pub fn with_live_lines(mut self, allowed: bool) -> Self {
        let possible = allowed && self.github.is_none() && self.verbosity > Verbosity::Quiet;
        self.live = (possible && std::io::stderr().is_terminal()).then(|| Mutex::new(Live::stderr()));
        self
    }

    /// A report that prints nothing and keeps its text. It has no live lines.
    pub fn kept(output: Output, world: &World) -> (Self, Kept) {
        let kept = Kept::default();
        let report = Self {
            output,
            verbosity: Verbosity::Usual,
            color: false,
            unicode: true,
            world: world.clone(),
            github: None,
            kept: Some(Arc::clone(&kept)),
            has_document: AtomicBool::new(false),
            progress: Mutex::default(),
            tally: Mutex::default(),
            live: None,
        };
        (report, kept)
    }

    /// A line of progress: a verb and what it is done to.
    fn line(&self, verb: &str, rest: &str) {
        if self.verbosity > Verbosity::Quiet {
            self.verb_line(verb, rest);
        }
    }

    fn verb_line(&self, verb: &str, rest: &str) {
        let color = if verb == "Failed" { "1;31" } else { "1;32" };
        self.words(&format!("{} {}", self.painted(&format!("{verb:>VERBS$}"), color), printable(rest)));
    }

    /// Something that deserves attention but stops nothing.
    fn warning(&self, message: &str) {
        if self.command(|_| GitHub::warning(message)) {
            return;
        }
        self.words(&format!("{}: {}", self.painted("warning", "1;33"), printable(message)));
    }

    /// Lines of the log that belong together. On GitHub they fold; groups do not nest there.
    fn group(&self, title: &str) {
        if self.verbosity > Verbosity::Quiet {
            self.command(|_| GitHub::group(title));
        }
    }

    /// Of a command that failed and has a result all the same: how it ended, for people; the page of the run; and for later steps
    /// what is true now. The error itself comes last, by [`Self::error`].
    pub fn failed(&self, view: &impl View) {
        self.end();
        if let Some(ending) = view.ending(&self.screen()) {
            self.words(printable(&ending).trim_end());
        }
        self.show(view.summary());
        self.hand_on(view);
        if self.output == Output::Json
            && let Err(lost) = self.write(view)
        {
            self.warning(&format!("{lost:#}"));
        }
    }

    /// A file's text, to stdout, whatever the format of results.
    ///
    /// # Errors
    /// Stdout is closed or full.
    pub fn text(&self, text: &[u8]) -> Result<()> {
        if self.keep(&String::from_utf8_lossy(text)) {
            return Ok(());
        }
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(text).and_then(|()| stdout.flush()).context("cannot write the result")
    }

    /// The parser's output in place of a command: help and version to stdout, an error to stderr; on GitHub it is annotated like
    /// any other error.
    pub fn usage(&self, message: &clap::Error) -> Exit {
        let exit = if message.use_stderr() { Exit::Usage } else { Exit::Done };
        if self.output == Output::Json && exit == Exit::Usage {
            let text = message.render().to_string();
            self.error_document(&Failure::new(exit, first_lines(&text)).into());
        }
        if self.github.is_none() || exit == Exit::Done {
            // If this cannot be printed, the exit code still shows it.
            let _ = message.print();
            return exit;
        }
        let text = message.render().to_string();
        self.words(text.trim_end());
        self.error(&Failure::new(exit, first_lines(&text)).into());
        exit
    }

    /// What to type first, in place of a command that is missing.
    pub fn first_commands(&self, commands: Result<String>) -> Exit {
        match commands {
            Ok(commands) => self.words(&printable(&commands)),
            Err(error) => self.error(&error),
        }
        Exit::Usage
    }

    /// A result as JSON.
    fn document(&self, result: &impl serde::Serialize) -> Result<String> {
        self.has_document.store(true, Ordering::Relaxed);
        Ok(format!("{}\n", serde_json::to_string_pretty(&Document { schema: SCHEMA, result })?))
    }

    /// An error as JSON, to stdout, unless the result that was printed has it already.
    fn error_document(&self, error: &anyhow::Error) {
        if self.output != Output::Json || self.has_document.load(Ordering::Relaxed) {
            return;
        }
        let Ok(text) = self.document(&Unsuccessful { error: Failed::of(error) }) else { return };
        let text = if self.github.is_some() { github::harmless_json(&text) } else { text };
        // Where stdout cannot be written, stderr has the error too.
        let _ = self.text(text.as_bytes());
    }

    /// An error with its causes, and the one hint.
    pub fn error(&self, error: &anyhow::Error) {
        self.end();
        self.error_document(error);
        let hint = error.hint();
        if let Some(github) = &self.github {
            let hinted = hint.map_or_else(String::new, |hint| format!("\nhint: {hint}"));
            let title = title(error.exit());
            self.raw(&github.error(title, Failure::place_of(error), &format!("{error:#}{hinted}")));
            if !github.has_shown() {
                let mut page = Markdown::titled(&format!("❌ deployer: {}", title.to_lowercase()));
                Failed::of(error).show(&mut page);
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
    /// Stdout is closed or full.
    pub fn result(&self, view: &impl View) -> Result<()> {
        self.end();
        self.show(view.summary());
        self.hand_on(view);
        self.write(view)
    }

    /// The result of a command that has changed something: that it cannot be written does not undo that, so it only warns.
    pub fn result_of_change(&self, view: &impl View) {
        if let Err(lost) = self.result(view) {
            self.warning(&format!("{lost:#}; the command itself succeeded"));
        }
    }

    fn write(&self, view: &impl View) -> Result<()> {
        let text = match self.output {
            Output::Text => printable(&view.text(&self.screen())),
            Output::Json => self.document(view)?,
        };
        let text = match (&self.github, self.output) {
            (None, _) => text,
            (Some(_), Output::Text) => github::harmless(&text),
            (Some(_), Output::Json) => github::harmless_json(&text),
        };
        if self.keep(&text) {
            return Ok(());
        }
        self.above(|| {
            let mut stdout = std::io::stdout().lock();
            stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).context("cannot write the result to stdout")
        })
    }

    /// On the page of the run, if there is one. If that fails, it only warns.
    fn show(&self, summary: Option<Markdown>) {
        let (Some(github), Some(summary)) = (&self.github, summary) else { return };
        if let Err(error) = github.show(&summary) {
            self.warning(&format!("the summary could not be written: {error}"));
        }
    }

    /// To the steps that follow, if there are any. If that fails, it only warns.
    fn hand_on(&self, view: &impl View) {
        if let Some(Err(error)) = self.github.as_ref().map(|github| github.hand_on(&view.outputs())) {
            self.warning(&format!("the outputs could not be written: {error}"));
        }
    }

    /// A command for GitHub. Returns whether this is a step there.
    fn command(&self, command: impl FnOnce(&GitHub) -> String) -> bool {
        self.github.as_ref().map(|github| self.raw(&command(github))).is_some()
    }

    fn words(&self, line: &str) {
        match self.github {
            Some(_) => self.raw(&github::harmless(line)),
            None => self.raw(line),
        }
    }

    /// A message that cannot be written must not stop a release: errors of stderr are ignored.
    fn raw(&self, line: &str) {
        if !self.keep(&format!("{line}\n")) {
            // In one write: lines of a child do not get in between.
            let _ = self.above(|| std::io::stderr().write_all(format!("{line}\n").as_bytes()));
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

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Text without control characters and changes of direction: it may come from AWS or from a file.
fn printable(words: &str) -> String {
    let obeyed = |letter: char| {
        letter.is_control() && !"\n\t".contains(letter)
            || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    words.chars().map(|letter| if obeyed(letter) { char::REPLACEMENT_CHARACTER } else { letter }).collect()
}

/// An error in a few words, for the list of annotations.
fn title(exit: Exit) -> &'static str {
    match exit {
        Exit::BadInput => "Bad input or configuration",
        Exit::Usage => "Usage",
        Exit::Refused => "Refused",
        Exit::Locked => "Another run has the lock",
        Exit::Reverted => "The release failed; what was live before is live",
        Exit::NotReverted => "The release failed and was not reverted",
        Exit::Done | Exit::Error | Exit::Changes => "Failed",
    }
}

/// What is wrong with a command line, without the usage and the pointer to the help.
fn first_lines(message: &str) -> &str {
    let first = message.split("\n\nUsage:").next().unwrap_or_default().trim();
    first.strip_prefix("error: ").unwrap_or(first)
}
