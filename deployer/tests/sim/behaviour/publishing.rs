//! Versions that are published by the upload itself: only the ledger names them as the deployer's own.

use super::{deploy_code, until_seen, with_releases};
use crate::application::Behavior;
use crate::aws::Aws;
use crate::fault::Fault;
use crate::outside::Sent;
use crate::simulation::{Simulation, account_of};
use crate::stack::{Shape, function};
use crate::verdict::{Serving, made};

/// The numbers of the function's versions.
fn versions(simulation: &Simulation) -> Vec<String> {
    let versions = simulation.account("dev", |account| account.lambda.versions(&function("f1", "dev")));
    versions.into_iter().map(|version| version.version).collect()
}

fn counted(calls: &[Sent], name: &str) -> usize {
    calls.iter().filter(|call| call.name == name).count()
}

/// Changes the function's memory and publishes a version, as Terraform does.
async fn configured_by_terraform(simulation: &Simulation, memory: u32) {
    {
        let mut aws = simulation.aws();
        let Aws { accounts, moment, .. } = &mut *aws;
        let account = accounts.get_mut(account_of("dev")).unwrap();
        assert!(
            account.lambda.configure_and_publish(moment, &function("f1", "dev"), |settings| settings.memory = memory)
        );
    }
    until_seen().await;
}

#[test]
fn a_version_of_terraform_with_our_code_is_never_pruned() {
    with_releases(Shape::of(1).keeping(1), 1).simulate(async |simulation| {
        let same = deploy_code(simulation, Behavior::Right);
        simulation.done(&same).await;
        configured_by_terraform(simulation, 192).await;
        let theirs = versions(simulation).pop().unwrap();
        // It has the live code and the settings of now: it is used, and stays Terraform's.
        simulation.done(&same).await;
        assert_eq!(Serving::of(simulation, "dev").versions["f1"], theirs);
        for _ in 0..3 {
            simulation.done(&deploy_code(simulation, Behavior::Right)).await;
        }
        simulation.done("prune dev --yes").await;
        let left = versions(simulation);
        assert!(left.contains(&theirs) && left.contains(&"1".to_owned()), "{left:?}");
        assert!(left.len() < 6, "{left:?}");
        assert!(!made(simulation, "dev").contains(&("f1".to_owned(), theirs)));
    });
}

#[test]
fn the_version_of_a_run_that_died_in_its_upload_is_pruned_later() {
    for fault in [Fault::KilledAfter, Fault::KilledBefore] {
        with_releases(Shape::of(1).keeping(1), 1).simulate(async |simulation| {
            let before = versions(simulation);
            let dying = simulation.prepare(&deploy_code(simulation, Behavior::Right));
            dying.run.faults_of("UpdateFunctionCode", 1, fault);
            assert_eq!(dying.end().await.code, None);
            until_seen().await;
            let orphans: Vec<_> =
                versions(simulation).into_iter().filter(|version| !before.contains(version)).collect();
            assert_eq!(orphans.len(), usize::from(fault == Fault::KilledAfter), "{orphans:?}");
            // Other code, so that it is not used.
            simulation.done(&deploy_code(simulation, Behavior::Right)).await;
            for orphan in &orphans {
                assert!(made(simulation, "dev").contains(&("f1".to_owned(), orphan.clone())));
            }
            simulation.done("prune dev --yes").await;
            let left = versions(simulation);
            assert!(orphans.iter().all(|orphan| !left.contains(orphan)), "{left:?}");
            simulation.done("rollback dev --to previous").await;
        });
    }
}

#[test]
fn a_lost_reply_of_the_upload_makes_no_second_version() {
    for fault in [Fault::ReplyLost, Fault::RequestLost, Fault::Refused(500)] {
        with_releases(Shape::of(1), 1).simulate(async |simulation| {
            let before = versions(simulation).len();
            let prepared = simulation.prepare(&deploy_code(simulation, Behavior::Right));
            prepared.run.faults_of("UpdateFunctionCode", 1, fault);
            let ended = prepared.end().await;
            assert_eq!(ended.code, Some(0), "{}", ended.words);
            let now = versions(simulation);
            assert_eq!(now.len(), before + 1, "{fault:?}: {now:?}");
            assert!(made(simulation, "dev").contains(&("f1".to_owned(), now[before].clone())));
        });
    }
}

/// Two environments recognise what is theirs by the description.
#[test]
fn a_function_with_another_alias_gets_versions_with_a_mark() {
    with_releases(Shape::of(1), 1).simulate(async |simulation| {
        let name = function("f1", "dev");
        let live = Serving::of(simulation, "dev").versions["f1"].clone();
        simulation.account("dev", |account| account.lambda.create_alias(&name, "other", &live));
        let (ended, calls) = simulation.observed(&deploy_code(simulation, Behavior::Right)).await;
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        assert_eq!((counted(&calls, "UpdateFunctionCode"), counted(&calls, "PublishVersion")), (1, 1));
        let newest = simulation.account("dev", |account| account.lambda.versions(&name)).pop().unwrap();
        assert!(newest.description.starts_with("deployer: app/dev release 2"), "{}", newest.description);
    });
}

/// The other environment may prune it.
#[test]
fn a_version_that_may_be_another_environments_is_not_used() {
    with_releases(Shape::of(1), 1).simulate(async |simulation| {
        let name = function("f1", "dev");
        let artifact = simulation.artifact(Behavior::Right);
        let command = format!("deploy dev --artifact {}", artifact.folder.display());
        simulation.done(&command).await;
        let unmarked = Serving::of(simulation, "dev").versions["f1"].clone();
        simulation.done("rollback dev --to previous").await;
        simulation.account("dev", |account| {
            account.lambda.create_alias(&name, "other", &unmarked);
            account.dynamodb.remove("ledger-dev", "app", "made");
        });
        simulation.done(&command).await;
        assert_ne!(Serving::of(simulation, "dev").versions["f1"], unmarked);
    });
}
