//! Late changes, and resources that are not ready.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::{World, body, moment, sha256, zip};
use crate::aws::lambda::{Failure, RouteError, Rules};

#[test]
fn for_a_while_reads_show_the_previous_state() {
    let mut world = World::new(Rules { read_lag: Duration::from_secs(1), rates: None, ..Rules::instant() });
    world.upload("4");
    world.send("POST", "f/versions", &json!({}));
    world.move_live("4", &json!({}));
    let seen: Vec<_> = (0..50).map(|_| world.get("f/aliases/live")["FunctionVersion"].clone()).collect();
    assert!(seen.contains(&json!("1")) && seen.contains(&json!("4")), "{seen:?}");
    let seen: Vec<_> = (0..50).map(|_| world.send("GET", "f?Qualifier=4", &Value::Null).status).collect();
    assert!(seen.contains(&404) && seen.contains(&200), "{seen:?}");
    world.wait(1001);
    assert!((0..50).all(|_| world.get("f/aliases/live")["FunctionVersion"] == "4"));
}

#[test]
fn traffic_follows_the_weights_and_flips_back_for_a_while() {
    let mut world = World::new(Rules { propagation: Duration::from_secs(1), ..Rules::instant() });
    world.move_live("2", &json!({}));
    let reached = world.reached();
    assert!(reached["1"] > 300 && reached["2"] > 300, "{reached:?}");
    world.wait(1001);
    assert_eq!(world.reached(), BTreeMap::from([("2".to_owned(), 1000)]));
    world.move_live("2", &json!({ "3": 0.1 }));
    world.wait(1001);
    let reached = world.reached();
    assert!((50..200).contains(&reached["3"]) && reached["2"] > 800, "{reached:?}");
}

#[test]
fn a_version_deleted_right_after_the_switch_still_gets_requests() {
    let mut world = World::new(Rules { propagation: Duration::from_secs(1), ..Rules::instant() });
    let refused = world.send("DELETE", "f?Qualifier=1", &Value::Null);
    assert_eq!(refused.status, 409);
    assert!(body(&refused)["message"].as_str().unwrap().ends_with("aliases reference it: [live]"));
    world.move_live("2", &json!({}));
    assert_eq!(world.send("DELETE", "f?Qualifier=1", &Value::Null).status, 204);
    let reached = world.reached();
    assert!(reached.keys().any(|key| key.starts_with("NotFound")), "{reached:?}");
    world.wait(1001);
    assert_eq!(world.reached().len(), 1);
}

#[test]
fn an_inactive_version_fails_once_and_wakes() {
    let mut world = World::new(Rules { pending: Duration::from_secs(1), ..Rules::instant() });
    world.lambda.make_inactive("f", "1");
    assert_eq!(world.get("f?Qualifier=live")["Configuration"]["State"], "Inactive");
    assert_eq!(world.route("live"), Err(RouteError::Waking));
    assert_eq!(world.route("live"), Err(RouteError::State("Pending".to_owned())));
    assert_eq!(world.send("POST", "f/invocations?Qualifier=1", &json!({})).status, 409);
    world.wait(1000);
    assert_eq!(world.route("live").unwrap(), "1");
}

#[test]
fn an_alias_cannot_be_moved_to_a_pending_version() {
    let mut world = World::new(Rules { published_pending: Duration::from_secs(1), ..Rules::instant() });
    world.upload("4");
    assert_eq!(body(&world.send("POST", "f/versions", &json!({})))["State"], "Pending");
    let refused = world.move_live("4", &json!({}));
    assert!(refused.status == 409 && body(&refused)["message"].as_str().unwrap().contains("Pending"));
    world.wait(1000);
    assert_eq!(world.move_live("4", &json!({})).status, 200);
    world.lambda.set_state("f", "3", "Failed", Some(("InvalidImage", "broken")));
    assert_eq!(world.move_live("3", &json!({})).status, 409);
}

#[test]
fn two_versions_of_an_alias_need_the_same_role() {
    let mut world = World::new(Rules::instant());
    let moment = moment(1);
    assert!(world.lambda.configure_and_publish(&moment, "f", |configuration| configuration.role = "other".to_owned()));
    assert_eq!(world.lambda.versions("f").len(), 4);
    assert_eq!(world.move_live("1", &json!({ "4": 0.5 })).status, 400);
    assert_eq!(world.move_live("1", &json!({ "3": 0.5 })).status, 200);
    assert_eq!(world.move_live("4", &json!({})).status, 200);
}

#[test]
fn a_failed_update_leaves_the_old_state() {
    let mut world = World::new(Rules::instant());
    let (code, reason) = ("InvalidZipFileException".to_owned(), "broken".to_owned());
    world.lambda.rules.updates_fail = Some(Failure { code, reason });
    world.upload("4");
    let latest = world.get("f");
    assert_eq!(latest["Configuration"]["LastUpdateStatus"], "Failed");
    assert_eq!(world.lambda.call("f", "$LATEST", json!({})).unwrap().code_sha256, sha256(&zip("3")));
}
