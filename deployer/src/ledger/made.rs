//! The versions that releases made, where their description does not show it: UpdateFunctionCode publishes with the description of
//! `$LATEST`, which is the function's own. Only what this item names, or what carries a mark, is ever pruned.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::schema::refuse_newer;
use super::{Beyond, MADE, Release, typed};

/// How many versions the item names at most: a version takes 20 bytes, and an item has 400 KB.
const MOST: usize = 12_000;

/// How much of a digest is kept.
const DIGEST: usize = 12;

/// The versions by the keys of their functions, each with the beginning of its code's digest: a function that was deleted and created
/// again counts from 1 again, and what others publish there is not ours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeVersions {
    /// By the key of the function, by number.
    #[serde(default)]
    functions: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(skip)]
    beyond: Beyond,
}

/// A version that is about to be made: with it, the version is recognised should the run die before it records the number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publishing {
    /// The version that was live before, or a later one: every version with this code and a higher number came afterwards.
    pub after: u64,
    /// The digest of its code.
    pub code_sha256: String,
}

/// A version as it is listed.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Its number.
    pub version: &'a str,
    /// The digest of its code.
    pub code_sha256: &'a str,
    /// Its description.
    pub description: &'a str,
}

impl Publishing {
    /// The version that it became, among those of the function: the first one after those that existed. A later one with the same code
    /// is another's, for instance one that was published with other settings; and one with a mark was published by another call.
    pub fn among<'a>(&self, versions: impl IntoIterator<Item = Candidate<'a>>) -> Option<&'a str> {
        let own = versions.into_iter().filter(|found| found.code_sha256 == self.code_sha256);
        let own = own.filter(|found| !found.description.starts_with("deployer: "));
        let numbered = own.filter_map(|found| Some((found.version.parse::<u64>().ok()?, found.version)));
        let (_, version) = numbered.filter(|(number, _)| *number > self.after).min()?;
        Some(version)
    }
}

impl MadeVersions {
    /// The item of `ledger`.
    pub(super) fn of(ledger: &str, item: Value) -> Result<Self> {
        refuse_newer(ledger, MADE, &item)?;
        let made: Self = typed(ledger, MADE, item.clone())?;
        Ok(Self { beyond: Beyond::of(item, &made), ..made })
    }

    /// What is written.
    pub(super) fn written(&self) -> Value {
        let mut value = serde_json::json!({ "functions": self.functions });
        self.beyond.add_to(&mut value);
        value
    }

    /// Whether a release made this version of the function with that key.
    pub fn has(&self, key: &str, version: &str, code_sha256: &str) -> bool {
        let digest = self.functions.get(key).and_then(|versions| versions.get(version));
        digest.is_some_and(|digest| *digest == beginning(code_sha256))
    }

    /// Whether there is a place for one more of the function with that key, in a stack with that number of functions.
    pub fn takes_another(&self, key: &str, functions: usize) -> bool {
        self.functions.get(key).map_or(0, BTreeMap::len) < MOST / functions.max(1)
    }

    /// The same after a release, with the versions that it made.
    #[must_use]
    pub fn with(mut self, release: &Release) -> Self {
        for (key, version) in &release.published {
            if let Some(part) = release.parts.functions.get(key).filter(|part| part.version == *version) {
                self.add(key, version, &part.code_sha256);
            }
        }
        self
    }

    /// Adds the version that a run was about to make, if it is among those of the function.
    pub fn claim<'a>(&mut self, key: &str, publishing: &Publishing, versions: impl IntoIterator<Item = Candidate<'a>>) {
        if let Some(version) = publishing.among(versions) {
            self.add(key, version, &publishing.code_sha256);
        }
    }

    /// Adds a version that a release made.
    pub fn add(&mut self, key: &str, version: &str, code_sha256: &str) {
        self.functions.entry(key.to_owned()).or_default().insert(version.to_owned(), beginning(code_sha256));
    }

    /// Forgets the versions of a function that are gone.
    pub fn retain(&mut self, key: &str, existing: &BTreeSet<&str>) {
        if let Some(versions) = self.functions.get_mut(key) {
            versions.retain(|version, _| existing.contains(version.as_str()));
        }
    }
}

fn beginning(code_sha256: &str) -> String {
    code_sha256.chars().take(DIGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_recognised_by_its_number_and_its_code() {
        let mut made = MadeVersions::default();
        made.add("f", "7", "aaaaaaaaaaaaaaaa");
        assert!(made.has("f", "7", "aaaaaaaaaaaabbbb"), "the beginning decides");
        assert!(
            !made.has("f", "7", "bbbb")
                && !made.has("f", "8", "aaaaaaaaaaaaaaaa")
                && !made.has("g", "7", "aaaaaaaaaaaaaaaa")
        );
        made.retain("f", &BTreeSet::from(["8"]));
        assert!(!made.has("f", "7", "aaaaaaaaaaaaaaaa"));
    }

    #[test]
    fn only_the_first_new_version_with_the_code_is_the_one_of_the_run() {
        let publishing = Publishing { after: 7, code_sha256: "b".to_owned() };
        let found = |versions: &[(&'static str, &'static str, &'static str)]| {
            let candidate = |(version, code_sha256, description)| Candidate { version, code_sha256, description };
            publishing.among(versions.iter().copied().map(candidate))
        };
        let counts = "Counts";
        let all = [("2", "b", counts), ("7", "b", counts), ("8", "a", counts), ("9", "b", counts), ("10", "b", counts)];
        assert_eq!(found(&all), Some("9"));
        assert_eq!(found(&all[..3]), None);
        assert_eq!(found(&[("8", "b", "deployer: app/prod release 3"), ("9", "b", counts)]), Some("9"));
    }

    #[test]
    fn each_function_of_a_large_stack_has_room_for_fewer_versions() {
        let mut made = MadeVersions::default();
        for version in 1..=24 {
            made.add("f", &version.to_string(), "aaaaaaaaaaaaaaaa");
        }
        assert!(made.takes_another("f", 1) && !made.takes_another("f", 500) && made.takes_another("g", 500));
        let bytes = made.written().to_string().len() * 500;
        assert!(bytes < 400_000, "{bytes}");
    }
}
