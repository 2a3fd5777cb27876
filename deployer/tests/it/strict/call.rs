//! A request that came to the strict proxy.

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
    /// The role, if it was signed with credentials that the strict proxy gave for one.
    pub role: Option<String>,
    /// What it needs to be allowed.
    pub needs: Vec<Need>,
    /// What of that a policy did not allow, if there is one.
    pub refused: Option<Need>,
    /// The status of its response, if there was one.
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
            status: None,
        }
    }

    /// Whether it may change something.
    pub(crate) fn writes(&self) -> bool {
        name::writes(self.name)
    }
}
