//! What the binaries are made of.

use std::process::Command;

/// The names of the crates that are linked with `features`. Cargo has to have downloaded them: with features that nothing
/// was built with on this machine, it does it now.
fn linked(features: &[&str]) -> Vec<String> {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--package", "function", "--edges", "normal", "--prefix", "none"]);
    let output = tree.args(["--format", "{p}", "--locked"]).args(features).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn without_a_store_no_sdk_and_no_tls_is_linked() {
    let names = linked(&["--no-default-features"]);
    assert!(names.iter().any(|name| name == "lambda_runtime"), "{names:?}");
    let sdk = |name: &&String| {
        ["aws-", "tokio-postgres"].iter().any(|start| name.starts_with(start))
            || name.contains("rustls")
            || *name == "ring"
    };
    assert_eq!(names.iter().find(sdk), None);
}

#[test]
fn each_store_is_linked_with_its_feature_only() {
    let has = |names: &[String], name: &str| names.iter().any(|linked| linked == name);
    let default = linked(&[]);
    assert_eq!((has(&default, "aws-sigv4"), has(&default, "tokio-postgres")), (true, false));
    let postgres = linked(&["--no-default-features", "--features", "postgres"]);
    assert_eq!((has(&postgres, "aws-sigv4"), has(&postgres, "tokio-postgres")), (true, true));
    // A whole SDK for four calls costs half a megabyte and half of a visit's CPU time.
    assert!(!default.iter().chain(&postgres).any(|name| name.starts_with("aws-sdk-")));
}

#[test]
fn no_linked_crypto_depends_on_the_build_machine() {
    let names = linked(&["--features", "postgres"]);
    assert!(names.iter().any(|name| name == "ring"), "{names:?}");
    assert!(!names.iter().any(|name| name.starts_with("aws-lc") || name.contains("openssl-sys")));
}

#[test]
fn no_lambda_carries_what_only_the_command_visits_needs() {
    let names = linked(&["--no-default-features", "--features", "dynamodb,postgres"]);
    assert_eq!(names.iter().find(|name| ["aws-config", "clap", "rustix"].contains(&name.as_str())), None);
}
