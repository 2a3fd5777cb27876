//! Runs of the deployer against dev behind one strict proxy, each prepared so that it has all of its work to do.

use std::cell::Cell;

use serde_json::{Value, json};

use super::documents::role_arn;
use crate::harness::{Checkout, Ended, SENTENCE};
use crate::stack;
use crate::strict::{Call, Guard, Policy, StrictProxy};

const ALIAS: &str = "/2015-03-31/functions/resume-visitor-counter-dev/aliases/live";
const FUNCTIONS: [&str; 2] = ["resume-visitor-counter-dev", "resume-visitor-counter-options-dev"];
/// Nothing is pruned after a release: that is a run of its own.
const KEEP_ALL: (&str, &str) = ("releases = 10", "releases = 1000");
const KEEP_ONE: [(&str, &str); 2] = [("releases = 10", "releases = 1"), ("grace_hours = 24", "grace_hours = 0")];
const CANARY: (&str, &str) = (
    "account = \"111111111111\"",
    "account = \"111111111111\", traffic = { strategy = \"canary\", percent = 40, bake_seconds = 1 }",
);

/// What is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    /// New code of both functions, and a changed definition.
    Deploy,
    /// The same, and what it made dispensable goes.
    DeployAndPrune,
    /// The same with a canary.
    Canary,
    /// The same, with a zip that has to go through the bucket.
    Bucket,
    /// The live code, whose settings were changed: such a version is published without an upload.
    Settings,
    /// What is live was moved by hand, and is recorded as a release.
    Adopt,
    /// All parts of the release before.
    Rollback,
    /// Another run's lock is freed by hand.
    Unlock,
    /// Versions and deployments go that nothing needs.
    Prune,
    Plan,
    Status,
    History,
    Check,
    Doctor,
}

impl Run {
    pub(super) const ALL: [Self; 13] = [
        Self::Deploy,
        Self::Canary,
        Self::Bucket,
        Self::Settings,
        Self::Adopt,
        Self::Rollback,
        Self::Unlock,
        Self::Prune,
        Self::Plan,
        Self::Status,
        Self::History,
        Self::Check,
        Self::Doctor,
    ];

    /// What the role of pull requests is for.
    pub(super) const READING: [Self; 5] = [Self::Plan, Self::Status, Self::History, Self::Check, Self::Doctor];
}

/// How `deployer.toml` is edited, and the command line.
pub(super) type Prepared = (Vec<(&'static str, &'static str)>, String);

/// What is live in an environment, who has its lock, and what is unfinished.
pub(super) fn state(environment: &str) -> Value {
    let status = stack().status(environment);
    json!({
        "functions": status["functions"], "deployment": status["deployment_id"], "drift": status["drift"],
        "lock": status["lock"], "unfinished": status["unfinished"], "release": status["release"],
    })
}

/// Dev behind a strict proxy.
pub(super) struct Bench {
    pub proxy: StrictProxy,
    /// Whether the last release is one that can be gone back from.
    ahead: Cell<bool>,
    count: Cell<u32>,
    api: String,
    /// The functions' memory, once it was changed.
    memory: Cell<Option<[Value; 2]>>,
}

impl Bench {
    pub(super) fn new() -> Self {
        let proxy = StrictProxy::before(stack().checkout.port("dev"));
        let (ahead, count, memory) = (Cell::new(false), Cell::new(0), Cell::new(None));
        Self { proxy, ahead, count, api: stack().api("dev"), memory }
    }

    /// Prepares it and makes it, by who took a role and may do what the policy says.
    pub(super) fn run(&self, run: Run, role: &str, policy: &Policy) -> (Ended, Vec<Call>) {
        self.make(run, &self.prepare(run), role, policy)
    }

    /// Makes it.
    pub(super) fn make(&self, run: Run, prepared: &Prepared, role: &str, policy: &Policy) -> (Ended, Vec<Call>) {
        let (edits, arguments) = prepared;
        self.proxy.guard(Some(Guard::of_role(&role_arn("dev", role), policy.clone())));
        let ended = stack().checkout.through_with(&self.proxy, "dev", edits, arguments);
        self.proxy.guard(None);
        if ended.0.code == 0 {
            match run {
                Run::Deploy | Run::DeployAndPrune | Run::Canary | Run::Bucket | Run::Settings => self.ahead.set(true),
                Run::Rollback | Run::Adopt => self.ahead.set(false),
                _ => {}
            }
        }
        ended
    }

    /// Prepares dev so that the run has something to do; returns how `deployer.toml` is edited, and the command line.
    pub(super) fn prepare(&self, run: Run) -> Prepared {
        let keep_all = vec![KEEP_ALL];
        match run {
            Run::Deploy => (keep_all, self.news(false)),
            Run::DeployAndPrune => {
                self.litter();
                (KEEP_ONE.to_vec(), self.news(false))
            }
            Run::Canary => (vec![KEEP_ALL, CANARY], self.news(false)),
            Run::Bucket => (keep_all, self.news(true)),
            Run::Settings => {
                let deploy = self.news(false);
                self.unguarded(&keep_all, &deploy);
                self.memory.set(Some(FUNCTIONS.map(|name| memory(name, &json!(200)))));
                (keep_all, deploy)
            }
            Run::Adopt => {
                self.drift();
                (keep_all, format!("deploy dev --adopt --artifact {}", stack().checkout.artifact(SENTENCE)))
            }
            Run::Rollback => {
                if !self.ahead.get() {
                    self.unguarded(&[KEEP_ALL], &self.news(false));
                    self.ahead.set(true);
                }
                // By its number, which is read by itself.
                (keep_all, format!("rollback dev --to {}", stable_before_live()))
            }
            Run::Unlock => {
                self.lock();
                (keep_all, "unlock dev --force".to_owned())
            }
            Run::Prune => {
                self.litter();
                (KEEP_ONE.to_vec(), "prune dev --yes".to_owned())
            }
            Run::Plan => (keep_all, format!("plan dev --artifact {}", code(false))),
            Run::Status => (keep_all, "status dev".to_owned()),
            Run::History => (keep_all, "history dev".to_owned()),
            Run::Check => (keep_all, "check dev".to_owned()),
            Run::Doctor => (keep_all, "doctor dev".to_owned()),
        }
    }

    /// Everything as the other tests expect it.
    pub(super) fn restore(&self) {
        let response = format!("/restapis/{}/gatewayresponses/THROTTLED", self.api);
        stack().behind("dev", "DELETE", &response, None, &Value::Null);
        for (name, before) in self.memory.take().into_iter().flat_map(|before| FUNCTIONS.into_iter().zip(before)) {
            memory(name, &before);
        }
        let base = stack().checkout.artifact(SENTENCE);
        self.unguarded(&[KEEP_ALL], &format!("deploy dev --artifact {base}"));
    }

    #[track_caller]
    pub(super) fn unguarded(&self, edits: &[(&str, &str)], arguments: &str) -> Ended {
        stack().checkout.through_with(&self.proxy, "dev", edits, arguments).0.expect(0)
    }

    /// A deploy of new code, to a new definition.
    fn news(&self, big: bool) -> String {
        self.count.set(self.count.get() + 1);
        let artifact = code(big);
        let body = json!({"responseTemplates": {"application/json": format!("{{\"try\":{}}}", self.count.get())}});
        let response = format!("/restapis/{}/gatewayresponses/THROTTLED", self.api);
        stack().behind("dev", "PUT", &response, None, &body);
        format!("deploy dev --artifact {artifact}")
    }

    /// Moves the counter's alias by hand.
    fn drift(&self) {
        let path = ALIAS.replace("/aliases/live", "/versions");
        let versions = stack().behind("dev", "GET", &path, None, &Value::Null)["Versions"].clone();
        let live = stack().behind("dev", "GET", ALIAS, None, &Value::Null)["FunctionVersion"].clone();
        let numbers = versions.as_array().unwrap().iter().map(|version| version["Version"].clone());
        let other = numbers.rev().find(|version| *version != live && *version != "$LATEST" && *version != "1");
        self.alias(&other.unwrap());
    }

    fn alias(&self, version: &Value) {
        stack().behind("dev", "PUT", ALIAS, None, &json!({"FunctionVersion": version}));
    }

    /// Somebody takes the lock.
    fn lock(&self) {
        let mut lock = stack().ledger_item("dev", "lock");
        let holder = [("id", "x"), ("actor", "someone"), ("command", "deploy dev"), ("since", "2026-01-01T00:00:00Z")];
        let mut map: serde_json::Map<String, Value> =
            holder.into_iter().map(|(name, value)| (name.to_owned(), json!({"S": value}))).collect();
        map.insert("lease_seconds".to_owned(), json!({"N": "1"}));
        lock["holder"] = json!({ "M": map });
        stack().put_ledger_item("dev", &lock);
    }

    /// Makes sure that there is something to prune, of each kind.
    fn litter(&self) {
        let shown = self.unguarded(&KEEP_ONE, "prune dev --output json").json();
        let rows = shown["dispensable"].as_array().unwrap();
        if [json!("counter"), json!("preflight"), Value::Null]
            .iter()
            .all(|kind| rows.iter().any(|row| row["function"] == *kind))
        {
            return;
        }
        for _ in 0..3 {
            self.unguarded(&[KEEP_ALL], &self.news(false));
        }
        self.ahead.set(true);
    }
}

/// The newest stable release of dev with other parts than the live one.
fn stable_before_live() -> u64 {
    let live = stack().status("dev")["release"].as_u64().unwrap();
    let parts = stack().release("dev", live)["parts"].clone();
    let is_meant = |release: &Value| release["stable"] == true && release["parts"] != parts;
    (1..live).rev().find(|number| is_meant(&stack().release("dev", *number))).unwrap()
}

/// Gives a function another memory, as Terraform would. Returns the one that it had.
fn memory(name: &str, size: &Value) -> Value {
    let path = format!("/2015-03-31/functions/{name}/configuration");
    let before = stack().behind("dev", "GET", &path, None, &Value::Null)["MemorySize"].clone();
    stack().behind("dev", "PUT", &path, None, &json!({ "MemorySize": size }));
    before
}

/// The code of the base behind a few bytes: a zip is read from its end. A big one goes over what one call takes.
pub(super) fn code(big: bool) -> String {
    let checkout = &stack().checkout;
    repacked(checkout, &checkout.artifact(SENTENCE), "news", big).to_owned()
}

/// The code of an artifact behind a few bytes, as another artifact of a checkout.
pub(crate) fn repacked<'a>(checkout: &Checkout, artifact: &str, into: &'a str, big: bool) -> &'a str {
    let id = uuid::Uuid::new_v4().to_string();
    let (from, to) = (checkout.root.join(artifact), checkout.root.join(into));
    let _ = std::fs::remove_dir_all(&to);
    crate::harness::copy(&from, &to);
    let mut manifest: Value = serde_json::from_str(&checkout.read(&format!("{into}/manifest.json"))).unwrap();
    for key in ["counter", "preflight"] {
        let mut bytes = id.clone().into_bytes();
        if big && key == "preflight" {
            bytes.resize(51 * 1024 * 1024, 0);
        }
        bytes.extend(std::fs::read(to.join(format!("{key}.zip"))).unwrap());
        std::fs::write(to.join(format!("{key}.zip")), &bytes).unwrap();
        manifest["functions"][key]["sha256"] = json!(deployer::artifact::sha256(&bytes));
        manifest["functions"][key]["size"] = json!(bytes.len());
        manifest["functions"][key]["source_hash"] = json!(id);
    }
    manifest["source_hash"] = json!(id);
    checkout.write(&format!("{into}/manifest.json"), &manifest.to_string());
    into
}
