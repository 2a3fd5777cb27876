//! The workflow `acceptance` against an emulator of its own, whose leniencies are known: its probes have to find each of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::actions::{Event, GitHub, Local, Project, REPOSITORY, built};
use crate::harness::{Emulator, Ended, bare, free_port, repository};
use crate::infrastructure::said_at;
use crate::stack;

/// What DESIGN calls kinder than AWS.
const KINDER: [&str; 13] = [
    "revision-moves-twice",
    "conflict-in-progress",
    "publish-wrong-sha",
    "dry-run-writes-nothing",
    "alias-to-missing-version",
    "weights-honoured",
    "version-keeps-its-zip",
    "control-plane-throttled",
    "missing-permission-500",
    "create-deployment-limit",
    "stage-runs-snapshot",
    "unknown-deployment",
    "delete-live-deployment",
];

/// What it does as AWS does, and the deployer's tests against it rely on.
const FAITHFUL: [&str; 9] = [
    "publish-idempotent",
    "same-bytes-new-version",
    "alias-wrong-revision",
    "routing-kept",
    "executed-version",
    "log-tail",
    "permission-opens",
    "update-stage-response",
    "condition-returns-item",
];

/// The account of tests.
const ACCOUNT: &str = "333333333333";
const ROLE: &str = "arn:aws:iam::333333333333:role/acceptance";

/// An emulator without anything in it, and without the gate of `local up`.
fn emulator() -> Emulator {
    Emulator::start(&stack().checkout.root.join("probed"), ACCOUNT, &[])
}

fn make_role(emulator: &Emulator, name: &str, trust: &Value) {
    let query =
        format!("/?Action=CreateRole&Version=2010-05-08&RoleName={name}&AssumeRolePolicyDocument={}", escaped(trust));
    said_at(emulator.port, ACCOUNT, "iam", None, &query, &Value::Null);
}

/// As it is written in a URL.
fn escaped(value: &Value) -> String {
    value.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn credentials(endpoint: &str) -> [(&str, &str); 6] {
    [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ACCESS_KEY_ID", ACCOUNT),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("NO_PROXY", "127.0.0.1"),
    ]
}

/// The program, which is built beside the binary: `cargo test` does so by itself, unless it was given the name of a test.
fn program() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    // Without the variables that cargo sets for tests: ring's build script would run again, and all that depends on it be compiled again.
    cargo.env_clear().envs(bare());
    cargo.current_dir(repository()).args(["build", "--quiet", "--locked", "--workspace", "--example", "acceptance"]);
    assert!(cargo.env("CARGO_TARGET_DIR", built().parent().unwrap()).status().unwrap().success());
    built().join("examples/acceptance")
}

fn acceptance(endpoint: &str, arguments: &str) -> Ended {
    let mut command = Command::new(program());
    command.env_clear().envs(bare()).env("HOME", stack().checkout.root.join("probed")).envs(credentials(endpoint));
    command.current_dir(repository());
    Ended::of(&command.args(arguments.split_whitespace()).stdin(Stdio::null()).output().unwrap())
}

pub(crate) fn the_workflow_finds_every_emulator_leniency_and_cleans_up() {
    let emulator = emulator();
    trusted_role(&emulator);
    program();
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("github/acceptance");
    let local = Local::new(emulator.port, ACCOUNT, root.join("nothing is kept"));
    let local = BTreeMap::from([("acceptance".to_owned(), local)]);
    let mut github = GitHub::new(root.clone(), Project::this(repository(), local));
    let variables = [("AWS_ROLE_ARN", ROLE), ("AWS_REGION", "us-east-1")];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    github.variables.insert("acceptance".to_owned(), variables.into());
    let inputs = json!({"prefix": "it-test", "probe_only": true});
    let run = github.run(&Event { workflow: "acceptance", inputs: Some(inputs), ..Event::default() });
    let page = &run.expect([("acceptance", "success")]).job("acceptance").summary;
    assert!(page.contains("# Acceptance of `it-test`: passed") && page.contains("## Facts"), "{page}");
    let report = std::fs::read(root.join("run-1/artifacts/acceptance/report.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    let facts = report["facts"].as_array().unwrap().iter();
    let facts: BTreeMap<_, _> =
        facts.map(|fact| (fact["id"].as_str().unwrap(), fact["verdict"].as_str().unwrap())).collect();
    let kinder: Vec<_> = KINDER.iter().filter(|id| facts[*id] != "contradicted").collect();
    let other: Vec<_> = FAITHFUL.iter().filter(|id| facts[*id] != "confirmed").collect();
    assert!(kinder.is_empty() && other.is_empty(), "not contradicted: {kinder:?}; not confirmed: {other:?}");
    assert_eq!(report["left"], json!([]));
}

/// The role of the environment `acceptance`, trusted as .github/README.md prints it.
fn trusted_role(emulator: &Emulator) {
    let text = std::fs::read_to_string(repository().join(".github/README.md")).unwrap();
    let printed = text.split("```json").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let (owner, name) = REPOSITORY.split_once('/').unwrap();
    let printed = printed.replace("ACCOUNT:", &format!("{ACCOUNT}:")).replace("/NAME", &format!("/{name}"));
    let trust = serde_json::from_str(&printed.replace("OWNER/", &format!("{owner}/"))).unwrap();
    make_role(emulator, "acceptance", &trust);
}

pub(crate) fn acceptance_refuses_bad_input_and_makes_nothing() {
    let emulator = emulator();
    let endpoint = format!("http://127.0.0.1:{}", emulator.port);
    let probe = "--prefix it-test --region us-east-1 --probe-only";
    // The checks before anything is made: no consent, names that are taken or malformed, no response.
    acceptance(&endpoint, probe).expect(1).says(["Type `yes` to begin", "nothing was made"]);
    let malformed = acceptance(&endpoint, "--prefix Test --region us-east-1 --yes");
    malformed.expect(1).says(["`--prefix Test` is malformed"]);
    let region = acceptance(&endpoint, "--prefix sample --region us-east-1a --yes");
    region.expect(1).says(["`--region us-east-1a` is not an AWS region"]);
    let closed = format!("http://127.0.0.1:{}", free_port());
    acceptance(&closed, &format!("{probe} --yes"))
        .expect(1)
        .says(["does not respond in the region `us-east-1`", "nothing was made"]);
    make_role(&emulator, "it-test-dev-deploy", &json!({}));
    let taken = acceptance(&endpoint, &format!("{probe} --yes"));
    taken.expect(1).says([
        "is taken in account 333333333333",
        "role `it-test-dev-deploy`",
        "take another prefix",
        "nothing was changed",
    ]);
}
