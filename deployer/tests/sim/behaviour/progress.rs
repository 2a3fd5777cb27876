//! What a run prints while it works and waits.

use std::time::Duration;

use super::{deploy, deployed, with_releases};
use crate::application::Behavior;
use crate::aws::cloudwatch::State;
use crate::simulation::Snapshot;
use crate::stack::{ALARM, Shape};

const CANARY: &str = "strategy = \"canary\"\npercent = 40\nbake_seconds = 180";

#[test]
fn a_canary_prints_its_state_every_thirty_seconds() {
    with_releases(Shape::of(1).moving(CANARY), 1).simulate(async |simulation| {
        let words = simulation.done(&deploy(simulation, Behavior::Right).await).await.words;
        let lines: Vec<_> = words.lines().filter(|line| line.trim_start().starts_with("Watching")).collect();
        assert_eq!(lines.len(), 6, "{words}");
        let alarm = format!("alarm: `{ALARM}` ok");
        assert!(
            lines[0].contains("40 % of the traffic on the new version for 3 min") && lines[0].contains(&alarm),
            "{words}"
        );
        assert!(lines[0].contains("responses to checks: ") && lines[0].contains("from version 3"), "{words}");
        for (line, left) in lines[1..].iter().zip(["2 min 30 s", "2 min", "1 min 30 s", "1 min", "30 s"]) {
            assert!(line.contains(&format!("the new version: {left} of 3 min left; {alarm}")), "{left}: {words}");
        }
        assert!(words.contains("Watched the alarms for 3 min\n"), "{words}");
    });
}

#[test]
fn an_alarm_without_data_shows_as_such_in_the_middle_of_a_canary() {
    with_releases(Shape::of(1).moving(CANARY), 1).simulate(async |simulation| {
        let command = deploy(simulation, Behavior::Right).await;
        let alarm = simulation.now() + Duration::from_secs(60);
        simulation.account("dev", |account| account.alarms.set(ALARM, State::InsufficientData, alarm));
        let words = simulation.done(&command).await.words;
        assert!(words.contains(&format!("alarm: `{ALARM}` ok")), "{words}");
        assert!(words.contains(&format!("alarm: `{ALARM}` no data")), "{words}");
    });
}

#[test]
fn the_same_seed_prints_the_same_lines() {
    let printed = || {
        with_releases(Shape::of(2).moving(CANARY), 1).seeded(7).simulate(async |simulation| {
            simulation.done(&format!("{} -v", deploy(simulation, Behavior::Right).await)).await.words
        })
    };
    let words = printed();
    assert!(words.contains("Watching") && words.contains("Called"), "{words}");
    assert_eq!(words, printed());
}

#[test]
fn a_quiet_run_prints_only_its_result() {
    Snapshot::new(Shape::of(1), 1).simulate(async |simulation| {
        deployed(simulation).await;
        let words = simulation.done(&format!("{} --quiet", deploy(simulation, Behavior::Right).await)).await.words;
        for verb in ["Prepared", "Switched", "Releasing", "Checked"] {
            assert!(!words.contains(verb), "{words}");
        }
        assert!(!words.trim().is_empty());
    });
}

#[test]
fn a_verbose_run_prints_each_call_and_nothing_that_it_carried() {
    Snapshot::new(Shape::of(1), 1).simulate(async |simulation| {
        deployed(simulation).await;
        let command = format!("{} --verbose", deploy(simulation, Behavior::Right).await);
        let (ended, calls) = simulation.observed(&command).await;
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        let called: Vec<_> = ended.words.lines().filter_map(|line| line.trim_start().strip_prefix("Called ")).collect();
        for operation in ["UpdateFunctionCode", "PublishVersion", "UpdateAlias", "TransactWriteItems"] {
            let made = calls.iter().filter(|call| call.name == operation).count();
            let printed = called.iter().filter(|line| line.starts_with(operation)).count();
            assert_eq!(printed, made, "{operation}: {}", ended.words);
        }
        let update = called.iter().find(|line| line.starts_with("UpdateAlias ")).unwrap();
        assert!(update.contains("/aliases/live ") && update.ends_with("ms, 200"), "{update}");
    });
}
