//! Functions that are container images, alone and beside zips.

use serde_json::json;

use super::{deploy_code, until_seen, with_releases};
use crate::application::Behavior;
use crate::aws::lambda::Pull;
use crate::simulation::{Artifact, Simulation, Snapshot};
use crate::stack::{Shape, function, image};
use crate::verdict::{Serving, item};

const IMAGE: Shape = Shape::of(1).with_images(1);
const BOTH: Shape = Shape::of(2).with_images(1);

/// Prepares a release of an image to dev, with the given access for Lambda, and pushed or not.
fn deploy_image(simulation: &Simulation, pull: Option<Pull>) -> String {
    let (artifact, image) = (simulation.artifact(Behavior::Right), image("elsewhere", b"another"));
    if let Some(pull) = pull {
        simulation.account("dev", |account| account.lambda.push_image(&image, pull));
    }
    changed(&artifact, |manifest| manifest["functions"]["f1"]["image"] = json!(image));
    format!("deploy dev --artifact {}", artifact.folder.display())
}

fn changed(artifact: &Artifact, change: impl FnOnce(&mut serde_json::Value)) {
    let file = artifact.folder.join("manifest.json");
    let mut manifest = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    change(&mut manifest);
    std::fs::write(file, manifest.to_string()).unwrap();
}

#[test]
fn an_image_is_released_by_its_digest_only_once() {
    with_releases(BOTH, 1).simulate(async |simulation| {
        let command = deploy_code(simulation, Behavior::Right);
        let plan = simulation.done(&command.replace("deploy", "plan")).await;
        let (ended, calls) = simulation.observed(&command).await;
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        let count = |name: &str| calls.iter().filter(|call| call.name == name).count();
        assert_eq!((count("UpdateFunctionCode"), count("PublishVersion"), count("UpdateAlias")), (2, 0, 2));
        let digest = Serving::of(simulation, "dev").codes["f1"].clone();
        assert_eq!(digest.len(), 64, "{digest}");
        let part = &item(simulation, "dev", "live")["release"]["parts"]["functions"]["f1"];
        assert_eq!(*part, json!({"version": "3", "code_sha256": digest}));
        assert!(plan.words.contains(&format!(", image {}", &digest[..7])), "{}", plan.words);
        let status = simulation.done("status dev --wide").await;
        assert!(status.words.contains(&digest[..7]), "{}", status.words);
        let (again, calls) = simulation.observed(&command).await;
        assert!(again.code == Some(0) && calls.iter().all(|call| !call.writes()), "{calls:?}");
    });
}

#[test]
fn a_rollback_of_an_image_moves_its_alias_and_pulls_nothing() {
    with_releases(IMAGE, 2).simulate(async |simulation| {
        let (ended, calls) = simulation.observed("rollback dev --to previous").await;
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        assert!(calls.iter().all(|call| !["UpdateFunctionCode", "PublishVersion"].contains(&call.name)), "{calls:?}");
        assert_eq!(Serving::of(simulation, "dev").versions["f1"], "2");
    });
}

#[test]
fn changed_settings_publish_the_live_image_again() {
    Snapshot::new(IMAGE, 1).simulate(async |simulation| {
        let command = deploy_code(simulation, Behavior::Right);
        simulation.done(&command).await;
        let live = Serving::of(simulation, "dev").codes;
        assert_eq!(simulation.command(&deploy_code(simulation, Behavior::Wrong)).await.code, Some(6));
        let moment = simulation.aws().moment.clone();
        let name = function("f1", "dev");
        simulation.account("dev", |account| account.lambda.configure(&moment, &name, |found| found.memory = 192));
        until_seen().await;
        simulation.done(&command).await;
        let after = Serving::of(simulation, "dev");
        assert_eq!((&after.codes, after.versions["f1"].as_str()), (&live, "4"));
    });
}

#[test]
fn a_promotion_moves_the_digest_to_another_account() {
    with_releases(BOTH, 1).simulate(async |simulation| {
        simulation.done("promote dev prod --allow-definition-diff").await;
        assert_eq!(Serving::of(simulation, "prod").codes, Serving::of(simulation, "dev").codes);
        let (again, calls) = simulation.observed("promote dev prod").await;
        assert!(again.code == Some(0) && calls.iter().all(|call| !call.writes()), "{calls:?}");
    });
}

#[test]
fn an_image_that_the_other_account_may_not_pull_gets_a_hint() {
    with_releases(IMAGE, 1).simulate(async |simulation| {
        let before = Serving::of(simulation, "prod");
        simulation.account("prod", |account| account.lambda.push_image(&image("f1", b"f1, build 1"), Pull::Denied));
        let ended = simulation.command("promote dev prod --allow-definition-diff").await;
        assert_eq!(ended.code, Some(1), "{}", ended.words);
        for words in [
            "failed to give `app-f1-prod` the image `111111111111.dkr.ecr.us-east-1.amazonaws.com/f1@sha256:",
            "Lambda does not have permission to access the ECR image",
            "hint: let the image be pulled: the repository's policy has to allow `ecr:BatchGetImage`",
        ] {
            assert!(ended.words.contains(words), "`{words}`: {}", ended.words);
        }
        assert_eq!(Serving::of(simulation, "prod"), before);
    });
}

#[test]
fn a_missing_image_fails_its_release_and_is_named() {
    with_releases(IMAGE, 1).simulate(async |simulation| {
        let before = Serving::of(simulation, "dev");
        let ended = simulation.command(&deploy_image(simulation, None)).await;
        assert_eq!(ended.code, Some(1), "{}", ended.words);
        assert!(
            ended.words.contains("/elsewhere@sha256:") && ended.words.contains("does not exist"),
            "{}",
            ended.words
        );
        assert!(ended.words.contains("hint: push the image to Amazon ECR first"), "{}", ended.words);
        assert_eq!(Serving::of(simulation, "dev"), before);
    });
}

#[test]
fn the_same_image_from_another_repository_changes_nothing() {
    with_releases(IMAGE, 1).simulate(async |simulation| {
        let artifact = simulation.artifact(Behavior::Right);
        let same = image("mirror", b"f1, build 1");
        changed(&artifact, |manifest| manifest["functions"]["f1"]["image"] = json!(same));
        let (ended, calls) = simulation.observed(&format!("deploy dev --artifact {}", artifact.folder.display())).await;
        assert_eq!(ended.code, Some(0), "{}", ended.words);
        assert!(calls.iter().all(|call| !call.writes()), "{calls:?}");
    });
}

#[test]
fn a_function_takes_only_its_own_package_type() {
    let zip = "package = \"f1\"\nbin = \"f1\"";
    with_releases(Shape::of(1), 1).simulate(async |simulation| {
        let artifact = simulation.artifact(Behavior::Right);
        simulation.configure(zip, "build = { image_command = \"./push\" }");
        let command = format!("deploy dev --artifact {}", artifact.folder.display());
        let ended = simulation.refused(&command, 4).await;
        let expected = "has function `f1` as a zip, but `deployer.toml` has it as a container image";
        assert!(ended.words.contains(expected), "{}", ended.words);
        changed(&artifact, |manifest| manifest["functions"]["f1"]["image"] = json!(image("f1", b"another")));
        changed(&artifact, |manifest| drop(manifest["functions"]["f1"].as_object_mut().unwrap().remove("zip")));
        for command in [&command, &command.replace("deploy", "plan"), "promote dev prod"] {
            let ended = simulation.refused(command, 4).await;
            let expected = "runs a zip, but `deployer.toml` builds a container image";
            assert!(ended.words.contains(expected), "{command}: {}", ended.words);
        }
        // A rollback builds and uploads nothing.
        simulation.done("check dev").await;
    });
    with_releases(IMAGE, 1).simulate(async |simulation| {
        simulation.configure("build = { image_command = \"./push\" }", zip);
        let ended = simulation.refused("promote dev prod", 4).await;
        let expected = "function `app-f1-prod` runs a container image, but `deployer.toml` builds a zip";
        assert!(ended.words.contains(expected), "{}", ended.words);
    });
}

#[test]
fn a_function_on_another_processor_is_refused_by_name() {
    with_releases(BOTH, 2).simulate(async |simulation| {
        let (moment, name) = (simulation.aws().moment.clone(), function("f2", "dev"));
        let change = |to: &str| {
            simulation.account("dev", |account| {
                account.lambda.configure(&moment, &name, |found| to.clone_into(&mut found.architecture))
            })
        };
        assert!(change("x86_64"));
        until_seen().await;
        let command = deploy_code(simulation, Behavior::Right);
        let ended = simulation.refused(&command, 4).await;
        let expected = "function `app-f2-dev` is `x86_64` in Lambda, but `arm64` in `deployer.toml`";
        assert!(ended.words.contains(expected), "{}", ended.words);
        // The rollback goes to a version with an image of its own.
        simulation.done("rollback dev --to 1").await;
        // One function's own.
        simulation.configure("package = \"f2\"", "package = \"f2\"\narchitecture = \"x86_64\"");
        let ended = simulation.refused("check dev", 4).await;
        let expected = "function `app-f2-dev` is `arm64` in the stack contract, but `x86_64` in `deployer.toml`";
        assert!(ended.words.contains(expected), "{}", ended.words);
    });
}
