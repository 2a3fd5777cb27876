//! The declared checks: requests and events, what their responses must be, and when a switch counts as seen.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// The response headers that name what made a response, where the functions send such: then a response through the URL shows
/// by itself who responded.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Marks {
    /// Carries the Lambda version.
    pub version: Option<String>,
    /// Carries the stage variable `deployment`.
    pub deployment: Option<String>,
}

/// When a switch counts as seen through the URL.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// So many responses in a row must carry the new marks.
    #[serde(default = "in_a_row")]
    pub in_a_row: u32,
    /// The most seconds that a switch may take to be seen. So long may a release that fails only through the URL take traffic.
    #[serde(default = "timeout_seconds")]
    pub timeout_seconds: u64,
    /// The most requests through the URL that a release may make. What does not fit is checked by Invoke alone.
    #[serde(default = "requests")]
    pub requests: u32,
}

/// Beyond those in a row that it needs, a check right after a switch may use so many requests to see it.
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
    /// What is in the file, or why nobody knows: what sends no event, as a rollback need not, works without it.
    pub content: Result<Value, String>,
    /// What the returned JSON must contain; anything is right without it, as long as the function does not fail.
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
    /// What it is called in reports; each name once.
    pub(super) name: String,
    /// The key of the function that responds to it.
    pub(super) function: String,
    /// What is sent: method and path, below the stage, as `GET /health`.
    request: Option<Request>,
    /// Or: a JSON file with the event that is sent by Invoke.
    event: Option<PathBuf>,
    /// The status of the response to a `request`.
    status: Option<u16>,
    /// Headers that the response to a `request` must have.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// What the JSON body of the response to a `request` must have at least.
    body: Option<Value>,
    /// What the function must return for an `event` at least. Whatever it returns is right without it, as long as it does not fail.
    payload: Option<Value>,
    /// It changes something: it is sent once, after the switch, through the URL alone, and not where `writing_checks` is off.
    #[serde(default)]
    pub(super) writes: bool,
}

impl DeclaredCheck {
    /// What parsed but cannot be meant.
    pub(super) fn contradiction(&self) -> Option<String> {
        let of_request = self.status.is_some() || !self.headers.is_empty() || self.body.is_some();
        let why = match (&self.request, &self.event) {
            (Some(_), Some(_)) | (None, None) => "must have one of `request` and `event`, not both",
            (Some(_), None) if self.status.is_none() => "must say which `status` its response has",
            (Some(_), None) if self.payload.is_some() => "sends a request: what has to come back is its `body`",
            (None, Some(_)) if of_request => "sends an event: what has to come back is its `payload`",
            (None, Some(_)) if self.writes => "must not write: an event is sent to versions that have no traffic yet",
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
