//! An older commit replaces a newer one only with `--downgrade`.

use serde_json::{Value, json};

use super::with_releases;
use crate::application::Behavior;
use crate::simulation::{Artifact, Simulation};
use crate::stack::Shape;

/// A day before the simulation begins, in seconds from 1970.
const DAY: i64 = 1_700_000_000;

/// Packages that were built from a commit of this time, without git to compare commits.
fn built_at(simulation: &Simulation, id: &str, seconds: i64) -> Artifact {
    let artifact = simulation.artifact(Behavior::Right);
    let file = artifact.folder.join("manifest.json");
    let mut manifest: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    (manifest["commit"], manifest["committed_at"]) = (json!(id.repeat(40)), json!(seconds));
    std::fs::write(file, manifest.to_string()).unwrap();
    artifact
}

fn deploy(artifact: &Artifact) -> String {
    format!("deploy dev --artifact {}", artifact.folder.display())
}

#[test]
fn an_older_commit_replaces_a_newer_one_only_with_a_flag() {
    with_releases(Shape::of(1), 1).with_programs().simulate(async |simulation| {
        let (newer, older) = (built_at(simulation, "b", DAY + 60), built_at(simulation, "a", DAY));
        simulation.done(&deploy(&newer)).await;
        let ended = simulation.refused(&deploy(&older), 4).await;
        assert!(ended.words.contains("of a later commit"), "{}", ended.words);
        simulation.done(&format!("{} --downgrade", deploy(&older))).await;
        simulation.done(&deploy(&built_at(simulation, "c", DAY))).await;
    });
}

#[test]
fn a_promotion_of_an_older_commit_is_refused_too() {
    with_releases(Shape::of(1), 1).with_programs().simulate(async |simulation| {
        let (newer, older) = (built_at(simulation, "b", DAY + 60), built_at(simulation, "a", DAY));
        simulation.done(&deploy(&newer)).await;
        simulation.done("promote dev prod --allow-definition-diff").await;
        simulation.done(&format!("{} --downgrade", deploy(&older))).await;
        let ended = simulation.refused("promote dev prod --allow-definition-diff", 4).await;
        assert!(ended.words.contains("of a later commit"), "{}", ended.words);
        simulation.done("promote dev prod --allow-definition-diff --downgrade").await;
    });
}
