//! `history --html`: the releases of all environments as one page, which needs nothing but itself.
//!
//! Comes in: releases from the ledgers. Goes out: a page of HTML, with a picture (a lane for each environment on one time axis) and,
//! under it, a list that says the same in words. What the ledger contains is never markup, and the policy of the page lets a browser
//! load nothing and run no other script than its own, without which it works too.

mod file;
mod links;
mod list;
mod picture;
mod scale;
#[cfg(test)]
mod tests;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

pub use file::write;
pub use links::Repository;
pub use view::PageView;

use crate::ledger::{Release, ReleaseState};
use links::escaped;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// How many releases of an environment are in the list, whatever was asked for: a page of some megabytes.
pub(super) const LISTED: usize = 1_000;
/// How many of them are in the picture.
const DRAWN: usize = 200;

/// All that a page shows.
#[derive(Debug)]
pub struct Page {
    app: String,
    lanes: Vec<Lane>,
    repository: Option<Repository>,
    made: Timestamp,
}

/// One environment.
#[derive(Debug)]
pub struct Lane {
    environment: String,
    /// The newest first.
    releases: Vec<Release>,
    /// How many there are, shown or not.
    total: usize,
    /// Why they could not be read.
    error: Option<String>,
}

impl Lane {
    /// The newest `limit` of all releases of an environment, the newest first.
    pub fn new(environment: &str, releases: Vec<Release>, limit: usize) -> Self {
        let total = releases.len();
        let releases = releases.into_iter().take(limit.min(LISTED)).collect();
        Self { environment: environment.to_owned(), releases, total, error: None }
    }

    /// An environment that could not be read.
    pub fn unknown(environment: &str, error: &anyhow::Error) -> Self {
        Self { environment: environment.to_owned(), releases: Vec::new(), total: 0, error: Some(format!("{error:#}")) }
    }

    /// The name of the environment.
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// How many releases are shown, and how many there are.
    pub fn counts(&self) -> (usize, usize) {
        (self.releases.len(), self.total)
    }

    /// Why they could not be read, if they could not.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    fn live(&self) -> Option<&Release> {
        self.releases.iter().find(|release| release.state == ReleaseState::Live)
    }

    fn has(&self, number: u32) -> bool {
        self.releases.iter().any(|release| release.number == number)
    }
}

impl Page {
    /// Of the environments of an application, made at this time.
    pub fn new(app: &str, lanes: Vec<Lane>, repository: Option<Repository>, made: Timestamp) -> Self {
        Self { app: app.to_owned(), lanes: upstream_first(lanes), repository, made }
    }

    /// The page.
    pub fn html(&self) -> String {
        let style = format!("<style>{STYLE}</style>");
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
             <link rel=\"icon\" href=\"data:,\">\n<title>Releases of {app}</title>\n{style}\n</head>\n<body>\n{}{}\
             <main>\n{}{}{}</main>\n{}<script>{SCRIPT}</script>\n</body>\n</html>\n",
            policy(),
            list::icons(),
            self.header(),
            list::cards(self),
            picture::section(self),
            list::section(self),
            self.footer(),
            app = escaped(&self.app),
        )
    }

    fn header(&self) -> String {
        let count = self.lanes.iter().map(|lane| lane.total).sum();
        format!(
            "<header>\n<a class=\"skip\" href=\"#releases\">Skip to the list of releases</a>\n<h1>Releases of {}</h1>\n\
             <p class=\"muted\">{} in {} · as of {}. All times are UTC.</p>\n</header>\n",
            escaped(&self.app),
            counted(count, "release"),
            counted(self.lanes.len(), "environment"),
            time(self.made, "%-d %B %Y, %H:%M"),
        )
    }

    fn footer(&self) -> String {
        let cut = self.lanes.iter().filter(|lane| lane.total > lane.releases.len());
        let cut: Vec<_> = cut
            .map(|lane| {
                let older = lane.total - lane.releases.len();
                format!("{} of {}", counted(older, "older release"), escaped(&lane.environment))
            })
            .collect();
        let cut = match cut.is_empty() {
            true => String::new(),
            false => format!(
                "<p>Not on this page: {}. <code>--limit</code> sets how many are shown, {LISTED} at most.</p>\n",
                cut.join(", ")
            ),
        };
        format!("<footer>\n{cut}<p>Written by deployer {}.</p>\n</footer>\n", env!("CARGO_PKG_VERSION"))
    }

    /// The lane and the name that a release has on this page, if it is on it.
    fn anchor(&self, environment: &str, number: u32) -> Option<(usize, String)> {
        let index = self.lanes.iter().position(|lane| lane.environment == environment)?;
        self.lanes[index].has(number).then(|| (index, self.name(index, number)))
    }

    /// What a link to a release ends in.
    fn name(&self, lane: usize, number: u32) -> String {
        let environment = &self.lanes[lane].environment;
        let is_plain = environment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if is_plain { format!("{environment}-{number}") } else { format!("{lane}-{number}") }
    }
}

/// Environments that are promoted from come before those that they are promoted to.
fn upstream_first(lanes: Vec<Lane>) -> Vec<Lane> {
    let mut origins: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for lane in &lanes {
        let from = lane.releases.iter().filter_map(|release| release.from.as_ref());
        origins.entry(&lane.environment).or_default().extend(from.map(|from| from.environment.as_str()));
    }
    // A circle of promotions ends after as many rounds as there are lanes.
    let mut depth: BTreeMap<String, usize> = lanes.iter().map(|lane| (lane.environment.clone(), 0)).collect();
    for _ in 1..lanes.len() {
        for (environment, from) in &origins {
            let below = from.iter().filter(|from| *from != environment).filter_map(|from| depth.get(*from)).max();
            let deepest = below.map_or(0, |below| below + 1).min(lanes.len());
            depth.insert((*environment).to_owned(), deepest);
        }
    }
    let mut lanes = lanes;
    lanes.sort_by_key(|lane| depth.get(&lane.environment).copied().unwrap_or_default());
    lanes
}

/// Nothing from anywhere, and of scripts and styles only these.
fn policy() -> String {
    let hash = |text: &str| base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; img-src data:; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A time for people and programs.
fn time(at: Timestamp, format: &str) -> String {
    format!("<time datetime=\"{at}\">{}</time>", at.strftime(format))
}

fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// How long a release took, if it has ended.
fn took(release: &Release) -> Option<String> {
    let ended = moment(release.ended_at.as_deref()?)?;
    Some(scale::length(ended.duration_since(moment(&release.started_at)?)))
}

/// What a release was, in words.
fn what(release: &Release) -> String {
    use crate::ledger::ReleaseKind::{Adopt, Deploy, Promote, Rollback};
    match (release.kind, &release.from, release.back_to) {
        (Promote, Some(from), _) => format!("Promoted from {} {}", from.environment, from.release),
        (Promote, None, _) => "Promoted".to_owned(),
        (Rollback, _, Some(to)) => format!("Rolled back to {to}"),
        (Rollback, ..) => "Rolled back".to_owned(),
        (Deploy, ..) => "Deployed".to_owned(),
        (Adopt, ..) => "Adopted".to_owned(),
    }
}
