//! The commands that move traffic, each so that it moves all that it can: two functions and the stage.

use std::time::Duration;

use super::super::fresh::{change_definition, fresh, restore};
use super::super::serving::Serving;
use crate::harness::Running;
use crate::stack;
use crate::strict::Front;

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
    /// Versions of both functions that a release before has checked.
    pub checked: Option<[String; 2]>,
}

impl Scenario {
    pub(super) fn of(kind: Kind) -> Self {
        let environment = if kind == Kind::Promotion { "prod" } else { "dev" };
        let front = |environment| {
            let front = Front::before(stack().checkout.port(environment));
            // Once in 5 s is a test of its own.
            front.deployments_every(Duration::ZERO);
            front.staleness(Duration::from_millis(300)).propagation(Duration::from_millis(300));
            front.transactions_take(Duration::from_millis(20));
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
                Case { arguments, codes: artifact.codes, deployment: None, checked: None }
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
                let part = |key: &str, what: &str| target["parts"]["functions"][key][what].as_str().unwrap().to_owned();
                Case {
                    arguments: format!("rollback dev --to {}", target["number"]),
                    codes: ["counter", "preflight"].map(|key| part(key, "code_sha256")),
                    checked: Some(["counter", "preflight"].map(|key| part(key, "version"))),
                    deployment: target["parts"]["deployment"].as_str().map(str::to_owned),
                }
            }
        }
    }

    /// Where its calls go: to its environment, and to the one that it comes from.
    pub(super) fn fronts(&self) -> [&Front; 2] {
        [&self.front, &self.dev]
    }

    /// The k-th call of a run that makes so many to each: those to its own environment first.
    pub(super) fn call(&self, calls: [usize; 2], k: usize) -> (&Front, usize) {
        if k <= calls[0] { (&self.front, k) } else { (&self.dev, k - calls[0]) }
    }

    fn deployed(&self) -> Case {
        change_definition(self.environment);
        let artifact = fresh();
        let arguments = format!("deploy {} --artifact {}", self.environment, artifact.folder);
        Case { arguments, codes: artifact.codes, deployment: None, checked: None }
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
    pub(super) fn is_reached(&self, case: &Case, before: &Serving, now: &Serving) -> bool {
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
    fn drop(&mut self) {
        if !std::thread::panicking() {
            restore();
        }
    }
}
