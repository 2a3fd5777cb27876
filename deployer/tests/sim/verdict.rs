//! Rules for an environment after any run.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use deployer::retention::mark;

use crate::application::Behavior;
use crate::aws::lambda::Logged;
use crate::fault::Fault;
use crate::matrix::Scenario;
use crate::simulation::{Artifact, Ended, Simulation};
use crate::stack::{APP, function, ledger, plain};

/// The live state of an environment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Serving {
    pub(crate) versions: BTreeMap<String, String>,
    /// The digests of the versions' code.
    pub(crate) codes: BTreeMap<String, String>,
    pub(crate) deployment: String,
    /// Whether no alias splits its traffic, and the stage's variable names its deployment.
    pub(crate) whole: bool,
}

impl Serving {
    pub(crate) fn of(simulation: &Simulation, environment: &str) -> Self {
        simulation.account(environment, |account| {
            let (mut versions, mut codes, mut whole) = (BTreeMap::new(), BTreeMap::new(), true);
            for key in simulation.shape.keys() {
                let name = function(&key, environment);
                let alias = account.lambda.alias(&name, "live").unwrap();
                whole &= alias.weights.is_empty();
                let found = account.lambda.versions(&name).into_iter().find(|version| version.version == alias.version);
                codes.insert(key.clone(), found.map(|version| version.code_sha256).unwrap_or_default());
                versions.insert(key, alias.version);
            }
            let stage = account.api.stage(&account.api.only(), environment).clone();
            whole &= stage.variables.get("deployment") == Some(&stage.deployment);
            Self { versions, codes, deployment: stage.deployment, whole }
        })
    }
}

/// The state before a case, and what the case is to achieve.
pub(crate) struct Before {
    serving: Serving,
    pub(crate) artifact: Artifact,
    /// What the command is to make live; `None`: what is live already.
    wanted: Option<BTreeMap<String, String>>,
    deployments: BTreeSet<String>,
    versions: Vec<(String, String, String)>,
    made: BTreeSet<(String, String)>,
    releases: usize,
    /// The lock holder: a run that died.
    holder: Value,
}

impl Before {
    pub(crate) fn of(simulation: &Simulation, scenario: &Scenario) -> Self {
        let environment = scenario.environment;
        let artifact = simulation.artifact(Behavior::Right);
        let wanted = match scenario.command.split(' ').next() {
            Some("deploy") => Some(artifact.codes.clone()),
            Some("promote") => Some(Serving::of(simulation, "dev").codes),
            Some("rollback") => {
                let first = item(simulation, environment, "release#00000001");
                let functions = first["parts"]["functions"].as_object().cloned().unwrap_or_default();
                let code = |part: &Value| part["code_sha256"].as_str().unwrap_or_default().to_owned();
                Some(functions.iter().map(|(key, part)| (key.clone(), code(part))).collect())
            }
            _ => None,
        };
        Self {
            serving: Serving::of(simulation, environment),
            artifact,
            wanted,
            deployments: deployments(simulation, environment).into_iter().map(|(id, _)| id).collect(),
            versions: versions(simulation, environment),
            made: made(simulation, environment),
            releases: releases(simulation, environment).len(),
            holder: holder(simulation, environment),
        }
    }
}

/// What is wrong after the run that met the fault.
pub(crate) fn after_the_fault(
    simulation: &Simulation,
    scenario: &Scenario,
    before: &Before,
    (fault, ended): (Fault, &Ended),
) -> Vec<String> {
    let (environment, mut wrong) = (scenario.environment, Vec::new());
    let now = Serving::of(simulation, environment);
    match ended.code {
        None | Some(7) if matches!(fault, Fault::KilledBefore | Fault::KilledAfter) => {}
        // What a dead run left could not be undone: the fault met the way back itself.
        Some(7) if !scenario.left.is_empty() => {}
        Some(0) => wrong.extend(reached(scenario, before, &now)),
        // The release is live and reported; the next run writes its record.
        Some(7) if is_unrecorded(ended) => wrong.extend(reached(scenario, before, &now)),
        Some(1 | 3 | 4 | 5 | 6) if now != before.serving && !scenario.left.contains(&now) => {
            wrong.push(format!("exit {:?}, and what is live is not what was live before", ended.code));
        }
        Some(1 | 3 | 4 | 5 | 6) => {}
        other => wrong.push(format!("exit {other:?}")),
    }
    if ended.code.is_some_and(|code| code != 0) && !ended.words.contains("hint: ") {
        wrong.push("the error has no hint".to_owned());
    }
    let holder = holder(simulation, environment);
    let is_held = ended.code.is_some_and(|code| code != 5) && !is_unrecorded(ended);
    if is_held && holder.is_object() && holder != before.holder {
        wrong.push(format!("exit {:?}, and the lock is not free", ended.code));
    }
    wrong.extend(visits(simulation, environment));
    wrong
}

/// Whether only the record of a live release could not be written, so that the lock was not freed.
fn is_unrecorded(ended: &Ended) -> bool {
    ended.words.contains("but its record could not be written")
}

/// What is wrong after the run that came after it.
pub(crate) fn after_the_next_run(
    simulation: &Simulation,
    scenario: &Scenario,
    before: &Before,
    ended: &Ended,
) -> Vec<String> {
    let (environment, mut wrong) = (scenario.environment, Vec::new());
    if ended.code != Some(0) {
        wrong.push(format!("the next run ended with {:?}", ended.code));
    }
    let now = Serving::of(simulation, environment);
    wrong.extend(reached(scenario, before, &now));
    if holder(simulation, environment).is_object() {
        wrong.push("the lock is not free after the next run".to_owned());
    }
    let history = releases(simulation, environment);
    let unfinished = |release: &&Value| matches!(release["state"].as_str(), Some("pending" | "shifting"));
    if let Some(release) = history.iter().find(unfinished) {
        wrong.push(format!("release {} is unfinished", release["number"]));
    }
    let live = item(simulation, environment, "live");
    let parts = &live["release"]["parts"];
    let recorded = |key: &String| parts["functions"][key]["version"].as_str().map(str::to_owned);
    if now.versions.iter().any(|(key, version)| recorded(key).as_ref() != Some(version)) {
        wrong.push(format!("{:?} are live, and the ledger says {}", now.versions, parts["functions"]));
    }
    if simulation.shape.has_stage() && parts["deployment"].as_str() != Some(&now.deployment) {
        wrong.push(format!("{} is live, and the ledger says {}", now.deployment, parts["deployment"]));
    }
    wrong.extend(doubled(simulation, scenario, before, history.len()));
    wrong.extend(unmarked(simulation, environment, before));
    wrong.extend(unchecked(simulation, environment));
    wrong.extend(missing(simulation, environment, before));
    wrong.extend(visits(simulation, environment));
    wrong.extend(simulation.account(environment, |account| account.lambda.violations.clone()));
    wrong
}

/// How the live state differs from what the command was to achieve.
fn reached(scenario: &Scenario, before: &Before, now: &Serving) -> Vec<String> {
    let mut wrong = Vec::new();
    if !now.whole {
        wrong.push("traffic is split, or the stage's variable is another deployment's".to_owned());
    }
    match &before.wanted {
        Some(wanted) if now.codes != *wanted => wrong.push("the live code is not the wanted one".to_owned()),
        Some(_) if scenario.moves_stage == (now.deployment == before.serving.deployment) => {
            wrong.push(format!("the stage serves {}, and before {}", now.deployment, before.serving.deployment));
        }
        None if *now != before.serving => wrong.push(format!("{} changed what is live", scenario.name)),
        _ => {}
    }
    wrong
}

/// Parts that were made twice.
fn doubled(simulation: &Simulation, scenario: &Scenario, before: &Before, releases: usize) -> Vec<String> {
    let mut wrong = Vec::new();
    if scenario.command.starts_with("deploy") || scenario.command.starts_with("promote") {
        let wanted = before.wanted.iter().flatten();
        for (key, code) in wanted {
            let name = function(key, scenario.environment);
            let versions = simulation.account(scenario.environment, |account| account.lambda.versions(&name));
            let same = versions.iter().filter(|version| version.code_sha256 == *code).count();
            if same != 1 {
                wrong.push(format!("{same} versions of {key} have the new code"));
            }
        }
    }
    let made = deployments(simulation, scenario.environment);
    let new = made.iter().filter(|(id, _)| !before.deployments.contains(id)).count();
    if new > releases - before.releases {
        wrong.push(format!("{new} deployments for {} releases", releases - before.releases));
    }
    wrong
}

/// Parts that the runs made without the deployer's mark, and that the ledger does not name either: nothing would ever prune them.
fn unmarked(simulation: &Simulation, environment: &str, before: &Before) -> Vec<String> {
    let versions = versions(simulation, environment).into_iter();
    let versions = versions.filter(|version| !before.versions.contains(version));
    let versions = versions.map(|(key, version, description)| (format!("version {version} of {key}"), description));
    let deployments = deployments(simulation, environment).into_iter();
    let deployments = deployments.filter(|(id, _)| !before.deployments.contains(id));
    let deployments = deployments.map(|(id, description)| (format!("deployment {id}"), description));
    let made: Vec<_> =
        made(simulation, environment).iter().map(|(key, version)| format!("version {version} of {key}")).collect();
    let mark = mark(APP, environment);
    let bare = versions
        .chain(deployments)
        .filter(|(what, description)| !description.starts_with(&mark) && !made.contains(what));
    bare.map(|(what, description)| format!("{what} has no mark: `{description}`")).collect()
}

/// The versions that the ledger names as made by releases: function and number.
pub(crate) fn made(simulation: &Simulation, environment: &str) -> BTreeSet<(String, String)> {
    let item = item(simulation, environment, "made");
    let functions = item["functions"].as_object().into_iter().flatten();
    let versions = functions.flat_map(|(key, versions)| {
        versions.as_object().into_iter().flatten().map(move |(version, _)| (key.clone(), version.clone()))
    });
    versions.collect()
}

/// Parts that were removed but had to stay: those that the deployer did not make, and those for a rollback of the live release.
fn missing(simulation: &Simulation, environment: &str, before: &Before) -> Vec<String> {
    let (now, mark) = (versions(simulation, environment), mark(APP, environment));
    let is_own = |(key, version, description): &(String, String, String)| {
        description.starts_with(&mark) || before.made.contains(&(key.clone(), version.clone()))
    };
    let foreign = before.versions.iter().filter(|version| !is_own(version) && !now.contains(version));
    let mut wrong: Vec<String> = foreign
        .map(|(key, version, _)| format!("version {version} of {key}, which is not the deployer's, is gone"))
        .collect();
    let live = &item(simulation, environment, "live")["release"];
    for (key, part) in live["previous_parts"]["functions"].as_object().into_iter().flatten() {
        if !now.iter().any(|(of, version, _)| of == key && part["version"] == **version) {
            wrong.push(format!("version {} of {key}, the way back from what is live, is gone", part["version"]));
        }
    }
    wrong
}

/// Moves of aliases to versions that had neither passed their checks by Invoke nor been live before.
pub(crate) fn unchecked(simulation: &Simulation, environment: &str) -> Vec<String> {
    let log = simulation.account(environment, |account| account.lambda.log.clone());
    let (mut good, mut wrong) = (BTreeSet::new(), Vec::new());
    for logged in log {
        match logged {
            Logged::Passed(function, version) | Logged::Placed(function, version) => {
                good.insert((function, version));
            }
            Logged::Moved(function, version) => {
                if good.insert((function.clone(), version.clone())) {
                    wrong.push(format!("version {version} of {function} got traffic before its checks had passed"));
                }
            }
        }
    }
    wrong
}

/// Requests of visitors that fail.
fn visits(simulation: &Simulation, environment: &str) -> Vec<String> {
    let failed = simulation.shape.keys().filter_map(|key| {
        let status = simulation.visit(environment, &key);
        (status != 200).then(|| format!("a visit to {key} got {status}"))
    });
    failed.collect()
}

/// The published versions: the function's key, the number and the description.
fn versions(simulation: &Simulation, environment: &str) -> Vec<(String, String, String)> {
    let of = |key: String| {
        let name = function(&key, environment);
        let found = simulation.account(environment, |account| account.lambda.versions(&name));
        found.into_iter().map(move |found| (key.clone(), found.version, found.description))
    };
    simulation.shape.keys().flat_map(of).collect()
}

fn deployments(simulation: &Simulation, environment: &str) -> Vec<(String, String)> {
    simulation.account(environment, |account| account.api.deployments(&account.api.only()))
}

/// The releases in the ledger.
pub(crate) fn releases(simulation: &Simulation, environment: &str) -> Vec<Value> {
    let items = simulation.account(environment, |account| account.dynamodb.items(&ledger(environment)));
    let items = items.iter().map(whole);
    items.filter(|item| item["sk"].as_str().is_some_and(|key| key.starts_with("release#"))).collect()
}

/// The lock holder.
pub(crate) fn holder(simulation: &Simulation, environment: &str) -> Value {
    item(simulation, environment, "lock")["holder"].clone()
}

/// An item of the ledger.
pub(crate) fn item(simulation: &Simulation, environment: &str, key: &str) -> Value {
    let item = simulation.account(environment, |account| account.dynamodb.item(&ledger(environment), APP, key));
    item.map_or(Value::Null, |item| whole(&item))
}

fn whole(item: &Value) -> Value {
    let members = item.as_object().into_iter().flatten();
    members.map(|(name, value)| (name.clone(), plain(value))).collect::<serde_json::Map<_, _>>().into()
}
