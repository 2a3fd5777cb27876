//! Old releases: what is kept, found and removed.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{deploy, deployed};
use crate::application::Behavior;
use crate::aws::apigateway::Route;
use crate::simulation::{Simulation, Snapshot, account_of};
use crate::stack::{Shape, attributes, function, ledger};
use crate::verdict::item;

/// Lets `prod` be a second alias of dev's functions and a second stage of dev's API, with a ledger of its own beside dev's.
fn share(simulation: &Simulation) {
    simulation.reconfigure(|text| text.replace(account_of("prod"), account_of("dev")));
    let mut contract = item(simulation, "dev", "stack");
    contract["environment"] = json!("prod");
    contract["api"]["stage"] = json!("prod");
    contract["functions"]["f1"]["alias"] = json!("prod");
    simulation.account("dev", |account| {
        let (name, api) = (function("f1", "dev"), account.api.only());
        let url = account.api.url(&api, "prod");
        contract["api"]["url"] = json!(url);
        account.lambda.create_alias(&name, "prod", "1");
        account.lambda.permit(&name, "prod", &format!("arn:aws:execute-api:us-east-1:{}:{api}/*/*", account_of("dev")));
        let uri = account.api.lambda_uri(&name, "${stageVariables.alias}");
        account.api.change_definition(&api, |definition| definition.routes = vec![Route::lambda("GET", "/f1", &uri)]);
        let first = account.api.deploy(&api, "", Duration::ZERO);
        account.api.change_stage((&api, "dev"), Duration::ZERO, |stage| {
            stage.deployment.clone_from(&first);
            stage.variables = [("deployment", first.as_str()), ("alias", "live")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
        });
        account.api.create_stage(&api, "prod", &first, &[("deployment", &first), ("alias", "prod")]);
        account.dynamodb.create_table(&ledger("prod"), "pk", Some("sk"));
        account.dynamodb.put(&ledger("prod"), &attributes(&contract)["M"]);
    });
}

/// A ledger with a number of reverted releases; a page of DynamoDB has about a hundred.
fn with_long_history(releases: u64) -> Snapshot {
    let world = Snapshot::new(Shape::of(1), 1);
    let release = world.clone().simulate(async |simulation| {
        deployed(simulation).await;
        item(simulation, "dev", "release#00000001")
    });
    world.after(async move |simulation| {
        simulation.account("dev", |account| {
            for number in 1..=releases {
                let mut release = release.clone();
                release["number"] = json!(number);
                release["sk"] = json!(format!("release#{number:08}"));
                (release["state"], release["stable"]) = (json!("reverted"), json!(false));
                release["reason"] = json!("x".repeat(8000));
                account.dynamodb.put(&ledger("dev"), &attributes(&release)["M"]);
            }
        });
        deployed(simulation).await;
        deployed(simulation).await;
    })
}

#[test]
fn a_rollback_reads_only_the_history_that_it_needs() {
    let world = with_long_history(500);
    // Two for both ends of the partition; a release that is named by its number needs no page.
    for (to, queries) in [("previous", 3), ("501", 2)] {
        world.clone().simulate(async |simulation| {
            let prepared = simulation.prepare(&format!("rollback dev --to {to}"));
            let run = Arc::clone(&prepared.run);
            let ended = prepared.end().await;
            assert_eq!(ended.code, Some(0), "{}", ended.words);
            let calls = run.calls();
            let before = calls.iter().take_while(|call| call.name != "UpdateStage");
            assert_eq!(before.filter(|call| call.name == "Query").count(), queries, "--to {to}");
        });
    }
}

async fn done(simulation: &Simulation, command: &str) {
    let ended = simulation.prepare_with(account_of("dev"), command, None).end().await;
    assert_eq!(ended.code, Some(0), "{command}: {}", ended.words);
}

#[test]
fn pruning_keeps_what_another_environment_can_go_back_to() {
    Snapshot::new(Shape::of(1).keeping(1), 1).simulate(async |simulation| {
        share(simulation);
        let first = deploy(simulation, Behavior::Right).await;
        done(simulation, &first).await;
        done(simulation, &first.replace("dev", "prod")).await;
        let second = deploy(simulation, Behavior::Right).await;
        done(simulation, &second.replace("dev", "prod")).await;
        for _ in 0..3 {
            let command = deploy(simulation, Behavior::Right).await;
            done(simulation, &command).await;
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        done(simulation, "prune dev --yes").await;
        done(simulation, "rollback prod --to 1").await;
    });
}
