//! A hundred functions behind one API: no call is throttled at AWS's real rates.

use std::time::Duration;

use super::with_releases;
use crate::application::Behavior;
use crate::simulation::{Artifact, Simulation};
use crate::stack::Shape;

/// Runs a command, none of whose calls may be throttled. Returns its seconds and its output.
async fn took(simulation: &Simulation, what: &str, command: &str) -> (f64, String) {
    // Each run has a burst of its own, which AWS admits only when the one of the run before is some moments ago.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let began = simulation.now();
    let (ended, calls) = simulation.observed(command).await;
    let took = (simulation.now() - began).as_secs_f64();
    assert_eq!(ended.code, Some(0), "{command}: {}", ended.words);
    let throttled: Vec<_> = calls.iter().filter(|call| call.status == Some(429)).map(|call| call.name).collect();
    assert!(throttled.is_empty(), "{command}: {throttled:?}");
    println!("{what}: {took:.1} s, {} calls", calls.len());
    (took, ended.words)
}

fn deploy(artifact: &Artifact) -> String {
    format!("deploy dev --artifact {}", artifact.folder.display())
}

#[test]
fn a_hundred_functions_keep_within_the_rates() {
    with_releases(Shape::of(100), 1).simulate(async |simulation| {
        let first = simulation.artifact(Behavior::Right);
        let (all, _) = took(simulation, "all changed", &deploy(&first)).await;
        let (nothing, words) = took(simulation, "nothing changed", &deploy(&first)).await;
        assert!(words.contains("Waiting for AWS's rate of 15 calls of Lambda a second: "), "{words}");
        let (one, _) = took(simulation, "one changed", &deploy(&simulation.artifact_with_new("f50", &first))).await;
        let (plan, _) = took(simulation, "plan", &deploy(&first).replace("deploy", "plan")).await;
        let (back, _) = took(simulation, "rollback of one", "rollback dev --to previous").await;
        let (all_back, _) = took(simulation, "rollback of all", "rollback dev --to 1").await;
        took(simulation, "promotion of all", "promote dev prod --allow-definition-diff").await;
        took(simulation, "prune", "prune dev").await;
        assert!(nothing < 10.0 && plan < 10.0, "{nothing} {plan}");
        // Most of it is for the first observation.
        assert!(one < nothing + 6.0 && back < nothing + 6.0, "{one} {back}");
        // An observation; then for each function an upload, a version, its list of versions, two reads of the alias around its
        // move, and one of its provisioned concurrency: 800 calls of the control plane.
        assert!(all < 65.0 && all_back < 40.0, "{all} {all_back}");
    });
}

#[test]
fn a_small_stack_never_waits_for_a_rate() {
    with_releases(Shape::of(2), 1).simulate(async |simulation| {
        let (took, words) = took(simulation, "two changed", &deploy(&simulation.artifact(Behavior::Right))).await;
        assert!(!words.contains("Waiting"), "{words}");
        assert!(took < 10.0, "{took}");
    });
}
