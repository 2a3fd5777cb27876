//! How a run ends: exit codes, and errors that say what to do next.
//!
//! An error is an [`anyhow::Error`]; where its class or its hint matters, a [`Failure`] stands in its
//! chain. The front door prints the chain, then the hint, and exits with the class.

use std::fmt;
use std::path::PathBuf;

use crate::aws::{AwsError, Kind};

/// The exit codes, as the README documents them. Scripts branch on these numbers: they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// Something failed; nothing that takes traffic was changed.
    Error = 1,
    /// `plan --detailed-exitcode` found changes.
    Changes = 2,
    /// Bad input or configuration.
    BadInput = 3,
    /// Refused: what is live is not what the run may build on.
    Refused = 4,
    /// Another run holds the environment's lock.
    LockHeld = 5,
    /// The release failed; the environment serves what it served before.
    TakenBack = 6,
    /// The release failed and could not be taken back.
    NotTakenBack = 7,
    /// The command line was not understood.
    Usage = 64,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error with its exit class and, as a rule, one hint that says what to do.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    message: String,
    hint: Option<String>,
    place: Option<Place>,
}

/// Where in a file an error is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Place {
    /// Of the byte `offset` of `text`, which is what `file` holds.
    pub fn new(file: impl Into<PathBuf>, text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let column = before[line_start..].chars().count() + 1;
        Self { file: file.into(), line: before.matches('\n').count() + 1, column }
    }
}

impl Failure {
    /// An error of class `exit`. The message says what happened, to which object and why.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None, place: None }
    }

    /// [`Exit::BadInput`].
    pub fn bad_input(message: impl Into<String>) -> Self {
        Self::new(Exit::BadInput, message)
    }

    /// [`Exit::Refused`].
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Exit::Refused, message)
    }

    /// [`Exit::Error`].
    pub fn error(message: impl Into<String>) -> Self {
        Self::new(Exit::Error, message)
    }

    /// The one line that says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Where in a file it is.
    #[must_use]
    pub fn at(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }

    /// Where in a file `error` is, if it is in one.
    pub fn place_of(error: &anyhow::Error) -> Option<&Place> {
        error.downcast_ref::<Self>()?.place.as_ref()
    }

    /// The class of `error`: that of the outermost [`Failure`] in its chain, else what the failed call says.
    pub fn exit_of(error: &anyhow::Error) -> Exit {
        match (error.downcast_ref::<Self>(), error.downcast_ref::<AwsError>()) {
            (Some(failure), _) => failure.exit,
            (None, Some(AwsError { kind: Kind::NoCredentials, .. })) => Exit::BadInput,
            _ => Exit::Error,
        }
    }

    /// The hint of `error`: the one given, else what the failed call suggests.
    pub fn hint_of(error: &anyhow::Error) -> Option<&str> {
        let given = error.downcast_ref::<Self>().and_then(|failure| failure.hint.as_deref());
        given.or_else(|| error.downcast_ref::<AwsError>()?.hint())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn class_and_hint_survive_the_context_that_is_put_around_them() {
        let root = anyhow::Error::from(std::io::Error::other("refused"));
        let error = root.context(Failure::refused("alias moved").hint("look")).context("outer");
        assert_eq!(Failure::exit_of(&error), Exit::Refused);
        assert_eq!(Failure::hint_of(&error), Some("look"));
    }

    #[test]
    fn a_place_is_counted_in_lines_and_characters_from_one() {
        let text = "a\n\u{e4}b = \nc";
        let found = |offset| {
            let place = Place::new("f", text, offset);
            (place.line, place.column)
        };
        assert_eq!([found(0), found(2), found(4), found(999)], [(1, 1), (2, 1), (2, 2), (3, 2)]);
    }

    #[test]
    fn an_error_without_a_class_is_a_plain_error() {
        let error = Err::<(), _>(std::io::Error::other("x")).context("y").unwrap_err();
        assert_eq!(Failure::exit_of(&error), Exit::Error);
        assert_eq!(Failure::hint_of(&error), None);
    }
}
