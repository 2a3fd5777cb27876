//! Every fault at every call of every command; then the command is run again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::application::Behavior;
use crate::cases::{self, PARTS, Share};
use crate::fault::{ALL, Fault};
use crate::outside::WRITES;
use crate::promises::measured;
use crate::simulation::{Ended, Simulation, Snapshot};
use crate::stack::{Shape, Trigger, function};
use crate::verdict::{Before, Serving, after_the_fault, after_the_next_run};

/// The time within which a run must reach a safe state after a signal.
const STOPS_WITHIN: Duration = Duration::from_secs(7);

/// Unless all cases run, one in this number does: a prime, coprime with the number of faults, so that all of them occur.
const STRIDE: usize = 101;
/// The same for the main scenarios.
const STEP: usize = 61;
/// One in this number of cases of a stack of eight functions is tried: each of its commands makes hundreds of calls.
const WIDE: usize = 4 * STRIDE;

/// A command, and the world in which it starts.
#[derive(Clone)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) environment: &'static str,
    /// Its arguments; `ARTIFACT` is a folder with new packages.
    pub(crate) command: &'static str,
    /// Whether the API's definition changes.
    definition: bool,
    /// Whether the stage is to move.
    pub(crate) moves_stage: bool,
    /// What a dead run has left, and what was live before it: a failing run may leave either.
    pub(crate) left: Vec<Serving>,
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
        let left = Vec::new();
        Self { name, environment: "dev", command, definition: true, moves_stage: shape.has_stage(), left, world }
    }

    /// A change of code alone.
    fn code(name: &'static str, shape: Shape) -> Self {
        Self { definition: false, moves_stage: false, ..Self::deploy(name, shape, 1) }
    }

    fn promote(name: &'static str, shape: Shape) -> Self {
        let world = Snapshot::new(shape, 1).after(async |simulation| {
            released(simulation, "dev").await;
            simulation.done("promote dev prod --allow-definition-diff").await;
            released(simulation, "dev").await;
        });
        let command = "promote dev prod --allow-definition-diff";
        Self { environment: "prod", command, world, ..Self::deploy(name, shape, 0) }
    }

    fn rollback(name: &'static str, shape: Shape) -> Self {
        Self { command: "rollback dev --to 1", definition: false, ..Self::deploy(name, shape, 2) }
    }

    fn prune(name: &'static str, shape: Shape) -> Self {
        // Parts that a release itself removes must still be there.
        let deployed = Self::deploy(name, shape.keeping(10), 4);
        let world = deployed.world.clone().keeping(shape.keeps);
        Self { command: "prune dev --yes", definition: false, world, ..deployed }
    }

    /// An alias was moved back behind the deployer's back.
    fn adopt(name: &'static str, shape: Shape) -> Self {
        let deployed = Self::deploy(name, shape, 2);
        let world = deployed.world.clone().after(async |simulation| {
            let moment = simulation.aws().moment.clone();
            let alias = function("f1", "dev");
            simulation.account("dev", |account| account.lambda.move_alias(&moment, &alias, "live", "2"));
        });
        Self { command: "deploy dev --artifact ARTIFACT --adopt", world, ..deployed }
    }

    /// The functions were in use before the first release.
    fn first_contact(name: &'static str, shape: Shape) -> Self {
        let deployed = Self::deploy(name, shape, 0);
        let world = deployed.world.clone().after(async |simulation| in_use(simulation, "dev"));
        Self { world, ..deployed }
    }

    /// A run died while it moved traffic, after this share of that part.
    fn recovery(name: &'static str, shape: Shape, share: f64) -> Self {
        let scenario = Self::deploy(name, shape, 1);
        let calls = scenario.calls();
        let first = calls.iter().position(|call| *call == "UpdateAlias").unwrap();
        let last = calls.iter().rposition(|call| *call == "TransactWriteItems").unwrap();
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "few calls"
        )]
        let dies_at = first + 1 + ((last - first) as f64 * share) as usize;
        let mut left = Vec::new();
        let world = scenario.world.clone().after(async |simulation| {
            left.push(Serving::of(simulation, "dev"));
            let artifact = simulation.artifact(Behavior::Right);
            simulation.change_definition("dev");
            let prepared = simulation.prepare(&format!("deploy dev --artifact {}", artifact.folder.display()));
            prepared.run.fault(dies_at, Fault::KilledAfter);
            assert_eq!(prepared.end().await.code, None);
            left.push(Serving::of(simulation, "dev"));
        });
        Self { left, world, ..scenario }
    }

    /// Runs the case. Returns what is wrong, with what the run did.
    fn checked(&self, case: Case) -> Vec<String> {
        self.world.clone().seeded(case.seed).run(async |simulation| {
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
            if !wrong.is_empty() || cases::only().is_some() {
                let met = met.map_or("none", |call| call.name);
                let what = format!("{case:?} met {met}\n{}\n--\n{}", said(&first), said(&next));
                let timeline = format!("{what}\n{}", simulation.timeline());
                if cases::only().is_some() {
                    println!("{timeline}");
                } else {
                    wrong.push(timeline);
                }
            }
            wrong
        })
    }

    /// Makes what the command needs. Returns the command line.
    fn ready(&self, simulation: &Simulation, before: &Before) -> String {
        if self.definition {
            simulation.change_definition(self.environment);
        }
        self.command.replace("ARTIFACT", &before.artifact.folder.display().to_string())
    }

    /// The calls that the command makes without faults.
    fn calls(&self) -> Vec<&'static str> {
        self.world.clone().simulate(async |simulation| {
            let before = Before::of(simulation, self);
            let command = self.ready(simulation, &before);
            let prepared = simulation.prepare(&command);
            let run = Arc::clone(&prepared.run);
            let ended = prepared.end().await;
            assert_eq!(ended.code, Some(0), "{}", ended.words);
            run.calls().iter().map(|call| call.name).collect()
        })
    }
}

fn said(ended: &Ended) -> String {
    format!("exit {:?}: {}", ended.code, ended.words)
}

/// What was there before the first release is not a placeholder: it passes its checks.
pub(crate) fn in_use(simulation: &Simulation, environment: &str) {
    let codes = Serving::of(simulation, environment).codes;
    simulation.account(environment, |account| {
        codes.values().for_each(|code| account.application.knows(code, Behavior::Right));
    });
}

/// A release of new packages and a new definition.
async fn released(simulation: &Simulation, environment: &str) {
    let artifact = simulation.artifact(Behavior::Right);
    simulation.change_definition(environment);
    simulation.done(&format!("deploy {environment} --artifact {}", artifact.folder.display())).await;
}

/// Tries as many cases as `CASES` demands.
fn every(scenario: &Scenario) {
    match cases::share() {
        Share::Fixed => tried(scenario, 0, STEP),
        Share::Part(first) => tried(scenario, first, PARTS),
        Share::Two | Share::All => tried(scenario, 0, 1),
    }
}

/// Tries a part of the cases; with `CASES=all` every case.
fn some(scenario: &Scenario) {
    tried(scenario, 0, if cases::all() { 1 } else { STRIDE });
}

/// Tries a smaller part.
fn few(scenario: &Scenario) {
    tried(scenario, 0, if cases::all() { 1 } else { WIDE });
}

/// Tries one case in every `stride`, beginning with the given one. `SEED` names the only one; `FAULT`, as `ReplyLost`, the only fault.
fn tried(scenario: &Scenario, first: usize, stride: usize) {
    let began = Instant::now();
    let calls = scenario.calls();
    assert!(calls.iter().any(|call| WRITES.contains(call)), "{} changes nothing", scenario.name);
    let calls = calls.len();
    let all = (1..=calls).flat_map(|call| ALL.into_iter().map(move |fault| (call, fault)));
    let all = all.zip(0..).map(|((call, fault), seed)| Case { seed, call, fault });
    let chosen: Vec<Case> = match cases::only() {
        Some(seed) => all.filter(|case| case.seed == seed).collect(),
        None => all.skip(first).step_by(stride).filter(|case| is_asked(case.fault)).collect(),
    };
    let results = cases::each(&chosen, |case| scenario.checked(*case));
    let mut failed: BTreeMap<&String, Vec<(&Case, &[String])>> = BTreeMap::new();
    for (case, wrong) in chosen.iter().zip(&results) {
        if let Some(first) = wrong.first() {
            failed.entry(first).or_default().push((case, wrong));
        }
    }
    for (what, cases) in &failed {
        let (case, wrong) = &cases[0];
        println!("== {} times: {what}\n{}", cases.len(), wrong.join("\n"));
        println!("replay: SEED={} cargo test --workspace --test sim -- --nocapture {}", case.seed, this_test());
    }
    let violations = failed.values().map(Vec::len).sum();
    let how = format!("{calls} calls x {} faults, then a clean run; every case of {stride}", ALL.len());
    if cases::only().is_none() {
        let what = format!("{}, functions: {}", scenario.name, scenario.world.functions());
        measured(&what, &how, chosen.len(), violations, began);
    }
    assert_eq!(violations, 0, "{}", scenario.name);
}

fn is_asked(fault: Fault) -> bool {
    cases::setting("FAULT").is_none_or(|name| format!("{fault:?}") == name)
}

/// The name of the running test, which is its thread's.
fn this_test() -> String {
    // Not with `--test-threads 1`.
    std::thread::current().name().filter(|name| *name != "main").unwrap_or("matrix").to_owned()
}

#[test]
fn a_first_deploy_survives_every_fault_at_every_call() {
    every(&Scenario::deploy("first deploy", Shape::of(2), 0));
}

#[test]
fn a_deploy_survives_every_fault_at_every_call() {
    every(&Scenario::deploy("deploy", Shape::of(2), 1));
}

#[test]
fn a_canary_survives_every_fault_at_every_call() {
    every(&Scenario::deploy("canary", Shape::of(2).moving(CANARY), 1));
}

#[test]
fn a_linear_shift_survives_every_fault_at_every_call() {
    every(&Scenario::deploy("linear shift", Shape::of(2).moving(LINEAR), 1));
}

#[test]
fn a_promotion_survives_every_fault_at_every_call() {
    every(&Scenario::promote("promote", Shape::of(2)));
}

#[test]
fn a_rollback_survives_every_fault_at_every_call() {
    every(&Scenario::rollback("rollback", Shape::of(2)));
}

#[test]
fn pruning_survives_every_fault_at_every_call() {
    every(&Scenario::prune("prune", Shape::of(2).keeping(1)));
}

#[test]
fn an_adoption_survives_every_fault_at_every_call() {
    every(&Scenario::adopt("adopt", Shape::of(2)));
}

#[test]
fn a_recovery_survives_every_fault_at_every_call() {
    every(&Scenario::recovery("recovery", Shape::of(2), 0.5));
}

#[test]
fn a_recovery_from_any_other_death_survives_faults() {
    for (name, share) in
        [("recovery, first move", 0.0), ("recovery, before the record", 0.9), ("recovery, record", 1.0)]
    {
        some(&Scenario::recovery(name, Shape::of(2), share));
    }
}

#[test]
fn stacks_of_one_and_eight_functions_survive_faults() {
    for functions in [1, 8] {
        let shape = Shape::of(functions);
        let scenarios = [
            Scenario::deploy("first deploy", shape, 0),
            Scenario::deploy("deploy", shape, 1),
            Scenario::deploy("canary", shape.moving(CANARY), 1),
            Scenario::code("code alone", shape),
            Scenario::promote("promote", shape),
            Scenario::rollback("rollback", shape),
            Scenario::prune("prune", shape.keeping(1)),
            Scenario::adopt("adopt", shape),
            Scenario::recovery("recovery", shape, 0.5),
        ];
        scenarios.iter().for_each(if functions > 2 { few } else { some });
    }
}

#[test]
fn a_stack_without_an_api_survives_faults() {
    let shape = Shape::of(2).without_api();
    let scenarios = [
        Scenario::deploy("no API, first deploy", shape, 0),
        Scenario::deploy("no API, deploy", shape, 1),
        Scenario::deploy("no API, canary", shape.moving(CANARY), 1),
        Scenario::promote("no API, promote", shape),
        Scenario::rollback("no API, rollback", shape),
        Scenario::prune("no API, prune", shape.keeping(1)),
        Scenario::adopt("no API, adopt", shape),
        Scenario::recovery("no API, recovery", shape, 0.5),
    ];
    scenarios.iter().for_each(some);
}

#[test]
fn a_stack_behind_an_http_api_or_function_urls_survives_faults() {
    for (trigger, [first, deploy, canary, promote, rollback, recovery]) in [
        (
            Trigger::Http,
            ["HTTP first deploy", "HTTP deploy", "HTTP canary", "HTTP promote", "HTTP rollback", "HTTP recovery"],
        ),
        (Trigger::Url, ["URL first deploy", "URL deploy", "URL canary", "URL promote", "URL rollback", "URL recovery"]),
    ] {
        let shape = Shape::of(2).behind(trigger);
        let scenarios = [
            Scenario::deploy(first, shape, 0),
            Scenario::deploy(deploy, shape, 1),
            Scenario::deploy(canary, shape.moving(CANARY), 1),
            Scenario::promote(promote, shape),
            Scenario::rollback(rollback, shape),
            Scenario::recovery(recovery, shape, 0.5),
        ];
        scenarios.iter().for_each(few);
    }
}

#[test]
fn a_container_image_alone_and_beside_a_zip_survives_faults() {
    for (functions, [first, deploy, canary, promote, rollback, prune, recovery]) in [
        (
            1,
            [
                "image, first deploy",
                "image, deploy",
                "image, canary",
                "image, promote",
                "image, rollback",
                "image, prune",
                "image, recovery",
            ],
        ),
        (
            2,
            [
                "image and zip, first deploy",
                "image and zip, deploy",
                "image and zip, canary",
                "image and zip, promote",
                "image and zip, rollback",
                "image and zip, prune",
                "image and zip, recovery",
            ],
        ),
    ] {
        let shape = Shape::of(functions).with_images(1);
        let scenarios = [
            Scenario::deploy(first, shape, 0),
            Scenario::deploy(deploy, shape, 1),
            Scenario::deploy(canary, shape.moving(CANARY), 1),
            Scenario::promote(promote, shape),
            Scenario::rollback(rollback, shape),
            Scenario::prune(prune, shape.keeping(1)),
            Scenario::recovery(recovery, shape, 0.5),
        ];
        scenarios.iter().for_each(few);
    }
}

#[test]
fn a_first_contact_with_functions_in_use_survives_faults() {
    some(&Scenario::first_contact("first contact", Shape::of(2)));
    some(&Scenario::first_contact("first contact, canary", Shape::of(2).moving(CANARY)));
    some(&Scenario::first_contact("first contact, HTTP", Shape::of(2).behind(Trigger::Http)));
}

#[test]
fn a_deploy_of_code_alone_survives_faults() {
    some(&Scenario::code("code alone", Shape::of(2)));
}
