//! The lock of an environment, and what a dead run leaves behind.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{deploy, until, with_releases};
use crate::application::Behavior;
use crate::fault::Fault;
use crate::simulation::Simulation;
use crate::stack::Shape;
use crate::verdict::{Serving, item, releases};

const CANARY: &str = "strategy = \"canary\"\npercent = 40\nbake_seconds = 180";

#[test]
fn other_runs_are_refused_and_shown_the_lock_holder() {
    with_releases(Shape::of(2).moving(CANARY), 1).simulate(async |simulation| {
        let prepared = simulation.prepare(&deploy(simulation, Behavior::Right).await);
        let run = Arc::clone(&prepared.run);
        let other = deploy(simulation, Behavior::Right).await;
        let others = async {
            until(|| run.calls().iter().any(|call| call.name == "UpdateAlias")).await;
            for command in [other.as_str(), "rollback dev --to previous", "status dev --idle"] {
                let began = simulation.now();
                let refused = simulation.refused(command, 5).await;
                assert!(refused.words.contains("`deploy dev`") && refused.words.contains("ada"), "{}", refused.words);
                // A dead holder is detected after the lease and the longest move, 30 s.
                assert!(simulation.now() - began < Duration::from_secs(20), "{command}");
            }
            simulation.refused(&other.replace("deploy", "plan"), 4).await;
            let status = simulation.done("status dev --output json").await.json();
            let status = &status["environments"][0];
            assert!(status["lock"].is_string() && status["unfinished"].is_string(), "{status}");
            assert!(status["drift"].is_null(), "{status}");
        };
        let (first, ()) = tokio::join!(prepared.end(), others);
        assert_eq!(first.code, Some(0), "{}", first.words);
    });
}

/// The calls of a deploy without faults.
async fn rehearsed(simulation: &Simulation) -> Vec<&'static str> {
    let (ended, calls) = simulation.observed(&deploy(simulation, Behavior::Right).await).await;
    assert_eq!(ended.code, Some(0), "{}", ended.words);
    calls.into_iter().map(|call| call.name).collect()
}

#[test]
fn a_run_killed_before_the_record_is_completed_by_the_next() {
    let world = with_releases(Shape::of(2), 1);
    let calls = world.clone().simulate(rehearsed);
    let record = calls.iter().rposition(|name| *name == "TransactWriteItems").unwrap() + 1;
    world.simulate(async |simulation| {
        let command = deploy(simulation, Behavior::Right).await;
        let prepared = simulation.prepare(&command);
        prepared.run.fault(record, Fault::KilledBefore);
        assert_eq!(prepared.end().await.code, None);
        let (serving, made) = (Serving::of(simulation, "dev"), releases(simulation, "dev").len());
        let next = simulation.done(&command).await;
        assert!(next.words.contains("release 2"), "{}", next.words);
        assert_eq!(Serving::of(simulation, "dev"), serving);
        assert_eq!(releases(simulation, "dev").len(), made);
        let live = &item(simulation, "dev", "live")["release"];
        assert_eq!((&live["number"], &live["stable"]), (&json!(2), &json!(true)));
    });
}

#[test]
fn a_run_killed_before_any_move_is_ended_by_the_next() {
    let world = with_releases(Shape::of(2), 1);
    let calls = world.clone().simulate(rehearsed);
    let check = calls.iter().position(|name| *name == "Invoke").unwrap() + 1;
    world.simulate(async |simulation| {
        let command = deploy(simulation, Behavior::Right).await;
        let prepared = simulation.prepare(&command);
        prepared.run.fault(check, Fault::KilledBefore);
        assert_eq!(prepared.end().await.code, None);
        let next = simulation.done(&command).await;
        assert!(next.words.contains("release 2"), "{}", next.words);
        let state = |number: &str| item(simulation, "dev", &format!("release#{number}"))["state"].clone();
        assert_eq!((state("00000002"), state("00000003")), (json!("failed"), json!("live")));
    });
}

#[test]
fn after_unlock_the_next_run_does_not_wait_for_a_dead_one() {
    with_releases(Shape::of(1), 1).simulate(async |simulation| {
        simulation.done("unlock dev").await;
        let command = deploy(simulation, Behavior::Right).await;
        let prepared = simulation.prepare(&command);
        prepared.run.fault_of("Invoke", Fault::KilledBefore);
        assert_eq!(prepared.end().await.code, None);
        simulation.done("unlock dev --force").await;
        assert!(item(simulation, "dev", "lock")["holder"].is_null());
        let began = simulation.now();
        simulation.done(&command).await;
        assert!(simulation.now() - began < Duration::from_secs(20));
    });
}

/// A stage has no compare-and-swap: a late move of a dead run succeeds in spite of the lock, and is detected.
#[test]
fn a_late_stage_move_during_the_next_release_is_reverted_with_it() {
    with_releases(Shape::of(1), 1).simulate(async |simulation| {
        let before = Serving::of(simulation, "dev");
        let dead = simulation.command(&deploy(simulation, Behavior::WrongForVisitors).await).await;
        assert_eq!(dead.code, Some(6), "{}", dead.words);
        let given_up = item(simulation, "dev", "release#00000002")["parts"]["deployment"].clone();
        let prepared = simulation.prepare(&deploy(simulation, Behavior::Right).await);
        let run = Arc::clone(&prepared.run);
        let late = async {
            until(|| run.calls().iter().any(|call| call.name == "CreateDeployment")).await;
            let now = simulation.now();
            simulation.account("dev", |account| {
                let api = account.api.only();
                let other = given_up.as_str().unwrap().to_owned();
                account.api.change_stage((&api, "dev"), now, |stage| {
                    stage.variables.insert("deployment".to_owned(), other.clone());
                    stage.deployment = other;
                });
            });
        };
        let (ended, ()) = tokio::join!(prepared.end(), late);
        assert_eq!(ended.code, Some(6), "{}", ended.words);
        assert_eq!(Serving::of(simulation, "dev"), before);
        let status = simulation.done("status dev --output json").await.json();
        let status = &status["environments"][0];
        assert!(["drift", "lock", "unfinished"].iter().all(|what| status[what].is_null()), "{status}");
    });
}
