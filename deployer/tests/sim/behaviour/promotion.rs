//! `promote`: the bytes that one environment tested, for another account.

use serde_json::{Value, json};

use super::{deploy, deployed, with_releases};
use crate::application::Behavior;
use crate::simulation::Snapshot;
use crate::stack::Shape;
use crate::verdict::{Serving, item};

/// A world in which dev has released twice, and its first release is in prod.
fn promoted() -> Snapshot {
    with_releases(Shape::of(2), 1).after(async |simulation| {
        simulation.done("promote dev prod --allow-definition-diff").await;
        // In both environments, as Terraform would.
        simulation.change_definition("prod");
        deployed(simulation).await;
    })
}

#[test]
fn a_promotion_gives_prod_the_bytes_of_dev_only_once() {
    promoted().simulate(async |simulation| {
        let (ended, calls) = simulation.observed("promote dev prod --output json").await;
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        let view = ended.json();
        assert_eq!((&view["kind"], &view["from"]), (&json!("promote"), &json!("dev@2")));
        assert_eq!(Serving::of(simulation, "prod").codes, Serving::of(simulation, "dev").codes);
        assert_eq!(calls.iter().filter(|call| call.name == "AssumeRole").count(), 1, "dev is read by its reader role");
        let (again, calls) = simulation.observed("promote dev prod --output json").await;
        assert_eq!(again.json()["changed"], false);
        assert!(calls.iter().all(|call| !call.writes()), "{calls:?}");
    });
}

#[test]
fn an_older_stable_release_is_promoted_by_its_number() {
    promoted().simulate(async |simulation| {
        let first = Serving::of(simulation, "prod").codes;
        simulation.done("promote dev prod").await;
        let ended = simulation.done("promote dev@1 prod --allow-definition-diff --output json").await;
        assert_eq!(ended.json()["from"], "dev@1");
        assert_eq!(Serving::of(simulation, "prod").codes, first);
    });
}

#[test]
fn a_promotion_without_the_reader_role_names_it() {
    promoted().simulate(async |simulation| {
        let role = "arn:aws:iam::111111111111:role/reader";
        simulation.aws().sts.remove_role(role);
        let refused = simulation.refused("promote dev prod", 3).await;
        assert!(refused.words.contains(role), "{}", refused.words);
    });
}

#[test]
fn a_missing_or_unstable_release_is_not_promoted() {
    promoted().simulate(async |simulation| {
        simulation.refused("promote dev dev", 3).await;
        simulation.refused("promote dev@x prod", 3).await;
        simulation.refused("promote dev@9999 prod", 4).await;
        let failed = simulation.command(&deploy(simulation, Behavior::WrongForVisitors).await).await;
        assert_eq!(failed.code, Some(6), "{}", failed.words);
        let refused = simulation.refused("promote dev@3 prod", 4).await;
        assert!(refused.words.contains("release 3 of `dev` is not stable"), "{}", refused.words);
    });
}

#[test]
fn a_different_api_definition_is_refused_with_the_difference() {
    promoted().simulate(async |simulation| {
        deployed(simulation).await;
        let refused = simulation.refused("promote dev prod", 4).await;
        assert!(refused.words.contains("differs in"), "{}", refused.words);
        simulation.done("promote dev prod --allow-definition-diff").await;
        assert_eq!(Serving::of(simulation, "prod").codes, Serving::of(simulation, "dev").codes);
    });
}

#[test]
fn untested_bytes_are_not_promoted() {
    promoted().simulate(async |simulation| {
        let mut live = item(simulation, "dev", "live");
        let tested: &mut Value = &mut live["release"]["parts"]["functions"]["f1"]["code_sha256"];
        *tested = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        simulation.put("dev", &live);
        let refused = simulation.refused("promote dev prod", 4).await;
        assert!(refused.words.contains("`app-f1-dev`"), "{}", refused.words);
    });
}
