//! Events as they come in: each is printed, or changes what goes on, and what goes on is shown.

use std::io::IsTerminal as _;
use std::sync::MutexGuard;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::Instant;

use super::many::{Tally, few};
use super::progress::{Live, Progress};
use super::{GitHub, Report, locked, printable};
use crate::cli::Verbosity;
use crate::events::{Event, Events};
use crate::failure::Failure;

/// How often live lines are drawn.
const FRAME: Duration = Duration::from_millis(100);

impl Events for Report {
    fn emit(&self, event: Event<'_>) {
        match event {
            Event::Progress(verb, what) => self.line(verb, what),
            Event::Warning(message) => self.warning(message),
            Event::BuildBegins(functions) => {
                let functions = few(&functions, ", ");
                self.group(&format!("build {functions}"));
                self.line("Building", &functions);
                // The compiler writes to the terminal by itself.
                self.hide();
                self.progress().build();
            }
            Event::ReleaseBegins(environment, release, plan) => self.release_begins(environment, release, plan),
            Event::PhaseBegins(phase) => {
                self.group(&few(&phase.iter().map(ToString::to_string).collect::<Vec<_>>(), "; "));
                *locked(&self.tally) = Tally::of(phase);
                self.progress().phase(phase);
            }
            Event::StepDone(done) => {
                self.progress().done(done.step);
                self.step_done(done);
            }
            Event::ByInvoke(checks) => self.by_invoke(checks),
            Event::CheckFailed(failed) => self.check_failed(failed),
            Event::Log(function, lines) => self.log(function, lines),
            Event::RevertBegins(release) => self.revert_begins(release),
            Event::WaitBegins(id, wait) => self.progress().wait(id, wait),
            Event::WaitMoves(id, bytes) => self.progress().sent(id, bytes),
            Event::WaitEnds(id) => self.progress().no_longer(id),
            Event::Queued(queue) => self.progress().queue(queue),
            Event::Watching(watching) => self.progress().watch(watching),
            Event::Called(called) if self.verbosity == Verbosity::Verbose => {
                self.verb_line("Called", &called.to_string());
            }
            Event::Called(_) => {}
            Event::Ended => {
                if self.progress().ended() {
                    self.unhide();
                }
                self.command(|_| GitHub::end_group());
            }
        }
        self.follow();
    }

    fn confirm(&self, question: &str, flag: &str) -> Result<bool> {
        if !std::io::stdin().is_terminal() {
            return Err(Failure::bad_input(format!("cannot ask {question:?}: stdin is not a terminal"))
                .hint(format!("pass `{flag}` to agree, or run it in a terminal; nothing was changed"))
                .into());
        }
        self.hide();
        self.words(&format!("{} [y/N]", printable(question)));
        let mut reply = String::new();
        let read = std::io::stdin().read_line(&mut reply);
        self.unhide();
        read.context("cannot read the reply")?;
        Ok(matches!(reply.trim(), "y" | "Y" | "yes"))
    }

    fn tick(&self) -> Option<Instant> {
        self.follow();
        match self.live() {
            Some(_) => Some(Instant::now() + FRAME),
            None => self.progress().due(),
        }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if let Some(live) = &self.live {
            locked(live).clear();
        }
    }
}

impl Report {
    /// Nothing goes on any more: live lines vanish.
    pub(super) fn end(&self) {
        *self.progress() = Progress::default();
        self.live.as_ref().map(locked).iter_mut().for_each(|live| live.clear());
    }

    /// Prints above the live lines, if there are any.
    pub(super) fn above<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.live {
            Some(live) => locked(live).above(print),
            None => print(),
        }
    }

    /// Live lines only where the run gets to remove them: a signal may end the others at any moment.
    fn live(&self) -> Option<MutexGuard<'_, Live>> {
        self.live.as_ref().filter(|_| self.world.interrupt.is_listening()).map(locked)
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        locked(&self.progress)
    }

    /// Shows what goes on: live, or as far as a plain line is due.
    fn follow(&self) {
        if let Some(mut live) = self.live() {
            live.draw(&mut self.progress(), (self.unicode, self.color));
            return;
        }
        let due = self.progress().plain();
        due.into_iter().for_each(|(verb, rest)| self.line(verb, &rest));
    }

    fn hide(&self) {
        self.live.as_ref().map(locked).iter_mut().for_each(|live| live.hide());
    }

    fn unhide(&self) {
        self.live.as_ref().map(locked).iter_mut().for_each(|live| live.show());
    }
}
