//! Who may move an environment: the lock, its lease, what a dead run left, and what it still has on its way.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Ended, SENTENCE};
use crate::stack;
use crate::strict::{At, Call, Front};

const CHANGED: &str = "There is nothing to see.";
const OTHER: &str = "There is nothing at all.";
/// A dead run is found out after the lease and the 10 s that a move may take.
const SHORT_LEASE: (&str, &str) = ("lease_seconds = 20", "lease_seconds = 2");

fn front() -> Front {
    Front::before(stack().checkout.port("dev"))
}

fn deploy(artifact: &str) -> String {
    format!("deploy dev --artifact {artifact}")
}

/// Kills a deploy of `artifact` at this call, which is never carried out.
fn killed_at(front: &Front, artifact: &str, at: At) {
    let held = front.pause(at);
    let running = stack().checkout.start_through(front, "dev", &[SHORT_LEASE], &deploy(artifact));
    held.arrived();
    running.kill();
    held.give_up();
    front.behave();
}

/// Frees the dead run's lock by hand, so that the tests need not wait for its lease.
fn unlocked() {
    stack().checkout.deployer("unlock dev --force").expect(0);
}

fn through(front: &Front, arguments: &str) -> (Ended, Vec<Call>) {
    stack().checkout.through_with(front, "dev", &[SHORT_LEASE], arguments)
}

pub(crate) fn while_a_run_lives_others_are_refused_and_told_whose_it_is() {
    let (stack, front) = (stack(), front());
    let (base, changed, other) =
        (stack.checkout.artifact(SENTENCE), stack.checkout.artifact(CHANGED), stack.checkout.artifact(OTHER));
    let number = stack.last_number("dev");
    let held = front.pause_at("UpdateAlias", 1);
    let lease = ("lease_seconds = 20", "lease_seconds = 4");
    let first = stack.checkout.start_through(&front, "dev", &[lease], &deploy(&changed));
    held.arrived();
    let waited = Instant::now();
    let (second, calls) = through(&Front::before(stack.checkout.port("dev")), &deploy(&other));
    second.expect(5).says(["is held by", "`deploy dev`", "hint: wait for that run"]);
    // It takes 14 s to find that a holder is dead.
    assert!(waited.elapsed() < Duration::from_secs(10), "a sign of life is due within a part of the lease");
    assert!(!calls.iter().any(Call::writes), "{calls:?}");
    stack.checkout.deployer("plan dev").expect(4).says(["is under way, or was left unfinished"]);
    let status = stack.status("dev");
    assert!(status["lock"].is_string() && status["unfinished"].is_string() && status["drift"].is_null(), "{status}");
    held.forward();
    first.end().expect(0);
    assert_eq!(stack.last_number("dev"), number + 1);
    stack.released("dev", &base);
}

pub(crate) fn a_killed_run_is_taken_over_once_its_lease_is_over_and_its_late_move_does_not_land() {
    let (stack, front) = (stack(), front());
    let changed = stack.checkout.artifact(CHANGED);
    let (before, number) = (stack.status("dev"), stack.last_number("dev"));
    let held = front.pause_at("UpdateAlias", 1);
    let running = stack.checkout.start_through(&front, "dev", &[SHORT_LEASE], &deploy(&changed));
    held.arrived();
    running.kill();
    let (ended, calls) = through(&Front::before(stack.checkout.port("dev")), "deploy dev");
    ended.expect(0).says(["gave no sign of life: its lock is taken over", "Recovered"]);
    // Before anything else every alias gets a new revision.
    let writes: Vec<_> = calls.iter().filter(|call| call.writes()).map(|call| call.name).collect();
    let moves: Vec<_> = writes.iter().filter(|name| **name != "TransactWriteItems").collect();
    assert_eq!(writes[0], "TransactWriteItems", "{writes:?}");
    assert_eq!(moves[..2], [&"UpdateAlias"; 2], "{writes:?}");
    // The dead run's move arrives after all.
    held.forward();
    let after = stack.status("dev");
    assert_eq!(after["functions"], before["functions"]);
    assert_eq!((&after["drift"], &after["lock"], &after["unfinished"]), (&Value::Null, &Value::Null, &Value::Null));
    assert_eq!(stack.release("dev", number + 1)["state"], "rolled-back");
}

pub(crate) fn killed_before_anything_moved_the_next_run_ends_it_as_failed_and_goes_on() {
    let (stack, front) = (stack(), front());
    let (base, changed) = (stack.checkout.artifact(SENTENCE), stack.checkout.artifact(CHANGED));
    let number = stack.last_number("dev");
    killed_at(&front, &changed, At::nth("Invoke", 1));
    unlocked();
    let (ended, _) = through(&front, &deploy(&changed));
    ended.expect(0).says(["Recovered", "which was unfinished"]);
    assert_eq!(stack.release("dev", number + 1)["state"], "failed");
    assert_eq!(stack.release("dev", number + 2)["state"], "live");
    stack.released("dev", &base);
}

pub(crate) fn killed_between_aliases_and_stage_the_next_run_goes_back_and_says_so() {
    let (stack, front) = (stack(), front());
    let (base, changed) = (stack.checkout.artifact(SENTENCE), stack.checkout.artifact(CHANGED));
    let (before, number) = (stack.status("dev"), stack.last_number("dev"));
    let definition = format!("/restapis/{}/gatewayresponses/THROTTLED", stack.api("dev"));
    let body = json!({"responseTemplates": {"application/json": "{\"slow\":true}"}});
    stack.behind("dev", "PUT", &definition, None, &body);
    killed_at(&front, &changed, At::nth("UpdateStage", 1));
    assert_ne!(stack.status("dev")["functions"], before["functions"], "the aliases had moved");
    unlocked();
    stack.behind("dev", "DELETE", &definition, None, &Value::Null);
    let (ended, _) = through(&front, &deploy(&base));
    ended.expect(0).says([&format!("release {}", number + 1), "which was unfinished: release"]);
    let after = stack.status("dev");
    assert_eq!((&after["functions"], &after["deployment_id"]), (&before["functions"], &before["deployment_id"]));
    assert_eq!(stack.release("dev", number + 1)["state"], "rolled-back");
}

/// Every part is switched and every check passed: only the record is missing.
pub(crate) fn killed_before_the_record_the_next_run_goes_forward() {
    let (stack, front) = (stack(), front());
    let (base, changed) = (stack.checkout.artifact(SENTENCE), stack.checkout.artifact(CHANGED));
    let number = stack.last_number("dev");
    killed_at(&front, &changed, At::saying("TransactWriteItems", r#"{"S":"live"}"#));
    assert_eq!(stack.release("dev", number + 1)["state"], "shifting");
    let version = stack.status("dev")["functions"]["counter"]["version"].clone();
    unlocked();
    let (ended, _) = through(&front, &deploy(&changed));
    ended.expect(0).says(["Recovered", "only its record was missing"]);
    let after = stack.status("dev");
    assert_eq!((&after["release"], &after["functions"]["counter"]["version"]), (&json!(number + 1), &version));
    assert_eq!(stack.release("dev", number + 1)["stable"], true);
    stack.released("dev", &base);
}

pub(crate) fn a_late_move_of_the_stage_is_seen_by_the_next_run() {
    let (stack, front) = (stack(), front());
    let (base, changed) = (stack.checkout.artifact(SENTENCE), stack.checkout.artifact(CHANGED));
    let before = stack.status("dev");
    let definition = format!("/restapis/{}/gatewayresponses/THROTTLED", stack.api("dev"));
    let body = json!({"responseTemplates": {"application/json": "{\"slow\":true}"}});
    stack.behind("dev", "PUT", &definition, None, &body);
    let held = front.pause_at("UpdateStage", 1);
    let running = stack.checkout.start_through(&front, "dev", &[SHORT_LEASE], &deploy(&changed));
    held.arrived();
    running.kill();
    unlocked();
    stack.behind("dev", "DELETE", &definition, None, &Value::Null);
    stack.checkout.deployer(&deploy(&base)).expect(0).says(["Recovered"]);
    // A stage has no compare-and-swap: nothing can keep this move from landing, but it does not go unseen.
    held.forward();
    assert_ne!(stack.status("dev")["deployment_id"], before["deployment_id"]);
    let ended = stack.checkout.deployer(&deploy(&changed)).expect(4);
    ended.says(["drift: the stage serves deployment", "hint: "]);
    let patch = json!({"patchOperations": [
        {"op": "replace", "path": "/deploymentId", "value": before["deployment_id"]},
        {"op": "replace", "path": "/variables/deployment", "value": before["deployment_id"]},
    ]});
    stack.behind("dev", "PATCH", &format!("/restapis/{}/stages/dev", stack.api("dev")), None, &patch);
    assert_eq!(stack.status("dev")["drift"], Value::Null);
}

/// In the middle of the next release, which would be stuck otherwise: it is taken back, and the stage with it.
pub(crate) fn a_late_move_of_the_stage_in_the_middle_of_the_next_release_is_taken_back_with_it() {
    let (stack, first, second) = (stack(), front(), front());
    let (base, changed, other) =
        (stack.checkout.artifact(SENTENCE), stack.checkout.artifact(CHANGED), stack.checkout.artifact(OTHER));
    let before = stack.status("dev");
    let response = format!("/restapis/{}/gatewayresponses/THROTTLED", stack.api("dev"));
    let body = json!({"responseTemplates": {"application/json": "{\"slow\":true}"}});
    stack.behind("dev", "PUT", &response, None, &body);
    let late = first.pause_at("UpdateStage", 1);
    let dead = stack.checkout.start_through(&first, "dev", &[SHORT_LEASE], &deploy(&changed));
    late.arrived();
    dead.kill();
    unlocked();
    // Once in 5 s for both fronts together is not what this is about.
    second.deployments_every(Duration::ZERO);
    let held = second.pause_at("CreateDeployment", 1);
    let running = stack.checkout.start_through(&second, "dev", &[], &deploy(&other));
    held.arrived();
    late.forward();
    held.forward();
    running.end().expect(6).says([
        "was moved to deployment",
        "by somebody else",
        "was taken back to release",
        "hint: ",
    ]);
    let after = stack.status("dev");
    assert_eq!((&after["functions"], &after["deployment_id"]), (&before["functions"], &before["deployment_id"]));
    assert_eq!((&after["drift"], &after["lock"], &after["unfinished"]), (&Value::Null, &Value::Null, &Value::Null));
    stack.behind("dev", "DELETE", &response, None, &Value::Null);
    stack.released("dev", &base);
}

/// A holder whose process was stopped for longer than its lease, as a suspended laptop is.
pub(crate) fn a_holder_that_lost_its_lock_moves_nothing_any_more() {
    let (stack, front) = (stack(), front());
    let changed = stack.checkout.artifact(CHANGED);
    let (before, number) = (stack.status("dev"), stack.last_number("dev"));
    let held = front.pause(At::saying("TransactWriteItems", r#"{"S":"shifting"}"#));
    let sleeper = stack.checkout.start_through(&front, "dev", &[SHORT_LEASE], &deploy(&changed));
    held.arrived();
    sleeper.signal("STOP");
    held.forward();
    unlocked();
    stack.checkout.deployer("deploy dev").expect(0).says(["Recovered"]);
    sleeper.signal("CONT");
    sleeper.end().expect(5).says(["lost the lock"]);
    let moved = |call: &&Call| call.name == "UpdateAlias" && call.status == Some(200);
    assert_eq!(front.take().iter().filter(moved).count(), 0, "it moved an alias without the lock");
    assert_eq!(stack.status("dev")["functions"], before["functions"]);
    assert_eq!(stack.last_number("dev"), number + 1);
}

pub(crate) fn unlock_shows_the_holder_and_asks() {
    let (stack, front) = (stack(), front());
    let changed = stack.checkout.artifact(CHANGED);
    stack.checkout.deployer("unlock dev").expect(0);
    killed_at(&front, &changed, At::nth("Invoke", 1));
    let ended = stack.checkout.deployer("unlock dev").expect(3);
    ended.says(["is held by", "`deploy dev`", "hint: run it in a terminal, or with `--force`"]);
    assert!(stack.status("dev")["lock"].is_string());
    let text = stack.checkout.deployer("unlock dev --force").expect(0).stdout;
    assert!(text.contains("the lock is free") && text.contains("can move nothing any more"), "{text}");
    assert_eq!(stack.status("dev")["lock"], Value::Null);
    stack.checkout.deployer("deploy dev").expect(0).says(["Recovered"]);
}
