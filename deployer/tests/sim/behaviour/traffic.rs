//! How traffic moves to a release, and back if it fails on the way.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{deploy, deployed, until, with_releases};
use crate::application::Behavior;
use crate::aws::cloudwatch::State;
use crate::fault::Fault;
use crate::simulation::{Ended, Simulation};
use crate::stack::{ALARM, Shape, function};
use crate::verdict::{Serving, item, releases};

const CANARY: &str = "strategy = \"canary\"\npercent = 40\nbake_seconds = 180";
const WATCHED: &str = "strategy = \"all-at-once\"\nwatch_seconds = 180";

/// Runs a command, and watches how the traffic of its first function is split. Returns each split once, in order.
async fn splits(simulation: &Simulation, command: &str) -> (Ended, Vec<BTreeMap<String, f64>>) {
    let mut seen: Vec<BTreeMap<String, f64>> = Vec::new();
    let look = async {
        loop {
            let alias = simulation.account("dev", |account| account.lambda.alias(&function("f1", "dev"), "live"));
            let weights = alias.unwrap().weights;
            if seen.last() != Some(&weights) {
                seen.push(weights);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let ended = tokio::select! {
        ended = simulation.command(command) => ended,
        () = look => unreachable!("it looks as long as the command runs"),
    };
    (ended, seen)
}

#[test]
fn a_canary_takes_its_share_and_no_request_fails() {
    with_releases(Shape::of(1).moving(CANARY), 1).simulate(async |simulation| {
        let (command, began) = (deploy(simulation, Behavior::Right).await, simulation.now());
        let ((ended, seen), failed) = simulation.under_visits("dev", splits(simulation, &command)).await;
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        assert_eq!(seen, [BTreeMap::new(), BTreeMap::from([("3".to_owned(), 0.4)]), BTreeMap::new()]);
        assert!(simulation.now() - began > Duration::from_secs(180));
        assert_eq!(failed, Vec::<u16>::new());
    });
}

#[test]
fn checks_beyond_the_request_budget_are_reported() {
    for seed in 0..5 {
        with_releases(Shape::of(8).moving(CANARY), 1).seeded(seed).simulate(async |simulation| {
            let command = deploy(simulation, Behavior::Right).await;
            let (ended, calls) = simulation.observed(&command).await;
            assert_eq!(ended.code, Some(0), "{seed}: {}", ended.words);
            assert!(calls.iter().filter(|call| call.name == "URL").count() <= 40, "{}", ended.words);
            assert!(ended.words.contains("by Invoke alone"), "{}", ended.words);
            let command = format!("{} --output json", deploy(simulation, Behavior::Right).await);
            let result = simulation.done(&command).await.json();
            let checks = result["checks"].as_array().unwrap();
            let by_invoke: Vec<_> = checks.iter().filter(|check| check["by_invoke"].is_string()).collect();
            assert!(!by_invoke.is_empty(), "{result:#}");
            assert!(checks.iter().all(|check| check["passed"] == true && check["requests"] != 0), "{result:#}");
        });
    }
}

#[test]
fn a_linear_shift_moves_step_by_step() {
    let linear = "strategy = \"linear\"\nstep_percent = 40\ninterval_seconds = 120";
    with_releases(Shape::of(1).moving(linear), 1).simulate(async |simulation| {
        let command = deploy(simulation, Behavior::Right).await;
        let (ended, seen) = splits(simulation, &command).await;
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        let shares: Vec<f64> = seen.iter().map(|weights| weights.values().sum()).collect();
        assert_eq!(shares, [0.0, 0.4, 0.8, 0.0]);
    });
}

#[test]
fn an_alarm_during_a_canary_reverts_it_at_once() {
    with_releases(Shape::of(2).moving(CANARY), 1).simulate(async |simulation| {
        let before = Serving::of(simulation, "dev");
        let command = deploy(simulation, Behavior::Right).await;
        let alarm = simulation.now() + Duration::from_secs(60);
        simulation.account("dev", |account| account.alarms.set(ALARM, State::Alarm, alarm));
        let (ended, failed) = simulation.under_visits("dev", simulation.command(&command)).await;
        assert_eq!(ended.code, Some(6), "{}", ended.words);
        assert!(ended.words.contains(&format!("alarm `{ALARM}`")), "{}", ended.words);
        assert!(simulation.now() - alarm < Duration::from_secs(20), "{:?}", simulation.now() - alarm);
        assert_eq!((Serving::of(simulation, "dev"), failed), (before, Vec::new()));
    });
}

#[test]
fn an_alarm_after_the_switch_reverts_the_stage_first() {
    with_releases(Shape::of(1).moving(WATCHED), 1).simulate(async |simulation| {
        let before = Serving::of(simulation, "dev");
        let prepared = simulation.prepare(&deploy(simulation, Behavior::Right).await);
        let run = Arc::clone(&prepared.run);
        let alarm = async {
            until(|| Serving::of(simulation, "dev").deployment != before.deployment).await;
            let now = simulation.now();
            simulation.account("dev", |account| account.alarms.set(ALARM, State::Alarm, now));
        };
        let (ended, ()) = tokio::join!(prepared.end(), alarm);
        assert_eq!(ended.code, Some(6), "{}", ended.words);
        assert_eq!(Serving::of(simulation, "dev"), before);
        let calls = run.calls();
        let last = |name: &str| calls.iter().rposition(|call| call.name == name).unwrap();
        assert!(last("UpdateStage") < last("UpdateAlias"), "the newer definition must not meet the older code");
    });
}

#[test]
fn an_alarm_before_the_start_stops_a_deploy_not_a_rollback() {
    with_releases(Shape::of(1), 2).simulate(async |simulation| {
        let now = simulation.now();
        simulation.account("dev", |account| account.alarms.set(ALARM, State::Alarm, now));
        let command = deploy(simulation, Behavior::Right).await;
        let refused = simulation.refused(&command, 4).await;
        assert!(refused.words.contains(ALARM) && refused.words.contains("--ignore-alarms"), "{}", refused.words);
        simulation.done(&format!("{command} --ignore-alarms")).await;
        simulation.done("rollback dev --to previous").await;
    });
}

#[test]
fn an_alarm_without_data_stops_nothing_and_is_reported() {
    with_releases(Shape::of(1), 1).simulate(async |simulation| {
        let now = simulation.now();
        simulation.account("dev", |account| account.alarms.set(ALARM, State::InsufficientData, now));
        let ended = simulation.done(&deploy(simulation, Behavior::Right).await).await;
        assert!(ended.words.contains(&format!("warning: alarm `{ALARM}`")), "{}", ended.words);
    });
}

#[test]
fn a_late_switch_that_flips_back_is_waited_out() {
    for seed in 0..5 {
        with_releases(Shape::of(1), 1).seeded(seed).simulate(async |simulation| {
            simulation.account("dev", |account| account.api.rules.propagation = Duration::from_secs(2));
            let releases = async {
                deployed(simulation).await;
                simulation.done("rollback dev --to previous").await;
            };
            let ((), failed) = simulation.under_visits("dev", releases).await;
            assert_eq!(failed, Vec::<u16>::new());
        });
    }
}

#[test]
fn a_release_that_could_not_be_checked_is_checked_by_the_next_run() {
    with_releases(Shape::of(1), 1).simulate(async |simulation| {
        let command = deploy(simulation, Behavior::Right).await;
        let limited = async |code| {
            let prepared = simulation.prepare(&command);
            let run = Arc::clone(&prepared.run);
            run.fault_of("URL", Fault::Refused(429));
            let ended = prepared.end().await;
            assert_eq!(ended.code, Some(code), "{}", ended.words);
            let requests = run.calls().iter().filter(|call| call.name == "URL").count();
            assert!((1..=40).contains(&requests), "{requests} requests: more than a firewall may allow");
        };
        limited(7).await;
        let live = || item(simulation, "dev", "live")["release"].clone();
        assert_eq!((live()["number"].as_u64(), live()["stable"].as_bool()), (Some(2), Some(false)));
        simulation.refused("promote dev prod", 4).await;
        // An unchanged release is not a success until it has passed its checks.
        limited(1).await;
        simulation.done(&command).await;
        assert_eq!((live()["number"].as_u64(), live()["stable"].as_bool()), (Some(2), Some(true)));
        assert_eq!(releases(simulation, "dev").len(), 2);
    });
}

/// Whichever reply is lost during the revert: what was done is found, and the previous release is live again.
#[test]
fn a_failed_release_is_reverted_even_if_replies_are_lost() {
    let world = with_releases(Shape::of(1), 1);
    let calls = world.clone().simulate(async |simulation| {
        let command = deploy(simulation, Behavior::WrongForVisitors).await;
        let (ended, calls) = simulation.observed(&command).await;
        assert_eq!(ended.code, Some(6), "{}", ended.words);
        calls
    });
    let failed = calls.iter().position(|call| call.name == "URL").unwrap() + 1;
    // A lost reply of a request to the URL is only repeated.
    for k in (failed..=calls.len()).filter(|k| calls[k - 1].name != "URL") {
        for fault in [Fault::ReplyLost, Fault::RequestLost] {
            world.clone().simulate(async |simulation| {
                let before = Serving::of(simulation, "dev");
                let prepared = simulation.prepare(&deploy(simulation, Behavior::WrongForVisitors).await);
                prepared.run.fault(k, fault);
                let ended = prepared.end().await;
                let met = calls[k - 1].name;
                assert_eq!(ended.code, Some(6), "{fault:?} of call {k}, {met}: {}", ended.words);
                assert_eq!(Serving::of(simulation, "dev"), before, "{fault:?} of call {k}, {met}");
            });
        }
    }
}
