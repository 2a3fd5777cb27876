//! What the binaries are made of.

use std::process::Command;

/// The names of the crates that are linked with `features`.
fn linked(features: &[&str]) -> Vec<String> {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--package", "function", "--edges", "normal", "--prefix", "none"]);
    let output = tree.args(["--format", "{p}", "--offline"]).args(features).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn without_the_feature_dynamodb_no_sdk_and_no_tls_is_linked() {
    let names = linked(&["--no-default-features"]);
    assert!(names.iter().any(|name| name == "lambda_runtime"), "{names:?}");
    let sdk = |name: &&String| name.starts_with("aws-") || name.contains("rustls") || *name == "ring";
    assert_eq!(names.iter().find(sdk), None);
}

#[test]
fn no_crypto_is_linked_that_picks_up_symbols_of_the_machine_that_built_it() {
    let names = linked(&[]);
    assert!(names.iter().any(|name| name == "ring"), "{names:?}");
    assert!(!names.iter().any(|name| name.starts_with("aws-lc") || name.contains("openssl-sys")));
}

#[test]
fn no_lambda_carries_what_only_the_command_visits_needs() {
    let names = linked(&[]);
    assert_eq!(names.iter().find(|name| ["aws-config", "clap", "rustix"].contains(&name.as_str())), None);
}
