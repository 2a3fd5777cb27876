//! Exit codes, and errors that say what to do next.
//!
//! An error is an [`anyhow::Error`]; where its class or its hint matters, its chain has a [`Failure`].

use std::fmt;
use std::path::PathBuf;

/// The exit codes, as `docs/exit-codes.md` documents them. Scripts branch on these numbers: they never change.
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
    /// Refused: the run must not build on what is live.
    Refused = 4,
    /// Another run has the environment's lock.
    Locked = 5,
    /// The release failed; what was live before is live again, or still.
    Reverted = 6,
    /// The release failed and could not be reverted.
    NotReverted = 7,
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
    /// Of the byte `offset` of `text`, which is the content of `file`.
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

    /// Its class.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Its hint, if it has one.
    pub fn what_to_do(&self) -> Option<&str> {
        self.hint.as_deref()
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
    use super::*;

    #[test]
    fn a_place_is_counted_in_lines_and_characters_from_one() {
        let text = "a\n\u{e4}b = \nc";
        let found = |offset| {
            let place = Place::new("f", text, offset);
            (place.line, place.column)
        };
        assert_eq!([found(0), found(2), found(4), found(999)], [(1, 1), (2, 1), (2, 2), (3, 2)]);
    }
}
