//! The declared checks: requests and events, what their responses must be, and when a switch counts as seen.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// The response headers in which functions name their version and deployment: with them, a response through the URL shows which
/// version responded.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Marks {
    /// The response header with the Lambda version.
    pub version: Option<String>,
    /// The response header with the value of the stage variable `deployment`.
    pub deployment: Option<String>,
}

/// When a switch counts as seen through the URL.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// How many responses in a row have to come from the new version before a switch counts as complete.
    #[serde(default = "in_a_row")]
    pub in_a_row: u32,
    /// How many seconds a switch may take to show through the URL, before the release is reverted.
    #[serde(default = "timeout_seconds")]
    pub timeout_seconds: u64,
    /// How many requests a release may send through the URL. Checks beyond that are sent by Invoke only.
    #[serde(default = "requests")]
    pub requests: u32,
}

/// How many requests more than those in a row a check right after a switch may use until the switch shows.
pub const TO_SEE_A_SWITCH: u32 = 3;

impl Verify {
    /// The fewest requests of a release with which a check after each of two switches can go through the URL.
    pub fn fewest_requests(&self) -> u32 {
        self.in_a_row.saturating_add(TO_SEE_A_SWITCH).saturating_mul(2)
    }
}

/// A firewall rule of 100 requests an address must not stop a release.
fn in_a_row() -> u32 {
    3
}

fn timeout_seconds() -> u64 {
    60
}

fn requests() -> u32 {
    40
}

impl Default for Verify {
    fn default() -> Self {
        Self { in_a_row: in_a_row(), timeout_seconds: timeout_seconds(), requests: requests() }
    }
}

/// One declared check.
#[derive(Debug, Clone)]
pub struct Check {
    /// What it is called in reports.
    pub name: String,
    /// The function that responds to it.
    pub function: String,
    /// What is sent, and what has to come back.
    pub sent: Sent,
    /// It changes data: run once, through the URL only.
    pub writes: bool,
}

/// What a check sends, and what has to come back.
#[derive(Debug, Clone)]
pub enum Sent {
    /// A request: through the URL, or by Invoke as the event that the gateway would make of it.
    Request(Request, ExpectedResponse),
    /// An event of the function's own trigger, by Invoke.
    Event(Event),
}

/// What the response to a request must be.
#[derive(Debug, Clone, Default)]
pub struct ExpectedResponse {
    /// Its status.
    pub status: u16,
    /// Headers that it must have, compared without regard to the case of their names.
    pub headers: BTreeMap<String, String>,
    /// What its JSON body must contain.
    pub body: Option<Value>,
}

/// An event, and what the function must return for it.
#[derive(Debug, Clone)]
pub struct Event {
    /// The file that it is in, as `deployer.toml` names it.
    pub file: PathBuf,
    /// The contents of the file, or why it cannot be read: a command that sends no event, such as a rollback, works without it.
    pub content: Result<Value, String>,
    /// What the returned JSON must contain. Without it any result is accepted, as long as the function does not fail.
    pub payload: Option<Value>,
}

impl Check {
    /// Why it cannot be sent, if so.
    pub fn unreadable(&self) -> Option<String> {
        let Sent::Event(Event { file, content: Err(why), .. }) = &self.sent else { return None };
        Some(format!("the event `{}` of check `{}` {why}", file.display(), self.name))
    }

    /// The request that it sends; none if it sends an event.
    pub fn request(&self) -> Option<&Request> {
        match &self.sent {
            Sent::Request(request, _) => Some(request),
            Sent::Event(_) => None,
        }
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(request, _) => request.fmt(formatter),
            Self::Event(event) => write!(formatter, "event {}", event.file.display()),
        }
    }
}

/// A check as the file declares it.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct DeclaredCheck {
    /// The name of the check in reports. It has to be unique.
    pub(super) name: String,
    /// The key of the function that responds.
    pub(super) function: String,
    /// The request to send: the method and the path below the stage, for example `GET /health`. A check has either this or `event`.
    request: Option<Request>,
    /// A JSON file with an event to send by Invoke, relative to the folder of `deployer.toml`. A check has either this or `request`.
    event: Option<PathBuf>,
    /// The status that the response to a `request` must have. Required with `request`.
    status: Option<u16>,
    /// Headers that the response to a `request` must have.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// What the JSON body of the response to a `request` must contain. It may contain more.
    body: Option<Value>,
    /// What the JSON result for an `event` must contain. It may contain more. Without it any result is accepted, as long as the function
    /// does not fail.
    payload: Option<Value>,
    /// Whether the check changes data. If so, it is sent only once, after the switch and through the URL, and only if the environment has
    /// `writing_checks` on.
    #[serde(default)]
    pub(super) writes: bool,
}

impl DeclaredCheck {
    /// A contradiction, or a value that is not possible.
    pub(super) fn contradiction(&self) -> Option<String> {
        let of_request = self.status.is_some() || !self.headers.is_empty() || self.body.is_some();
        let why = match (&self.request, &self.event) {
            (Some(_), Some(_)) | (None, None) => "must have either `request` or `event`",
            (Some(_), None) if self.status.is_none() => "needs a `status`: the one that its response must have",
            (Some(_), None) if self.payload.is_some() => {
                "has a `payload`, which is for an `event`: for a `request`, use `body`"
            }
            (None, Some(_)) if of_request => {
                "has `status`, `headers` or `body`, which are for a `request`: for an `event`, use `payload`"
            }
            (None, Some(_)) if self.writes => {
                "must not have `writes`: its event is sent to versions that have no traffic yet"
            }
            _ => return None,
        };
        Some(format!("check `{}` {why}", self.name))
    }

    /// The check, with its event read.
    pub(super) fn read(self, root: &Path) -> Check {
        let Self { name, function, request, event, status, headers, body, payload, writes } = self;
        let sent = match (request, event) {
            (Some(request), _) => {
                Sent::Request(request, ExpectedResponse { status: status.unwrap_or_default(), headers, body })
            }
            (None, file) => {
                let file = file.unwrap_or_default();
                Sent::Event(Event { content: read(&root.join(&file)), file, payload })
            }
        };
        Check { name, function, sent, writes }
    }
}

fn read(file: &Path) -> Result<Value, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("cannot be read: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("is not JSON: {error}"))
}

/// Method and path of a check.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Request {
    /// In capitals.
    pub method: String,
    /// From the stage on, with a leading slash.
    pub path: String,
}

impl Request {
    /// The path without its query.
    pub fn bare_path(&self) -> &str {
        self.path.split_once('?').map_or(&*self.path, |(path, _)| path)
    }

    /// The query without its question mark; empty if there is none.
    pub fn query(&self) -> &str {
        self.path.split_once('?').map_or("", |(_, query)| query)
    }
}

impl fmt::Display for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.method, self.path)
    }
}

impl TryFrom<String> for Request {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a request: write it as `GET /health`");
        let (method, path) = text.split_once(' ').ok_or_else(wrong)?;
        let known = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"].contains(&method);
        let plain = path.starts_with('/') && path.chars().all(|c| c.is_ascii_graphic());
        if !known || !plain {
            return Err(wrong());
        }
        Ok(Self { method: method.to_owned(), path: path.to_owned() })
    }
}
