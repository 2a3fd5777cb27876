//! The commands that move traffic, each so that it moves all that it can: two functions and the stage.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::judge::Traffic;
use crate::harness::{Running, SENTENCE};
use crate::stack;
use crate::strict::Front;

/// What makes each release of this process another one.
static CASES: AtomicUsize = AtomicUsize::new(0);

/// A canary that is over soon: there are no alarms whose lag it would have to wait for.
const CANARY: [(&str, &str); 2] = [
    (
        "account = \"111111111111\"",
        "account = \"111111111111\", traffic = { strategy = \"canary\", percent = 40, bake_seconds = 1 }",
    ),
    PRUNED,
];
/// What a release makes dispensable goes at once, so that pruning meets faults too.
const PRUNED: (&str, &str) = ("grace_hours = 24", "grace_hours = 0");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Deploy,
    Canary,
    Rollback,
    Promotion,
}

/// One command, tried again and again behind one front.
pub(super) struct Scenario {
    pub kind: Kind,
    pub environment: &'static str,
    pub front: Front,
    /// What a promotion comes from.
    dev: Front,
}

/// One command line and what it is to bring about.
pub(super) struct Case {
    arguments: String,
    /// CodeSha256 of both functions.
    pub codes: [String; 2],
    /// The deployment, if it is one that exists; else a new one.
    pub deployment: Option<String>,
}

impl Scenario {
    pub(super) fn of(kind: Kind) -> Self {
        let environment = if kind == Kind::Promotion { "prod" } else { "dev" };
        let front = |environment| {
            let front = Front::before(stack().checkout.port(environment));
            // Once in 5 s is a test of its own.
            front.deployments_every(std::time::Duration::ZERO);
            front
        };
        let scenario = Self { kind, environment, front: front(environment), dev: front("dev") };
        if kind == Kind::Rollback {
            // Two releases to go to and fro between.
            for _ in 0..2 {
                scenario.start(&scenario.deployed()).end().expect(0);
            }
        }
        scenario
    }

    /// Makes the next case.
    pub(super) fn case(&self) -> Case {
        match self.kind {
            Kind::Deploy | Kind::Canary => self.deployed(),
            Kind::Promotion => {
                change_definition("dev");
                let artifact = fresh();
                stack().released("dev", &artifact.folder);
                change_definition("prod");
                let arguments = "promote dev prod --allow-definition-diff".to_owned();
                Case { arguments, codes: artifact.codes, deployment: None }
            }
            Kind::Rollback => {
                let live = stack().release("dev", stack().live("dev"));
                let root = live["back_to"].as_u64().unwrap_or(live["number"].as_u64().unwrap());
                let history = stack().checkout.deployer("history dev --limit 1000 --output json").expect(0).json();
                let releases = history["releases"].as_array().unwrap();
                let other = releases.iter().find(|release| {
                    release["stable"] == true && release["kind"] == "deploy" && release["release"] != root
                });
                let target = stack().release("dev", other.unwrap()["release"].as_u64().unwrap());
                let code = |key: &str| target["parts"]["functions"][key]["code_sha256"].as_str().unwrap().to_owned();
                Case {
                    arguments: format!("rollback dev --to {}", target["number"]),
                    codes: ["counter", "preflight"].map(code),
                    deployment: target["parts"]["deployment"].as_str().map(str::to_owned),
                }
            }
        }
    }

    fn deployed(&self) -> Case {
        change_definition(self.environment);
        let artifact = fresh();
        let arguments = format!("deploy {} --artifact {}", self.environment, artifact.folder);
        Case { arguments, codes: artifact.codes, deployment: None }
    }

    /// Starts the command.
    pub(super) fn start(&self, case: &Case) -> Running {
        let dev = ["dev"].map(|dev| format!("port = {}", stack().checkout.port(dev)))[0].clone();
        let through = format!("port = {}", self.dev.port);
        let promotion = [(dev.as_str(), through.as_str()), PRUNED];
        let edits: &[_] = match self.kind {
            Kind::Deploy => &[PRUNED],
            Kind::Canary => &CANARY,
            // What it goes back to has to stay.
            Kind::Rollback => &[],
            Kind::Promotion => &promotion,
        };
        stack().checkout.start_through(&self.front, self.environment, edits, &case.arguments)
    }

    /// Whether what serves is what the case is to bring about.
    pub(super) fn is_reached(&self, case: &Case, before: &Traffic, now: &Traffic) -> bool {
        let deployment = match &case.deployment {
            Some(wanted) => now.deployment == *wanted,
            None => now.deployment != before.deployment,
        };
        now.codes == case.codes && now.is_whole() && deployment
    }
}

impl Case {
    /// Removes what it was made of.
    pub(super) fn forget(&self) {
        if let Some((_, folder)) = self.arguments.split_once("--artifact ") {
            std::fs::remove_dir_all(stack().checkout.root.join(folder)).unwrap();
        }
    }
}

impl Drop for Scenario {
    /// The definition as Terraform made it, and both environments released from unchanged sources.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        for environment in ["dev", "prod"] {
            let response = response(environment);
            let api = format!("/restapis/{}/gatewayresponses", stack().api(environment));
            let all = stack().behind(environment, "GET", &api, None, &Value::Null);
            let there = |all: &Value| all.to_string().contains("\"case\\\"");
            if there(&all) {
                stack().behind(environment, "DELETE", &response, None, &Value::Null);
            }
        }
        let base = stack().checkout.artifact(SENTENCE);
        stack().released("dev", &base);
        stack().promoted("promote dev prod").0.expect(0);
    }
}

fn response(environment: &str) -> String {
    format!("/restapis/{}/gatewayresponses/THROTTLED", stack().api(environment))
}

/// Makes the definition another one, so that the next release needs a deployment.
fn change_definition(environment: &str) {
    let number = CASES.fetch_add(1, Ordering::SeqCst);
    let body = json!({"responseTemplates": {"application/json": format!("{{\"case\":{number}}}")}});
    stack().behind(environment, "PUT", &response(environment), None, &body);
}

struct Artifact {
    folder: String,
    codes: [String; 2],
}

/// An artifact of both functions that nobody has seen, without a build: a zip may carry a comment.
fn fresh() -> Artifact {
    let (number, root) = (CASES.fetch_add(1, Ordering::SeqCst), &stack().checkout.root);
    let (base, folder) = (stack().checkout.artifact(SENTENCE), format!("case-{number}"));
    std::fs::create_dir_all(root.join(&folder)).unwrap();
    let mut manifest: Value = serde_json::from_str(&stack().checkout.read(&format!("{base}/manifest.json"))).unwrap();
    let another = |hash: &Value| json!(format!("{number:08x}{}", &hash.as_str().unwrap()[8..]));
    manifest["source_hash"] = another(&manifest["source_hash"]);
    let codes = ["counter", "preflight"].map(|key| {
        let packed = &mut manifest["functions"][key];
        let zip = packed["zip"].as_str().unwrap();
        let bytes = commented(&root.join(&base).join(zip), &format!("case {number}"));
        std::fs::write(root.join(&folder).join(zip), &bytes).unwrap();
        packed["source_hash"] = another(&packed["source_hash"]);
        packed["size"] = json!(bytes.len());
        let code = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(&bytes));
        packed["sha256"] = json!(code);
        code
    });
    stack().checkout.write(&format!("{folder}/manifest.json"), &manifest.to_string());
    Artifact { folder, codes }
}

/// A zip with a comment at its end; the two bytes before it are its length.
fn commented(zip: &Path, comment: &str) -> Vec<u8> {
    let mut bytes = std::fs::read(zip).unwrap();
    let length = bytes.len() - 2;
    assert_eq!(bytes[length..], [0, 0], "it has a comment already");
    bytes[length..].copy_from_slice(&u16::try_from(comment.len()).unwrap().to_le_bytes());
    bytes.extend(comment.as_bytes());
    bytes
}
