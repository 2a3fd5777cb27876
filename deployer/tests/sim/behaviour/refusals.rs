//! Invalid artifacts and ledgers: refused by name before anything is written.

use serde_json::{Value, json};

use super::{deploy_code, with_releases};
use crate::application::Behavior;
use crate::simulation::{Artifact, Simulation};
use crate::stack::Shape;
use crate::verdict::item;

/// An artifact whose manifest was changed.
fn with_manifest(simulation: &Simulation, change: impl FnOnce(&mut Value)) -> Artifact {
    let artifact = simulation.artifact(Behavior::Right);
    let file = artifact.folder.join("manifest.json");
    let mut manifest = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    change(&mut manifest);
    std::fs::write(file, manifest.to_string()).unwrap();
    artifact
}

async fn refused(simulation: &Simulation, artifact: &Artifact, code: u8, words: &str) {
    let ended = simulation.refused(&format!("deploy dev --artifact {}", artifact.folder.display()), code).await;
    assert!(ended.words.contains(words), "`{words}`: {}", ended.words);
}

#[test]
fn a_package_changed_since_its_build_is_refused() {
    with_releases(Shape::of(2), 1).simulate(async |simulation| {
        let artifact = simulation.artifact(Behavior::Right);
        std::fs::write(artifact.folder.join("f2.zip"), "f2, build x").unwrap();
        refused(simulation, &artifact, 4, "f2.zip").await;
    });
}

#[test]
fn an_incomplete_artifact_is_refused() {
    with_releases(Shape::of(2), 1).simulate(async |simulation| {
        let artifact = simulation.artifact(Behavior::Right);
        std::fs::remove_file(artifact.folder.join("f2.zip")).unwrap();
        refused(simulation, &artifact, 3, "f2.zip").await;
        std::fs::write(artifact.folder.join("manifest.json"), "{").unwrap();
        refused(simulation, &artifact, 3, "manifest.json` is not a valid manifest").await;
        simulation.refused("deploy dev --artifact nowhere", 3).await;
    });
}

#[test]
fn a_foreign_or_newer_artifact_is_refused() {
    with_releases(Shape::of(1), 1).simulate(async |simulation| {
        let foreign =
            with_manifest(simulation, |manifest| manifest["functions"]["f1"]["architecture"] = json!("x86_64"));
        refused(simulation, &foreign, 4, "has function `f1` for `x86_64`, but `deployer.toml` has it for `arm64`")
            .await;
        let newer = with_manifest(simulation, |manifest| manifest["schema"] = json!(3));
        refused(simulation, &newer, 4, "has schema 3").await;
        let outside = with_manifest(simulation, |manifest| manifest["functions"]["f1"]["zip"] = json!("../f1.zip"));
        refused(simulation, &outside, 4, "../f1.zip").await;
    });
}

#[test]
fn a_zip_too_big_for_one_call_needs_a_bucket() {
    with_releases(Shape::of(1), 1).simulate(async |simulation| {
        let big = simulation.artifact_of(Behavior::Right, 50 << 20);
        refused(simulation, &big, 4, "no `artifact_bucket`").await;
    });
}

/// Invalid items: the item, the place in it, the invalid value, and the expected error.
fn impossible() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let holder = |lease: &Value| json!({"id": "x", "actor": "ada\u{1b}[2J", "command": "deploy dev", "since": "now", "lease_seconds": lease});
    vec![
        ("release#00000002", "/number", json!(4_294_967_295_u64), "release 4294967295"),
        ("release#00000002", "/number", json!(4_294_967_296_u64), "release#00000002"),
        ("release#00000002", "/number", json!(12_345_678), "release 12345678"),
        ("release#00000002", "/number", json!("seven"), "release#00000002"),
        ("release#00000002", "/previous", json!(-1), "release#00000002"),
        ("release#00000002", "/state", json!("pondering"), "release#00000002"),
        ("release#00000002", "/parts", json!(["a"]), "release#00000002"),
        ("lock", "/fencing_token", json!(u64::MAX), "fencing token"),
        ("lock", "/fencing_token", json!(0), "fencing token 0"),
        ("lock", "/fencing_token", json!(1.5), "`lock`"),
        ("lock", "/holder", Value::Null, "`lock`"),
        ("lock", "/holder", holder(&json!(u64::MAX)), "lease of 18446744073709551615 s"),
        ("lock", "/holder", holder(&json!(-20)), "`lock`"),
        ("live", "/release", json!("the best"), "`live`"),
        ("live", "/release", Value::Null, "`live`"),
        ("live", "/release/parts/functions", json!({"": 1}), "`live`"),
        ("stack", "/functions", json!({}), "functions"),
        ("stack", "/api/id", json!("../../x"), "API"),
        ("stack", "/functions/f1/alias", json!(""), "alias"),
    ]
}

/// Every command ends with a documented code and prints no control characters, and a deploy of other code names the item.
#[test]
fn an_invalid_ledger_item_is_refused_by_name() {
    with_releases(Shape::of(1), 2).simulate(async |simulation| {
        let deploy = deploy_code(simulation, Behavior::Right);
        for (key, place, value, expected) in impossible() {
            let sound = item(simulation, "dev", key);
            let mut spoilt = sound.clone();
            let (above, name) = place.rsplit_once('/').unwrap();
            spoilt.pointer_mut(above).unwrap()[name] = value;
            simulation.put("dev", &spoilt);
            for command in
                ["status dev", "plan dev", "history dev", "check dev", "prune dev", "rollback dev --to 1", &deploy]
            {
                let (ended, calls) = simulation.observed(command).await;
                let what = format!("{key}{place}: `{command}`: {}", ended.words);
                assert!(ended.code.is_some_and(|code| code <= 5), "{:?}: {what}", ended.code);
                assert!(!ended.words.contains('\u{1b}'), "{what}");
                assert!(calls.iter().all(|call| !call.writes()), "{what}: {calls:?}");
                if command.starts_with("deploy") {
                    assert!(ended.code != Some(0) && ended.words.contains("hint: "), "{what}");
                    assert!(ended.words.contains(expected), "`{expected}`: {what}");
                }
            }
            simulation.put("dev", &sound);
        }
    });
}
