//! Former defects, each in the world in which it occurred.

mod alarms;
mod credentials;
mod gateway;
mod lambda;
mod lock;
mod network;
mod retention;

use std::sync::Arc;
use std::time::Duration;

use crate::application::Behavior;
use crate::behaviour::{deploy, deployed, until_seen, with_releases};
use crate::fault::Fault;
use crate::simulation::Snapshot;
use crate::stack::{Shape, function};
use crate::verdict::Serving;

const CANARY: &str = "strategy = \"canary\"\npercent = 40\nbake_seconds = 180";

#[test]
fn a_first_release_refuses_a_split_alias_or_one_on_latest() {
    for latest in [true, false] {
        Snapshot::new(Shape::of(2), 1).simulate(async |simulation| {
            let name = function("f1", "dev");
            simulation.account("dev", |account| match latest {
                true => account.lambda.create_alias(&name, "live", "$LATEST"),
                false => account.lambda.split_alias(&name, "live", ("1", 0.3)),
            });
            let prepared = simulation.prepare(&deploy(simulation, Behavior::Right).await);
            let run = Arc::clone(&prepared.run);
            let ended = prepared.end().await;
            assert_eq!(ended.code, Some(4), "{}", ended.words);
            assert!(ended.words.contains("hint: publish") || ended.words.contains("hint: point"), "{}", ended.words);
            let wrote = run.calls().into_iter().find(|call| call.writes());
            assert!(wrote.is_none(), "{wrote:?}");
        });
    }
}

#[test]
fn a_rollback_wakes_an_idle_version_before_traffic_moves() {
    with_releases(Shape::of(2), 2).simulate(async |simulation| {
        for key in simulation.shape.keys() {
            simulation.account("dev", |account| account.lambda.make_inactive(&function(&key, "dev"), "2"));
        }
        let (ended, failed) = simulation.under_visits("dev", simulation.command("rollback dev --to 1")).await;
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        assert_eq!(failed, Vec::<u16>::new());
    });
}

#[test]
fn a_rollback_to_a_version_in_an_unknown_state_is_refused_by_name() {
    for state in ["Deactivated", "Deleting", "ActiveNonInvocable", "StateOfTomorrow"] {
        with_releases(Shape::of(1), 2).simulate(async |simulation| {
            let before = Serving::of(simulation, "dev");
            let name = function("f1", "dev");
            simulation.account("dev", |account| account.lambda.set_state(&name, "2", state, None));
            let ended = simulation.command("rollback dev --to 1").await;
            assert_eq!(ended.code, Some(4), "{state}: {}", ended.words);
            assert_eq!(Serving::of(simulation, "dev"), before, "{state}");
        });
    }
}

#[test]
fn rollback_to_previous_after_a_dead_canary_only_recovers() {
    with_releases(Shape::of(2).moving(CANARY), 2).simulate(async |simulation| {
        let before = Serving::of(simulation, "dev");
        let prepared = simulation.prepare(&deploy(simulation, Behavior::Right).await);
        let run = Arc::clone(&prepared.run);
        tokio::select! {
            ended = prepared.end() => panic!("{}", ended.words),
            () = async {
                while !run.calls().iter().any(|call| call.name == "UpdateAlias") {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                tokio::time::sleep(Duration::from_secs(60)).await;
            } => {}
        }
        assert!(!Serving::of(simulation, "dev").whole);
        let ended = simulation.command("rollback dev --to previous").await;
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        assert_eq!(Serving::of(simulation, "dev"), before);
    });
}

#[test]
fn a_status_that_is_a_number_in_a_string_is_a_response() {
    Snapshot::new(Shape::of(1), 1).simulate(async |simulation| {
        simulation.done(&deploy(simulation, Behavior::StatusInAString).await).await;
    });
}

#[test]
fn a_stale_read_of_the_stage_fails_no_release() {
    for seed in 0..20 {
        with_releases(Shape::of(1), 1).seeded(seed).simulate(async |simulation| {
            simulation.account("dev", |account| account.api.rules.read_lag = Duration::from_millis(1500));
            deployed(simulation).await;
            assert!(Serving::of(simulation, "dev").whole);
        });
    }
}

#[test]
fn a_check_that_fails_after_the_switch_moves_the_stage_back() {
    for seed in 0..20 {
        with_releases(Shape::of(1), 1).seeded(seed).simulate(async |simulation| {
            simulation.account("dev", |account| account.api.rules.read_lag = Duration::from_millis(1500));
            let before = Serving::of(simulation, "dev");
            let ended = simulation.command(&deploy(simulation, Behavior::WrongForVisitors).await).await;
            assert_eq!(ended.code, Some(6), "{}", ended.words);
            assert_eq!(Serving::of(simulation, "dev"), before);
            deployed(simulation).await;
        });
    }
}

#[test]
fn stale_reads_after_an_upload_or_publish_fail_no_release() {
    for seed in 0..20 {
        with_releases(Shape::of(1), 1).seeded(seed).simulate(async |simulation| {
            simulation.account("dev", |account| account.lambda.rules.read_lag = Duration::from_millis(1500));
            deployed(simulation).await;
        });
    }
}

#[test]
fn a_killed_run_is_ended_by_the_next_one_of_any_kind() {
    for next in ["rollback dev --to 1", "prune dev --yes"] {
        with_releases(Shape::of(2), 2).simulate(async |simulation| {
            let prepared = simulation.prepare(&deploy(simulation, Behavior::Right).await);
            prepared.run.fault(60, Fault::KilledAfter);
            assert_eq!(prepared.end().await.code, None);
            assert_eq!(simulation.command(next).await.code, Some(0), "{next}");
            assert!(Serving::of(simulation, "dev").whole, "{next}");
        });
    }
}

#[test]
fn a_version_that_crashes_in_its_canary_is_reverted() {
    for seed in 0..5 {
        let shape = Shape::of(1).moving("strategy = \"canary\"\npercent = 90\nbake_seconds = 180");
        with_releases(shape, 1).seeded(seed).simulate(async |simulation| {
            let (before, began) = (Serving::of(simulation, "dev"), simulation.now());
            let ended = simulation.command(&deploy(simulation, Behavior::CrashesForVisitors).await).await;
            assert_eq!(ended.code, Some(6), "{}", ended.words);
            assert_eq!(Serving::of(simulation, "dev"), before);
            assert!(simulation.now() - began < Duration::from_secs(180), "{}", ended.words);
        });
    }
}

#[test]
fn a_rollback_to_a_newer_definition_moves_code_before_the_stage() {
    with_releases(Shape::of(1), 2).simulate(async |simulation| {
        for (to, first) in [("1", "UpdateStage"), ("2", "UpdateAlias"), ("1", "UpdateStage")] {
            let prepared = simulation.prepare(&format!("rollback dev --to {to}"));
            let run = Arc::clone(&prepared.run);
            let ended = prepared.end().await;
            assert_eq!(ended.code, Some(0), "{}", ended.words);
            let moves = run.calls().into_iter().map(|call| call.name);
            let moved = moves.into_iter().find(|name| matches!(*name, "UpdateStage" | "UpdateAlias"));
            assert_eq!(moved, Some(first), "to {to}");
        }
    });
}

#[test]
fn a_run_that_may_not_read_provisioned_concurrency_moves_nothing() {
    for fault in [Fault::Denied, Fault::Refused(500)] {
        with_releases(Shape::of(1), 1).simulate(async |simulation| {
            let before = Serving::of(simulation, "dev");
            let prepared = simulation.prepare(&deploy(simulation, Behavior::Right).await);
            let run = Arc::clone(&prepared.run);
            run.fault_of("GetProvisionedConcurrencyConfig", fault);
            let ended = prepared.end().await;
            assert_eq!(ended.code, Some(1), "{}", ended.words);
            assert_eq!(Serving::of(simulation, "dev"), before);
            assert!(run.calls().iter().all(|call| !matches!(call.name, "UpdateAlias" | "UpdateStage")));
        });
    }
}

#[test]
fn with_provisioned_concurrency_a_release_waits_for_the_new_version() {
    let world = with_releases(Shape::of(1), 1).after(async |simulation| {
        let mut aws = simulation.aws();
        let crate::aws::Aws { accounts, moment, .. } = &mut *aws;
        for account in accounts.values_mut().filter(|account| account.lambda.account == "111111111111") {
            account.lambda.provision(moment, &function("f1", "dev"), "live", 2);
        }
    });
    world.simulate(async |simulation| {
        let command = deploy(simulation, Behavior::Right).await;
        let (ended, failed) = simulation.under_visits("dev", simulation.command(&command)).await;
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        assert!(Serving::of(simulation, "dev").whole, "{}", ended.words);
        assert_eq!(failed, Vec::<u16>::new());
        let ended = simulation.command("rollback dev --to previous").await;
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        assert!(Serving::of(simulation, "dev").whole, "{}", ended.words);
    });
}
