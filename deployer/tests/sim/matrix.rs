//! Every call of every command meets every fault, and then the command is run again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::application::Behavior;
use crate::fault::{ALL, Fault};
use crate::simulation::{Ended, Simulation, Snapshot};
use crate::stack::Shape;
use crate::verdict::{Before, after_the_fault, after_the_next_run};

/// The safe state has to be reached so soon after a signal.
const STOPS_WITHIN: Duration = Duration::from_secs(7);

/// A command, and the world that it starts from.
#[derive(Clone)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) environment: &'static str,
    /// What it does; `ARTIFACT` is a folder with packages that nobody has seen yet.
    pub(crate) command: &'static str,
    /// Whether the API's definition is another one than before.
    definition: bool,
    world: Snapshot,
}

/// One case.
#[derive(Debug, Clone, Copy)]
struct Case {
    seed: u64,
    call: usize,
    fault: Fault,
}

const CANARY: &str = "strategy = \"canary\"\npercent = 40\nbake_seconds = 180";
const LINEAR: &str = "strategy = \"linear\"\nstep_percent = 50\ninterval_seconds = 180";

impl Scenario {
    fn deploy(name: &'static str, shape: Shape, releases: usize) -> Self {
        let world = Snapshot::new(shape, 1).after(async |simulation| {
            for _ in 0..releases {
                released(simulation, "dev").await;
            }
        });
        let command = "deploy dev --artifact ARTIFACT";
        Self { name, environment: "dev", command, definition: true, world }
    }

    fn promote(shape: Shape) -> Self {
        let world = Snapshot::new(shape, 1).after(async |simulation| {
            released(simulation, "dev").await;
            simulation.done("promote dev prod --allow-definition-diff").await;
            released(simulation, "dev").await;
        });
        let command = "promote dev prod --allow-definition-diff";
        Self { name: "promote", environment: "prod", command, definition: true, world }
    }

    fn rollback(shape: Shape) -> Self {
        let command = "rollback dev --to 1";
        Self { name: "rollback", command, definition: false, ..Self::deploy("", shape, 2) }
    }

    fn prune(shape: Shape) -> Self {
        let command = "prune dev --yes";
        Self { name: "prune", command, definition: false, ..Self::deploy("", shape, 3) }
    }

    /// Runs the case: what is wrong, with what the run did.
    fn judged(&self, case: Case) -> Vec<String> {
        self.world.clone().seeded(case.seed).simulate(async |simulation| {
            let before = Before::of(simulation, self);
            let command = self.ready(simulation, &before);
            let prepared = simulation.prepare(&command);
            let run = Arc::clone(&prepared.run);
            run.fault(case.call, case.fault);
            let (first, visits) = simulation.under_visits(self.environment, prepared.end()).await;
            let mut wrong = after_the_fault(simulation, self, &before, (case.fault, &first));
            wrong.extend(visits.iter().map(|status| format!("a visit got {status}")));
            let calls = run.calls();
            let met = calls.get(case.call - 1);
            if let (Fault::Signal(_), Some(met)) = (case.fault, met)
                && simulation.now() > met.at + STOPS_WITHIN
            {
                wrong.push(format!("it went on for {:?} after the signal", simulation.now() - met.at));
            }
            let (next, visits) = simulation.under_visits(self.environment, simulation.command(&command)).await;
            wrong.extend(visits.iter().map(|status| format!("a visit to the next run got {status}")));
            wrong.extend(after_the_next_run(simulation, self, &before, &next));
            if !wrong.is_empty() {
                let met = met.map_or("none", |call| call.name);
                wrong.push(format!("{case:?} met {met}\n{}\n--\n{}", said(&first), said(&next)));
            }
            wrong
        })
    }

    /// Makes what the command needs: the command line.
    fn ready(&self, simulation: &Simulation, before: &Before) -> String {
        if self.definition {
            simulation.change_definition(self.environment);
        }
        self.command.replace("ARTIFACT", &before.artifact.folder.display().to_string())
    }

    /// How many calls the command makes when nothing happens.
    fn calls(&self) -> usize {
        self.world.clone().simulate(async |simulation| {
            let before = Before::of(simulation, self);
            let command = self.ready(simulation, &before);
            let prepared = simulation.prepare(&command);
            let run = Arc::clone(&prepared.run);
            let ended = prepared.end().await;
            assert_eq!(ended.code, Some(0), "{}", ended.words);
            run.calls().len()
        })
    }
}

fn said(ended: &Ended) -> String {
    format!("exit {:?}: {}", ended.code, ended.words)
}

/// A release of new packages and a new definition.
async fn released(simulation: &Simulation, environment: &str) {
    let artifact = simulation.artifact(Behavior::Right);
    simulation.change_definition(environment);
    simulation.done(&format!("deploy {environment} --artifact {}", artifact.folder.display())).await;
}

/// Of how many cases one is tried: with `CASES=all`, as `.ci/prove` says, each; with `CASES=N` N times as many as else.
fn stride() -> usize {
    #[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of what is tested")]
    match std::env::var("CASES").as_deref() {
        Err(_) => STRIDE,
        Ok("all") => 1,
        Ok(times) => (STRIDE / times.parse::<usize>().unwrap()).max(1),
    }
}

/// Tries a part of the cases.
fn tried(scenario: &Scenario) {
    let stride = stride();
    let started = std::time::Instant::now();
    let calls = scenario.calls();
    let all = (1..=calls).flat_map(|call| ALL.into_iter().map(move |fault| (call, fault)));
    let cases: Vec<Case> = all
        .enumerate()
        .filter(|(index, _)| index % stride == 0)
        .map(|(index, (call, fault))| Case { seed: index as u64, call, fault })
        .collect();
    let mut failed: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    for case in &cases {
        let wrong = scenario.judged(*case);
        if let Some(first) = wrong.first() {
            failed.entry(first.clone()).or_default().push(wrong);
        }
    }
    println!("{}: {} cases over {calls} calls, {:?}", scenario.name, cases.len(), started.elapsed());
    for (what, cases) in &failed {
        println!("== {} times: {what}\n{}", cases.len(), cases[0].join("\n"));
    }
    assert!(failed.is_empty());
}

#[test]
fn a_first_deploy_survives_every_fault_at_every_call() {
    tried(&Scenario::deploy("first deploy", Shape::of(2), 0));
}

#[test]
fn a_deploy_survives_every_fault_at_every_call() {
    tried(&Scenario::deploy("deploy", Shape::of(2), 1));
}

#[test]
fn a_canary_survives_every_fault_at_every_call() {
    tried(&Scenario::deploy("canary", Shape::of(2).moving(CANARY), 1));
}

#[test]
fn a_linear_shift_survives_every_fault_at_every_call() {
    tried(&Scenario::deploy("linear shift", Shape::of(2).moving(LINEAR), 1));
}

#[test]
fn a_promotion_survives_every_fault_at_every_call() {
    tried(&Scenario::promote(Shape::of(2)));
}

#[test]
fn a_rollback_survives_every_fault_at_every_call() {
    tried(&Scenario::rollback(Shape::of(2)));
}

#[test]
fn pruning_survives_every_fault_at_every_call() {
    tried(&Scenario::prune(Shape::of(2).keeping(1)));
}

/// Of so many cases one is tried: a prime that shares nothing with the number of faults, so that all of them come.
const STRIDE: usize = 53;
