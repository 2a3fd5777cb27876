//! Rollbacks: the parts of an earlier release, together.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::SENTENCE;
use crate::stack;
use crate::strict::{Action, At, Call, Front, depth};

const CHANGED: &str = "There is nothing to see.";
const OTHER: &str = "There is nothing at all.";

fn front() -> Front {
    Front::before(stack().checkout.port("dev"))
}

fn names(calls: &[Call]) -> Vec<&str> {
    calls.iter().map(|call| call.name).collect()
}

/// Adds a gateway response to dev's definition, so that the next release makes a deployment.
fn change_definition() -> String {
    let path = format!("/restapis/{}/gatewayresponses/THROTTLED", stack().api("dev"));
    let body = json!({"responseTemplates": {"application/json": "{\"slow\":true}"}});
    stack().behind("dev", "PUT", &path, None, &body);
    path
}

pub(crate) fn a_rollback_restores_every_part_stage_first_and_builds_nothing() {
    let (stack, front) = (stack(), front());
    let (base, changed) = (stack.checkout.artifact(SENTENCE), stack.checkout.artifact(CHANGED));
    let good = stack.live("dev");
    let before = stack.status("dev");
    let definition = change_definition();
    let bad = stack.released("dev", &changed);
    assert_ne!(stack.status("dev")["deployment_id"], before["deployment_id"]);
    let (ended, calls) = stack.checkout.through(&front, "dev", "rollback dev --to previous --output json");
    let view = ended.expect(0);
    assert!(!view.stderr.contains("Building"), "{}", view.stderr);
    let view = view.json();
    let root = stack.release("dev", good)["back_to"].as_u64().unwrap_or(good);
    assert_eq!((&view["kind"], &view["back_to"]), (&json!("rollback"), &json!(root)));
    let after = stack.status("dev");
    for part in ["functions", "deployment_id", "commit", "source_hash"] {
        assert_eq!(after[part], before[part], "{part}");
    }
    let made = ["UpdateFunctionCode", "PublishVersion", "CreateDeployment", "Invoke"];
    assert!(!names(&calls).iter().any(|name| made.contains(name)), "{:?}", names(&calls));
    let stage = calls.iter().position(|call| call.name == "UpdateStage").unwrap();
    let alias = calls.iter().position(|call| call.name == "UpdateAlias").unwrap();
    assert!(stage < alias, "the newer definition must not meet the older code: {:?}", names(&calls));
    let record = stack.release("dev", bad + 1);
    assert_eq!((&record["kind"], &record["state"]), (&json!("rollback"), &json!("live")));
    assert_eq!(stack.release("dev", bad)["state"], "superseded");
    stack.behind("dev", "DELETE", &definition, None, &Value::Null);
    stack.released("dev", &base);
}

/// With every answer delayed, calls that go out side by side overlap, and what is counted is what waits.
pub(crate) fn a_rollback_is_four_calls_deep_to_the_switch() {
    let (stack, front) = (stack(), front());
    let changed = stack.checkout.artifact(CHANGED);
    stack.released("dev", &changed);
    front.on(At::any(), Action::Delay(Duration::from_millis(150)));
    let (ended, calls) = stack.checkout.through(&front, "dev", "rollback dev --to previous");
    ended.expect(0);
    let switch = calls.iter().position(|call| call.name == "UpdateAlias").unwrap();
    assert_eq!(depth(&calls[..=switch]), 4, "{:?}", names(&calls));
}

/// Whoever goes back at once may read an alias as it was before the release: no drift that would keep him from it.
pub(crate) fn right_after_a_release_an_alias_that_is_read_late_is_no_drift() {
    let (stack, front) = (stack(), front());
    let (base, changed) = (stack.checkout.artifact(SENTENCE), stack.checkout.artifact(CHANGED));
    let before = stack.status("dev");
    let (ended, calls) = stack.checkout.through(&front, "dev", &format!("deploy dev --artifact {changed}"));
    ended.expect(0);
    let moved = calls.iter().rev().find(|call| call.name == "UpdateAlias").unwrap();
    front.staleness(moved.ended.unwrap().elapsed() + Duration::from_secs(2));
    let (ended, calls) = stack.checkout.through(&front, "dev", "rollback dev --to previous");
    front.staleness(Duration::ZERO);
    ended.expect(0);
    let observing = calls.iter().take_while(|call| !call.writes()).filter(|call| call.name == "GetAlias").count();
    assert!(observing > 2, "nothing was read late: {:?}", names(&calls));
    assert_eq!(stack.status("dev")["functions"], before["functions"]);
    stack.released("dev", &base);
}

pub(crate) fn previous_is_the_last_good_one_however_often_one_went_back() {
    let stack = stack();
    let (changed, other) = (stack.checkout.artifact(CHANGED), stack.checkout.artifact(OTHER));
    let good = stack.status("dev");
    let root = stack.release("dev", stack.live("dev"))["back_to"].as_u64().unwrap_or(stack.live("dev"));
    for bad in [changed, other] {
        stack.released("dev", &bad);
        let view = stack.checkout.deployer("rollback dev --to previous --output json").expect(0).json();
        assert_eq!(view["back_to"], root);
        assert_eq!(stack.status("dev")["functions"], good["functions"]);
    }
    let history = stack.checkout.deployer("history dev").expect(0).stdout;
    assert!(history.contains(&format!("rollback (back to {root})")), "{history}");
}

pub(crate) fn a_rollback_names_its_target_by_number_or_commit_and_the_environment_may_be_left_out() {
    let stack = stack();
    let changed = stack.checkout.artifact(CHANGED);
    let (good, before) = (stack.live("dev"), stack.status("dev"));
    stack.released("dev", &changed);
    stack.checkout.deployer(&format!("rollback --to {good}")).expect(0);
    assert_eq!(stack.status("dev")["functions"], before["functions"]);
    let again = stack.checkout.deployer(&format!("rollback --to {good} --output json")).expect(0).json();
    assert_eq!(again["changed"], false, "it is there already");
    let commit = before["commit"].as_str().unwrap();
    stack.checkout.deployer(&format!("rollback dev --to {}", &commit[..10])).expect(0);
    // All releases of these tests are of one commit: the newest stable one of it is what is live.
    assert_eq!(stack.status("dev")["functions"], before["functions"]);
}

pub(crate) fn a_rollback_is_not_undone_because_the_checks_have_changed_since() {
    let (stack, front) = (stack(), front());
    let changed = stack.checkout.artifact(CHANGED);
    let before = stack.status("dev");
    stack.released("dev", &changed);
    let newer = ("body = { status = \"ok\" }", "body = { status = \"fine\" }");
    let (ended, _) = stack.checkout.through_with(&front, "dev", &[newer], "rollback dev --to previous");
    ended
        .expect(0)
        .says(["the body differs at `$.status`", "the checks of now are not those that this release passed"]);
    assert_eq!(stack.status("dev")["functions"], before["functions"]);
}

pub(crate) fn a_rollback_to_nowhere_or_to_what_never_was_stable_is_refused() {
    let (stack, front) = (stack(), front());
    let changed = stack.checkout.artifact(CHANGED);
    let wrong = ("request = \"GET /count\"\nstatus = 200", "request = \"GET /count\"\nstatus = 418");
    let (failed, _) = stack.checkout.through_with(&front, "dev", &[wrong], &format!("deploy dev --artifact {changed}"));
    failed.expect(6);
    let bad = stack.last_number("dev");
    stack.checkout.deployer("rollback dev --to 9999").expect(4).says(["there is no release `9999`", "hint: "]);
    let ended = stack.checkout.deployer(&format!("rollback dev --to {bad}")).expect(4);
    ended.says([&format!("release {bad} never was stable"), "hint: name a stable one"]);
    assert_eq!(stack.last_number("dev"), bad, "nothing was written");
}

pub(crate) fn a_rollback_to_parts_that_are_gone_is_refused_with_the_nearest_that_is_whole() {
    let (stack, front) = (stack(), front());
    let (base, changed, other) =
        (stack.checkout.artifact(SENTENCE), stack.checkout.artifact(CHANGED), stack.checkout.artifact(OTHER));
    stack.released("dev", &changed);
    let whole = stack.live("dev");
    let gone = stack.released("dev", &other);
    let version = stack.status("dev")["functions"]["counter"]["version"].as_str().unwrap().to_owned();
    let live = stack.released("dev", &base);
    let path = format!("/2015-03-31/functions/resume-visitor-counter-dev?Qualifier={version}");
    stack.behind("dev", "DELETE", &path, None, &Value::Null);
    let (ended, calls) = stack.checkout.through(&front, "dev", &format!("rollback dev --to {gone}"));
    ended.expect(4).says([
        &format!("release {gone} cannot be restored: version {version} of `resume-visitor-counter-dev` is gone"),
        &format!("hint: the nearest one that is whole: `--to {whole}`"),
    ]);
    assert!(!calls.iter().any(Call::writes), "{:?}", names(&calls));
    assert_eq!(stack.live("dev"), live);
}

pub(crate) fn a_rollback_to_routes_that_may_not_be_called_any_more_is_refused() {
    let stack = stack();
    let changed = stack.checkout.artifact(CHANGED);
    let good = stack.live("dev");
    stack.released("dev", &changed);
    let item = stack.ledger_item("dev", &format!("release#{good:08}"));
    let mut other = item.clone();
    // As if that release had had a route whose permission has been taken away since.
    other["routes"]["M"]["POST /count"] = json!({"S": "resume-visitor-counter-dev:live"});
    stack.put_ledger_item("dev", &other);
    let refused = stack.checkout.deployer(&format!("rollback dev --to {good}"));
    stack.put_ledger_item("dev", &item);
    refused.expect(4).says(["the permission of `POST /count` to call `resume-visitor-counter-dev:live` is gone"]);
    stack.checkout.deployer(&format!("rollback dev --to {good}")).expect(0);
}
