//! `--output json`: every command prints one document, as the schema says; and the page of `history --html`. (Each run with
//! `--output json` is compared with the schema, in any test.)

use crate::application::Behavior;
use crate::simulation::Snapshot;
use crate::stack::Shape;

use super::{deploy_code, deployed};

#[test]
fn every_command_prints_a_document_as_documented() {
    Snapshot::new(Shape::of(2), 1).simulate(async |simulation| {
        deployed(simulation).await;
        let deploy = deploy_code(simulation, Behavior::Right);
        for command in [
            "plan dev",
            deploy.as_str(),
            "check dev",
            "status",
            "status dev --idle",
            "history dev",
            "prune dev",
            "unlock dev --force",
            "doctor dev",
            "contract show dev",
            "promote dev prod --allow-definition-diff",
            "rollback dev --to previous",
        ] {
            let ended = simulation.command(&format!("{command} --output json")).await;
            assert_eq!(ended.json()["schema"], 1, "{command}: {}", ended.words);
        }
    });
}

#[test]
fn an_error_before_a_release_is_a_document_too() {
    Snapshot::new(Shape::of(1), 1).simulate(async |simulation| {
        for (command, exit) in [("status nowhere", 3), ("rollback dev --to 77", 4), ("promote dev@x prod", 3)] {
            let ended = simulation.command(&format!("{command} --output json")).await;
            let error = &ended.json()["error"];
            assert_eq!((error["exit"].as_u64(), ended.code), (Some(exit), u8::try_from(exit).ok()), "{}", ended.words);
            assert!(error["message"].is_string(), "{error}");
        }
    });
}

#[test]
fn a_release_that_fails_has_its_error_in_its_one_document() {
    Snapshot::new(Shape::of(1), 1).simulate(async |simulation| {
        deployed(simulation).await;
        let deploy = deploy_code(simulation, Behavior::Wrong);
        let ended = simulation.command(&format!("{deploy} --output json")).await;
        assert_eq!(ended.json()["error"]["exit"].as_u64(), ended.code.map(u64::from), "{}", ended.words);
    });
}

/// The credentials are those of one account, and `prod` is in another.
#[test]
fn the_page_names_an_environment_that_cannot_be_read() {
    Snapshot::new(Shape::of(1), 1).with_programs().simulate(async |simulation| {
        deployed(simulation).await;
        simulation.done("promote dev prod --allow-definition-diff").await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("releases.html");
        let ended = simulation.done(&format!("history --html {} --output json", file.display())).await;
        assert!(ended.words.contains("warning: the releases of `prod` cannot be read"), "{}", ended.words);
        let written = ended.json();
        assert_eq!(written["environments"][0]["error"], serde_json::Value::Null, "{written}");
        assert!(written["environments"][1]["error"].is_string(), "{written}");
        let page = std::fs::read_to_string(&file).unwrap();
        assert!(page.contains("id=\"dev-1\"") && page.contains("<b>Could not be read.</b>"), "{page}");
        let printed = simulation.done("history prod --html -").await.words;
        assert!(printed.starts_with("<!doctype html>") && printed.contains("Promoted from dev 1"), "{printed}");
    });
}
