//! `(wanted, observed) -> Plan`: what would be done, and why. Pure: no clock, no I/O.
//!
//! A plan is a value: it is shown, compared with the plan made under the lock, and applied phase by phase. Promote
//! and rollback are other plans of the same steps.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::Result;
use serde::Serialize;

use crate::artifact::{Manifest, Sources};
use crate::failure::Failure;
use crate::ledger::Release;
use crate::observe::{Observed, ObservedFunction};

/// What is wanted: these sources, and once they are built, these zips.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The sources of the functions.
    pub sources: &'a Sources,
    /// The build of them, if there is one.
    pub built: Option<&'a Manifest>,
}

/// What would be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The number that the release would get.
    pub release: u32,
    /// The release that is live; 0 is the placeholder.
    pub live: u32,
    /// The functions by key.
    pub functions: BTreeMap<String, FunctionPlan>,
    /// The API.
    pub api: ApiPlan,
}

/// What would be done with one function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FunctionPlan {
    /// Its name in Lambda.
    pub name: String,
    /// The version behind the alias.
    pub version: String,
    /// The SHA-256 of the live zip, and of the built one where that is known.
    pub code: (String, Option<String>),
    /// Why it needs a new version; empty: it needs none.
    pub changes: Vec<FunctionChange>,
}

/// Why a function needs a new version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FunctionChange {
    /// Nothing was released yet.
    First,
    /// Its sources changed: the hashes before and after.
    Source(String, String),
    /// Terraform changed these settings.
    Settings(Vec<String>),
}

/// What would be done with the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiPlan {
    /// The deployment that the stage serves.
    pub deployment: String,
    /// The fingerprint of the definition as it is now.
    pub definition: String,
    /// Why it needs a new deployment, if it does.
    pub change: Option<ApiChange>,
}

/// Why an API needs a new deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApiChange {
    /// Nothing was released yet.
    First,
    /// Its definition changed: the fingerprints before and after.
    Definition(String, String),
}

/// Steps that go side by side. The next phase begins when all of them are done.
pub type Phase = Vec<Step>;

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Uploads code if it has to, publishes a version, waits for it, and sends it its checks. No traffic moves.
    Prepare(String),
    /// Freezes the definition into a deployment that no stage serves yet.
    CreateDeployment,
    /// Moves the alias of a function to its new version.
    MoveAlias(String),
    /// Makes the stage serve the new deployment.
    MoveStage,
    /// Sends the checks through the URL until the new parts answer them.
    Verify(Moment),
}

/// When checks go through the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// New code under the old definition.
    AfterAliases,
    /// Everything new.
    AfterStage,
}

/// What a release of `wanted` would do to what was `observed`.
///
/// # Errors
/// Drift: what is live is not what the ledger says.
pub fn plan(wanted: Wanted<'_>, observed: &Observed) -> Result<Plan> {
    let live = observed.ledger.live.as_ref();
    if let Some(drift) = drift(observed) {
        return Err(Failure::refused(format!("drift: {drift}"))
            .hint("somebody moved this behind the deployer's back: move it back and run again; nothing was overwritten")
            .into());
    }
    let functions =
        observed.functions.iter().map(|(key, function)| (key.clone(), function_plan(key, wanted, live, function)));
    let first = live.is_none().then_some(ApiChange::First);
    let differs = live.filter(|live| live.definition != observed.definition);
    let change = first
        .or_else(|| differs.map(|live| ApiChange::Definition(live.definition.clone(), observed.definition.clone())));
    Ok(Plan {
        release: observed.ledger.last_number + 1,
        live: live.map_or(0, |release| release.number),
        functions: functions.collect(),
        api: ApiPlan { deployment: observed.stage.deployment.clone(), definition: observed.definition.clone(), change },
    })
}

fn function_plan(key: &str, wanted: Wanted<'_>, live: Option<&Release>, function: &ObservedFunction) -> FunctionPlan {
    let built = wanted.built.and_then(|manifest| manifest.functions.get(key)).map(|packed| packed.sha256.clone());
    let before = live.and_then(|release| release.artifact.functions.get(key)).cloned().unwrap_or_default();
    let after = wanted.sources.functions.get(key).cloned().unwrap_or_default();
    // Other sources that make the same bytes are no change: there is nothing to move.
    let same_bytes = built.as_ref() == Some(&function.live.code_sha256);
    let settings = function.latest.settings.differences(&function.live.settings);
    let mut changes = Vec::new();
    if live.is_none() {
        changes.push(FunctionChange::First);
    } else if before != after && !same_bytes {
        changes.push(FunctionChange::Source(before, after));
    }
    if live.is_some() && !settings.is_empty() {
        changes.push(FunctionChange::Settings(settings));
    }
    FunctionPlan {
        name: function.resource.name.clone(),
        version: function.alias.version.clone(),
        code: (function.live.code_sha256.clone(), built),
        changes,
    }
}

/// In what the live state differs from what the ledger says, if it does. Before the first release nothing can.
pub fn drift(observed: &Observed) -> Option<String> {
    let live = observed.ledger.live.as_ref()?;
    let number = live.number;
    let mut drift = Vec::new();
    for (key, function) in &observed.functions {
        let (name, alias) = (&function.resource.name, &function.resource.alias);
        let Some(part) = live.parts.functions.get(key) else {
            drift.push(format!("release {number} knows no function `{key}`"));
            continue;
        };
        if function.alias.version != part.version {
            drift.push(format!(
                "alias `{alias}` of `{name}` names version {}, release {number} left it at {}",
                function.alias.version, part.version
            ));
        } else if function.live.code_sha256 != part.code_sha256 {
            drift.push(format!("version {} of `{name}` has other code than release {number} left there", part.version));
        }
        if !function.alias.weights.is_empty() {
            drift.push(format!("alias `{alias}` of `{name}` splits its traffic"));
        }
    }
    if observed.stage.deployment != live.parts.deployment {
        let (found, left) = (&observed.stage.deployment, &live.parts.deployment);
        drift.push(format!("the stage serves deployment `{found}`, release {number} left it at `{left}`"));
    }
    (!drift.is_empty()).then(|| drift.join("; "))
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.api.change.is_none() && self.functions.values().all(|function| function.changes.is_empty())
    }

    /// Whether a build is needed before anything can be done.
    pub fn needs_build(&self) -> bool {
        self.functions.values().any(FunctionPlan::needs_code)
    }

    /// The keys of the functions that get a new version.
    pub fn changed(&self) -> impl Iterator<Item = &String> {
        self.functions.iter().filter(|(_, function)| !function.changes.is_empty()).map(|(key, _)| key)
    }

    /// The steps in order. Forward: aliases before the stage, so that the old definition never meets old code
    /// that a new one needs; both are verified before the next thing moves.
    pub fn phases(&self) -> Vec<Phase> {
        let mut phases = vec![self.changed().cloned().map(Step::Prepare).collect::<Phase>()];
        if self.api.change.is_some() {
            phases[0].push(Step::CreateDeployment);
        }
        let aliases: Phase = self.changed().cloned().map(Step::MoveAlias).collect();
        if !aliases.is_empty() {
            phases.extend([aliases, vec![Step::Verify(Moment::AfterAliases)]]);
        }
        if self.api.change.is_some() {
            phases.extend([vec![Step::MoveStage], vec![Step::Verify(Moment::AfterStage)]]);
        }
        phases
    }
}

impl FunctionPlan {
    /// Whether the new version needs new bytes, or only publishes the live ones with other settings.
    pub fn needs_code(&self) -> bool {
        self.changes.iter().any(|change| !matches!(change, FunctionChange::Settings(_)))
    }
}

impl fmt::Display for FunctionChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => formatter.write_str("nothing was released yet"),
            Self::Source(before, after) => write!(formatter, "sources {} -> {}", short(before), short(after)),
            Self::Settings(names) => write!(formatter, "Terraform changed {}", names.join(", ")),
        }
    }
}

impl fmt::Display for ApiChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => formatter.write_str("nothing was released yet"),
            Self::Definition(before, after) => write!(formatter, "definition {} -> {}", short(before), short(after)),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prepare(key) => write!(formatter, "publish and check a version of `{key}`"),
            Self::CreateDeployment => write!(formatter, "create an API deployment"),
            Self::MoveAlias(key) => write!(formatter, "move the alias of `{key}`"),
            Self::MoveStage => write!(formatter, "move the stage"),
            Self::Verify(moment) => write!(formatter, "check through the URL {moment}"),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::AfterAliases => "after the aliases",
            Self::AfterStage => "after the stage",
        })
    }
}

/// The first 12 digits of a hash: enough to tell two apart.
pub fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
