//! A plan of Terraform's, as `terraform show -json` tells it -> what in it would cut live traffic, and the way to do it.
//!
//! Read before `terraform apply`. It reads files, talks to nobody, and changes nothing. Terraform's own
//! `prevent_destroy` would stop the same plans without a word about the way, and an environment that is to go, too.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::failure::Failure;
use crate::report::{GuardView, Report};

/// What takes requests on their way from the visitor to the store: while one is replaced, they fail.
const SERVES: [&str; 19] = [
    "aws_api_gateway_base_path_mapping",
    "aws_api_gateway_domain_name",
    "aws_api_gateway_integration",
    "aws_api_gateway_method",
    "aws_api_gateway_resource",
    "aws_api_gateway_rest_api",
    "aws_api_gateway_stage",
    "aws_db_instance",
    "aws_dynamodb_table",
    "aws_iam_role",
    "aws_iam_role_policy",
    "aws_lambda_alias",
    "aws_lambda_function",
    "aws_route53_record",
    "aws_security_group",
    "aws_ssm_parameter",
    "aws_subnet",
    "aws_vpc",
    "aws_vpc_endpoint",
];

/// Replaced without harm if the new one comes first.
const PERMISSION: &str = "aws_lambda_permission";

/// What a guard was told.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    /// The plan in JSON.
    pub plan: PathBuf,
    /// The same plan for people.
    pub text: Option<PathBuf>,
    /// What is removed without a successor is known to serve no more.
    pub retired: bool,
}

/// Refuses a plan that would cut live traffic. Whether it does or not, the run's page shows the plan's text.
///
/// # Errors
/// It would; or it is no plan, or its text cannot be read.
pub fn guard(told: &Guard, report: &Report) -> Result<GuardView> {
    let unreadable = || {
        Failure::bad_input(format!("`{}` is no plan of Terraform's in JSON", told.plan.display()))
            .hint("write it with `terraform plan -out=FILE` and `terraform show -json FILE`")
    };
    let document = std::fs::read(&told.plan).with_context(unreadable)?;
    let plan = TerraformPlan::read(&document).with_context(unreadable)?;
    let view = GuardView::new(plan.changes(), told.text.as_deref().map(text).transpose()?);
    let cuts = plan.cuts(told.retired);
    if cuts.is_empty() {
        return Ok(view);
    }
    let refusal = refusal(&cuts).into();
    report.failed(&view.failed(&refusal));
    Err(refusal)
}

/// It is only shown: what in it is no text does not matter.
fn text(file: &Path) -> Result<String> {
    let bytes = std::fs::read(file).with_context(|| {
        Failure::bad_input(format!("cannot read the plan's text `{}`", file.display()))
            .hint("write it with `terraform show -no-color PLAN`")
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn refusal(cuts: &[Cut]) -> Failure {
    let cuts: Vec<_> = cuts.iter().map(|cut| format!("`{}` would be {}", cut.address, cut.what)).collect();
    Failure::refused(format!("applying this plan would cut live traffic: {}", cuts.join("; "))).hint(
        "add the new one beside the old one under a key of its own, apply, release; take the old one away (`--retired`) \
         once no release within retention uses it",
    )
}

/// A plan, as far as it matters here.
///
/// <https://developer.hashicorp.com/terraform/internals/json-format>
#[derive(Debug, Deserialize)]
pub struct TerraformPlan {
    #[serde(default)]
    resource_changes: Vec<ResourceChange>,
}

#[derive(Debug, Deserialize)]
struct ResourceChange {
    address: String,
    #[serde(rename = "type")]
    kind: String,
    /// The key of an old one whose successor stands already: left by an apply that was broken off.
    #[serde(default)]
    deposed: Option<String>,
    change: Change,
}

#[derive(Debug, Deserialize)]
struct Change {
    actions: Vec<String>,
}

/// Something in a plan that would cut live traffic.
#[derive(Debug, PartialEq, Eq)]
pub struct Cut {
    /// Of the resource.
    pub address: String,
    /// What would happen to it.
    pub what: &'static str,
}

impl TerraformPlan {
    /// Reads `terraform show -json`.
    ///
    /// # Errors
    /// It is no such document.
    pub fn read(text: &[u8]) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct Document {
            /// A state has none: it is no harmless plan.
            #[serde(rename = "planned_values")]
            _planned: serde::de::IgnoredAny,
            #[serde(flatten)]
            plan: TerraformPlan,
        }
        serde_json::from_slice::<Document>(text).map(|document| document.plan)
    }

    /// How many resources it changes.
    pub fn changes(&self) -> usize {
        let nothing = |change: &&ResourceChange| !["no-op", "read"].contains(&change.change.actions.concat().as_str());
        self.resource_changes.iter().filter(nothing).count()
    }

    /// What would cut live traffic; with `retired`, what is removed without a successor is known to serve no more.
    pub fn cuts(&self, retired: bool) -> Vec<Cut> {
        self.resource_changes.iter().filter_map(|change| cut(change, retired)).collect()
    }
}

fn cut(change: &ResourceChange, retired: bool) -> Option<Cut> {
    let actions: Vec<&str> = change.change.actions.iter().map(String::as_str).collect();
    let serves = SERVES.contains(&change.kind.as_str());
    let what = match actions[..] {
        ["delete", "create"] if serves || change.kind == PERMISSION => "replaced, and missing in between",
        ["create", "delete"] if serves => "replaced while releases still name the old one",
        ["delete"] if change.deposed.is_some() && change.kind == PERMISSION => return None,
        ["delete"] if !retired && (serves || change.kind == PERMISSION) => "removed",
        _ => return None,
    };
    Some(Cut { address: change.address.clone(), what })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::Output;
    use crate::config::GitHubStep;
    use crate::ending::Ending as _;
    use crate::failure::Exit;

    fn plan(kind: &str, actions: &[&str]) -> TerraformPlan {
        let change = json!({"address": "it", "type": kind, "change": {"actions": actions}});
        let document = json!({"planned_values": {}, "resource_changes": [change]});
        TerraformPlan::read(document.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn what_serves_is_neither_replaced_nor_removed() {
        for kind in SERVES {
            for actions in [&["delete", "create"][..], &["create", "delete"], &["delete"]] {
                assert_eq!(plan(kind, actions).cuts(false).len(), 1, "{kind} {actions:?}");
            }
            for actions in [&["create"][..], &["update"], &["no-op"], &["read"]] {
                assert_eq!(plan(kind, actions).cuts(false), [], "{kind} {actions:?}");
            }
        }
    }

    #[test]
    fn a_permission_is_replaced_by_one_that_stands_already() {
        assert_eq!(plan(PERMISSION, &["create", "delete"]).cuts(false), []);
        assert_eq!(plan(PERMISSION, &["delete", "create"]).cuts(false).len(), 1);
        assert_eq!(plan(PERMISSION, &["delete"]).cuts(false).len(), 1);
    }

    #[test]
    fn a_permission_whose_successor_stands_may_go() {
        let change = json!({"address": "it", "type": PERMISSION, "deposed": "0a1b", "change": {"actions": ["delete"]}});
        let document = json!({"planned_values": {}, "resource_changes": [change]});
        assert_eq!(TerraformPlan::read(document.to_string().as_bytes()).unwrap().cuts(false), []);
    }

    #[test]
    fn what_is_retired_may_go_and_is_still_not_replaced() {
        assert_eq!(plan("aws_lambda_alias", &["delete"]).cuts(true), []);
        assert_eq!(plan(PERMISSION, &["delete"]).cuts(true), []);
        assert_eq!(plan("aws_lambda_alias", &["delete", "create"]).cuts(true).len(), 1);
    }

    #[test]
    fn what_does_not_serve_is_terraforms_own_business() {
        assert_eq!(plan("aws_cloudwatch_dashboard", &["delete", "create"]).cuts(false), []);
    }

    #[test]
    fn changes_are_counted_without_what_stays() {
        assert_eq!(plan("aws_sns_topic", &["no-op"]).changes(), 0);
        assert_eq!(plan("aws_sns_topic", &["read"]).changes(), 0);
        assert_eq!(plan("aws_sns_topic", &["delete", "create"]).changes(), 1);
    }

    #[test]
    fn a_plan_that_is_refused_is_shown_on_the_page_with_what_it_would_cut() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        let removed = json!({"address": "a", "type": PERMISSION, "change": {"actions": ["delete"]}});
        let document = json!({"planned_values": {}, "resource_changes": [removed]});
        std::fs::write(file("plan.json"), document.to_string()).unwrap();
        std::fs::write(file("plan.txt"), b"- a \xff\n").unwrap();
        let step = GitHubStep { summary: Some(file("page")), ..GitHubStep::default() };
        let report = Report::new(Output::Text, false, Some(step));
        let told = Guard { plan: file("plan.json"), text: Some(file("plan.txt")), retired: false };
        let error = guard(&told, &report).unwrap_err();
        assert_eq!(error.exit(), Exit::Refused);
        let page = std::fs::read_to_string(file("page")).unwrap();
        for words in ["would cut live traffic: `a` would be removed", "**What to do:** add", "\n- a \u{fffd}\n```"] {
            assert!(page.contains(words), "{page}");
        }
        assert!(guard(&Guard { retired: true, ..told.clone() }, &report).is_ok());
        let error = guard(&Guard { text: Some(file("nowhere")), ..told }, &report).unwrap_err();
        assert_eq!(error.exit(), Exit::BadInput);
    }

    #[test]
    fn what_is_no_plan_is_not_taken_for_a_harmless_one() {
        let state = r#"{"format_version": "1.0", "values": {}}"#;
        for text in ["", "{}", "[]", state, r#"{"planned_values": {}, "resource_changes": [{}]}"#] {
            assert!(TerraformPlan::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
