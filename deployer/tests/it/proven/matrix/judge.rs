//! What has to be true after a run that met a fault, and after the run that follows it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::serving::{Serving, deployments, functions, ids, versions};
use super::fault::{Fault, Met};
use super::scenario::{Case, Kind, Scenario};
use crate::harness::Ended;
use crate::stack;

/// The safe state has to be reached so soon after a signal.
const STOPS_WITHIN_SECONDS: u64 = 7;

/// What there is before a case.
pub(super) struct Before {
    pub serving: Serving,
    last: u64,
    versions: [BTreeSet<String>; 2],
    deployments: BTreeSet<String>,
}

impl Before {
    pub(super) fn of(environment: &str) -> Self {
        let versions = functions(environment).map(|name| ids(&versions(environment, &name), "Version"));
        let deployments = ids(&deployments(environment), "id");
        Self { serving: Serving::of(environment), last: stack().last_number(environment), versions, deployments }
    }
}

/// What is wrong after the run that met the fault.
pub(super) fn after_the_fault(
    scenario: &Scenario,
    case: &Case,
    before: &Before,
    fault: Fault,
    met: &Met,
) -> Vec<String> {
    let now = Serving::of(scenario.environment);
    let mut wrong = unchecked(scenario, case, before);
    let Some(ended) = &met.ended else { return wrong };
    let there = scenario.is_reached(case, &before.serving, &now);
    let back = now == before.serving;
    // A record that could not be written may be all that is missing, and the run has to say so.
    let record_is_missing = ended.code == 7 && met.call == Some("TransactWriteItems") && there;
    match ended.code {
        0 if there => {}
        1 | 3 | 4 | 6 if back => {}
        _ if record_is_missing => {}
        code => wrong.push(format!("code {code}, and what serves is {now:?}: {}", ended.stderr)),
    }
    if ended.code != 0 && !(ended.stderr.contains("error: ") && ended.stderr.contains("hint: ")) {
        wrong.push(format!("no error with a hint: {}", ended.stderr));
    }
    let lock = stack().ledger_item(scenario.environment, "lock");
    // Where the ledger itself refuses, its lock may stay behind: its lease ends it.
    let may_stay = met.call == Some("TransactWriteItems") && fault == Fault::Refused(403);
    if !lock["holder"].is_null() && !may_stay {
        wrong.push(format!("the lock is held after the end: {lock}; {}", ended.stderr));
    }
    if let Some(stopping) = met.stopping.filter(|time| time.as_secs() >= STOPS_WITHIN_SECONDS) {
        wrong.push(format!("{stopping:?} from the signal to the end"));
    }
    wrong
}

/// What is wrong after the run that followed.
pub(super) fn after_the_next_run(
    scenario: &Scenario,
    case: &Case,
    before: &Before,
    unfinished: bool,
    next: &Ended,
) -> Vec<String> {
    let environment = scenario.environment;
    if next.code != 0 {
        return vec![format!("the next run ended with {}: {}", next.code, next.stderr)];
    }
    let now = Serving::of(environment);
    let mut wrong = unchecked(scenario, case, before);
    if !scenario.is_reached(case, &before.serving, &now) {
        wrong.push(format!("it says done, and what serves is {now:?} instead of {:?}", case.codes));
    }
    if unfinished && !next.stderr.contains("Recovered") {
        wrong.push(format!("it does not say what became of the unfinished release: {}", next.stderr));
    }
    let status = stack().status(environment);
    for what in ["lock", "unfinished", "drift", "error"] {
        if !status[what].is_null() {
            wrong.push(format!("{what}: {}", status[what]));
        }
    }
    wrong.extend(wrong_releases(environment, before));
    wrong.extend(doubles(scenario, case, before));
    wrong
}

/// An alias that was moved to a version whose checks had not passed: by invariant 1 there is none.
fn unchecked(scenario: &Scenario, case: &Case, before: &Before) -> Vec<String> {
    let known = [Some(&before.serving.versions), case.checked.as_ref()];
    let paths = functions(scenario.environment);
    let known = known.into_iter().flatten().flat_map(|versions| paths.iter().cloned().zip(versions.iter().cloned()));
    let (mut checked, mut wrong): (BTreeSet<(String, String)>, _) = (known.collect(), Vec::new());
    for call in scenario.front.calls() {
        let path = call.line.split_whitespace().nth(1).unwrap_or_default();
        let function = paths.iter().find(|known| path.starts_with(&format!("{known}/")));
        let Some(function) = function else { continue };
        if call.name == "Invoke" && call.status == Some(200) {
            let version = path.split_once("Qualifier=").map_or("", |(_, version)| version);
            checked.insert((function.clone(), version.to_owned()));
        }
        let named = if call.name == "UpdateAlias" { versions_of(&call.body) } else { Vec::new() };
        let unknown = named.into_iter().filter(|version| !checked.contains(&(function.clone(), version.clone())));
        wrong.extend(
            unknown.map(|version| format!("{function} was moved to version {version}, which no check had passed")),
        );
    }
    wrong
}

/// The versions that a move gives traffic to.
fn versions_of(body: &str) -> Vec<String> {
    let request: Value = serde_json::from_str(body).unwrap_or_default();
    let weights = request["RoutingConfig"]["AdditionalVersionWeights"].as_object().cloned().unwrap_or_default();
    request["FunctionVersion"]
        .as_str()
        .map(str::to_owned)
        .into_iter()
        .chain(weights.into_iter().map(|(version, _)| version))
        .collect()
}

/// Every release has its end, one is live, and the ledger can be read.
fn wrong_releases(environment: &str, before: &Before) -> Vec<String> {
    let (mut wrong, last) = (Vec::new(), stack().last_number(environment));
    let ended = stack().checkout.deployer(&format!("history {environment} --limit 5 --output json"));
    if ended.code != 0 {
        wrong.push(format!("the ledger cannot be read: {}", ended.stderr));
    }
    for number in before.last + 1..=last {
        let release = stack().release(environment, number);
        let state = release["state"].as_str().unwrap_or("missing");
        if !["live", "failed", "rolled-back", "superseded"].contains(&state) {
            wrong.push(format!("release {number} is {state}"));
        }
    }
    // The run that met the fault and the one after it.
    if last > before.last + 2 {
        wrong.push(format!("{} releases of two runs", last - before.last));
    }
    let live = stack().ledger_item(environment, "live");
    if live["release"]["M"]["number"] != json!({"N": last.to_string()}) && last > before.last {
        let state = stack().release(environment, last)["state"].clone();
        wrong.push(format!("live is not release {last}, which is {state}"));
    }
    wrong
}

/// No second version or deployment for one attempt, and nothing that nobody owns.
fn doubles(scenario: &Scenario, case: &Case, before: &Before) -> Vec<String> {
    let (environment, mut wrong) = (scenario.environment, Vec::new());
    for ((name, code), known) in functions(environment).iter().zip(&case.codes).zip(&before.versions) {
        let all = versions(environment, name);
        let same = all.iter().filter(|version| version["CodeSha256"] == code.as_str()).count();
        if scenario.kind != Kind::Rollback && same != 1 {
            wrong.push(format!("{same} versions of {name} have the new code"));
        }
        wrong.extend(orphans(&all, "Version", known));
    }
    let made = deployments(environment);
    let new = made.iter().filter(|made| !before.deployments.contains(made["id"].as_str().unwrap_or_default())).count();
    // A release makes one at most, and a rollback none.
    let releases = usize::try_from(stack().last_number(environment) - before.last).unwrap();
    if new > releases || (scenario.kind == Kind::Rollback && new > 0) {
        wrong.push(format!("{new} deployments of {releases} releases"));
    }
    wrong.extend(orphans(&made, "id", &before.deployments));
    wrong
}

/// What was made and does not carry the mark by which pruning knows its own.
fn orphans(made: &[Value], id: &str, known: &BTreeSet<String>) -> Vec<String> {
    let new = made.iter().filter(|made| !known.contains(made[id].as_str().unwrap_or_default()));
    let owned = |made: &Value| {
        ["Description", "description"]
            .iter()
            .any(|name| made[*name].as_str().is_some_and(|text| text.starts_with("deployer: release ")))
    };
    new.filter(|made| !owned(made)).map(|made| format!("nobody owns {}", made[id])).collect()
}
