//! A request that came to the front, and how deep the round trips of a run are.

use std::time::Instant;

use hyper::http::request::Parts;

use super::name;
use super::privilege::Need;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// As AWS names it, as `UpdateAlias`; `URL` for a request to a stage, `Download` for one of a function's zip.
    pub name: &'static str,
    /// Method and path.
    pub line: String,
    /// The body, if it was text.
    pub body: String,
    /// Who signed it.
    pub access_key: Option<String>,
    /// The role, if it was signed with credentials that the front gave for one.
    pub role: Option<String>,
    /// What it needs to be allowed.
    pub needs: Vec<Need>,
    /// What of that a policy did not allow, if there is one.
    pub refused: Option<Need>,
    /// When it came.
    pub came: Instant,
    /// When its answer went out: not yet, or never.
    pub ended: Option<Instant>,
    /// The status that it was answered with, if it was.
    pub status: Option<u16>,
}

impl Call {
    pub(super) fn of(name: &'static str, parts: &Parts, body: &str, role: Option<String>, needs: Vec<Need>) -> Self {
        Self {
            name,
            line: format!("{} {}", parts.method, parts.uri),
            body: body.to_owned(),
            access_key: name::credential(parts).map(|(key, _)| key.to_owned()),
            role,
            needs,
            refused: None,
            came: Instant::now(),
            ended: None,
            status: None,
        }
    }

    /// Whether it may change something.
    pub(crate) fn writes(&self) -> bool {
        name::writes(self.name)
    }
}

/// How many of the calls had to wait for one another: the longest chain in which each came after the one before had
/// ended. What goes out side by side counts once, if the answers take long enough to overlap: see `At::any`.
pub(crate) fn depth(calls: &[Call]) -> usize {
    // Of intervals, the longest chain takes at each turn the one that ends first.
    let mut ended: Vec<&Call> = calls.iter().filter(|call| call.ended.is_some()).collect();
    ended.sort_by_key(|call| call.ended);
    let (mut length, mut last) = (0, None);
    for call in ended {
        if last.is_none_or(|last| call.came >= last) {
            (length, last) = (length + 1, call.ended);
        }
    }
    let unanswered = calls.iter().filter(|call| call.ended.is_none());
    length + usize::from(unanswered.into_iter().any(|call| last.is_none_or(|last| call.came >= last)))
}
