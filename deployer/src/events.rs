//! What happens while a command runs, as it happens: values that something above shows, and the one question to a person.

use std::fmt;
use std::time::Duration;

use anyhow::Result;

use crate::ledger::{CheckRecord, Release};
use crate::plan::{Plan, Step};
use crate::verify::{Failed, Log};

/// Something that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// Something was done or begins: a verb, and what it is done to.
    Progress(&'a str, &'a str),
    /// Something that deserves a look but stops nothing.
    Warning(&'a str),
    /// A build of these functions begins; the compiler's own words follow.
    BuildBegins(Vec<&'a str>),
    /// A release to this environment has its number and its lock.
    ReleaseBegins(&'a str, &'a Release, &'a Plan),
    /// The steps of a phase, side by side, begin.
    PhaseBegins(&'a [Step]),
    /// A step of a release is done, took so long, and sent checks or not.
    StepDone(&'a Step, &'a Release, Duration, bool),
    /// Checks that should have gone through the URL were made by Invoke alone.
    ByInvoke(&'a [&'a CheckRecord]),
    /// A check failed.
    CheckFailed(&'a Failed),
    /// The last lines that this function logged.
    Log(&'a str, &'a [String]),
    /// A release failed after traffic had begun to move.
    RevertBegins(&'a Release),
    /// What the last [`Event::BuildBegins`] or [`Event::PhaseBegins`] began is over.
    Ended,
}

/// Where events go.
pub trait Events: fmt::Debug + Send + Sync {
    /// Something happened.
    fn emit(&self, event: Event<'_>);

    /// Asks a person. Where nobody sits at the terminal, nobody agrees, but for a `flag` that does so beforehand.
    ///
    /// # Errors
    /// There is nobody to ask.
    fn confirm(&self, question: &str, flag: &str) -> Result<bool>;
}

/// A build or a phase, until it is dropped.
#[derive(Debug)]
#[must_use = "it is over when this is dropped"]
pub struct Begun<'a>(&'a dyn Events);

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.0.emit(Event::Ended);
    }
}

impl dyn Events + '_ {
    /// See [`Event::Progress`].
    pub fn progress(&self, verb: &str, what: &str) {
        self.emit(Event::Progress(verb, what));
    }

    /// See [`Event::Warning`].
    pub fn warn(&self, message: &str) {
        self.emit(Event::Warning(message));
    }

    /// See [`Event::ByInvoke`]; nothing, if all of `checks` went through the URL.
    pub fn checked(&self, checks: &[CheckRecord]) {
        let by_invoke: Vec<_> = checks.iter().filter(|check| check.by_invoke.is_some()).collect();
        if !by_invoke.is_empty() {
            self.emit(Event::ByInvoke(&by_invoke));
        }
    }

    /// See [`Event::CheckFailed`] and [`Event::Log`].
    pub fn check_failed(&self, failed: &Failed) {
        self.emit(Event::CheckFailed(failed));
        self.log(&format!("by `{}` in check `{}`", failed.function, failed.record.name), &failed.log);
    }

    /// See [`Event::Log`]; nothing, if nothing was logged.
    pub fn log(&self, function: &str, Log(lines): &Log) {
        if !lines.is_empty() {
            self.emit(Event::Log(function, lines));
        }
    }

    /// See [`Event::BuildBegins`].
    pub fn building<'a>(&'a self, functions: impl Iterator<Item = &'a String>) -> Begun<'a> {
        self.emit(Event::BuildBegins(functions.map(String::as_str).collect()));
        Begun(self)
    }

    /// See [`Event::PhaseBegins`].
    pub fn phase(&self, phase: &[Step]) -> Begun<'_> {
        self.emit(Event::PhaseBegins(phase));
        Begun(self)
    }
}
