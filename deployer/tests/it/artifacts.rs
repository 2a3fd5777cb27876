//! Artifacts that were built elsewhere, by the real binary.

use serde_json::{Value, json};

use crate::harness::SENTENCE;
use crate::stack;

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

pub(crate) fn an_artifact_built_without_credentials_deploys_elsewhere() {
    let stack = stack();
    let (base, changed) = (stack.checkout.artifact(SENTENCE), stack.checkout.artifact(CHANGED));
    // Elsewhere there are no sources and no cargo.
    let elsewhere = stack.checkout.root.join("elsewhere");
    std::fs::create_dir_all(&elsewhere).unwrap();
    // But for what opens the local AWS, which requires its token of every caller.
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
    let refused = stack.checkout.deployer(&format!("deploy dev --artifact {folder}")).expect(4);
    refused.says(["of `dev` is of a later commit", "hint: release the later commit"]);
    let plan = stack.checkout.deployer(&format!("plan dev --artifact {folder}")).expect(0);
    assert!(plan.stdout.contains("older over newer: release "), "{}", plan.stdout);
    let idle = format!("status --idle --artifact {folder}");
    stack.checkout.deployer(&format!("{idle} -- dev")).expect(4).says(["of `dev` is of a later commit"]);
    stack.checkout.deployer(&format!("{idle} --downgrade -- dev")).expect(0);
    stack.checkout.deployer(&format!("status --idle --artifact {base} -- dev")).expect(0);
    stack.checkout.deployer(&format!("deploy dev --artifact {folder} --downgrade")).expect(0);
    stack.released("dev", &base);
}
