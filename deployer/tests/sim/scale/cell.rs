//! One command, measured.

use std::collections::BTreeMap;
use std::time::Duration;

use super::cost::{self, Cost};
use crate::outside::Sent;
use crate::simulation::Simulation;

/// The services, in the order of the table.
pub(super) const SERVICES: [&str; 7] =
    ["GetFunction", "Lambda, other", "Invoke", "API Gateway", "DynamoDB", "other", "URL"];

/// What a command did and cost.
pub(super) struct Cell {
    pub(super) functions: usize,
    pub(super) what: &'static str,
    /// In virtual time.
    pub(super) took: Duration,
    pub(super) sent: Vec<Sent>,
    pub(super) cost: Cost,
    pub(super) words: String,
    pub(super) lines: usize,
}

impl Cell {
    /// Runs a command that must succeed.
    pub(super) async fn of(simulation: &Simulation, (functions, what): (usize, &'static str), command: &str) -> Self {
        let began = simulation.now();
        let ((ended, sent), cost) = cost::of(simulation.observed(command)).await;
        let took = simulation.now() - began;
        assert_eq!(ended.code, Some(0), "{command}: {}", ended.words);
        let lines = ended.words.lines().count();
        Self { functions, what, took, sent, cost, words: ended.words, lines }
    }

    /// The calls of AWS, without the requests to the URL.
    pub(super) fn calls(&self) -> usize {
        self.sent.iter().filter(|sent| sent.name != "URL").count()
    }

    pub(super) fn names(&self) -> BTreeMap<&'static str, usize> {
        count(self.sent.iter().map(|sent| sent.name))
    }

    pub(super) fn throttled(&self) -> BTreeMap<&'static str, usize> {
        count(self.sent.iter().filter(|sent| sent.status == Some(429)).map(|sent| sent.name))
    }

    pub(super) fn of_service(&self, service: &str) -> usize {
        self.sent.iter().filter(|sent| service_of(sent) == service).count()
    }

    /// The calls of the ledger, and the bytes of their responses.
    pub(super) fn read_of_the_ledger(&self) -> (usize, usize) {
        let reads = self.sent.iter().filter(|sent| matches!(sent.name, "GetItem" | "Query"));
        reads.fold((0, 0), |(calls, bytes), sent| (calls + 1, bytes + sent.bytes.1))
    }

    /// The bytes that were sent to the ledger.
    pub(super) fn written(&self) -> usize {
        self.sent.iter().filter(|sent| sent.name == "TransactWriteItems").map(|sent| sent.bytes.0).sum()
    }

    /// The most requests under way at once: each has a connection.
    pub(super) fn at_once(&self) -> usize {
        let ends = self.sent.iter().filter_map(|sent| Some((sent.ended?, -1)));
        let mut moments: Vec<(Duration, i32)> = self.sent.iter().map(|sent| (sent.at, 1)).chain(ends).collect();
        // What ends at a moment makes room for what begins then.
        moments.sort();
        let mut open = 0;
        let most = moments.into_iter().map(|(_, change)| {
            open += change;
            open
        });
        usize::try_from(most.max().unwrap_or_default()).unwrap()
    }

    /// The longest time between two calls of this name.
    pub(super) fn longest_between(&self, name: &str) -> Duration {
        let at: Vec<_> = self.sent.iter().filter(|sent| sent.name == name).map(|sent| sent.at).collect();
        assert!(at.len() > 2, "{at:?}");
        at.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap()
    }
}

fn count(names: impl Iterator<Item = &'static str>) -> BTreeMap<&'static str, usize> {
    names.fold(BTreeMap::new(), |mut all, name| {
        *all.entry(name).or_default() += 1;
        all
    })
}

fn service_of(sent: &Sent) -> &'static str {
    match sent.name {
        "GetFunction" => "GetFunction",
        "Invoke" => "Invoke",
        "GetItem" | "Query" | "TransactWriteItems" => "DynamoDB",
        "URL" => "URL",
        _ if sent.line.contains("/functions") => "Lambda, other",
        _ if sent.line.contains("/restapis") => "API Gateway",
        _ => "other",
    }
}
