//! What happens while a command runs, as plain values that the report shows; and the one question to a person.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use crate::aws::AlarmState;
use crate::ledger::{CheckRecord, Release};
use crate::notices::{Called, Wait, WaitId};
use crate::plan::{Plan, Step};
use crate::rates::Queue;
use crate::verify::{Failed, Log};

/// Something that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// Something was done or begins: a verb and its object.
    Progress(&'a str, &'a str),
    /// Something that deserves attention but stops nothing.
    Warning(&'a str),
    /// A build of these functions begins; the compiler's own output follows.
    BuildBegins(Vec<&'a str>),
    /// A release to this environment has its number and its lock.
    ReleaseBegins(&'a str, &'a Release, &'a Plan),
    /// The steps of a phase, side by side, begin.
    PhaseBegins(&'a [Step]),
    /// A step of the phase is done.
    StepDone(&'a StepDone<'a>),
    /// A wait began.
    WaitBegins(WaitId, &'a Wait),
    /// This number of bytes of an upload has been sent.
    WaitMoves(WaitId, u64),
    /// A wait is over.
    WaitEnds(WaitId),
    /// Calls wait for AWS's rates.
    Queued(&'a Queue),
    /// The alarms were read while a release is watched.
    Watching(&'a Watching),
    /// A call of AWS is over.
    Called(&'a Called),
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

/// A step that is done.
#[derive(Debug)]
pub struct StepDone<'a> {
    /// The step.
    pub step: &'a Step,
    /// The version that the step made or moved traffic to.
    pub version: Option<&'a str>,
    /// The deployment that the step made or moved the stage to.
    pub deployment: Option<&'a str>,
    /// How long it took.
    pub took: Duration,
    /// Whether it sent checks.
    pub checked: bool,
    /// Whether all of them were made by Invoke where they should have gone through the URL.
    pub by_invoke: bool,
}

/// A release while its alarms are watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watching {
    /// How much of the traffic the new versions take, if not all of it.
    pub percent: Option<u8>,
    /// How long the alarms are watched.
    pub time: Duration,
    /// When that began.
    pub since: Instant,
    /// The alarms by name, each with its state; none where it could not be read.
    pub alarms: Vec<(String, Option<AlarmState>)>,
    /// How many responses checks got from each version while the traffic was split, by function and version.
    pub responses: BTreeMap<(String, String), u32>,
}

/// Where events go.
pub trait Events: fmt::Debug + Send + Sync {
    /// Something happened.
    fn emit(&self, event: Event<'_>);

    /// Asks a person. Without a terminal the `flag` is the only way to agree.
    ///
    /// # Errors
    /// There is no terminal.
    fn confirm(&self, question: &str, flag: &str) -> Result<bool>;

    /// Shows how the time passes. Returns when it is to be called again, at the latest.
    fn tick(&self) -> Option<Instant> {
        None
    }
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
