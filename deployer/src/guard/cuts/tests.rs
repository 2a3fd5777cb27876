//! Every row of the table, tested with plans made from it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::table::{Effect, HARMLESS, HARMLESS_PROVIDERS, On, Part, When, rows};
use super::super::{TerraformPlan, table};
use super::Finding;

/// A plan of changes, each with its address, type and `change`.
fn plan(changes: &[(&str, &str, Value)]) -> TerraformPlan {
    let changes: Vec<_> = changes
        .iter()
        .map(|(address, kind, change)| json!({"address": address, "type": kind, "change": change}))
        .collect();
    read(&json!(changes))
}

fn read(changes: &Value) -> TerraformPlan {
    let document = json!({"format_version": "1.2", "planned_values": {}, "resource_changes": changes});
    TerraformPlan::read(document.to_string().as_bytes()).unwrap()
}

fn only(kind: &str, change: Value) -> Vec<Finding> {
    plan(&[("it", kind, change)]).findings()
}

fn effects(kind: &str, change: Value) -> Vec<Effect> {
    only(kind, change).into_iter().map(|finding| finding.effect).collect()
}

fn whole(kind: &str, actions: &[&str]) -> Vec<Effect> {
    effects(kind, json!({"actions": actions}))
}

#[test]
fn removal_and_replacement_depend_on_the_part() {
    use Effect::{Cut, Loss, Warning};
    for row in rows() {
        let (removed, swapped, overlapped) = match row.part {
            Part::InPath => (Loss, vec![Cut], vec![Cut]),
            Part::Grant => (Loss, vec![Cut], vec![]),
            Part::Aid => (Loss, vec![Warning], vec![]),
            Part::Record => (Warning, vec![Warning], vec![]),
        };
        assert_eq!(whole(row.kind, &["delete"]), [removed], "{}", row.kind);
        assert_eq!(whole(row.kind, &["delete", "create"]), swapped, "{}", row.kind);
        for overlap in [&["create", "delete"], &["create", "forget"]] {
            assert_eq!(whole(row.kind, overlap), overlapped, "{}", row.kind);
        }
        for actions in [&["create"], &["update"], &["no-op"], &["read"], &["forget"]] {
            assert_eq!(whole(row.kind, actions), [], "{} {actions:?}", row.kind);
        }
    }
}

#[test]
fn every_finding_has_a_reason_and_a_safe_way() {
    let mut kinds = BTreeSet::new();
    for row in rows() {
        assert!(kinds.insert(row.kind), "`{}` is there twice", row.kind);
        assert!(!HARMLESS.contains(&row.kind), "`{}` is harmless, too", row.kind);
        assert!(!row.missing.is_empty(), "{}", row.kind);
        for finding in only(row.kind, json!({"actions": ["delete"]})) {
            assert!(finding.what.contains(row.missing), "{finding:?}");
            assert_eq!(finding.way.is_empty(), finding.effect == Effect::Warning, "{finding:?}");
        }
        for on in row.on {
            assert!(!on.why.is_empty(), "{} {}", row.kind, on.attribute);
            assert_eq!(on.way.is_empty(), on.effect == Effect::Warning, "{} {}", row.kind, on.attribute);
        }
    }
}

/// Values before and after that match, and whether the opposite change does not match.
fn example(when: When) -> (Value, Value, bool) {
    let policy =
        |action: &str| json!({"Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}}).to_string();
    match when {
        When::Changes => (json!("a"), json!("b"), false),
        When::TurnsOn => (json!(false), json!(true), true),
        When::TurnsOff => (json!(true), json!(false), true),
        When::Stops => (json!(5), json!(0), true),
        When::Lowered => (json!(5), json!(4), true),
        When::Loses => (json!(["a", "b"]), json!(["a"]), true),
        When::AllowsLess => (json!(policy("s3:*")), json!(policy("s3:Get")), true),
        When::Appears => (json!([]), json!([{"a": "b"}]), true),
        When::Created => (json!(null), json!("a"), false),
    }
}

/// A resource with only this attribute.
fn with(attribute: &str, value: &Value) -> Value {
    let names: Vec<&str> = attribute.split('/').collect();
    let last = json!({names[names.len() - 1]: value});
    names[..names.len() - 1].iter().rev().fold(last, |inner, name| json!({*name: [inner]}))
}

fn changed(kind: &str, on: &On, before: &Value, after: &Value) -> Vec<Finding> {
    let (actions, before) = match on.when {
        When::Created => ("create", Value::Null),
        _ => ("update", with(on.attribute, before)),
    };
    only(kind, json!({"actions": [actions], "before": before, "after": with(on.attribute, after)}))
}

#[test]
fn every_attribute_is_found_and_its_opposite_is_not() {
    let mut tried = 0;
    for (row, on) in rows().flat_map(|row| row.on.iter().map(move |on| (row, on))) {
        let (before, after, directed) = example(on.when);
        let found = changed(row.kind, on, &before, &after);
        let wanted = found.iter().find(|finding| finding.effect == on.effect && finding.what.contains(on.why));
        let wanted = wanted.unwrap_or_else(|| panic!("{} {}: {found:?}", row.kind, on.attribute));
        assert!(wanted.what.contains(&format!("`{}`", on.attribute)) && wanted.way.contains(on.way), "{wanted:?}");
        if directed {
            let back = changed(row.kind, on, &after, &before);
            assert!(
                back.iter().all(|finding| !finding.what.contains(on.why)),
                "{} {}: {back:?}",
                row.kind,
                on.attribute
            );
        }
        let same = changed(row.kind, on, &after, &after);
        assert!(on.when == When::Created || same.is_empty(), "{} {}: {same:?}", row.kind, on.attribute);
        tried += 1;
    }
    assert!(tried > 350, "{tried}");
}

#[test]
fn a_value_known_after_apply_does_not_count_as_harmless() {
    for (row, on) in rows().flat_map(|row| row.on.iter().map(move |on| (row, on))) {
        let before = with(on.attribute, &example(on.when).0);
        let change = json!({"actions": ["update"], "before": before, "after": {}, "after_unknown": with(on.attribute, &json!(true))});
        let found = only(row.kind, change);
        let here = found.iter().any(|finding| finding.what.contains(&format!("`{}`", on.attribute)));
        let created = row.on.iter().all(|other| other.attribute != on.attribute || other.when == When::Created);
        assert!(here || created, "{} {}: {found:?}", row.kind, on.attribute);
    }
}

/// These once passed unnoticed.
#[test]
fn an_update_that_cuts_traffic_is_refused() {
    let update = |kind, before: Value, after: Value| {
        effects(kind, json!({"actions": ["update"], "before": before, "after": after}))
    };
    let cut = [Effect::Cut];
    assert_eq!(update("aws_lambda_alias", json!({"function_version": "7"}), json!({"function_version": "1"})), cut);
    let weights = json!({"routing_config": [{"additional_version_weights": {"3": 0.5}}]});
    assert_eq!(update("aws_lambda_alias", json!({"routing_config": []}), weights), cut);
    assert_eq!(update("aws_api_gateway_stage", json!({"deployment_id": "a"}), json!({"deployment_id": "b"})), cut);
    let reserved = |most: i32| json!({"reserved_concurrent_executions": most});
    assert_eq!(update("aws_lambda_function", reserved(-1), reserved(0)), cut);
    assert_eq!(update("aws_lambda_function", reserved(-1), reserved(9)), [Effect::Loss]);
    assert_eq!(update("aws_lambda_function", reserved(9), reserved(-1)), []);
    let endpoint = |off: bool| json!({"disable_execute_api_endpoint": off});
    assert_eq!(update("aws_api_gateway_rest_api", endpoint(false), endpoint(true)), [Effect::Loss]);
    for kind in [
        "aws_dynamodb_table_item",
        "aws_api_gateway_authorizer",
        "aws_iam_role_policy_attachment",
        "aws_apigatewayv2_api",
        "aws_lambda_function_url",
        "aws_lambda_event_source_mapping",
        "aws_wafv2_web_acl_association",
        "aws_vpc_security_group_egress_rule",
        "aws_security_group_rule",
    ] {
        assert_eq!(whole(kind, &["delete"]), [Effect::Loss], "{kind}");
    }
}

#[test]
fn new_settings_of_a_function_pass() {
    let before = json!({"memory_size": 128, "environment": [{"variables": {"A": "1"}}], "role": "r", "timeout": 3});
    let after = json!({"memory_size": 256, "environment": [], "role": "s", "timeout": 9});
    let unknown = json!({"version": true, "qualified_arn": true});
    let change = json!({"actions": ["update"], "before": before, "after": after, "after_unknown": unknown});
    assert_eq!(only("aws_lambda_function", change), []);
}

#[test]
fn a_deposed_object_may_go_unless_releases_use_it() {
    let deposed = |kind: &str| {
        read(&json!([{"address": "it", "type": kind, "deposed": "0a1b", "change": {"actions": ["delete"]}}])).findings()
    };
    assert_eq!(deposed("aws_lambda_permission"), []);
    assert_eq!(deposed("aws_lambda_function").len(), 1);
}

#[test]
fn a_replacement_with_other_content_is_not_the_same_grant() {
    let change = |before: &str, after: &str| json!({"actions": ["create", "delete"], "before": {"source_arn": before}, "after": {"source_arn": after}});
    assert_eq!(effects("aws_lambda_permission", change("a", "a")), []);
    assert_eq!(effects("aws_lambda_permission", change("a", "b")), [Effect::Loss]);
}

#[test]
fn a_removal_beside_a_creation_names_both_ways() {
    let (delete, create) = (json!({"actions": ["delete"]}), json!({"actions": ["create"]}));
    let moved =
        plan(&[("a[\"old\"]", "aws_lambda_permission", delete), ("a[\"new\"]", "aws_lambda_permission", create)]);
    let found = moved.findings();
    assert_eq!(found.len(), 1);
    assert!(found[0].what.contains("`a[\"new\"]`") && found[0].way.contains("`moved`"), "{found:?}");
}

/// Terraform writes a `moved` block as a change without an action, and an `import` as the change that follows it.
#[test]
fn moves_and_imports_pass_and_their_changes_count() {
    let moved = json!([{"address": "b", "previous_address": "a", "type": "aws_lambda_alias", "change": {"actions": ["no-op"]}}]);
    assert_eq!(read(&moved).findings(), []);
    let import = |actions: &str| json!({"actions": [actions], "importing": {"id": "x"}, "before": {"function_version": "1"}, "after": {"function_version": "2"}});
    assert_eq!(effects("aws_lambda_alias", import("no-op")), []);
    assert_eq!(effects("aws_lambda_alias", import("update")), [Effect::Cut]);
    assert_eq!(whole("aws_lambda_alias", &["forget"]), []);
}

#[test]
fn a_type_that_is_not_in_the_table_is_refused() {
    for kind in ["aws_of_tomorrow", "awscc_lambda_alias", "cloudflare_record"] {
        assert!(table::row(kind).is_none());
        assert_eq!(whole(kind, &["delete"]), [Effect::Loss], "{kind}");
        assert_eq!(whole(kind, &["delete", "create"]), [Effect::Loss], "{kind}");
        assert_eq!(whole(kind, &["create", "delete"]), [Effect::Warning], "{kind}");
        assert_eq!(whole(kind, &["create"]), [], "{kind}");
        assert_eq!(whole(kind, &["update"]), [], "{kind}");
    }
}

#[test]
fn values_files_and_dashboards_may_be_removed() {
    let providers = HARMLESS_PROVIDERS.iter().map(|provider| format!("{provider}_x"));
    for kind in HARMLESS.iter().map(|kind| (*kind).to_owned()).chain(providers) {
        for actions in [&["delete"][..], &["delete", "create"], &["create", "delete"]] {
            assert_eq!(whole(&kind, actions), [], "{kind} {actions:?}");
        }
    }
    let data = json!([{"address": "d", "type": "aws_iam_role", "mode": "data", "change": {"actions": ["read"]}}]);
    assert_eq!(read(&data).findings(), []);
}
