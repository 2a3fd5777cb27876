//! `rollback`: every part of an earlier release, or nothing.

use std::time::Duration;

use serde_json::json;

use super::{deploy, deployed, with_releases};
use crate::application::Behavior;
use crate::stack::{Shape, function};
use crate::verdict::{Serving, item};

#[test]
fn a_rollback_restores_every_part_and_creates_none() {
    with_releases(Shape::of(2), 1).simulate(async |simulation| {
        let before = Serving::of(simulation, "dev");
        deployed(simulation).await;
        let (ended, calls) = simulation.observed("rollback dev --to previous --output json").await;
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        let view = ended.json();
        assert_eq!((&view["kind"], &view["back_to"], &view["release"]), (&json!("rollback"), &json!(1), &json!(3)));
        assert_eq!(Serving::of(simulation, "dev"), before);
        let makes = ["UpdateFunctionCode", "PublishVersion", "CreateDeployment"];
        assert!(calls.iter().all(|call| !makes.contains(&call.name)), "{calls:?}");
        assert_eq!(item(simulation, "dev", "release#00000002")["state"], "superseded");
        assert_eq!(item(simulation, "dev", "live")["release"]["number"], 3);
    });
}

#[test]
fn a_rollback_to_what_is_live_does_nothing() {
    with_releases(Shape::of(1), 2).simulate(async |simulation| {
        simulation.done("rollback dev --to 1").await;
        let (again, calls) = simulation.observed("rollback dev --to 1 --output json").await;
        assert_eq!(again.json()["changed"], false);
        assert!(calls.iter().all(|call| !call.writes()), "{calls:?}");
    });
}

#[test]
fn a_rollback_is_not_reverted_because_checks_have_changed() {
    with_releases(Shape::of(1), 1).simulate(async |simulation| {
        let before = Serving::of(simulation, "dev");
        deployed(simulation).await;
        simulation.configure("status = 200", "status = 201");
        let ended = simulation.done("rollback dev --to previous").await;
        assert!(ended.words.contains("status 200, not 201"), "{}", ended.words);
        assert_eq!(Serving::of(simulation, "dev"), before);
    });
}

#[test]
fn a_stale_read_right_after_a_release_is_not_drift() {
    for seed in 0..5 {
        with_releases(Shape::of(2), 2).seeded(seed).simulate(async |simulation| {
            simulation.account("dev", |account| account.lambda.rules.read_lag = Duration::from_millis(1500));
            let before = Serving::of(simulation, "dev");
            deployed(simulation).await;
            simulation.done("rollback dev --to previous").await;
            assert_eq!(Serving::of(simulation, "dev"), before);
        });
    }
}

#[test]
fn a_rollback_to_an_unstable_release_is_refused() {
    with_releases(Shape::of(1), 1).simulate(async |simulation| {
        simulation.refused("rollback dev --to 9999", 4).await;
        let failed = simulation.command(&deploy(simulation, Behavior::WrongForVisitors).await).await;
        assert_eq!(failed.code, Some(6), "{}", failed.words);
        let refused = simulation.refused("rollback dev --to 2", 4).await;
        assert!(refused.words.contains("release 2 "), "{}", refused.words);
    });
}

#[test]
fn a_rollback_to_missing_parts_offers_the_nearest_whole_release() {
    with_releases(Shape::of(1), 3).simulate(async |simulation| {
        // Version 1 is Terraform's.
        simulation.account("dev", |account| account.lambda.delete_version(&function("f1", "dev"), "3"));
        let refused = simulation.refused("rollback dev --to 2", 4).await;
        assert!(refused.words.contains("version 3 of `app-f1-dev` is gone"), "{}", refused.words);
        assert!(refused.words.contains("`--to 1`"), "{}", refused.words);
    });
}

#[test]
fn a_rollback_to_routes_without_permission_is_refused() {
    with_releases(Shape::of(1), 2).simulate(async |simulation| {
        let mut first = item(simulation, "dev", "release#00000001");
        // As if it had a route whose permission was removed later.
        first["routes"]["POST /removed"] = json!("app-f1-dev:removed");
        simulation.put("dev", &first);
        let refused = simulation.refused("rollback dev --to 1", 4).await;
        assert!(refused.words.contains("`removed` of `app-f1-dev`"), "{}", refused.words);
        simulation.account("dev", |account| account.lambda.create_alias(&function("f1", "dev"), "removed", "1"));
        let refused = simulation.refused("rollback dev --to 1", 4).await;
        assert!(refused.words.contains("permission of `POST /removed`"), "{}", refused.words);
    });
}
