//! `deploy`: the effects of a change of each part.

use std::time::Duration;

use serde_json::json;

use super::{deploy, deploy_code, with_releases};
use crate::application::Behavior;
use crate::aws::Aws;
use crate::outside::Sent;
use crate::simulation::{Snapshot, account_of};
use crate::stack::{Shape, function};
use crate::verdict::{Serving, item, releases};

/// The writes except those to the ledger, in order.
fn changes(calls: &[Sent]) -> Vec<&str> {
    let writes = calls.iter().filter(|call| call.writes() && call.name != "TransactWriteItems");
    writes.map(|call| call.name).collect()
}

#[test]
fn new_code_is_published_and_checked_before_its_alias_moves() {
    with_releases(Shape::of(1), 1).simulate(async |simulation| {
        let command = format!("{} --output json", deploy_code(simulation, Behavior::Right));
        let (ended, calls) = simulation.observed(&command).await;
        assert_eq!(changes(&calls), ["UpdateFunctionCode", "UpdateAlias"], "the upload publishes");
        let last = |name: &str| calls.iter().rposition(|call| call.name == name);
        let first = |name: &str| calls.iter().position(|call| call.name == name);
        assert!(last("UpdateFunctionCode") < first("Invoke"), "{calls:?}");
        assert!(last("Invoke") < first("UpdateAlias") && last("UpdateAlias") < first("URL"), "{calls:?}");
        let view = ended.json();
        assert_eq!((&view["release"], &view["changed"], &view["stable"]), (&json!(2), &json!(true), &json!(true)));
        let aws_calls = calls.iter().filter(|call| call.name != "URL").count();
        assert_eq!(view["aws_calls"]["total"], aws_calls, "{}", view["aws_calls"]);
    });
}

#[test]
fn a_changed_definition_gets_a_deployment_and_no_new_version() {
    Snapshot::new(Shape::of(1), 1).simulate(async |simulation| {
        let command = deploy(simulation, Behavior::Right).await;
        simulation.done(&command).await;
        let before = Serving::of(simulation, "dev");
        // Past the rate of CreateDeployment: once in 5 s.
        tokio::time::sleep(Duration::from_secs(5)).await;
        simulation.change_definition("dev");
        let (ended, calls) = simulation.observed(&command).await;
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        assert_eq!(changes(&calls), ["CreateDeployment", "UpdateStage"]);
        let after = Serving::of(simulation, "dev");
        assert_eq!(after.versions, before.versions);
        assert_ne!(after.deployment, before.deployment);
    });
}

#[test]
fn changed_settings_publish_the_live_code_again() {
    Snapshot::new(Shape::of(2), 1).simulate(async |simulation| {
        let command = deploy(simulation, Behavior::Right).await;
        simulation.done(&command).await;
        let before = Serving::of(simulation, "dev");
        {
            let mut aws = simulation.aws();
            let Aws { accounts, moment, .. } = &mut *aws;
            let account = accounts.get_mut(account_of("dev")).unwrap();
            account.lambda.configure(moment, &function("f1", "dev"), |configuration| configuration.memory = 192);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let plan = simulation.done(&command.replace("deploy", "plan")).await;
        assert!(plan.words.contains("MemorySize"), "{}", plan.words);
        let (ended, calls) = simulation.observed(&command).await;
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        assert_eq!(changes(&calls), ["PublishVersion", "UpdateAlias"], "{}", ended.words);
        let after = Serving::of(simulation, "dev");
        assert_eq!(after.codes, before.codes);
        assert_ne!(after.versions["f1"], before.versions["f1"]);
        assert_eq!(after.versions["f2"], before.versions["f2"]);
    });
}

#[test]
fn a_check_that_fails_before_traffic_moves_nothing() {
    for behavior in [Behavior::Wrong, Behavior::Crashes] {
        with_releases(Shape::of(2), 1).simulate(async |simulation| {
            let before = Serving::of(simulation, "dev");
            let (ended, calls) = simulation.observed(&deploy(simulation, behavior).await).await;
            assert_eq!(ended.code, Some(6), "{}", ended.words);
            assert!(ended.words.contains("check `f") && ended.words.contains("hint: "), "{}", ended.words);
            assert!(calls.iter().all(|call| !["UpdateAlias", "UpdateStage", "URL"].contains(&call.name)));
            assert_eq!(Serving::of(simulation, "dev"), before);
            assert_eq!(item(simulation, "dev", "release#00000002")["state"], "failed");
        });
    }
}

/// Dev fails and is unchanged; prod gets no call.
#[test]
fn a_check_that_fails_through_the_url_is_reverted() {
    with_releases(Shape::of(1), 1).simulate(async |simulation| {
        let (dev, prod) = (Serving::of(simulation, "dev"), Serving::of(simulation, "prod"));
        let (ended, calls) = simulation.observed(&deploy(simulation, Behavior::WrongForVisitors).await).await;
        assert_eq!(ended.code, Some(6), "{}", ended.words);
        assert!(ended.words.contains("status 500, not 200"), "{}", ended.words);
        assert_eq!(calls.iter().filter(|call| call.name == "UpdateAlias").count(), 2, "there and back: {calls:?}");
        assert_eq!((Serving::of(simulation, "dev"), Serving::of(simulation, "prod")), (dev, prod));
        let history = releases(simulation, "dev");
        assert_eq!((&history[1]["stable"], &history[0]["state"]), (&json!(false), &json!("live")));
    });
}
