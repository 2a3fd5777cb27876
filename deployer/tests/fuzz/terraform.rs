//! A Terraform plan, as `deployer guard` reads it.

use std::time::Instant;

use bolero::check;
use deployer::cli::Output;
use deployer::guard::{Guard, TerraformPlan, guard};
use deployer::report::Report;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::shapes::{json_of, nearly, spoilt};
use crate::{cases, named, promises, tried};

const NAMES: &[&str] = &[
    "format_version",
    "planned_values",
    "resource_changes",
    "address",
    "type",
    "deposed",
    "change",
    "actions",
    "before",
    "after",
    "after_unknown",
    "errored",
    "deferred_changes",
    "action_invocations",
    "function_version",
    "policy",
];

fn sound() -> Value {
    let change = |kind: &str, actions: &[&str]| json!({"address": "a", "type": kind, "change": {"actions": actions}});
    json!({"format_version": "1.2", "planned_values": {}, "resource_changes": [
        change("aws_lambda_alias", &["no-op"]), change("aws_lambda_permission", &["create", "delete"]),
        json!({"address": "a", "type": "aws_iam_role_policy", "change": {"actions": ["update"],
            "before": {"policy": "{\"Statement\": []}"}, "after": {"policy": "{}"}, "after_unknown": {}}}),
    ]})
}

fn look(text: &[u8]) {
    if let Ok(plan) = TerraformPlan::read(text) {
        let found = plan.findings();
        let named = |finding: &&deployer::guard::Finding| !finding.what.is_empty();
        assert_eq!(found.iter().filter(named).count(), found.len());
        assert!(found.is_empty() || plan.changes() > 0);
    }
}

fn is_compared_or_named(text: &str) -> Result<(), String> {
    look(text.as_bytes());
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let input = Guard { plan: file.path().to_path_buf(), text: Some(file.path().to_path_buf()), retired: false };
    match guard(&input, &Report::new(Output::Text, (false, true), None, &deployer::world::World::real())) {
        // What would be cut is named by its address in Terraform.
        Err(error) if error.to_string().contains("would cut live traffic") => named(&error, ""),
        Err(error) => named(&error, &file.path().display().to_string()),
        Ok(_) => Ok(()),
    }
}

#[test]
fn no_bytes_are_taken_for_a_terraform_plan() {
    check!().for_each(look);
}

#[test]
fn plans_of_every_shape_are_read_or_refused_by_name() {
    let began = Instant::now();
    let count = cases(3_000);
    let text = prop_oneof![
        2 => nearly(sound(), NAMES).prop_map(|value| value.to_string()),
        2 => spoilt(sound().to_string()),
        1 => json_of(NAMES).prop_map(|value| value.to_string()),
    ];
    let violations = tried(count, text, |text| is_compared_or_named(&text));
    promises::kept(
        "plans of Terraform's of every shape: no panic, and an error names the file",
        "members of other types, missing, doubled; text cut, repeated, nested",
        count as usize,
        &violations,
        began,
    );
}
