//! The items of the ledger: DynamoDB takes at most 400 KB each, and refuses what is larger as AWS does.

use serde_json::Value;

use super::{deploy, shape};
use crate::application::Behavior;
use crate::behaviour::with_releases;
use crate::simulation::Simulation;
use crate::stack::{Shape, ledger, plain};
use crate::verdict::Serving;

pub(super) const LARGEST: usize = 400 * 1024;

/// The worst case: the longest names, and a canary.
pub(super) fn worst(functions: usize) -> Shape {
    shape(functions).with_long_names().moving("strategy = \"linear\"\nstep_percent = 20\ninterval_seconds = 180")
}

/// The items of dev's ledger, with their sizes. As JSON they are a little larger than DynamoDB counts.
pub(super) fn sizes(simulation: &Simulation) -> Vec<(String, usize)> {
    let items = simulation.account("dev", |account| account.dynamodb.items(&ledger("dev")));
    let plain = items.iter().map(|item| plain(&serde_json::json!({ "M": item })));
    plain.map(|item: Value| (item["sk"].as_str().unwrap().to_owned(), item.to_string().len())).collect()
}

/// A deploy, a failed one and a rollback: each is recorded, and what is live is what the ledger names.
pub(super) async fn releases(simulation: &Simulation) -> Vec<(String, usize)> {
    let before = Serving::of(simulation, "dev");
    simulation.done(&deploy(&simulation.artifact(Behavior::Right))).await;
    let good = Serving::of(simulation, "dev");
    assert!(good.whole && good.codes != before.codes);
    let failed = simulation.command(&deploy(&simulation.artifact(Behavior::WrongForVisitors))).await;
    assert_eq!(failed.code, Some(6), "{}", failed.words);
    assert_eq!(Serving::of(simulation, "dev"), good);
    simulation.done("rollback dev --to 1").await;
    assert_eq!(Serving::of(simulation, "dev").codes, before.codes);
    simulation.done("rollback dev --to 2").await;
    assert_eq!(Serving::of(simulation, "dev").codes, good.codes);
    sizes(simulation)
}

#[test]
fn packed_releases_are_read_reverted_and_restored() {
    // With the longest names a release of 80 functions is packed.
    with_releases(worst(80), 1).simulate(async |simulation| {
        let sizes = releases(simulation).await;
        let packed = simulation.account("dev", |account| account.dynamodb.items(&ledger("dev")));
        let packed = packed.iter().filter(|item| item["packed"].is_object()).count();
        assert!(packed >= 3, "{sizes:?}");
        assert!(sizes.iter().all(|(_, size)| *size < LARGEST / 2), "{sizes:?}");
        let shown = simulation.done("history dev --output json").await.json();
        let states: Vec<_> = shown["releases"].as_array().unwrap().iter().map(|row| row["state"].clone()).collect();
        assert_eq!(states, ["live", "superseded", "reverted", "superseded", "superseded"]);
    });
}
