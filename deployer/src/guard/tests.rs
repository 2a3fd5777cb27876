//! What `guard` reports about a plan.

use serde_json::{Value, json};

use super::*;
use crate::cli::Output;
use crate::config::GitHubStep;
use crate::ending::Ending as _;
use crate::failure::Exit;
use crate::report::{GuardView, Report};

const PERMISSION: &str = "aws_lambda_permission";

fn plan(rest: &Value) -> TerraformPlan {
    let mut document = json!({"format_version": "1.2", "planned_values": {}});
    document.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    TerraformPlan::read(document.to_string().as_bytes()).unwrap()
}

fn change(kind: &str, actions: &[&str]) -> Value {
    json!({"address": "it", "type": kind, "change": {"actions": actions}})
}

fn refused(kind: &str, actions: &[&str], retired: bool) -> usize {
    sorted(&plan(&json!({"resource_changes": [change(kind, actions)]})), retired).0.len()
}

#[test]
fn retired_resources_may_be_removed_but_not_replaced() {
    for kind in ["aws_lambda_alias", PERMISSION, "aws_of_tomorrow"] {
        assert_eq!(refused(kind, &["delete"], false), 1, "{kind}");
        assert_eq!(refused(kind, &["delete"], true), 0, "{kind}");
    }
    assert_eq!(refused("aws_lambda_alias", &["delete", "create"], true), 1);
    assert_eq!(refused(PERMISSION, &["delete", "create"], true), 1);
}

#[test]
fn only_real_changes_are_counted() {
    let changes = |actions: &[&str]| plan(&json!({"resource_changes": [change("aws_sns_topic", actions)]})).changes();
    assert_eq!((changes(&["no-op"]), changes(&["read"]), changes(&["delete", "create"])), (0, 0, 1));
}

#[test]
fn deferred_changes_and_invoked_actions_are_warnings() {
    let deferred =
        json!({"deferred_changes": [{"reason": "unknown"}], "action_invocations": [{"address": "action.x"}]});
    let (refused, warnings) = sorted(&plan(&deferred), false);
    assert_eq!(refused, []);
    assert!(warnings[0].contains("1 change is deferred") && warnings[1].contains("`action.x`"), "{warnings:?}");
}

#[test]
fn a_refusal_names_each_resource_and_each_hint_once() {
    let changes = json!({"resource_changes": [
        change("aws_lambda_alias", &["delete"]), change("aws_lambda_function", &["delete"]),
        change("aws_lambda_alias", &["delete", "create"]),
    ]});
    let error = anyhow::Error::from(refusal(&sorted(&plan(&changes), false).0));
    assert_eq!(error.to_string().lines().count(), 4, "{error}");
    assert!(
        error.to_string().contains("\n  `it` would be removed: what calls the function by it gets an error"),
        "{error}"
    );
    let hint = error.hint().unwrap();
    assert_eq!(hint.lines().count(), 2, "{hint}");
}

#[test]
fn a_refused_plan_is_shown_on_the_page_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let removed = json!({"address": "a", "type": PERMISSION, "change": {"actions": ["delete"]}});
    let document = json!({"format_version": "1.2", "planned_values": {}, "resource_changes": [removed]});
    std::fs::write(file("plan.json"), document.to_string()).unwrap();
    std::fs::write(file("plan.txt"), b"- a \xff\n").unwrap();
    let step = GitHubStep { summary: Some(file("page")), ..GitHubStep::default() };
    let report = Report::new(Output::Text, (false, true), Some(step), &crate::world::World::real());
    let input = Guard { plan: file("plan.json"), text: Some(file("plan.txt")), retired: false };
    let guarded = guard(&input, &report).unwrap();
    report.failed(&GuardView::new(&guarded));
    assert_eq!(guarded.refused.unwrap().exit(), Exit::Refused);
    let page = std::fs::read_to_string(file("page")).unwrap();
    for words in
        ["would cut live traffic:", "`a` would be removed", "**What to do:** once no release", "\n- a \u{fffd}\n```"]
    {
        assert!(page.contains(words), "{page}");
    }
    assert!(guard(&Guard { retired: true, ..input.clone() }, &report).unwrap().refused.is_none());
    let error = guard(&Guard { text: Some(file("nowhere")), ..input }, &report).unwrap_err();
    assert_eq!(error.exit(), Exit::BadInput);
}

#[test]
fn a_file_that_is_not_a_plan_is_bad_input() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    let report = Report::new(Output::Text, (false, true), None, &crate::world::World::real());
    for text in ["", "{}", "[command]terraform show", r#"{"format_version": "9.0", "planned_values": {}}"#] {
        std::fs::write(&file, text).unwrap();
        let error = guard(&Guard { plan: file.clone(), ..Guard::default() }, &report).unwrap_err();
        assert_eq!(error.exit(), Exit::BadInput, "{text}");
        assert!(error.to_string().contains(&file.display().to_string()) && error.hint().is_some(), "{error}");
    }
}
