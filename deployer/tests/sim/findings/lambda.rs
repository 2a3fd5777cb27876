//! How Lambda stores a function's settings, and which versions may share an alias.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{CANARY, deploy, until_seen, with_releases};
use crate::application::Behavior;
use crate::aws::Aws;
use crate::aws::lambda::Configuration;
use crate::fault::Fault;
use crate::simulation::{Simulation, Snapshot, account_of};
use crate::stack::{Shape, function};
use crate::verdict::Serving;

/// Like UpdateFunctionConfiguration by infrastructure code.
async fn configure(simulation: &Simulation, change: impl FnOnce(&mut Configuration)) {
    {
        let mut aws = simulation.aws();
        let Aws { accounts, moment, .. } = &mut *aws;
        let account = accounts.get_mut(account_of("dev")).unwrap();
        assert!(account.lambda.configure(moment, &function("f1", "dev"), change));
    }
    until_seen().await;
}

fn vpc(subnets: [&str; 2]) -> serde_json::Value {
    json!({"SubnetIds": subnets, "SecurityGroupIds": ["sg-1"], "VpcId": "vpc-1"})
}

#[test]
fn the_order_of_subnets_and_fields_added_by_aws_do_not_matter() {
    Snapshot::new(Shape::of(1), 1).simulate(async |simulation| {
        configure(simulation, |settings| drop(settings.further.insert("VpcConfig".to_owned(), vpc(["a", "b"])))).await;
        let command = deploy(simulation, Behavior::Right).await;
        simulation.done(&command).await;
        configure(simulation, |settings| {
            settings.further.insert("VpcConfig".to_owned(), vpc(["b", "a"]));
            settings.further.insert("SettingOfTomorrow".to_owned(), json!({"Mode": "Default"}));
        })
        .await;
        let prepared = simulation.prepare(&command);
        let run = Arc::clone(&prepared.run);
        let ended = prepared.end().await;
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        let wrote = run.calls().into_iter().find(|call| call.writes());
        assert!(wrote.is_none(), "{wrote:?}: {}", ended.words);
        configure(simulation, |settings| settings.memory = 256).await;
        let before = Serving::of(simulation, "dev");
        simulation.done(&command).await;
        assert_ne!(Serving::of(simulation, "dev").versions, before.versions);
    });
}

#[test]
fn undecryptable_variables_stop_a_deploy_but_not_a_rollback() {
    with_releases(Shape::of(1), 2).simulate(async |simulation| {
        configure(simulation, |settings| settings.environment = Some([("A".to_owned(), "1".to_owned())].into())).await;
        simulation.account("dev", |account| account.lambda.rules.hides_variables = true);
        let before = Serving::of(simulation, "dev");
        let ended = simulation.command(&deploy(simulation, Behavior::Right).await).await;
        assert_eq!(ended.code, Some(4), "{}", ended.words);
        assert!(ended.words.contains("kms:Decrypt"), "{}", ended.words);
        assert_eq!(Serving::of(simulation, "dev"), before);
        simulation.done("rollback dev --to 1").await;
    });
}

#[test]
fn a_canary_with_another_role_or_dead_letter_queue_is_refused() {
    for queue in [true, false] {
        with_releases(Shape::of(1).moving(CANARY), 1).simulate(async |simulation| {
            configure(simulation, |settings| match queue {
                true => settings.dead_letter = Some("arn:aws:sqs:us-east-1:111111111111:failed".to_owned()),
                false => settings.role = "arn:aws:iam::111111111111:role/other".to_owned(),
            })
            .await;
            let command = deploy(simulation, Behavior::Right).await;
            let prepared = simulation.prepare(&command);
            let run = Arc::clone(&prepared.run);
            let ended = prepared.end().await;
            assert_eq!(ended.code, Some(4), "{}", ended.words);
            assert!(ended.words.contains("--at-once"), "{}", ended.words);
            assert!(run.calls().iter().all(|call| !call.writes()));
            simulation.done(&format!("{command} --at-once")).await;
        });
    }
}

/// A run that was interrupted after its write, and the next one, which still reads the old `$LATEST`.
#[test]
fn a_stale_revision_is_read_again() {
    for aliases in [1, 2] {
        with_releases(Shape::of(1), 1).simulate(async |simulation| {
            // With another alias, the version is published in a call of its own.
            let write = if aliases == 1 { "UpdateFunctionCode" } else { "PublishVersion" };
            simulation.account("dev", |account| {
                account.lambda.rules.read_lag = Duration::from_secs(2);
                if aliases == 2 {
                    account.lambda.create_alias(&function("f1", "dev"), "other", "1");
                }
            });
            let command = deploy(simulation, Behavior::Right).await;
            let prepared = simulation.prepare(&command);
            prepared.run.faults_of(write, 1, Fault::Signal("SIGTERM"));
            let ended = prepared.end().await;
            assert_eq!(ended.code, Some(1), "{}", ended.words);
            simulation.done(&command).await;
        });
    }
}
