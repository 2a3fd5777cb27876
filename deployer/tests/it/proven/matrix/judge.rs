//! What has to be true after a run that met a fault, and after the run that follows it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::fault::{Fault, Met};
use super::scenario::{Case, Kind, Scenario};
use crate::harness::Ended;
use crate::stack;
use crate::strict::Call;

/// The safe state has to be reached so soon after a signal.
const STOPS_WITHIN_SECONDS: u64 = 7;

/// What takes the traffic of an environment, as the emulator has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Traffic {
    /// Of both functions.
    pub versions: [String; 2],
    weights: [Value; 2],
    /// Of the versions.
    pub codes: [String; 2],
    pub deployment: String,
    variable: Value,
}

impl Traffic {
    pub(super) fn of(environment: &str) -> Self {
        let get = |path: &str| stack().behind(environment, "GET", path, None, &Value::Null);
        let aliases = functions(environment).map(|name| get(&format!("{name}/aliases/live")));
        let versions = aliases.each_ref().map(|alias| alias["FunctionVersion"].as_str().unwrap().to_owned());
        let [counter, preflight] = functions(environment);
        let code = |name: &str, version: &str| {
            let version = get(&format!("{name}/configuration?Qualifier={version}"));
            version["CodeSha256"].as_str().unwrap().to_owned()
        };
        let codes = [code(&counter, &versions[0]), code(&preflight, &versions[1])];
        let weights = aliases.map(|alias| alias["RoutingConfig"]["AdditionalVersionWeights"].clone());
        let stage = get(&format!("/restapis/{}/stages/{environment}", stack().api(environment)));
        let deployment = stage["deploymentId"].as_str().unwrap().to_owned();
        Self { versions, weights, codes, deployment, variable: stage["variables"]["deployment"].clone() }
    }

    /// Whether no alias splits its traffic and the stage says what it serves.
    pub(super) fn is_whole(&self) -> bool {
        let none = |weights: &Value| weights.as_object().is_none_or(serde_json::Map::is_empty);
        self.weights.iter().all(none) && self.variable == self.deployment.as_str()
    }
}

/// The paths of both functions of an environment.
fn functions(environment: &str) -> [String; 2] {
    ["", "-options"].map(|which| format!("/2015-03-31/functions/resume-visitor-counter{which}-{environment}"))
}

/// What there is besides traffic before a case.
pub(super) struct Before {
    pub traffic: Traffic,
    last: u64,
    versions: [BTreeSet<String>; 2],
    deployments: BTreeSet<String>,
}

impl Before {
    pub(super) fn of(environment: &str) -> Self {
        let versions = functions(environment).map(|name| ids(&versions(environment, &name), "Version"));
        let deployments = ids(&deployments(environment), "id");
        Self { traffic: Traffic::of(environment), last: stack().last_number(environment), versions, deployments }
    }
}

fn versions(environment: &str, name: &str) -> Vec<Value> {
    let all = stack().behind(environment, "GET", &format!("{name}/versions?MaxItems=10000"), None, &Value::Null);
    all["Versions"].as_array().unwrap().iter().filter(|version| version["Version"] != "$LATEST").cloned().collect()
}

fn deployments(environment: &str) -> Vec<Value> {
    let path = format!("/restapis/{}/deployments?limit=500", stack().api(environment));
    stack().behind(environment, "GET", &path, None, &Value::Null)["item"].as_array().unwrap().clone()
}

fn ids(of: &[Value], name: &str) -> BTreeSet<String> {
    of.iter().map(|made| made[name].as_str().unwrap().to_owned()).collect()
}

/// What is wrong after the run that met the fault.
pub(super) fn after_the_fault(
    scenario: &Scenario,
    case: &Case,
    before: &Before,
    fault: Fault,
    met: &Met,
) -> Vec<String> {
    let now = Traffic::of(scenario.environment);
    let mut wrong = unchecked(&scenario.front.calls(), &before.traffic);
    let Some(ended) = &met.ended else { return wrong };
    let there = scenario.is_reached(case, &before.traffic, &now);
    let back = now == before.traffic;
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
    if !lock["holder"].is_null() && !(met.call == Some("TransactWriteItems") && fault == Fault::Refused(403)) {
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
    let now = Traffic::of(environment);
    let mut wrong = unchecked(&scenario.front.calls(), &before.traffic);
    if !scenario.is_reached(case, &before.traffic, &now) {
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
fn unchecked(calls: &[Call], before: &Traffic) -> Vec<String> {
    let mut checked: BTreeSet<(String, String)> = BTreeSet::new();
    let mut wrong = Vec::new();
    for call in calls {
        let path = call.line.split_whitespace().nth(1).unwrap_or_default();
        let function = path.split('/').nth(3).unwrap_or_default().to_owned();
        if call.name == "Invoke" && call.status == Some(200) {
            let version = path.split_once("Qualifier=").map_or("", |(_, version)| version);
            checked.insert((function, version.to_owned()));
        } else if call.name == "UpdateAlias" {
            let request: Value = serde_json::from_str(&call.body).unwrap_or_default();
            let main = request["FunctionVersion"].as_str().map(str::to_owned);
            let weights = request["RoutingConfig"]["AdditionalVersionWeights"].as_object().cloned().unwrap_or_default();
            for version in main.into_iter().chain(weights.into_iter().map(|(version, _)| version)) {
                let known =
                    before.versions.contains(&version) || checked.contains(&(function.clone(), version.clone()));
                if !known {
                    wrong.push(format!("{function} was moved to version {version}, which no check had passed"));
                }
            }
        }
    }
    wrong
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
    if new > 2 || (scenario.kind == Kind::Rollback && new > 0) {
        wrong.push(format!("{new} deployments of two runs"));
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
