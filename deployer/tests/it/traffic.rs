//! Gradual traffic, alarms, and taking back without anyone's help.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{SENTENCE, block_on, client};
use crate::stack;
use crate::strict::{Action, At, Call, Front};

const CHANGED: &str = "There is nothing to see.";
const ALARM: &str = "resume-visitor-counter-dev-errors";
/// Dev with a canary: the emulator ignores weights, the front does not.
const CANARY: (&str, &str) = (
    "account = \"111111111111\"",
    "account = \"111111111111\", traffic = { strategy = \"canary\", percent = 40, bake_seconds = 4 }",
);

fn front() -> Front {
    Front::before(stack().checkout.port("dev"))
}

fn moves(calls: &[Call]) -> Vec<&Call> {
    calls.iter().filter(|call| call.name == "UpdateAlias").collect()
}

/// An alarm of dev that the contract names. Gone, and the contract as before, when the value is dropped.
pub(crate) struct Alarm {
    contract: Value,
}

impl Alarm {
    pub(crate) fn set() -> Self {
        let contract = stack().ledger_item("dev", "stack");
        let body = json!({
            "AlarmName": ALARM, "Namespace": "AWS/Lambda", "MetricName": "Errors", "Statistic": "Sum", "Period": 60,
            "EvaluationPeriods": 1, "Threshold": 0.0, "ComparisonOperator": "GreaterThanThreshold",
        });
        cloudwatch("PutMetricAlarm", &body);
        let mut named = contract.clone();
        named["alarms"] = json!({"L": [{"S": ALARM}]});
        stack().put_ledger_item("dev", &named);
        let alarm = Self { contract };
        says("OK");
        alarm
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        cloudwatch("DeleteAlarms", &json!({"AlarmNames": [ALARM]}));
        stack().put_ledger_item("dev", &self.contract);
    }
}

/// Makes the alarm say so.
fn says(state: &str) {
    cloudwatch("SetAlarmState", &json!({"AlarmName": ALARM, "StateValue": state, "StateReason": "a test said so"}));
}

fn cloudwatch(operation: &str, body: &Value) {
    stack().behind("dev", "POST", "/", Some(&format!("GraniteServiceVersion20100801.{operation}")), body);
}

/// Asks the stage through the front until told to stop; answers which version answered how often, and what failed.
pub(crate) fn visitors(
    front: &Front,
    stop: &std::sync::atomic::AtomicBool,
) -> (std::collections::BTreeMap<String, usize>, Vec<u16>) {
    let url = stack().url("dev");
    let path = url.split_once("/restapis").unwrap().1;
    let address = format!("http://127.0.0.1:{}/restapis{path}/health", front.port);
    let (mut versions, mut failed) = (std::collections::BTreeMap::new(), Vec::new());
    let client = client();
    block_on(async {
        while !stop.load(std::sync::atomic::Ordering::SeqCst) {
            let answer = client.get(&address).send().await.unwrap();
            let version = answer.headers().get("x-function-version").map(|value| value.to_str().unwrap().to_owned());
            *versions.entry(version.unwrap_or_default()).or_default() += 1;
            if answer.status() != 200 {
                failed.push(answer.status().as_u16());
            }
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    });
    (versions, failed)
}

pub(crate) fn a_canary_gives_a_part_of_the_traffic_first_and_no_request_fails() {
    let (stack, front) = (stack(), front());
    let (base, changed) = (stack.checkout.artifact(SENTENCE), stack.checkout.artifact(CHANGED));
    let stop = std::sync::atomic::AtomicBool::new(false);
    let (ended, answers) = std::thread::scope(|scope| {
        let visitors = scope.spawn(|| visitors(&front, &stop));
        let running = stack.checkout.start_through(
            &front,
            "dev",
            &[CANARY],
            &format!("deploy dev --artifact {changed} --output json"),
        );
        let ended = running.end();
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        (ended, visitors.join().unwrap())
    });
    let calls = front.take();
    ended.expect(0).says(["40 % of `counter`", "the alarms for 4 s"]);
    let weighted = moves(&calls);
    assert_eq!(weighted.len(), 2, "{weighted:?}");
    assert!(weighted[0].body.contains("0.4"), "{}", weighted[0].body);
    assert!(!weighted[1].body.contains("0.4"), "{}", weighted[1].body);
    let (versions, failed) = answers;
    assert_eq!(failed, [0; 0], "requests failed during the release");
    assert!(versions.len() == 2 && versions.values().all(|count| *count > 5), "{versions:?}");
    stack.released("dev", &base);
}

pub(crate) fn terraform_has_nothing_to_do_in_the_middle_of_a_canary() {
    let (stack, front) = (stack(), front());
    let (base, changed) = (stack.checkout.artifact(SENTENCE), stack.checkout.artifact(CHANGED));
    let held = front.pause_at("UpdateAlias", 2);
    let running = stack.checkout.start_through(&front, "dev", &[CANARY], &format!("deploy dev --artifact {changed}"));
    held.arrived();
    let weights = stack.status("dev")["functions"]["counter"]["weights"].clone();
    assert_eq!(weights.as_object().unwrap().len(), 1, "{weights}");
    stack.assert_terraform_plan_is_empty("dev");
    held.forward();
    running.end().expect(0);
    stack.assert_terraform_plan_is_empty("dev");
    stack.released("dev", &base);
}

pub(crate) fn a_canary_whose_alarm_rings_midway_is_taken_back() {
    let (stack, front, _alarm) = (stack(), front(), Alarm::set());
    let changed = stack.checkout.artifact(CHANGED);
    let (before, number) = (stack.status("dev"), stack.last_number("dev"));
    let slow = ("bake_seconds = 4", "bake_seconds = 60");
    let running =
        stack.checkout.start_through(&front, "dev", &[CANARY, slow], &format!("deploy dev --artifact {changed}"));
    let started = Instant::now();
    let weights = || stack.status("dev")["functions"]["counter"]["weights"].clone();
    while weights().as_object().unwrap().is_empty() {
        assert!(started.elapsed() < Duration::from_secs(60), "no canary began");
        std::thread::sleep(Duration::from_millis(50));
    }
    let status = stack.checkout.deployer("status dev").expect(0).stdout;
    assert!(status.contains("with 40 % of the traffic") && status.contains("UNFINISHED"), "{status}");
    let rung = Instant::now();
    says("ALARM");
    running.end().expect(6).says([&format!("alarm `{ALARM}` rings: a test said so"), "was taken back to release"]);
    assert!(rung.elapsed() < Duration::from_secs(15), "{:?}", rung.elapsed());
    says("OK");
    let after = stack.status("dev");
    assert_eq!(after["functions"], before["functions"]);
    assert_eq!(stack.release("dev", number + 1)["state"], "rolled-back");
    assert!(moves(&front.take()).len() == 2, "there and back");
}

pub(crate) fn a_linear_shift_goes_step_by_step() {
    let (stack, front) = (stack(), front());
    let (base, changed) = (stack.checkout.artifact(SENTENCE), stack.checkout.artifact(CHANGED));
    let linear = (
        CANARY.0,
        "account = \"111111111111\", traffic = { strategy = \"linear\", step_percent = 40, interval_seconds = 1 }",
    );
    let (ended, calls) =
        stack.checkout.through_with(&front, "dev", &[linear], &format!("deploy dev --artifact {changed}"));
    ended.expect(0);
    let shares: Vec<_> =
        moves(&calls).iter().map(|call| ["0.4", "0.8"].map(|share| call.body.contains(share))).collect();
    assert_eq!(shares, [[true, false], [false, true], [false, false]]);
    stack.released("dev", &base);
}

pub(crate) fn an_alarm_that_rings_already_stops_a_start_and_no_rollback() {
    let (stack, _alarm) = (stack(), Alarm::set());
    let changed = stack.checkout.artifact(CHANGED);
    says("ALARM");
    let number = stack.last_number("dev");
    let refused = stack.checkout.deployer(&format!("deploy dev --artifact {changed}"));
    refused.expect(4).says(["is ringing already", ALARM, "hint: ", "--ignore-alarms"]);
    assert_eq!(stack.last_number("dev"), number);
    stack.checkout.deployer(&format!("deploy dev --artifact {changed} --ignore-alarms")).expect(0);
    stack.checkout.deployer("rollback dev --to previous").expect(0);
}

pub(crate) fn an_alarm_without_data_does_not_ring_and_is_reported() {
    let (stack, _alarm) = (stack(), Alarm::set());
    let changed = stack.checkout.artifact(CHANGED);
    says("INSUFFICIENT_DATA");
    let ended = stack.checkout.deployer(&format!("deploy dev --artifact {changed}")).expect(0);
    ended.says(["has no data yet"]);
    stack.checkout.deployer("rollback dev --to previous").expect(0);
}

pub(crate) fn an_alarm_that_rings_while_the_new_release_is_watched_takes_it_back_stage_first() {
    let (stack, front, _alarm) = (stack(), front(), Alarm::set());
    let changed = stack.checkout.artifact(CHANGED);
    let before = stack.status("dev");
    let path = format!("/restapis/{}/gatewayresponses/THROTTLED", stack.api("dev"));
    let body = json!({"responseTemplates": {"application/json": "{\"slow\":true}"}});
    stack.behind("dev", "PUT", &path, None, &body);
    let watched =
        (CANARY.0, "account = \"111111111111\", traffic = { strategy = \"all-at-once\", watch_seconds = 60 }");
    let running = stack.checkout.start_through(&front, "dev", &[watched], &format!("deploy dev --artifact {changed}"));
    let started = Instant::now();
    while stack.status("dev")["deployment_id"] == before["deployment_id"] {
        assert!(started.elapsed() < Duration::from_secs(60), "the stage never moved");
        std::thread::sleep(Duration::from_millis(50));
    }
    says("ALARM");
    running.end().expect(6).says(["rings: a test said so", "was taken back to release"]);
    says("OK");
    stack.behind("dev", "DELETE", &path, None, &Value::Null);
    let after = stack.status("dev");
    assert_eq!((&after["functions"], &after["deployment_id"]), (&before["functions"], &before["deployment_id"]));
    let calls = front.take();
    let last = |name: &str| calls.iter().rposition(|call| call.name == name).unwrap();
    assert!(last("UpdateStage") < last("UpdateAlias"), "the newer definition must not meet the older code");
}

pub(crate) fn a_switch_that_flips_back_for_a_moment_is_waited_out() {
    let (stack, front) = (stack(), front());
    let changed = stack.checkout.artifact(CHANGED);
    front.propagation(Duration::from_millis(800));
    let path = format!("/restapis/{}/gatewayresponses/THROTTLED", stack.api("dev"));
    let body = json!({"responseTemplates": {"application/json": "{\"slow\":true}"}});
    stack.behind("dev", "PUT", &path, None, &body);
    let (ended, _) = stack.checkout.through(&front, "dev", &format!("deploy dev --artifact {changed}"));
    ended.expect(0);
    let (ended, _) = stack.checkout.through(&front, "dev", "rollback dev --to previous");
    ended.expect(0);
    stack.behind("dev", "DELETE", &path, None, &Value::Null);
    let base = stack.checkout.artifact(SENTENCE);
    stack.released("dev", &base);
}

pub(crate) fn what_the_gateways_limits_keep_from_being_judged_is_not_taken_back_and_judged_by_the_next_run() {
    let (stack, front) = (stack(), front());
    let (base, changed) = (stack.checkout.artifact(SENTENCE), stack.checkout.artifact(CHANGED));
    let number = stack.last_number("dev");
    front.on(At::every("URL"), Action::Fail { status: 429, code: "TooManyRequestsException" });
    let (deploy, short) = (format!("deploy dev --artifact {changed}"), ("timeout_seconds = 60", "timeout_seconds = 1"));
    let (ended, calls) = stack.checkout.through_with(&front, "dev", &[short], &deploy);
    ended.expect(7).says(["serves, and could not be judged", "the gateway's limits stopped the check"]);
    assert!(calls.iter().filter(|call| call.name == "URL").count() <= 40, "more requests than a firewall may allow");
    assert_eq!((stack.live("dev"), stack.release("dev", number + 1)["stable"].clone()), (number + 1, json!(false)));
    stack.promoted("promote dev prod").0.expect(4).says(["is not stable"]);
    // "Nothing has changed" is no success before it was seen to be good.
    let (ended, _) = stack.checkout.through_with(&front, "dev", &[short], &deploy);
    ended.expect(1).says(["nothing has changed, but release", "is not stable"]);
    front.behave();
    let ended = stack.checkout.through(&front, "dev", &format!("{deploy} --output json")).0;
    let view = ended.expect(0).says(["Confirmed"]).json();
    assert_eq!((&view["changed"], &view["stable"]), (&json!(false), &json!(true)));
    let checks = view["checks"].as_array().unwrap();
    assert!(!checks.is_empty() && checks.iter().all(|check| check["passed"] == true), "{view}");
    assert_eq!(stack.release("dev", number + 1)["stable"], true);
    stack.released("dev", &base);
}
