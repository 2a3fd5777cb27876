//! Artifacts that were built elsewhere, and zips that are too big for one call.

use serde_json::{Value, json};

use crate::harness::SENTENCE;
use crate::stack;
use crate::strict::{Call, Front};

const VERSIONED: &str = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
const CHANGED: &str = "There is nothing to see.";

/// A copy of an artifact that a test may spoil.
fn copy(name: &str) -> String {
    let stack = stack();
    let source = stack.checkout.root.join(stack.checkout.artifact(CHANGED));
    let folder = stack.checkout.root.join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    for entry in std::fs::read_dir(source).unwrap().map(Result::unwrap) {
        std::fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    name.to_owned()
}

#[track_caller]
fn refused<const N: usize>(folder: &str, code: i32, words: [&str; N]) {
    let front = Front::before(stack().checkout.port("dev"));
    let (ended, calls) = stack().checkout.through(&front, "dev", &format!("deploy dev --artifact {folder}"));
    ended.expect(code).says(words);
    assert!(!calls.iter().any(Call::writes), "{calls:?}");
}

pub(crate) fn what_was_built_without_credentials_is_deployed_elsewhere_without_a_build() {
    let stack = stack();
    let (base, changed) = (stack.checkout.artifact(SENTENCE), stack.checkout.artifact(CHANGED));
    // Elsewhere there are no sources and no cargo.
    let elsewhere = stack.checkout.root.join("elsewhere");
    std::fs::create_dir_all(&elsewhere).unwrap();
    // But for what opens the local AWS, which asks everybody for its token.
    for file in ["deployer.toml", ".deployer/local/dev/credentials"] {
        std::fs::create_dir_all(elsewhere.join(file).parent().unwrap()).unwrap();
        stack.checkout.write(&format!("elsewhere/{file}"), &stack.checkout.read(file));
    }
    let mut command = stack.checkout.command();
    let output = command
        .env("PATH", "")
        .current_dir(&elsewhere)
        .args(["--local", "deploy", "dev", "--output", "json", "--artifact"])
        .arg(stack.checkout.root.join(&changed))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let manifest: Value = serde_json::from_str(&stack.checkout.read(&format!("{changed}/manifest.json"))).unwrap();
    let status = stack.status("dev");
    assert_eq!(status["source_hash"], manifest["source_hash"]);
    assert_eq!(status["functions"]["counter"]["code_sha256"], manifest["functions"]["counter"]["sha256"]);
    // The same artifact again: nothing to do.
    let again = stack.checkout.deployer(&format!("deploy dev --artifact {changed} --output json")).expect(0).json();
    assert_eq!(again["changed"], false);
    stack.released("dev", &base);
}

pub(crate) fn a_tampered_zip_is_refused() {
    let folder = copy("tampered");
    let zip = stack().checkout.root.join(&folder).join("counter.zip");
    let mut bytes = std::fs::read(&zip).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(zip, bytes).unwrap();
    refused(&folder, 4, ["counter.zip` is not what its manifest says", "hint: somebody changed it"]);
}

pub(crate) fn an_artifact_that_is_not_whole_is_refused() {
    let folder = copy("torn");
    std::fs::remove_file(stack().checkout.root.join(&folder).join("preflight.zip")).unwrap();
    refused(&folder, 3, ["cannot read", "preflight.zip", "hint: build again"]);
    refused("nowhere", 3, ["`nowhere` is no artifact", "hint: name the folder"]);
}

pub(crate) fn an_artifact_for_another_processor_or_of_a_newer_deployer_is_refused() {
    let (checkout, folder) = (&stack().checkout, copy("foreign"));
    let file = format!("{folder}/manifest.json");
    let manifest = checkout.read(&file);
    let other = if std::env::consts::ARCH == "aarch64" { "x86_64" } else { "aarch64" };
    checkout.edit(&file, &format!("\"target\": \"{}", std::env::consts::ARCH), &format!("\"target\": \"{other}"));
    refused(&folder, 4, ["is built for `", "hint: build it for the processor"]);
    checkout.write(&file, &manifest.replacen("\"schema\": 1", "\"schema\": 2", 1));
    refused(&folder, 4, ["has schema 2", "hint: build and deploy with the same version"]);
    checkout.write(&file, &manifest.replacen("\"zip\": \"counter.zip\"", "\"zip\": \"../counter.zip\"", 1));
    refused(&folder, 4, ["which is no file of its folder"]);
    checkout.write(&file, "{");
    refused(&folder, 3, ["manifest.json` is malformed"]);
}

pub(crate) fn an_older_commit_replaces_a_newer_one_only_if_it_is_meant() {
    let (stack, folder) = (stack(), copy("older"));
    let file = format!("{folder}/manifest.json");
    let base = stack.checkout.artifact(SENTENCE);
    stack.released("dev", &base);
    let mut manifest: Value = serde_json::from_str(&stack.checkout.read(&file)).unwrap();
    // Git does not have it here: the date decides.
    manifest["commit"] = json!("e".repeat(40));
    manifest["committed_at"] = json!(1_000_000);
    stack.checkout.write(&file, &manifest.to_string());
    refused(&folder, 4, ["of `dev` is of a later commit", "hint: release the newer commit"]);
    let plan = stack.checkout.deployer(&format!("plan dev --artifact {folder}")).expect(0);
    assert!(plan.stdout.contains("older over newer: release "), "{}", plan.stdout);
    let idle = format!("status --idle --artifact {folder}");
    stack.checkout.deployer(&format!("{idle} -- dev")).expect(4).says(["of `dev` is of a later commit"]);
    stack.checkout.deployer(&format!("{idle} --downgrade -- dev")).expect(0);
    stack.checkout.deployer(&format!("status --idle --artifact {base} -- dev")).expect(0);
    stack.checkout.deployer(&format!("deploy dev --artifact {folder} --downgrade")).expect(0);
    stack.released("dev", &base);
}

/// 52 MB of what cannot be compressed, behind the binary's own bytes.
pub(crate) fn a_zip_over_50_mb_goes_through_the_bucket_by_its_version_and_without_one_nowhere() {
    let stack = stack();
    let folder = copy("big");
    let zip = stack.checkout.root.join(&folder).join("preflight.zip");
    let mut bytes = std::fs::read(&zip).unwrap();
    // A zip is read from its end: what stands before it is no part of it.
    let mut random = 1_u64;
    let padding = (0..52 * 1024 * 1024 / 8).flat_map(|_| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        random.to_be_bytes()
    });
    bytes = padding.chain(bytes).collect();
    std::fs::write(&zip, &bytes).unwrap();
    let file = format!("{folder}/manifest.json");
    let mut manifest: Value = serde_json::from_str(&stack.checkout.read(&file)).unwrap();
    manifest["functions"]["preflight"]["sha256"] = json!(deployer::artifact::sha256(&bytes));
    manifest["functions"]["preflight"]["size"] = json!(bytes.len());
    manifest["functions"]["preflight"]["source_hash"] = json!("big");
    manifest["source_hash"] = json!("big");
    stack.checkout.write(&file, &manifest.to_string());
    let contract = stack.ledger_item("dev", "stack");
    assert_eq!(contract["artifact_bucket"]["S"], "resume-visitor-counter-artifacts-dev-111111111111");
    let mut without = contract.clone();
    without.as_object_mut().unwrap().remove("artifact_bucket");
    stack.put_ledger_item("dev", &without);
    refused(&folder, 4, ["the zip of function `preflight` has 5", "no `artifact_bucket`", "hint: "]);

    stack.bucket("dev", "big-zips", "");
    let mut named = contract.clone();
    named["artifact_bucket"] = json!({"S": "big-zips"});
    stack.put_ledger_item("dev", &named);
    let front = Front::before(stack.checkout.port("dev"));
    let unversioned = stack.checkout.through(&front, "dev", &format!("deploy dev --artifact {folder}")).0;
    stack.bucket("dev", "big-zips?versioning", VERSIONED);
    let (ended, calls) = stack.checkout.through(&front, "dev", &format!("deploy dev --artifact {folder}"));
    let base = stack.checkout.artifact(SENTENCE);
    stack.released("dev", &base);
    stack.put_ledger_item("dev", &contract);
    unversioned.expect(1).says(["big-zips", "failed before any traffic moved"]);
    ended.expect(0);
    let upload = calls.iter().find(|call| call.name == "UpdateFunctionCode" && call.body.contains("big-zips")).unwrap();
    assert!(upload.body.contains("S3ObjectVersion") && !upload.body.contains("ZipFile"), "{}", upload.body);
}
