//! What runs on this machine.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::View;

/// `local up`, `local down`, `local status`.
#[derive(Debug, Serialize)]
pub struct LocalView {
    /// What runs, by environment: where it answers, and the process.
    pub environments: BTreeMap<String, LocalEnvironment>,
    /// What a person wants to know next.
    #[serde(skip)]
    pub next: String,
}

/// One environment of the local AWS.
#[derive(Debug, Serialize)]
pub struct LocalEnvironment {
    /// Its AWS endpoint.
    pub endpoint: String,
    /// Its process, if it runs.
    pub process: Option<u32>,
    /// Where its API answers, if something is deployed.
    pub url: Option<String>,
}

impl View for LocalView {
    fn text(&self) -> String {
        let mut text = String::new();
        for (name, environment) in &self.environments {
            let process =
                environment.process.map_or_else(|| "not running".to_owned(), |process| format!("process {process}"));
            let _ = writeln!(text, "{name:<6} {}  {process}", environment.endpoint);
            if let Some(url) = &environment.url {
                let _ = writeln!(text, "       {url}");
            }
        }
        text + &self.next
    }
}
