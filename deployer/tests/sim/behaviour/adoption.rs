//! Drift: a change by others is never overwritten, and adopted only on request.

use std::time::Duration;

use serde_json::json;

use super::{deploy, until_seen, with_releases};
use crate::application::Behavior;
use crate::aws::Aws;
use crate::aws::lambda::Configuration;
use crate::fault::Fault;
use crate::matrix::in_use;
use crate::simulation::{Simulation, Snapshot, account_of};
use crate::stack::{Shape, Trigger, function};
use crate::verdict::{Serving, holder, item};

/// Moves an alias of dev behind the deployer's back, visible at once.
async fn move_alias(simulation: &Simulation, version: &str) {
    {
        let mut aws = simulation.aws();
        let Aws { accounts, moment, .. } = &mut *aws;
        let account = accounts.get_mut(account_of("dev")).unwrap();
        account.lambda.move_alias(moment, &function("f1", "dev"), "live", version);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
}

#[test]
fn an_alias_moved_by_others_stops_every_command_until_adopted() {
    with_releases(Shape::of(2), 2).simulate(async |simulation| {
        move_alias(simulation, "2").await;
        let moved = Serving::of(simulation, "dev");
        let command = deploy(simulation, Behavior::Right).await;
        let plan = command.replace("deploy", "plan");
        for command in [&command, "rollback dev --to previous", &plan] {
            let refused = simulation.refused(command, 4).await;
            assert!(refused.words.contains("alias `live` of `app-f1-dev`"), "{command}: {}", refused.words);
            assert!(refused.words.contains("--adopt`"), "{command}: {}", refused.words);
        }
        assert_eq!(Serving::of(simulation, "dev"), moved);
        simulation.done(&format!("{command} --adopt")).await;
        let adopted = item(simulation, "dev", "release#00000003");
        assert_eq!((&adopted["kind"], &adopted["stable"]), (&json!("adopt"), &json!(true)));
        assert_eq!(adopted["parts"]["functions"]["f1"]["version"], "2");
        simulation.done("rollback dev --to previous").await;
        assert_eq!(Serving::of(simulation, "dev"), moved);
    });
}

#[test]
fn a_rollback_to_a_missing_release_adopts_nothing() {
    with_releases(Shape::of(2), 2).simulate(async |simulation| {
        move_alias(simulation, "1").await;
        let refused = simulation.refused("rollback dev --to 9999 --adopt", 4).await;
        assert!(refused.words.contains("there is no release `9999`"), "{}", refused.words);
        simulation.account("dev", |account| account.lambda.delete_version(&function("f2", "dev"), "2"));
        let gone = simulation.refused("rollback dev --to 1 --adopt", 4).await;
        assert!(gone.words.contains("version 2 of `app-f2-dev` is gone"), "{}", gone.words);
        assert_eq!(item(simulation, "dev", "release#00000003"), serde_json::Value::Null);
    });
}

#[test]
fn a_rollback_that_adopts_counts_previous_from_what_is_live() {
    with_releases(Shape::of(2), 1).simulate(async |simulation| {
        let before = Serving::of(simulation, "dev");
        simulation.done(&deploy(simulation, Behavior::Right).await).await;
        simulation.done("rollback dev --to 1").await;
        move_alias(simulation, "3").await;
        simulation.done("rollback dev --to previous --adopt").await;
        assert_eq!(item(simulation, "dev", "release#00000004")["kind"], "adopt");
        assert_eq!(Serving::of(simulation, "dev").versions, before.versions);
    });
}

#[test]
fn a_stage_moved_by_others_is_drift() {
    with_releases(Shape::of(1), 2).simulate(async |simulation| {
        let now = simulation.now();
        let first = item(simulation, "dev", "release#00000001")["parts"]["deployment"].clone();
        simulation.account("dev", |account| {
            let api = account.api.only();
            let deployment = first.as_str().unwrap().to_owned();
            account.api.change_stage((&api, "dev"), now, |stage| stage.deployment = deployment);
        });
        until_seen().await;
        let command = deploy(simulation, Behavior::Right).await;
        let refused = simulation.refused(&command, 4).await;
        assert!(refused.words.contains("the stage is at deployment"), "{}", refused.words);
    });
}

#[test]
fn a_split_alias_or_one_on_latest_cannot_be_adopted() {
    for split in [true, false] {
        with_releases(Shape::of(1), 2).simulate(async |simulation| {
            match split {
                true => simulation.account("dev", |account| {
                    account.lambda.split_alias(&function("f1", "dev"), "live", ("2", 0.1));
                }),
                false => move_alias(simulation, "$LATEST").await,
            }
            let command = deploy(simulation, Behavior::Right).await;
            let refused = simulation.refused(&format!("{command} --adopt"), 4).await;
            assert!(refused.words.contains("cannot be adopted"), "{}", refused.words);
        });
    }
}

#[test]
fn an_adoption_that_cannot_be_recorded_releases_the_lock() {
    let world = with_releases(Shape::of(1), 2).after(async |simulation| move_alias(simulation, "2").await);
    let command = async |simulation: &Simulation| format!("{} --adopt", deploy(simulation, Behavior::Right).await);
    let calls = world.clone().simulate(async |simulation| {
        let (_, calls) = simulation.observed(&command(simulation).await).await;
        calls.into_iter().map(|call| call.name).collect::<Vec<_>>()
    });
    let writes: Vec<_> = (0..calls.len()).filter(|index| calls[*index] == "TransactWriteItems").collect();
    for fault in [Fault::Denied, Fault::Expired] {
        world.clone().simulate(async |simulation| {
            let prepared = simulation.prepare(&command(simulation).await);
            prepared.run.fault(writes[1] + 1, fault);
            let ended = prepared.end().await;
            assert!(ended.code != Some(0) && ended.words.contains("TransactWriteItems"), "{}", ended.words);
            assert!(holder(simulation, "dev").is_null(), "{}", ended.words);
            simulation.done(&command(simulation).await).await;
        });
    }
}

#[test]
fn a_version_in_use_becomes_release_1_and_can_be_rolled_back_to() {
    for trigger in [Trigger::Rest, Trigger::Http, Trigger::Url, Trigger::Unknown] {
        let canary = "strategy = \"canary\"\npercent = 40\nbake_seconds = 180";
        Snapshot::new(Shape::of(2).behind(trigger).moving(canary), 1).simulate(async |simulation| {
            in_use(simulation, "dev");
            let before = Serving::of(simulation, "dev");
            let command = deploy(simulation, Behavior::Right).await;
            let (ended, failed) = simulation.under_visits("dev", simulation.command(&command)).await;
            assert_eq!((ended.code, failed), (Some(0), vec![]), "{}", ended.words);
            assert!(ended.words.contains("Adopted what is live as release 1: its checks pass"), "{}", ended.words);
            let first = item(simulation, "dev", "release#00000001");
            assert_eq!((&first["kind"], &first["stable"]), (&json!("adopt"), &json!(true)));
            assert_eq!(first["reason"], "it was in use before the first release");
            let second = item(simulation, "dev", "release#00000002");
            let steps = second["steps"].to_string();
            assert!(steps.contains("40 % of the traffic"), "its release is shifted: {steps}");
            let (ended, failed) =
                simulation.under_visits("dev", simulation.command("rollback dev --to previous")).await;
            assert_eq!((ended.code, failed), (Some(0), vec![]), "{}", ended.words);
            let after = Serving::of(simulation, "dev");
            assert_eq!((&after.versions, &after.deployment), (&before.versions, &before.deployment), "{trigger:?}");
        });
    }
}

#[test]
fn a_placeholder_stays_release_0() {
    Snapshot::new(Shape::of(2), 1).simulate(async |simulation| {
        let command = deploy(simulation, Behavior::Right).await;
        let ended = simulation.done(&command).await;
        assert!(!ended.words.contains("Adopted"), "{}", ended.words);
        let first = item(simulation, "dev", "release#00000001");
        assert_eq!((&first["kind"], &first["previous"]), (&json!("deploy"), &json!(0)));
    });
}

#[test]
fn one_function_that_fails_its_check_stops_the_adoption() {
    Snapshot::new(Shape::of(2).without_api(), 1).simulate(async |simulation| {
        in_use(simulation, "dev");
        simulation.account("dev", |account| {
            let (name, configuration) = (function("f2", "dev"), Configuration::default());
            let configuration = Configuration { architecture: "arm64".to_owned(), ..configuration };
            account.lambda.create_function(&name, b"a placeholder after all", configuration);
            account.lambda.create_alias(&name, "live", "1");
        });
        let command = deploy(simulation, Behavior::Right).await;
        simulation.done(&command).await;
        assert_eq!(item(simulation, "dev", "release#00000001")["kind"], "deploy");
    });
}

#[test]
fn an_unfinished_first_adoption_is_repeated() {
    Snapshot::new(Shape::of(1), 1).simulate(async |simulation| {
        in_use(simulation, "dev");
        let command = deploy(simulation, Behavior::Right).await;
        let prepared = simulation.prepare(&command);
        let run = std::sync::Arc::clone(&prepared.run);
        let kill = async {
            super::until(|| run.calls().iter().any(|call| call.name == "URL")).await;
            run.killed.notify_one();
        };
        let (died, ()) = futures::join!(prepared.end(), kill);
        assert_eq!(died.code, None);
        tokio::time::sleep(Duration::from_secs(60)).await;
        let ended = simulation.done(&command).await;
        assert!(ended.words.contains("what was in use before the first release is live"), "{}", ended.words);
        assert!(ended.words.contains("Adopted what is live as release 2: its checks pass"), "{}", ended.words);
        simulation.done("rollback dev --to previous").await;
        assert_eq!(Serving::of(simulation, "dev").versions["f1"], "1");
    });
}

#[test]
fn an_idle_version_is_woken_and_does_not_count_as_a_placeholder() {
    Snapshot::new(Shape::of(1), 1).simulate(async |simulation| {
        in_use(simulation, "dev");
        simulation.account("dev", |account| account.lambda.make_inactive(&function("f1", "dev"), "1"));
        let command = deploy(simulation, Behavior::Right).await;
        let ended = simulation.done(&command).await;
        assert!(ended.words.contains("Adopted what is live as release 1"), "{}", ended.words);
    });
    Snapshot::new(Shape::of(1), 1).simulate(async |simulation| {
        in_use(simulation, "dev");
        simulation.account("dev", |account| account.lambda.reserve(&function("f1", "dev"), Some(0)));
        let command = deploy(simulation, Behavior::Right).await;
        let refused = simulation.refused(&command, 4).await;
        assert!(refused.words.contains("cannot find out whether `dev` is in use already"), "{}", refused.words);
    });
}
