//! The declared checks: requests, what their responses must be, and when a switch counts as seen.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The response headers that name what made a response.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marks {
    /// Carries the Lambda version.
    pub version: String,
    /// Carries the stage variable `deployment`.
    pub deployment: String,
}

/// When a switch counts as seen through the URL.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// So many responses in a row must carry the new marks.
    pub in_a_row: u32,
    /// The most seconds that a switch may take to be seen.
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
fn requests() -> u32 {
    40
}

impl Default for Verify {
    fn default() -> Self {
        Self { in_a_row: 3, timeout_seconds: 60, requests: requests() }
    }
}

/// One declared request, and what its response must be.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What it is called in reports.
    pub name: String,
    /// The function that responds to it.
    pub function: String,
    /// Method and path, as `GET /health`.
    pub request: Request,
    /// The status that the response must have.
    pub status: u16,
    /// Headers that the response must have, compared without regard to the case of their names.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// What the response's JSON body must contain.
    #[serde(default)]
    pub body: Option<serde_json::Value>,
    /// It changes data: run once, through the URL only.
    #[serde(default)]
    pub writes: bool,
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

impl std::fmt::Display for Request {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.method, self.path)
    }
}

impl TryFrom<String> for Request {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no request: write it as `GET /health`");
        let (method, path) = text.split_once(' ').ok_or_else(wrong)?;
        let known = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"].contains(&method);
        let plain = path.starts_with('/') && path.chars().all(|c| c.is_ascii_graphic());
        if !known || !plain {
            return Err(wrong());
        }
        Ok(Self { method: method.to_owned(), path: path.to_owned() })
    }
}
