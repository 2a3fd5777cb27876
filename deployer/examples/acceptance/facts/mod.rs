//! The facts about AWS that `deployer` is built on, each tried on a function, an API and a table made for it and removed again.
//!
//! A fact that an account contradicts is a finding about the account (an emulator is often kinder than AWS), never an error of the
//! run. What could not be observed is reported as such: it counts neither way.

mod claims;
mod functions;
mod gateway;
pub(crate) mod place;
mod response;
mod table;

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

pub(crate) use place::Place;
pub(crate) use response::Response;

/// What came of one fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Confirmed,
    Contradicted,
    /// It did not happen this time, or could not be tried here.
    NotSeen,
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Confirmed => "confirmed",
            Self::Contradicted => "**contradicted**",
            Self::NotSeen => "not seen",
        })
    }
}

/// One fact and what was seen of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Fact {
    pub(crate) id: &'static str,
    pub(crate) claim: &'static str,
    pub(crate) verdict: Verdict,
    /// The observation, in a few words.
    pub(crate) seen: String,
}

/// The observations so far.
#[derive(Debug, Default)]
pub(crate) struct Facts(BTreeMap<&'static str, (Verdict, String)>);

impl Facts {
    /// Confirmed if it `holds`, else contradicted.
    pub(crate) fn holds(&mut self, id: &'static str, holds: bool, seen: impl Into<String>) {
        self.record(id, if holds { Verdict::Confirmed } else { Verdict::Contradicted }, seen);
    }

    /// For what may happen and need not: confirmed if it `happened`, else not seen.
    pub(crate) fn happened(&mut self, id: &'static str, happened: bool, seen: impl Into<String>) {
        self.record(id, if happened { Verdict::Confirmed } else { Verdict::NotSeen }, seen);
    }

    /// A call that AWS refuses with this status and code.
    pub(crate) fn refused(&mut self, id: &'static str, response: &Response, status: u16, code: &str) {
        self.holds(id, response.status == status && response.code == code, response.to_string());
    }

    /// Could not be tried.
    pub(crate) fn not_seen(&mut self, id: &'static str, why: impl Into<String>) {
        self.record(id, Verdict::NotSeen, why);
    }

    fn record(&mut self, id: &'static str, verdict: Verdict, seen: impl Into<String>) {
        debug_assert!(claims::ALL.iter().any(|claim| claim.id == id), "no claim `{id}`");
        self.0.insert(id, (verdict, seen.into()));
    }

    /// Every claim of the table with what was seen of it; `ended` says by group why the rest of it was not tried.
    fn all(self, ended: &BTreeMap<&'static str, String>) -> Vec<Fact> {
        let fact = |claim: &claims::Claim| {
            let (verdict, seen) = self.0.get(claim.id).cloned().unwrap_or_else(|| {
                let why = ended.get(claim.group).map_or("not tried", String::as_str);
                (Verdict::NotSeen, why.to_owned())
            });
            Fact { id: claim.id, claim: claim.text, verdict, seen }
        };
        claims::ALL.iter().map(fact).collect()
    }
}

/// What the probes found, and what they could not remove.
#[derive(Debug)]
pub(crate) struct Probed {
    pub(crate) facts: Vec<Fact>,
    pub(crate) left: Vec<String>,
}

/// Tries every fact. Whatever a group of them ends with, what it made is removed and the next group is tried.
pub(crate) async fn probe(place: &Place) -> Probed {
    let mut facts = Facts::default();
    let mut ended = BTreeMap::new();
    let mut left = Vec::new();
    let function = match functions::make(place).await {
        Ok(function) => Some(function),
        Err(error) => {
            ended.insert("function", format!("the function could not be made: {error:#}"));
            ended.insert("api", "there is no function to call".to_owned());
            None
        }
    };
    if let Some(function) = &function {
        if let Err(error) = functions::probe(function, &mut facts).await {
            ended.insert("function", format!("ended early: {error:#}"));
        }
        if let Err(error) = gateway::probe(place, function, &mut facts, &mut left).await {
            ended.insert("api", format!("ended early: {error:#}"));
        }
    }
    functions::remove(place, &mut left).await;
    if let Err(error) = table::probe(place, &mut facts, &mut left).await {
        ended.insert("table", format!("ended early: {error:#}"));
    }
    Probed { facts: facts.all(&ended), left }
}

/// Removes by name what a probe that was cut off may have left. What stays is named.
pub(crate) async fn remove(place: &Place) -> Vec<String> {
    let mut left = Vec::new();
    gateway::remove(place, &mut left).await;
    functions::remove(place, &mut left).await;
    table::remove(place, &mut left).await;
    left
}
