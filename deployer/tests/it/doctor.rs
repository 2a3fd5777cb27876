//! The findings of `doctor` in a healthy stack and in a broken one.

use serde_json::{Value, json};

use crate::harness::Ended;
use crate::stack;
use crate::strict::StrictProxy;

const COUNTER: &str = "/2015-03-31/functions/resume-visitor-counter-dev";

fn doctor() -> Ended {
    stack().checkout.deployer("doctor dev --output json")
}

/// The findings of a verdict.
fn of_verdict<'a>(findings: &'a Value, verdict: &str) -> Vec<&'a Value> {
    findings["findings"].as_array().unwrap().iter().filter(|finding| finding["verdict"] == verdict).collect()
}

/// The permission of API Gateway to call the counter for `route`, as `GET/count`.
pub(crate) fn permission(route: &str) -> Value {
    let policy = stack().behind("dev", "GET", &format!("{COUNTER}/policy?Qualifier=live"), None, &Value::Null);
    let policy: Value = serde_json::from_str(policy["Policy"].as_str().unwrap()).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let of_route = |statement: &&Value| source(statement).ends_with(route);
    statements.iter().find(of_route).unwrap_or_else(|| panic!("no permission for {route} in {policy}")).clone()
}

/// Whom a permission lets call.
pub(crate) fn source(statement: &Value) -> &str {
    statement["Condition"]["ArnLike"]["AWS:SourceArn"].as_str().unwrap()
}

/// Takes it from the counter, by its `Sid`.
pub(crate) fn remove_permission(name: &str) {
    stack().behind("dev", "DELETE", &format!("{COUNTER}/policy/{name}?Qualifier=live"), None, &Value::Null);
}

/// Gives the counter one under this `Sid`.
pub(crate) fn add_permission(name: &str, source: &str) {
    let permission = json!({
        "StatementId": name, "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
        "SourceArn": source,
    });
    stack().behind("dev", "POST", &format!("{COUNTER}/policy?Qualifier=live"), None, &permission);
}

pub(crate) fn a_healthy_stack_has_no_problems_and_is_left_as_it_is() {
    a_healthy_stack_has_no_problems_or_unchecked_rights();
    it_changes_nothing();
}

pub(crate) fn every_break_is_named_with_its_fix() {
    a_removed_permission_is_a_problem_that_is_named_with_its_fix();
    a_failing_check_of_the_live_version_is_a_problem();
    a_wildcard_permission_is_a_warning_and_no_problem();
    an_alias_moved_behind_the_deployers_back_is_a_problem();
    an_environment_without_a_contract_is_one_problem();
}

/// In the local AWS the caller is the account's root, for whom IAM can simulate nothing: AWS refuses that too.
fn a_healthy_stack_has_no_problems_or_unchecked_rights() {
    let findings = doctor().expect(0).json();
    assert_eq!(of_verdict(&findings, "problem"), Vec::<&Value>::new());
    let warnings: Vec<_> = of_verdict(&findings, "warning").iter().map(|finding| finding["subject"].clone()).collect();
    assert_eq!(warnings, ["alarms"], "the local stack has no alarms, and nothing else to warn of");
    let own = findings["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["subject"] == "the deployer's permissions");
    let verdicts: Vec<_> = own.map(|finding| &finding["verdict"]).collect();
    assert!(verdicts.len() > 30 && verdicts.iter().all(|verdict| **verdict == "not checked"), "{verdicts:?}");
    let others = of_verdict(&findings, "not checked").len();
    assert_eq!(others, verdicts.len(), "everything else could be read");
    let text = stack().checkout.deployer("doctor dev").expect(0).stdout;
    assert!(text.starts_with("warning alarms: named in the contract\n"), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("not checked")).count(), 1, "{text}");
    assert!(!text.contains("PROBLEM") && text.lines().count() < 10, "{text}");
    assert!(text.lines().last().unwrap().starts_with("dev: 0 problems, 1 warning, "), "{text}");
}

fn it_changes_nothing() {
    let proxy = StrictProxy::before(stack().checkout.port("dev"));
    let (ended, calls) = stack().checkout.through(&proxy, "dev", "doctor dev");
    ended.expect(0);
    // The checks that only read, and no other, are sent to the live versions.
    let (checks, calls): (Vec<_>, Vec<_>) = calls.into_iter().partition(|call| call.name == "Invoke");
    let reading = stack().checkout.read("deployer.toml").matches("[[checks]]").count();
    assert!(!checks.is_empty() && checks.len() <= reading, "{} of {reading}", checks.len());
    let writes: Vec<_> = calls.iter().filter(|call| call.writes()).collect();
    assert!(writes.is_empty() && calls.len() > 20, "{writes:?} of {}", calls.len());
}

fn a_removed_permission_is_a_problem_that_is_named_with_its_fix() {
    let taken = permission("/GET/count");
    let (name, source) = (taken["Sid"].as_str().unwrap(), source(&taken));
    remove_permission(name);
    let ended = doctor();
    add_permission(name, source);
    let findings = ended.expect(1).json();
    let problems = of_verdict(&findings, "problem");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0]["subject"], "function resume-visitor-counter-dev");
    assert_eq!(problems[0]["check"], "permission GET /count");
    assert!(problems[0]["fix"].as_str().unwrap().contains(source), "{problems:?}");
    doctor().expect(0);
}

/// A deploy of it would fail: its responses do not name their version as the configuration requires.
fn a_failing_check_of_the_live_version_is_a_problem() {
    let checkout = &stack().checkout;
    let text = checkout.read("deployer.toml");
    checkout.write("marked.toml", &text.replace("version = \"x-function-version\"", "version = \"x-not-there\""));
    let findings = checkout.deployer("doctor dev --output json --config marked.toml").expect(1).json();
    let problems = of_verdict(&findings, "problem");
    assert!(!problems.is_empty() && problems.iter().all(|problem| problem["subject"] == "checks"), "{problems:?}");
    assert!(problems[0]["detail"].as_str().unwrap().contains("`x-not-there` does not name version"), "{problems:?}");
}

fn a_wildcard_permission_is_a_warning_and_no_problem() {
    let wild = source(&permission("/GET/count")).replace("/GET/count", "/*/count");
    add_permission("wide", &wild);
    let ended = doctor();
    remove_permission("wide");
    let findings = ended.expect(0).json();
    let warning = of_verdict(&findings, "warning").into_iter().find(|finding| finding["check"] == "permission wide");
    let warning = warning.unwrap_or_else(|| panic!("{findings}"));
    assert!(warning["detail"].as_str().unwrap().contains(&wild), "{warning}");
}

fn an_alias_moved_behind_the_deployers_back_is_a_problem() {
    let alias = format!("{COUNTER}/aliases/live");
    let version = stack().status("dev")["functions"]["counter"]["version"].clone();
    stack().behind("dev", "PUT", &alias, None, &json!({"FunctionVersion": "1"}));
    let ended = doctor();
    stack().behind("dev", "PUT", &alias, None, &json!({"FunctionVersion": version}));
    let findings = ended.expect(1).json();
    let problems = of_verdict(&findings, "problem");
    // Version 1 is the placeholder, which fails the function's check too.
    let checks: Vec<_> = problems.iter().map(|problem| &problem["check"]).collect();
    assert_eq!(checks, ["alias", "health"], "{problems:?}");
    let detail = problems[0]["detail"].as_str().unwrap();
    assert!(detail.starts_with("drift: `live` points to version 1, release "), "{detail}");
    doctor().expect(0);
}

fn an_environment_without_a_contract_is_one_problem() {
    let checkout = &stack().checkout;
    let text = checkout.read("deployer.toml");
    checkout.write("edited.toml", &text.replace("app = \"resume-visitor-counter\"", "app = \"unknown\""));
    let findings = checkout.deployer("doctor dev --output json --config edited.toml").expect(1).json();
    let verdicts: Vec<_> = findings["findings"].as_array().unwrap().iter().map(|finding| &finding["verdict"]).collect();
    assert_eq!(verdicts, ["problem", "not checked"]);
    assert!(
        findings["findings"][0]["detail"].as_str().unwrap().contains("has no stack contract for app `unknown`"),
        "{findings}"
    );
    assert!(findings["findings"][0]["fix"].as_str().unwrap().contains("infrastructure code"), "{findings}");
}
