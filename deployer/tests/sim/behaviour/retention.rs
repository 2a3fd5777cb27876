//! What is kept, what `prune` removes, and `history`.

use serde_json::json;

use super::{deploy, with_releases};
use crate::application::Behavior;
use crate::stack::{Shape, function};
use crate::verdict::{Serving, item};

#[test]
fn prune_shows_first_and_removes_only_unneeded_parts() {
    with_releases(Shape::of(2), 5).simulate(async |simulation| {
        let versions = || {
            let versions = simulation.account("dev", |account| account.lambda.versions(&function("f1", "dev")));
            versions.into_iter().map(|version| version.version).collect::<Vec<_>>()
        };
        let before = Serving::of(simulation, "dev");
        simulation.configure("releases = 10", "releases = 1");
        let (shown, calls) = simulation.observed("prune dev --output json").await;
        assert!(calls.iter().all(|call| !call.writes()), "{calls:?}");
        let view = shown.json();
        let rows = view["dispensable"].as_array().unwrap();
        // For two functions and the API: the parts of release 1 and 2.
        assert_eq!((rows.len(), &view["removed"]), (6, &json!(null)), "{view}");
        assert_eq!(versions(), ["1", "2", "3", "4", "5", "6"]);
        let removed = simulation.done("prune dev --yes --output json").await.json();
        assert_eq!(removed["removed"], rows.len());
        assert_eq!(versions(), ["1", "4", "5", "6"], "Terraform's own stays");
        assert_eq!(Serving::of(simulation, "dev"), before);
        let refused = simulation.refused("rollback dev --to 1", 4).await;
        assert!(refused.words.contains("release 1 cannot be restored"), "{}", refused.words);
        let nothing = simulation.done("prune dev --output json").await.json();
        assert_eq!(nothing["dispensable"], json!([]));
        simulation.done("rollback dev --to previous").await;
    });
}

#[test]
fn a_release_removes_parts_that_are_no_longer_needed() {
    with_releases(Shape::of(1).keeping(1), 4).simulate(async |simulation| {
        let left = simulation.done("prune dev --output json").await.json();
        assert_eq!(left["dispensable"], json!([]));
        let versions = simulation.account("dev", |account| account.lambda.versions(&function("f1", "dev")));
        assert!(versions.len() < 5, "{versions:?}");
        simulation.done("rollback dev --to previous").await;
    });
}

#[test]
fn history_lists_releases_with_kind_state_actor_and_time() {
    with_releases(Shape::of(1), 2).simulate(async |simulation| {
        simulation.done("rollback dev --to 1").await;
        let failed = simulation.command(&deploy(simulation, Behavior::Wrong).await).await;
        assert_eq!(failed.code, Some(6), "{}", failed.words);
        let view = simulation.done("history dev --output json").await.json();
        let rows = view["releases"].as_array().unwrap();
        let shown: Vec<_> = rows.iter().map(|row| (row["release"].as_u64(), row["kind"].as_str())).collect();
        let expected = [(4, "deploy"), (3, "rollback"), (2, "deploy"), (1, "deploy")];
        assert_eq!(shown, expected.map(|(number, kind)| (Some(number), Some(kind))));
        let states: Vec<_> = rows.iter().map(|row| row["state"].as_str().unwrap()).collect();
        assert_eq!(states, ["failed", "live", "superseded", "superseded"]);
        assert!(rows.iter().all(|row| row["actor"] == "ada" && row["seconds"].is_f64()), "{view}");
        let text = simulation.done("history dev --limit 2").await.words;
        assert!(text.contains("and 2 older releases: `--limit` shows more"), "{text}");
    });
}

/// Its item was deleted, or lost by a restore of the table: the record of the next release does not fail because of that.
#[test]
fn a_missing_item_of_the_live_release_is_written_again() {
    with_releases(Shape::of(1), 2).simulate(async |simulation| {
        let live = item(simulation, "dev", "release#00000002");
        simulation.account("dev", |account| account.dynamodb.remove("ledger-dev", "app", "release#00000002"));
        simulation.done(&deploy(simulation, Behavior::Right).await).await;
        let back = item(simulation, "dev", "release#00000002");
        assert_eq!((&back["parts"], &back["state"]), (&live["parts"], &json!("superseded")));
        simulation.done("rollback dev --to previous").await;
    });
}
