//! Releases by the real binary: what cargo builds, what Terraform notices of it, and what a process leaves that is signalled to
//! stop or that dies. (All else that a release does: `tests/sim`.)

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Running, SENTENCE};
use crate::stack;
use crate::strict::StrictProxy;

const REPLIES: &str = "function/src/reply.rs";
const CHANGED: &str = "There is nothing to see.";
const CANARY: (&str, &str) = (
    "account = \"111111111111\"",
    "account = \"111111111111\", traffic = { strategy = \"canary\", percent = 40, bake_seconds = 600 }",
);

fn proxy() -> StrictProxy {
    StrictProxy::before(stack().checkout.port("dev"))
}

fn version() -> String {
    stack().status("dev")["functions"]["counter"]["version"].as_str().unwrap().to_owned()
}

/// The version that a visitor's response comes from.
fn visited() -> Value {
    stack().get(&format!("{}/health", stack().url("dev"))).2["version"].clone()
}

pub(crate) fn changed_code_is_released_and_a_rollback_restores_the_old() {
    let (checkout, proxy, before) = (&stack().checkout, proxy(), version());
    let run = |arguments: &str| checkout.through(&proxy, "dev", arguments).0;
    let unchanged = run("deploy dev --output json").expect(0);
    assert!(!unchanged.stderr.contains("Building"), "{}", unchanged.stderr);
    assert_eq!(unchanged.json()["changed"], false);
    let kept = checkout.keeping(REPLIES);
    checkout.edit(REPLIES, SENTENCE, "There is nothing here.");
    run("plan dev --detailed-exitcode").expect(2);
    let number = stack().last_number("dev");
    let released = run("deploy dev --output json").expect(0);
    assert!(released.stderr.contains("Building"), "{}", released.stderr);
    assert_eq!(released.json()["release"], number + 1);
    let after = version();
    assert_ne!(after, before);
    assert_eq!(visited(), after);
    drop(kept);
    let back = run("rollback dev --to previous").expect(0);
    assert!(!back.stderr.contains("Building"), "{}", back.stderr);
    assert_eq!((version(), visited()), (before.clone(), json!(before)));
    run("plan dev --detailed-exitcode").expect(0);
}

pub(crate) fn terraform_changes_memory_and_deploy_releases_it() {
    let (stack, proxy, before) = (stack(), proxy(), version());
    let code = stack.status("dev")["functions"]["counter"]["code_sha256"].clone();
    stack.terraform("dev", &["apply", "-auto-approve", "-var=memory_size=256"]);
    // The alias stays where the last release left it: what Terraform changed waits for the next one.
    assert_eq!(version(), before);
    stack.checkout.through(&proxy, "dev", "deploy dev").0.expect(0).says(["settings changed: MemorySize"]);
    let (after, function) = (version(), "/2015-03-31/functions/resume-visitor-counter-dev");
    assert_ne!(after, before);
    let live = stack.behind("dev", "GET", &format!("{function}?Qualifier={after}"), None, &Value::Null);
    assert_eq!((&live["Configuration"]["MemorySize"], &live["Configuration"]["CodeSha256"]), (&json!(256), &code));
    stack.terraform("dev", &["plan", "-detailed-exitcode", "-var=memory_size=256"]);
    stack.terraform("dev", &["apply", "-auto-approve"]);
    stack.checkout.through(&proxy, "dev", "deploy dev").0.expect(0);
}

/// Starts a canary, and waits until a part of the traffic is its.
fn canary(proxy: &StrictProxy) -> Running {
    let deploy = format!("deploy dev --artifact {}", stack().checkout.artifact(CHANGED));
    let running = stack().checkout.start_through(proxy, "dev", &[CANARY], &deploy);
    let started = Instant::now();
    while stack().status("dev")["functions"]["counter"]["weights"].as_object().is_none_or(serde_json::Map::is_empty) {
        assert!(started.elapsed() < Duration::from_secs(60), "no canary began");
        std::thread::sleep(Duration::from_millis(50));
    }
    running
}

pub(crate) fn a_canary_is_not_drift_locks_others_out_and_reverts_on_sigterm() {
    let (stack, proxy, before) = (stack(), proxy(), stack().status("dev"));
    let running = canary(&proxy);
    stack.assert_terraform_plan_is_empty("dev");
    let other = stack.checkout.deployer("rollback dev --to previous").expect(5);
    other.says(["has the lock of", "`deploy dev`", "hint: "]);
    let signalled = Instant::now();
    running.signal("TERM");
    let ended = running.end().says(["interrupted (SIGTERM)"]);
    assert!(signalled.elapsed() < Duration::from_secs(7), "{:?}", signalled.elapsed());
    assert_ne!(ended.code, 0);
    assert_eq!(stack.status("dev"), before);
}

pub(crate) fn a_killed_release_is_unlocked_and_reverted_by_the_next_run() {
    let (stack, proxy, before) = (stack(), proxy(), stack().status("dev"));
    canary(&proxy).kill();
    let asked = stack.checkout.deployer("unlock dev").expect(3);
    asked.says(["has the lock of `dev`", "`deploy dev`", "hint: pass `--force` to agree"]);
    stack.checkout.deployer("unlock dev --force").expect(0);
    let killed = stack.last_number("dev");
    stack.checkout.through(&proxy, "dev", "deploy dev").0.expect(0).says([&format!("release {killed}")]);
    assert_eq!(stack.status("dev"), before);
}
