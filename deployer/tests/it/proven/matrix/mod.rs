//! Every call of every command that moves traffic meets every fault, and then the command is run again.

mod fault;
mod judge;
mod scenario;

use std::collections::BTreeMap;

use super::visitors::visitors;
use crate::harness::cases;
use crate::promises::measured;
use crate::stack;
use crate::strict::Front;
use fault::Fault;
use judge::{Before, after_the_fault, after_the_next_run};
use scenario::{Kind, Scenario};

const PROMISE: &str = "what serves was checked, no request fails, nothing is made twice, a rollback restores every part, and the next run \
                       ends in order (invariants 1-3, 8, 9)";

pub(crate) fn a_deploy_survives_every_fault_at_every_call() {
    tried(Kind::Deploy, "2-deploy", 4);
}

pub(crate) fn a_canary_survives_every_fault_at_every_call() {
    tried(Kind::Canary, "2-canary", 3);
}

pub(crate) fn a_rollback_survives_every_fault_at_every_call() {
    tried(Kind::Rollback, "2-rollback", 3);
}

pub(crate) fn a_promotion_survives_every_fault_at_every_call() {
    tried(Kind::Promotion, "2-promotion", 3);
}

/// Tries `part` of the cases, or all of them.
fn tried(kind: Kind, name: &str, part: usize) {
    let scenario = Scenario::of(kind);
    let rehearsed = rehearsed(&scenario);
    let calls = rehearsed.iter().sum();
    let chosen = chosen(calls, part);
    let (mut violations, mut endings) = (Vec::new(), BTreeMap::new());
    for (fault, k) in &chosen {
        let (ending, wrong) = try_one(&scenario, *fault, scenario.call(rehearsed, *k));
        *endings.entry(ending).or_insert(0) += 1;
        violations.extend(wrong.into_iter().map(|wrong| format!("{kind:?}, {fault:?} at call {k}: {wrong}")));
    }
    let endings: Vec<String> = endings.iter().map(|(ending, count)| format!("{ending}: {count}")).collect();
    let how = format!(
        "{kind:?} of two functions and a definition: {} faults over its {calls} calls, then the same command again; the \
         first run ended {}",
        fault::ALL.len(),
        endings.join(", ")
    );
    measured(name, PROMISE, &how, chosen.len(), &violations);
}

/// How many calls the command makes when nothing happens: to its environment, and to the one that it comes from. The
/// first time it may have more to prune than ever after.
fn rehearsed(scenario: &Scenario) -> [usize; 2] {
    let run = || {
        let case = scenario.case();
        scenario.fronts().into_iter().for_each(|front| drop(front.take()));
        scenario.start(&case).end().expect(0);
        case.forget();
        scenario.fronts().map(|front| front.take().len())
    };
    run();
    run()
}

/// Pairs of a fault and a call. A part of them goes through all faults, and over the calls in steps of the golden
/// section, which lie evenly however many there are.
fn chosen(calls: usize, part: usize) -> Vec<(Fault, usize)> {
    let all = fault::ALL.len() * calls;
    let wanted = cases(part, all);
    if wanted == all {
        return fault::ALL.into_iter().flat_map(|fault| (1..=calls).map(move |k| (fault, k))).collect();
    }
    let step = calls * 618 / 1000;
    // Fewer cases than faults: evenly over these, too.
    let stride = (fault::ALL.len() / wanted).max(1);
    (0..wanted)
        .map(|index| (fault::ALL[index * stride % fault::ALL.len()], 1 + (index * step + index / calls) % calls))
        .collect()
}

/// One case: how the first run ended, and what was wrong.
fn try_one(scenario: &Scenario, fault: Fault, (front, k): (&Front, usize)) -> (String, Vec<String>) {
    let environment = scenario.environment;
    let (case, before) = (scenario.case(), Before::of(environment));
    scenario.front.take();
    let mut ending = String::new();
    let wrong = visitors(environment, || {
        let met = fault.at(front, k, || scenario.start(&case));
        ending = met.ended.as_ref().map_or("killed".to_owned(), |ended| ended.code.to_string());
        let mut wrong = after_the_fault(scenario, &case, &before, fault, &met);
        let unfinished = !stack().status(environment)["unfinished"].is_null();
        if !stack().ledger_item(environment, "lock")["holder"].is_null() {
            stack().checkout.deployer(&format!("unlock {environment} --force")).expect(0);
        }
        let next = scenario.start(&case).end();
        wrong.extend(after_the_next_run(scenario, &case, &before, unfinished, &next));
        wrong.into_iter().map(|wrong| format!("({:?}) {wrong}", met.call)).collect()
    });
    case.forget();
    (ending, wrong)
}
