//! The probes of `.ci/acceptance` against an emulator of their own, whose leniencies are known: they have to find each of them.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Ended, bare, block_on, client, free_port, repository};
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
    "stage-serves-snapshot",
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
    "update-stage-answer",
    "condition-returns-item",
];

/// An emulator as `local up` starts it, without anything in it. Ends with the value.
struct Emulator {
    process: Child,
    endpoint: String,
}

impl Emulator {
    fn start() -> Self {
        let (port, folder) = (free_port(), stack().checkout.root.join("probed"));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let log = File::create(folder.join("emulator.log")).unwrap();
        let endpoint = format!("http://127.0.0.1:{port}");
        let mut command = Command::new(python());
        command.args([
            "-m",
            "hypercorn",
            "ministack.app:app",
            "--workers",
            "0",
            "--bind",
            &format!("127.0.0.1:{port}"),
        ]);
        command.current_dir(&folder).env_clear().envs(bare()).envs(credentials(&endpoint));
        command.env("HOME", &folder).env("TMPDIR", &folder).env("STATE_DIR", folder.join("state"));
        command.env("S3_DATA_DIR", folder.join("s3")).env("GATEWAY_PORT", port.to_string());
        command.env("MINISTACK_ACCOUNT_ID", "333333333333").env("MINISTACK_REGION", "us-east-1");
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).process_group(0);
        let emulator = Self { process: command.spawn().unwrap(), endpoint };
        let (started, health) = (Instant::now(), format!("{}/_ministack/health", emulator.endpoint));
        while !block_on(async { client().get(&health).send().await.is_ok_and(|answer| answer.status().is_success()) }) {
            assert!(started.elapsed() < Duration::from_secs(30), "the emulator does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        emulator
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.process.id())]).status();
        let _ = self.process.wait();
    }
}

/// The interpreter in which the emulator of dev runs.
fn python() -> String {
    let instance: Value = serde_json::from_str(&stack().checkout.read(".deployer/local/dev/instance.json")).unwrap();
    let line = std::fs::read(format!("/proc/{}/cmdline", instance["process"])).unwrap();
    String::from_utf8_lossy(line.split(|byte| *byte == 0).next().unwrap()).into_owned()
}

fn credentials(endpoint: &str) -> [(&str, &str); 6] {
    [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ACCESS_KEY_ID", "333333333333"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("NO_PROXY", "127.0.0.1"),
    ]
}

/// The program, which is built beside the binary: `cargo test` does so by itself, unless it was given the name of a test.
fn program() -> PathBuf {
    let built = Path::new(env!("CARGO_BIN_EXE_deployer")).parent().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(repository()).args(["build", "--quiet", "--locked", "--workspace", "--example", "acceptance"]);
    assert!(cargo.env("CARGO_TARGET_DIR", built.parent().unwrap()).status().unwrap().success());
    built.join("examples/acceptance")
}

fn acceptance(endpoint: &str, arguments: &str) -> Ended {
    let mut command = Command::new(program());
    command.env_clear().envs(bare()).env("HOME", stack().checkout.root.join("probed")).envs(credentials(endpoint));
    Ended::of(&command.args(arguments.split_whitespace()).stdin(Stdio::null()).output().unwrap())
}

pub(crate) fn the_probes_find_every_leniency_of_the_emulator_and_leave_nothing() {
    let emulator = Emulator::start();
    let probe = "--prefix it-trial --region us-east-1 --probe-only";
    acceptance(&emulator.endpoint, &format!("{probe} --yes")).expect(0);
    let report = repository().join("target/acceptance/it-trial/report.json");
    let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    let facts = report["facts"].as_array().unwrap().iter();
    let facts: BTreeMap<_, _> =
        facts.map(|fact| (fact["id"].as_str().unwrap(), fact["verdict"].as_str().unwrap())).collect();
    let kinder: Vec<_> = KINDER.iter().filter(|id| facts[*id] != "contradicted").collect();
    let other: Vec<_> = FAITHFUL.iter().filter(|id| facts[*id] != "confirmed").collect();
    assert!(kinder.is_empty() && other.is_empty(), "not contradicted: {kinder:?}; not confirmed: {other:?}");
    assert_eq!(report["left"], serde_json::json!([]));

    // What is asked before anything is made: nobody agrees here, names are taken, malformed, or nobody answers.
    acceptance(&emulator.endpoint, probe).expect(1).says(["Type `yes` to begin", "nothing was made"]);
    let malformed = acceptance(&emulator.endpoint, "--prefix Trial --region us-east-1 --yes");
    malformed.expect(1).says(["`--prefix Trial` is malformed"]);
    let region = acceptance(&emulator.endpoint, "--prefix trial --region us-east-1a --yes");
    region.expect(1).says(["`--region us-east-1a` is no AWS region"]);
    let nobody = format!("http://127.0.0.1:{}", free_port());
    acceptance(&nobody, &format!("{probe} --yes"))
        .expect(1)
        .says(["does not answer in the region `us-east-1`", "nothing was made"]);
    let role = "Action=CreateRole&Version=2010-05-08&RoleName=it-trial-dev-deploy&AssumeRolePolicyDocument={}";
    block_on(async {
        let signed = "AWS4-HMAC-SHA256 Credential=333333333333/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=x";
        let request = client().post(&emulator.endpoint).header("authorization", signed);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        assert!(request.body(role).send().await.unwrap().status().is_success());
    });
    let taken = acceptance(&emulator.endpoint, &format!("{probe} --yes"));
    taken.expect(1).says([
        "is taken in account 333333333333",
        "role `it-trial-dev-deploy`",
        "take another prefix",
        "nothing was changed",
    ]);
}
