//! The release item: one numbered change of an environment, with everything that is recorded about it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Beyond, Publishing};
use crate::artifact::{Commit, Reads};

/// One numbered change of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// What people type in `rollback --to`.
    pub number: u32,
    /// The kind of release.
    pub kind: ReleaseKind,
    /// How far it came.
    pub state: ReleaseState,
    /// What takes the traffic once it is live.
    pub parts: Parts,
    /// What was live before: the target of a revert.
    pub previous_parts: Parts,
    /// The release before it; 0 is the placeholder.
    pub previous: u32,
    /// The release whose parts a rollback restores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back_to: Option<u32>,
    /// Where a promotion got its bytes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Origin>,
    /// Whether it took all the traffic, passed its checks and was not reverted. It stays so when it is superseded.
    #[serde(default)]
    pub stable: bool,
    /// What it was built from.
    pub artifact: ArtifactRecord,
    /// The fingerprint of the API definition that its deployment froze; empty without an API.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub definition: String,
    /// That definition piece by piece, comparable between environments: hashes by name, as `GET /orders`.
    #[serde(default)]
    pub shape: BTreeMap<String, String>,
    /// Which alias each of its routes calls: `GET /orders` -> `NAME:ALIAS`.
    #[serde(default)]
    pub routes: BTreeMap<String, String>,
    /// The routes among them that call it with a role of their own.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub by_role: BTreeSet<String>,
    /// The versions that are about to be made, by function, where their description will not show it: removed once their numbers are
    /// known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub publishing: BTreeMap<String, Publishing>,
    /// The versions that it made so, by function.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub published: BTreeMap<String, String>,
    /// The checks with their responses.
    #[serde(default)]
    pub checks: Vec<CheckRecord>,
    /// All planned steps, with the times of those that began.
    #[serde(default)]
    pub steps: Vec<StepRecord>,
    /// Where the time went besides its steps.
    #[serde(default, skip_serializing_if = "Timings::is_empty")]
    pub timings: Timings,
    /// Why it ended as it did, if not well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The person or the GitHub actor.
    pub actor: String,
    /// The page of the run, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_url: Option<String>,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// When it ended, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// The fencing token of the lock that it ran under.
    pub fencing_token: u64,
    /// What a newer version of the deployer added to it.
    #[serde(skip)]
    pub beyond: Beyond,
}

impl Release {
    /// Whether every planned step was carried out: only the record is missing, if it is.
    pub fn is_carried_out(&self) -> bool {
        !self.steps.is_empty() && self.steps.iter().all(|step| step.millis.is_some())
    }

    /// Whether it ended so recently, or so soon: clocks differ.
    pub fn ended_within(&self, time: SignedDuration, now: Timestamp) -> bool {
        let ended = self.ended_at.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
        ended.is_some_and(|ended| now.duration_since(ended).abs() < time)
    }

    /// The number under which people know these parts: of the release that a rollback went back to, else its own.
    pub fn root(&self) -> u32 {
        self.back_to.unwrap_or(self.number)
    }
}

impl std::fmt::Display for Release {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.back_to {
            Some(root) => write!(formatter, "{} (back to {root})", self.number),
            None => write!(formatter, "{}", self.number),
        }
    }
}

impl StepRecord {
    /// A step that has not begun.
    pub fn planned(step: &impl ToString) -> Self {
        Self { step: step.to_string(), started_at: None, millis: None }
    }
}

/// What kind of move a release is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseKind {
    /// New code, configuration or definition.
    Deploy,
    /// The bytes of another environment.
    Promote,
    /// The parts of an earlier release.
    Rollback,
    /// What was found live.
    Adopt,
}

/// The state of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseState {
    /// Begun; nothing that takes traffic has moved.
    Pending,
    /// Traffic is moving.
    Shifting,
    /// It takes the traffic.
    Live,
    /// It took the traffic until a later one did.
    Superseded,
    /// It failed before anything moved.
    Failed,
    /// It moved and was reverted.
    Reverted,
}

/// What takes the traffic: every function's version and the deployment, as one unit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// The functions by key.
    pub functions: BTreeMap<String, FunctionPart>,
    /// The id of the API Gateway deployment, if a REST stage is a part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
}

/// The part of one function.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FunctionPart {
    /// The Lambda version.
    pub version: String,
    /// SHA-256 of its zip, base64, as Lambda writes it; of a container image its digest, in hexadecimal.
    pub code_sha256: String,
}

/// What a release was built from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactRecord {
    /// Over all functions.
    pub source_hash: String,
    /// The source hashes by function.
    pub functions: BTreeMap<String, String>,
    /// The git commit, if the workspace has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Whether the workspace differed from that commit.
    #[serde(default)]
    pub dirty: bool,
    /// When that commit was made, in seconds since 1970; says which of two is the later one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed_at: Option<i64>,
    /// What the build read beyond the files of its packages: names only. Without it the next deploy has to build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads: Option<Reads>,
}

impl ArtifactRecord {
    /// The commit that it was built from, if that is known.
    pub fn commit(&self) -> Option<Commit> {
        Some(Commit { id: self.commit.clone()?, at: self.committed_at })
    }
}

/// A release of another environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The environment.
    pub environment: String,
    /// The release's number there.
    pub release: u32,
}

/// A check, and its response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CheckRecord {
    /// The name in `deployer.toml`.
    pub name: String,
    /// `before traffic`, `after aliases`, `after stage`.
    pub phase: String,
    /// Whether it passed.
    pub passed: bool,
    /// The request and its response, in one line.
    pub response: String,
    /// How many requests it took, or Invokes.
    pub requests: u32,
    /// Why it was made by Invoke alone where it should have gone through the URL; absent if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_invoke: Option<String>,
}

/// A step, with its times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StepRecord {
    /// In words, as the plan shows it.
    pub step: String,
    /// When it began, RFC 3339; absent until it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// How long it took, in milliseconds; absent until it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub millis: Option<u64>,
}

/// Where the time of a release went besides its steps, in milliseconds; absent: nothing of that kind was done, or it was
/// not measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Timings {
    /// Reading what is live, and planning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<u64>,
    /// Building the packages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<u64>,
    /// Fetching the packages of another environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch: Option<u64>,
    /// Taking the lock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<u64>,
    /// Reading under the lock whether the plan is still right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_again: Option<u64>,
    /// Writing the end of the release. The record itself cannot have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
}

impl Timings {
    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl std::fmt::Display for ReleaseKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Deploy => "deploy",
            Self::Promote => "promote",
            Self::Rollback => "rollback",
            Self::Adopt => "adopt",
        })
    }
}

impl std::fmt::Display for ReleaseState {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Pending => "pending",
            Self::Shifting => "shifting",
            Self::Live => "live",
            Self::Superseded => "superseded",
            Self::Failed => "failed",
            Self::Reverted => "reverted",
        })
    }
}
