//! Visits -> figures.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;
use serde::Serialize;

use crate::visits::{agent::family, cli::By, log::Seen};

/// Counts the visits of some days.
#[derive(Debug)]
pub struct Tally {
    visits: u64,
    days: BTreeMap<Date, u64>,
    paths: HashMap<String, u64>,
    agents: HashMap<String, u64>,
}

/// What was counted. This is the JSON that the README describes: names stay.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// The table that was read.
    pub table: String,
    /// The first day, UTC.
    pub from: Date,
    /// The last day, UTC.
    pub to: Date,
    /// All visits of these days.
    pub visits: u64,
    /// Every day in order, also those without a visit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<Vec<Figure>>,
    /// Every path, the most visited first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paths: Option<Vec<Figure>>,
    /// Every family of agents, the most frequent first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agents: Option<Vec<Figure>>,
}

/// How many visits something had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Figure {
    /// A day, a path, or a family of agents: as it is stored, not escaped.
    pub name: String,
    /// Its visits.
    pub visits: u64,
}

impl Tally {
    /// No visit yet, on each of `days`.
    #[must_use]
    pub fn of(days: &[Date]) -> Self {
        let days = days.iter().map(|day| (*day, 0)).collect();
        Self { visits: 0, days, paths: HashMap::new(), agents: HashMap::new() }
    }

    /// Counts one visit.
    pub fn see(&mut self, seen: &Seen) {
        self.visits += 1;
        *self.days.entry(seen.day).or_default() += 1;
        count(&mut self.paths, &seen.path);
        count(&mut self.agents, family(&seen.user_agent));
    }

    /// What was counted in `table`, limited to `by`.
    #[must_use]
    pub fn figures(self, table: &str, by: &[By]) -> Figures {
        let Self { visits, days, paths, agents } = self;
        let first = days.keys().next().copied().unwrap_or_default();
        let last = days.keys().next_back().copied().unwrap_or_default();
        let days = days.into_iter().map(|(day, visits)| Figure { name: day.to_string(), visits });
        Figures {
            table: table.to_owned(),
            from: first,
            to: last,
            visits,
            days: by.contains(&By::Day).then(|| days.collect()),
            paths: by.contains(&By::Path).then(|| ranked(paths)),
            agents: by.contains(&By::Agent).then(|| ranked(agents)),
        }
    }
}

/// Without a copy of a name that is known already.
fn count(counts: &mut HashMap<String, u64>, name: &str) {
    match counts.get_mut(name) {
        Some(visits) => *visits += 1,
        None => {
            counts.insert(name.to_owned(), 1);
        }
    }
}

/// The most visits first, and equals by name, so that the same log always looks the same.
fn ranked(counts: HashMap<String, u64>) -> Vec<Figure> {
    let mut figures: Vec<_> = counts.into_iter().map(|(name, visits)| Figure { name, visits }).collect();
    figures.sort_unstable_by(|a, b| b.visits.cmp(&a.visits).then_with(|| a.name.cmp(&b.name)));
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_are_in_the_order_of_their_names() {
        let counts = HashMap::from([("b".to_owned(), 1), ("c".to_owned(), 2), ("a".to_owned(), 1)]);
        let names: Vec<_> = ranked(counts).into_iter().map(|figure| figure.name).collect();
        assert_eq!(names, ["c", "a", "b"]);
    }
}
