//! The cost of each command: its calls, and how many of them wait for one another. These are upper bounds: a command that needs
//! more has become too slow.

use super::with_releases;
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

/// Runs a command. Returns its calls to AWS.
async fn calls(simulation: &Simulation, command: &str) -> Vec<Sent> {
    let (ended, calls) = simulation.observed(command).await;
    assert_eq!(ended.code, Some(0), "{command}: {}", ended.words);
    calls.into_iter().filter(|call| call.name != "URL").collect()
}

/// (calls, writes among them, round trips)
type Cost = (usize, usize, usize);

#[track_caller]
fn within(what: &str, calls: &[Sent], most: Cost) {
    let cost = (calls.len(), calls.iter().filter(|call| call.writes()).count(), depth(calls.iter()));
    let names: Vec<_> = calls.iter().map(|call| call.name).collect();
    let mut counts = std::collections::BTreeMap::<_, usize>::new();
    names.iter().for_each(|name| *counts.entry(*name).or_default() += 1);
    println!("{what}: {counts:?}");
    assert!(cost.0 <= most.0 && cost.1 <= most.1 && cost.2 <= most.2, "{what}: {cost:?}: {names:?}");
    println!("{what}: {cost:?}");
}

#[test]
fn each_command_keeps_its_budget_of_calls_and_round_trips() {
    with_releases(Shape::of(2), 1).simulate(async |simulation| {
        let artifacts = [simulation.artifact(Behavior::Right), simulation.artifact(Behavior::Right)];
        let [first, second] = artifacts.map(|artifact| format!("deploy dev --artifact {}", artifact.folder.display()));
        within("new code of two functions", &calls(simulation, &first).await, (80, 12, 28));
        within("no change", &calls(simulation, &first).await, (20, 0, 2));
        simulation.done(&second).await;
        within("versions that exist", &calls(simulation, &first).await, (64, 8, 18));
        // The first one to prod, where the placeholder is invoked before.
        within("promotion", &calls(simulation, "promote dev prod --allow-definition-diff").await, (104, 16, 42));
        within("rollback", &calls(simulation, "rollback dev --to previous").await, (40, 6, 9));
    });
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
