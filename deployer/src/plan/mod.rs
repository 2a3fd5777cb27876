//! `(wanted, observed) -> Plan`: what would be done, and why. Pure: no clock, no I/O.
//!
//! A plan is a value: it is shown, compared with the plan made under the lock, and applied phase by phase. Deploy,
//! promote and rollback are plans of the same steps.

mod drift;
mod refuse;
mod show;
mod step;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;

use crate::artifact::{Manifest, Sources};
use crate::config::Traffic;
use crate::failure::Failure;
use crate::ledger::{Contract, FunctionPart, Release, ReleaseKind};
use crate::observe::{Observed, ObservedApi, ObservedFunction};

pub use drift::drift;
pub use show::short;
pub use step::{Checks, MOVE_STAGE, Moment, Phase, Routes, Sent, StageBefore, Step, Verification};

/// What is wanted, and how traffic is to get there.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// What is to become live.
    pub goal: Goal<'a>,
    /// How traffic moves.
    pub traffic: &'a Traffic,
}

/// What is to become live.
#[derive(Debug, Clone, Copy)]
pub enum Goal<'a> {
    /// These sources, and once they are built, these packages.
    Sources(&'a Sources, Option<&'a Manifest>),
    /// The bytes of another environment's release.
    Bytes(&'a Release),
    /// The parts of an earlier release, as they are.
    Parts(&'a Release),
}

/// What would be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Plan {
    /// The kind of release.
    pub kind: ReleaseKind,
    /// The release whose parts a rollback restores.
    pub back_to: Option<u32>,
    /// The number that the release would get.
    pub release: u32,
    /// The release that is live; 0 is the placeholder.
    pub live: u32,
    /// The functions by key.
    pub functions: BTreeMap<String, FunctionPlan>,
    /// The REST API, if the stack has one.
    pub api: Option<ApiPlan>,
    /// How checks are sent once traffic has moved.
    pub sent: Sent,
    /// How traffic moves.
    #[cfg_attr(test, schemars(with = "serde_json::Value"))]
    pub traffic: Traffic,
    /// Whether there are alarms to watch.
    #[serde(skip)]
    pub has_alarms: bool,
    /// What moves first. Newer code has to work with an older definition; older code never gets a newer one.
    pub first: First,
}

/// What of a release moves first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum First {
    /// The aliases: the release is newer than what is live.
    Code,
    /// The stage: the release is older.
    Stage,
}

/// What would be done with one function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FunctionPlan {
    /// Its name in Lambda.
    pub name: String,
    /// The version behind the alias.
    pub before: FunctionPart,
    /// What is to be behind it.
    pub after: After,
    /// Why; empty: nothing is done.
    pub changes: Vec<FunctionChange>,
}

/// What is to be behind an alias.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum After {
    /// What is there.
    Same,
    /// A version of the live code with the settings of now.
    LiveCode,
    /// A version of other code: the SHA-256 of its zip or the digest of its image, unless it is yet to be built.
    NewCode(Option<String>),
    /// A version that exists.
    Version(FunctionPart),
}

/// Why a function gets another version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum FunctionChange {
    /// Nothing was released yet.
    First,
    /// Its sources changed: the hashes before and after.
    Source(String, String),
    /// Its package is another one: the hashes before and after.
    Code(String, String),
    /// These settings were changed.
    Settings(Vec<String>),
    /// The release that is gone back to had another version: before and after.
    Version(String, String),
}

/// What would be done with the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ApiPlan {
    /// The deployment that the stage is at.
    pub before: String,
    /// The fingerprint of the definition as it is now.
    pub definition: String,
    /// Why the stage gets another deployment, if it does.
    pub change: Option<ApiChange>,
}

/// Why a stage gets another deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ApiChange {
    /// No release has had one yet: a new one.
    First,
    /// The definition changed, the fingerprints before and after: a new one.
    Definition(String, String),
    /// The release that is gone back to had this one.
    Deployment(String),
}

/// What a release of `wanted` would change in `observed`.
///
/// # Errors
/// Drift: what is live differs from the ledger.
pub fn plan(wanted: Wanted<'_>, observed: &Observed) -> Result<Plan> {
    let live = observed.ledger.live.as_ref();
    if let Some(drift) = drift(observed) {
        return Err(Failure::refused(format!("drift: {drift}"))
            .hint("this was changed outside of the deployer, and nothing was overwritten: change it back, or deploy with `--adopt`, which records what is live as a release and then releases yours")
            .into());
    }
    refuse::first_contact(live, observed)?;
    refuse::canary_of_stage(observed)?;
    let functions =
        observed.functions.iter().map(|(key, function)| (key.clone(), function_plan(key, wanted.goal, live, function)));
    let (kind, back_to) = match wanted.goal {
        Goal::Sources(..) => (ReleaseKind::Deploy, None),
        Goal::Bytes(_) => (ReleaseKind::Promote, None),
        Goal::Parts(release) => (ReleaseKind::Rollback, Some(release.root())),
    };
    // A first release has nothing to share its traffic with, and a rollback is never slow.
    let at_once = live.is_none() || kind == ReleaseKind::Rollback;
    if kind != ReleaseKind::Rollback {
        refuse::unreadable(observed)?;
    }
    if !at_once && !wanted.traffic.shift.stages().is_empty() {
        refuse::what_cannot_share(observed)?;
    }
    Ok(Plan {
        kind,
        back_to,
        release: observed.ledger.next_number()?,
        live: live.map_or(0, |release| release.number),
        functions: functions.collect(),
        api: observed.api.as_ref().map(|api| api_plan(wanted.goal, live, api)),
        sent: sent(&observed.ledger.contract),
        traffic: if at_once { Traffic::default() } else { wanted.traffic.clone() },
        has_alarms: !observed.ledger.contract.alarms.is_empty(),
        first: match (wanted.goal, live) {
            (Goal::Parts(release), Some(live)) if release.root() < live.root() => First::Stage,
            _ => First::Code,
        },
    })
}

/// Through a URL, if any function has one.
fn sent(contract: &Contract) -> Sent {
    let has_url = contract.functions.keys().any(|key| contract.url_of(key).is_some());
    if has_url { Sent::ThroughUrl } else { Sent::ByInvoke }
}

fn api_plan(goal: Goal<'_>, live: Option<&Release>, observed: &ObservedApi) -> ApiPlan {
    let (before, definition) = (&observed.stage.deployment, &observed.definition.fingerprint);
    let change = match (goal, live) {
        (Goal::Parts(release), _) => {
            // A release of before there was an API has none.
            let deployment = release.parts.deployment.clone().filter(|deployment| deployment != before);
            deployment.map(ApiChange::Deployment)
        }
        (_, None) => Some(ApiChange::First),
        (_, Some(live)) if live.parts.deployment.is_none() => Some(ApiChange::First),
        (_, Some(live)) => {
            (live.definition != *definition).then(|| ApiChange::Definition(live.definition.clone(), definition.clone()))
        }
    };
    ApiPlan { before: before.clone(), definition: definition.clone(), change }
}

fn function_plan(key: &str, goal: Goal<'_>, live: Option<&Release>, function: &ObservedFunction) -> FunctionPlan {
    let before =
        FunctionPart { version: function.alias.version.clone(), code_sha256: function.live.code_sha256.clone() };
    let settings = function.latest.settings.differences(&function.live.settings);
    let settings = (live.is_some() && !settings.is_empty()).then_some(FunctionChange::Settings(settings));
    let (changes, after) = match goal {
        Goal::Parts(release) => existing(&before, release.parts.functions.get(key)),
        Goal::Bytes(release) => {
            let code = release.parts.functions.get(key).map(|part| part.code_sha256.clone());
            let other = code.clone().filter(|code| *code != before.code_sha256);
            with_settings(other.map(|after| FunctionChange::Code(before.code_sha256.clone(), after)), settings, code)
        }
        Goal::Sources(sources, built) => {
            let code = built
                .and_then(|manifest| manifest.functions.get(key))
                .map(|packed| packed.package.code_sha256().to_owned());
            // Sources of a function that the environment did not have then were never released to it.
            let had = live.filter(|release| release.parts.functions.contains_key(key));
            let old = had.and_then(|release| release.artifact.functions.get(key)).cloned().unwrap_or_default();
            let new = sources.functions.get(key).cloned().unwrap_or_default();
            with_settings(source_change(live, &before, code.as_ref(), (old, new)), settings, code)
        }
    };
    FunctionPlan { name: function.resource.name.clone(), before, after, changes }
}

/// Why new code is needed, if it is. Where the bytes are at hand they decide, and never the sources: other sources may make
/// the same bytes, and the same sources other ones.
fn source_change(
    live: Option<&Release>,
    before: &FunctionPart,
    code: Option<&String>,
    (old, new): (String, String),
) -> Option<FunctionChange> {
    let is_changed = code.map_or(old != new, |code| *code != before.code_sha256);
    match code {
        _ if live.is_none() => Some(FunctionChange::First),
        _ if !is_changed => None,
        Some(code) if old == new => Some(FunctionChange::Code(before.code_sha256.clone(), code.clone())),
        _ => Some(FunctionChange::Source(old, new)),
    }
}

/// A rollback's move: to a version that exists.
fn existing(before: &FunctionPart, after: Option<&FunctionPart>) -> (Vec<FunctionChange>, After) {
    match after.filter(|after| after.version != before.version) {
        None => (Vec::new(), After::Same),
        Some(after) => {
            let change = FunctionChange::Version(before.version.clone(), after.version.clone());
            (vec![change], After::Version(after.clone()))
        }
    }
}

/// A version is needed for other code, and for other settings alone too: then of the live bytes, so that what was
/// tested stays what runs.
fn with_settings(
    code_change: Option<FunctionChange>,
    settings: Option<FunctionChange>,
    code: Option<String>,
) -> (Vec<FunctionChange>, After) {
    let after = match (&code_change, &settings) {
        (Some(_), _) => After::NewCode(code),
        (None, Some(_)) => After::LiveCode,
        (None, None) => After::Same,
    };
    (code_change.into_iter().chain(settings).collect(), after)
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.api_change().is_none() && self.functions.values().all(|function| function.changes.is_empty())
    }

    /// Why the stage gets another deployment, if there is one and it does.
    pub fn api_change(&self) -> Option<&ApiChange> {
        self.api.as_ref()?.change.as_ref()
    }

    /// Whether new code is needed before anything can be done.
    pub fn needs_code(&self) -> bool {
        self.functions.values().any(|function| matches!(function.after, After::NewCode(_)))
    }

    /// The keys of the functions whose alias moves.
    pub fn moved(&self) -> impl Iterator<Item = &String> {
        self.functions.iter().filter(|(_, function)| function.after != After::Same).map(|(key, _)| key)
    }
}
