//! What a release that failed shows: why, what is live, and nothing secret.

use std::time::Duration;

use serde_json::json;

use super::{deploy_code, with_releases};
use crate::application::Behavior;
use crate::aws::cloudwatch::State;
use crate::fault::Fault;
use crate::simulation::Simulation;
use crate::stack::{ALARM, Shape, function};

const SECRET: &str = "hunter2canary";
const WATCHED: &str = "strategy = \"all-at-once\"\nwatch_seconds = 180";

/// How many calls of this name a run made.
fn count(calls: &[crate::outside::Sent], name: &str) -> usize {
    calls.iter().filter(|call| call.name == name).count()
}

#[test]
fn a_check_that_fails_before_traffic_shows_the_log_without_secrets() {
    with_releases(Shape::of(1), 1).simulate(async |simulation| {
        let (ended, calls) = simulation.observed(&deploy_code(simulation, Behavior::LogsSecrets)).await;
        let words = &ended.words;
        assert_eq!(ended.code, Some(6), "{words}");
        for line in
            ["connecting to postgres://***@db/shop", "ERROR no table `orders`", "NotFound", "Authorization: ***"]
        {
            assert!(words.contains(line), "{line}: {words}");
        }
        assert!(!words.contains(SECRET) && !words.contains('\u{1b}') && !words.contains('\u{7}'), "{words}");
        assert!(words.lines().all(|line| line.chars().count() < 1000), "{words}");
        assert!(words.contains("status expected: 200") && words.contains("got: 500, body {}"), "{words}");
        assert_eq!(count(&calls, "FilterLogEvents"), 0);
    });
}

#[test]
fn a_failure_before_traffic_ends_with_what_is_live() {
    with_releases(Shape::of(1), 1).simulate(async |simulation| {
        let ended = simulation.command(&deploy_code(simulation, Behavior::LogsSecrets)).await;
        let words = ended.words.trim_end();
        let parts = words.split_once("dev: release 2 failed before any traffic moved, release 1 is live\n");
        let (before, summary) = parts.unwrap_or_else(|| panic!("{words}"));
        assert!(before.contains("status expected: 200"), "{words}");
        assert!(summary.starts_with("  live now  release 1: `f1` version 2"), "{words}");
        let last: Vec<_> = words.lines().rev().take(2).collect();
        assert!(last[0].starts_with("hint: ") && last[1].starts_with("error: "), "{words}");
    });
}

#[test]
fn json_has_the_failed_check_without_secrets() {
    with_releases(Shape::of(1), 1).simulate(async |simulation| {
        let command = format!("{} --output json", deploy_code(simulation, Behavior::LogsSecrets));
        let ended = simulation.command(&command).await;
        assert!(!ended.words.contains(SECRET), "{}", ended.words);
        assert!(
            ended.words.contains(r#""expected": "200""#) && ended.words.contains(r#""of": "status""#),
            "{}",
            ended.words
        );
    });
}

/// A release whose alarm goes into ALARM while it is watched, with what its version has logged by then.
async fn alarmed(simulation: &Simulation) -> (crate::simulation::Ended, Vec<crate::outside::Sent>) {
    let command = deploy_code(simulation, Behavior::Right);
    let (now, epoch) = (simulation.now(), simulation.aws().moment.epoch);
    let at = epoch + now + Duration::from_secs(30);
    simulation.account("dev", |account| {
        account.alarms.set(ALARM, State::Alarm, now + Duration::from_secs(60));
        let name = function("f1", "dev");
        account.logs.add(&name, "3", "INFO all is well", at);
        account.logs.add(&name, "3", &format!("ERROR cannot connect, password={SECRET}"), at);
        account.logs.add(&name, "2", "ERROR of another version", at);
    });
    simulation.observed(&command).await
}

#[test]
fn a_failure_after_traffic_shows_the_errors_of_that_version() {
    with_releases(Shape::of(1).moving(WATCHED), 1).simulate(async |simulation| {
        let (ended, calls) = alarmed(simulation).await;
        let words = &ended.words;
        assert_eq!(ended.code, Some(6), "{words}");
        assert!(words.contains("| ERROR cannot connect, password=***"), "{words}");
        assert!(
            !words.contains("all is well") && !words.contains("another version") && !words.contains(SECRET),
            "{words}"
        );
        assert!(
            words.contains("logs of `f1`: https://") && words.contains("was reverted, release 1 is live"),
            "{words}"
        );
        assert_eq!(count(&calls, "FilterLogEvents"), 1);
    });
}

#[test]
fn errors_after_empty_pages_are_shown() {
    with_releases(Shape::of(1).moving(WATCHED), 1).simulate(async |simulation| {
        simulation.account("dev", |account| account.logs.empty_pages = 9);
        let (ended, calls) = alarmed(simulation).await;
        assert!(ended.words.contains("| ERROR cannot connect, password=***"), "{}", ended.words);
        assert_eq!(count(&calls, "FilterLogEvents"), 10);
    });
}

#[test]
fn logs_that_cannot_be_read_change_nothing() {
    for fault in [None, Some(Fault::Stalled), Some(Fault::Refused(500)), Some(Fault::Refused(429))] {
        with_releases(Shape::of(1).moving(WATCHED), 1).simulate(async |simulation| {
            simulation.account("dev", |account| account.logs.is_denied = fault.is_none());
            simulation.account("dev", |account| {
                account.alarms.set(ALARM, State::Alarm, simulation.now() + Duration::from_secs(60));
            });
            let prepared = simulation.prepare(&deploy_code(simulation, Behavior::Right));
            if let Some(fault) = fault {
                prepared.run.fault_of("FilterLogEvents", fault);
            }
            let ended = prepared.end().await;
            let words = &ended.words;
            assert_eq!(ended.code, Some(6), "{words}");
            assert!(words.contains("was reverted, release 1 is live") && words.contains("in ALARM"), "{words}");
            assert!(!words.contains("FilterLogEvents") && !words.contains("Logged"), "{words}");
        });
    }
}

#[test]
fn a_good_release_reads_no_log() {
    with_releases(Shape::of(1), 1).simulate(async |simulation| {
        let (ended, calls) = simulation.observed(&deploy_code(simulation, Behavior::Right)).await;
        assert_eq!((ended.code, count(&calls, "FilterLogEvents")), (Some(0), 0), "{}", ended.words);
        let result = simulation.done("status dev --output json").await.json();
        assert_ne!(result, json!(null));
    });
}

#[test]
fn a_release_that_cannot_be_reverted_says_that_parts_may_be_mixed() {
    with_releases(Shape::of(1).moving(WATCHED), 1).simulate(async |simulation| {
        simulation.account("dev", |account| {
            account.alarms.set(ALARM, State::Alarm, simulation.now() + Duration::from_secs(60));
        });
        let prepared = simulation.prepare(&deploy_code(simulation, Behavior::Right));
        let run = std::sync::Arc::clone(&prepared.run);
        let deny = async {
            super::until(|| run.calls().iter().any(|call| call.name == "UpdateAlias")).await;
            tokio::time::sleep(Duration::from_secs(30)).await;
            run.fault_of("UpdateAlias", Fault::Denied);
        };
        let (ended, ()) = futures::join!(prepared.end(), deny);
        assert_eq!(ended.code, Some(7), "{}", ended.words);
        assert!(ended.words.contains("release 2 failed and is NOT reverted"), "{}", ended.words);
        assert!(ended.words.contains("live now  release 1 or release 2, or parts of both"), "{}", ended.words);
    });
}
