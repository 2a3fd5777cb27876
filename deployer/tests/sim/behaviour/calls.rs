//! The cost of each command: its calls, and how many of them wait for one another. The figures are exact: a call more is a decision.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{deploy, deploy_code, with_releases};
use crate::application::Behavior;
use crate::outside::Sent;
use crate::simulation::Simulation;
use crate::stack::Shape;

/// The number of round trips: the longest chain of calls in which each was sent after the response to the one before.
fn depth<'a>(calls: impl Iterator<Item = &'a Sent>) -> usize {
    // The longest chain of intervals always takes the one that ends first.
    let mut calls: Vec<_> = calls.filter_map(|call| Some((call.ended?, call.at))).collect();
    calls.sort();
    let (mut length, mut last) = (0, None);
    for (ended, at) in calls {
        if last.is_none_or(|last| at >= last) {
            (length, last) = (length + 1, Some(ended));
        }
    }
    length
}

/// Runs a command, when AWS admits a burst of calls again. Returns its calls to AWS.
async fn calls(simulation: &Simulation, command: &str) -> Vec<Sent> {
    tokio::time::sleep(Duration::from_secs(10)).await;
    let (ended, calls) = simulation.observed(command).await;
    assert_eq!(ended.code, Some(0), "{command}: {}", ended.words);
    calls.into_iter().filter(|call| call.name != "URL").collect()
}

/// (calls, writes among them, round trips)
type Cost = (usize, usize, usize);

fn cost(what: &str, calls: &[Sent]) -> Cost {
    let cost = (calls.len(), calls.iter().filter(|call| call.writes()).count(), depth(calls.iter()));
    let mut counts = BTreeMap::<_, usize>::new();
    calls.iter().for_each(|call| *counts.entry(call.name).or_default() += 1);
    println!("{what}: {cost:?}: {counts:?}");
    cost
}

/// AWS does everything at once, as the local AWS does: nothing is polled, so that the counts are exact.
fn at_once(simulation: &Simulation) {
    for environment in ["dev", "prod"] {
        simulation.account(environment, |account| {
            let rules = &mut account.lambda.rules;
            (rules.update_takes, rules.pending, rules.published_pending) = Default::default();
            (rules.read_lag, rules.propagation) = Default::default();
            (account.api.rules.read_lag, account.api.rules.propagation) = Default::default();
        });
    }
}

/// What each command costs.
fn costs(functions: usize) -> [(&'static str, Cost); 7] {
    with_releases(Shape::of(functions), 1).simulate(async |simulation| {
        at_once(simulation);
        let artifacts = [simulation.artifact(Behavior::Right), simulation.artifact(Behavior::Right)];
        let [first, second] = artifacts.map(|artifact| format!("deploy dev --artifact {}", artifact.folder.display()));
        let new = cost("new code", &calls(simulation, &first).await);
        let nothing = cost("nothing to do", &calls(simulation, &first).await);
        simulation.done(&second).await;
        let known = cost("versions that exist", &calls(simulation, &first).await);
        let whole =
            cost("new code and definition", &calls(simulation, &deploy(simulation, Behavior::Right).await).await);
        // The first one to prod, where the placeholder is invoked before.
        let promoted = cost("promotion", &calls(simulation, "promote dev prod --allow-definition-diff").await);
        let back = cost("rollback", &calls(simulation, "rollback dev --to previous").await);
        // With more versions than are kept, they are looked at: all of them are within the grace period.
        simulation.configure("releases = 10\ngrace_hours = 0", "releases = 1\ngrace_hours = 24");
        let later =
            cost("new code, many versions", &calls(simulation, &deploy_code(simulation, Behavior::Right)).await);
        [
            ("new code", new),
            ("nothing to do", nothing),
            ("versions that exist", known),
            ("new code and definition", whole),
            ("promotion", promoted),
            ("rollback", back),
            ("new code, many versions", later),
        ]
    })
}

#[test]
fn each_command_makes_exactly_these_calls_for_one_function() {
    assert_eq!(
        costs(1),
        [
            ("new code", (31, 6, 11)),
            ("nothing to do", (14, 0, 2)),
            ("versions that exist", (30, 5, 10)),
            ("new code and definition", (42, 9, 15)),
            ("promotion", (52, 9, 22)),
            ("rollback", (28, 6, 10)),
            ("new code, many versions", (45, 9, 17)),
        ]
    );
}

#[test]
fn each_command_makes_exactly_these_calls_for_two_functions() {
    assert_eq!(
        costs(2),
        [
            ("new code", (42, 8, 12)),
            ("nothing to do", (17, 0, 2)),
            ("versions that exist", (40, 6, 10)),
            ("new code and definition", (53, 11, 15)),
            ("promotion", (68, 11, 24)),
            ("rollback", (36, 7, 10)),
            ("new code, many versions", (56, 11, 17)),
        ]
    );
}

#[test]
fn a_rollback_moves_its_first_alias_in_the_fourth_round_trip() {
    with_releases(Shape::of(2), 2).simulate(async |simulation| {
        let artifact = simulation.artifact(Behavior::Right);
        simulation.done(&format!("deploy dev --artifact {}", artifact.folder.display())).await;
        let calls = calls(simulation, "rollback dev --to previous").await;
        let switch = calls.iter().position(|call| call.name == "UpdateAlias").unwrap();
        assert_eq!(depth(calls[..=switch].iter()), 4, "{calls:?}");
    });
}
