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

    /// The steps in order. Forward: aliases before the stage, so that the new definition never meets old
    /// code; the aliases are verified before the stage moves.
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::artifact::PackedFunction;
    use crate::aws::{Alias, Readiness, Settings, Stage, VersionState};
    use crate::failure::Exit;
    use crate::ledger::{FunctionPart, LedgerState, Lock};

    fn sources(hash: &str) -> Sources {
        Sources { hash: hash.to_owned(), functions: BTreeMap::from([("f".to_owned(), hash.to_owned())]) }
    }

    fn built(sha256: &str) -> Manifest {
        let zip = PackedFunction { source_hash: "s2".into(), zip: "f.zip".into(), sha256: sha256.into(), size: 1 };
        Manifest {
            schema: 1,
            source_hash: "s2".into(),
            commit: None,
            dirty: false,
            target: "t".into(),
            functions: BTreeMap::from([("f".to_owned(), zip)]),
        }
    }

    fn version(number: &str) -> VersionState {
        VersionState {
            version: number.to_owned(),
            code_sha256: "zip1".to_owned(),
            revision: "r".to_owned(),
            description: String::new(),
            modified: String::new(),
            readiness: Readiness::Ready,
            settings: Settings::with("MemorySize", "128"),
        }
    }

    /// Release 7 is live: version 5 of `f` from the sources `s1`, deployment `d1` of the definition `def1`.
    fn observed() -> Observed {
        let parts = json!({"functions": {"f": {"version": "5", "code_sha256": "zip1"}}, "deployment": "d1"});
        let release = json!({
            "number": 7, "kind": "deploy", "state": "live", "parts": parts, "previous_parts": parts, "previous": 6,
            "artifact": {"source_hash": "s1", "functions": {"f": "s1"}}, "definition": "def1",
            "actor": "ada", "started_at": "now", "fence": 3,
        });
        let resource = json!({"name": "f-dev", "alias": "live", "architecture": "x86_64"});
        let contract = json!({
            "environment": "dev", "account": "1", "region": "r", "functions": {"f": resource.clone()},
            "api": {"rest_api_id": "a", "stage": "dev", "url": "u", "initial_deployment": "d0"},
        });
        let function = ObservedFunction {
            resource: serde_json::from_value(resource).unwrap(),
            alias: Alias {
                version: "5".into(),
                weights: BTreeMap::new(),
                revision: "r".into(),
                description: "".into(),
            },
            live: version("5"),
            latest: version("$LATEST"),
        };
        Observed {
            ledger: LedgerState {
                contract: serde_json::from_value(contract).unwrap(),
                lock: Lock::default(),
                live: Some(serde_json::from_value(release).unwrap()),
                last_number: 9,
            },
            functions: BTreeMap::from([("f".to_owned(), function)]),
            stage: Stage { deployment: "d1".into(), mark: Some("d1".into()) },
            definition: "def1".into(),
        }
    }

    fn planned(source: &str, zip: Option<&str>, observed: &Observed) -> Plan {
        let (sources, manifest) = (sources(source), zip.map(built));
        plan(Wanted { sources: &sources, built: manifest.as_ref() }, observed).unwrap()
    }

    fn steps(plan: &Plan) -> Vec<String> {
        plan.phases()
            .iter()
            .map(|phase| phase.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + "))
            .collect()
    }

    #[test]
    fn unchanged_sources_settings_and_definition_make_an_empty_plan() {
        let plan = planned("s1", None, &observed());
        assert!(plan.is_empty() && !plan.needs_build());
    }

    #[test]
    fn the_next_number_follows_the_last_one_given_and_not_the_live_one() {
        assert_eq!(planned("s2", None, &observed()).release, 10);
    }

    #[test]
    fn other_sources_are_a_change_until_the_build_shows_the_same_bytes() {
        let observed = observed();
        assert!(planned("s2", None, &observed).needs_build());
        assert!(!planned("s2", Some("zip2"), &observed).is_empty());
        assert!(planned("s2", Some("zip1"), &observed).is_empty());
    }

    #[test]
    fn changed_code_moves_aliases_and_no_stage() {
        let code =
            ["publish and check a version of `f`", "move the alias of `f`", "check through the URL after the aliases"];
        assert_eq!(steps(&planned("s2", None, &observed())), code);
    }

    #[test]
    fn a_changed_definition_moves_the_stage_and_no_alias() {
        let mut observed = observed();
        observed.definition = "def2".into();
        let stage = ["create an API deployment", "move the stage", "check through the URL after the stage"];
        assert_eq!(steps(&planned("s1", None, &observed)), stage);
    }

    #[test]
    fn where_both_change_the_aliases_are_checked_under_the_old_definition_first() {
        let mut observed = observed();
        observed.definition = "def2".into();
        let both = [
            "publish and check a version of `f` + create an API deployment",
            "move the alias of `f`",
            "check through the URL after the aliases",
            "move the stage",
            "check through the URL after the stage",
        ];
        assert_eq!(steps(&planned("s2", None, &observed)), both);
    }

    #[test]
    fn settings_that_terraform_changed_need_a_version_and_no_build() {
        let mut observed = observed();
        observed.functions.get_mut("f").unwrap().latest.settings = Settings::with("MemorySize", "256");
        let plan = planned("s1", None, &observed);
        assert_eq!(plan.functions["f"].changes, [FunctionChange::Settings(vec!["MemorySize".to_owned()])]);
        assert!(!plan.needs_build());
    }

    #[test]
    fn before_the_first_release_everything_is_new_and_nothing_is_drift() {
        let mut observed = observed();
        observed.ledger.live = None;
        observed.stage.deployment = "d0".into();
        let plan = planned("s1", None, &observed);
        assert_eq!((plan.live, plan.phases().len()), (0, 5));
    }

    #[test]
    fn whatever_was_moved_behind_the_deployers_back_is_refused_by_name() {
        let refused = |observed: &Observed| {
            let error = plan(Wanted { sources: &sources("s2"), built: None }, observed).unwrap_err();
            assert_eq!(Failure::exit_of(&error), Exit::Refused);
            error.to_string()
        };
        let (mut alias, mut weight, mut stage, mut code) = (observed(), observed(), observed(), observed());
        alias.functions.get_mut("f").unwrap().alias.version = "4".into();
        assert!(refused(&alias).contains("alias `live` of `f-dev` names version 4, release 7 left it at 5"));
        weight.functions.get_mut("f").unwrap().alias.weights.insert("6".into(), 0.1);
        assert!(refused(&weight).contains("splits its traffic"));
        stage.stage.deployment = "d9".into();
        assert!(refused(&stage).contains("serves deployment `d9`, release 7 left it at `d1`"));
        let part = FunctionPart { version: "5".into(), code_sha256: "other".into() };
        code.ledger.live.as_mut().unwrap().parts.functions.insert("f".into(), part);
        assert!(refused(&code).contains("other code than release 7"));
    }
}
