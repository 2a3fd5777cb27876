//! Whether one policy allows less than another: what a change in place of `aws_iam_role_policy` and the like removes.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::observe::matches;

/// One action on one resource, for one principal, under one condition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Grant {
    action: String,
    resource: String,
    /// The principal and the condition, compared as the policy writes them.
    scope: String,
}

/// What `after` no longer allows, or newly denies, as text; `None` if one of the two is not a policy.
pub(super) fn lost(before: &str, after: &str) -> Option<Vec<String>> {
    let (before, after) = (parse(before)?, parse(after)?);
    let (had, has) = (grants(&before, "Allow"), grants(&after, "Allow"));
    let gone = had.iter().filter(|old| !has.iter().any(|new| covers(new, old)));
    let mut lost: Vec<String> = gone.map(|grant| format!("`{}` on `{}`", grant.action, grant.resource)).collect();
    let denied = grants(&before, "Deny");
    let denies = grants(&after, "Deny");
    let newly = denies.iter().filter(|new| !denied.iter().any(|old| covers(old, new)));
    lost.extend(newly.map(|grant| format!("`{}` on `{}`, denied", grant.action, grant.resource)));
    Some(lost)
}

/// No policy counts as one that allows nothing.
fn parse(text: &str) -> Option<Value> {
    if text.is_empty() { Some(Value::Null) } else { serde_json::from_str(text).ok() }
}

fn covers(wide: &Grant, narrow: &Grant) -> bool {
    wide.scope == narrow.scope
        && matches(&wide.action.to_lowercase(), &narrow.action.to_lowercase())
        && matches(&wide.resource, &narrow.resource)
}

fn grants(policy: &Value, effect: &str) -> BTreeSet<Grant> {
    let statements = list(&policy["Statement"]);
    let statements = statements.into_iter().filter(|statement| statement["Effect"] == effect);
    statements.flat_map(of_statement).collect()
}

fn of_statement(statement: &Value) -> Vec<Grant> {
    // `NotAction` and the like are compared as written: any difference counts as a loss.
    let kinds = ["Principal", "NotPrincipal", "Condition", "NotAction", "NotResource"];
    let scope = kinds.map(|kind| format!("{kind}={}", sorted(&statement[kind]))).join(" ");
    let (actions, resources) = (texts(&statement["Action"], "NotAction"), texts(&statement["Resource"], "*"));
    let pairs = actions.iter().flat_map(|action| resources.iter().map(move |resource| (action, resource)));
    pairs
        .map(|(action, resource)| Grant { action: action.clone(), resource: resource.clone(), scope: scope.clone() })
        .collect()
}

fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(all) => all.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn texts(value: &Value, none: &str) -> Vec<String> {
    let texts: Vec<String> = list(value).into_iter().filter_map(|text| text.as_str().map(str::to_owned)).collect();
    if texts.is_empty() { vec![none.to_owned()] } else { texts }
}

/// A value as text, with its lists sorted: in a policy their order does not matter.
fn sorted(value: &Value) -> String {
    match value {
        Value::Array(all) => {
            let mut all: Vec<_> = all.iter().map(sorted).collect();
            all.sort();
            if all.len() == 1 { all.remove(0) } else { format!("[{}]", all.join(",")) }
        }
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| format!("{name}:{}", sorted(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn policy(statements: &Value) -> String {
        json!({"Version": "2012-10-17", "Statement": statements}).to_string()
    }

    fn allow(actions: &Value, resources: &Value) -> Value {
        json!({"Effect": "Allow", "Action": actions, "Resource": resources})
    }

    #[test]
    fn an_action_or_a_resource_that_is_gone_is_lost() {
        let before = policy(&json!([allow(&json!(["s3:Get", "s3:Put"]), &json!(["a", "b"]))]));
        let after = policy(&json!([allow(&json!("s3:Get"), &json!(["b", "a"]))]));
        assert_eq!(lost(&before, &after).unwrap(), ["`s3:Put` on `a`", "`s3:Put` on `b`"]);
        assert_eq!(lost(&after, &before).unwrap(), [""; 0]);
        assert_eq!(lost(&after, "").unwrap().len(), 2, "no policy at all");
    }

    #[test]
    fn another_order_or_a_wider_wildcard_loses_nothing() {
        let before =
            policy(&json!([allow(&json!("s3:GetObject"), &json!("arn/x")), allow(&json!("s3:Put"), &json!("b"))]));
        let after = policy(&json!([allow(&json!("S3:*"), &json!("*"))]));
        assert_eq!(lost(&before, &after).unwrap(), [""; 0]);
        assert_eq!(lost(&after, &before).unwrap(), ["`S3:*` on `*`"]);
    }

    #[test]
    fn another_principal_or_condition_and_a_new_denial_are_losses() {
        let mut before = allow(&json!("sts:AssumeRole"), &Value::Null);
        before["Principal"] = json!({"Service": ["lambda.amazonaws.com"]});
        let mut after = before.clone();
        after["Principal"] = json!({"Service": "lambda.amazonaws.com"});
        let lost_of = |after: &Value| lost(&policy(&json!([before])), &policy(after)).unwrap().len();
        assert_eq!(lost_of(&json!([after])), 0, "a list of one is the one");
        after["Principal"] = json!({"Service": "other.amazonaws.com"});
        assert_eq!(lost_of(&json!([after])), 1);
        let mut conditional = before.clone();
        conditional["Condition"] = json!({"StringEquals": {"aws:SourceAccount": "1"}});
        assert_eq!(lost_of(&json!([conditional])), 1);
        let denial = json!({"Effect": "Deny", "Action": "*", "Resource": "*"});
        assert_eq!(lost_of(&json!([before, denial])), 1);
    }

    #[test]
    fn what_is_not_a_policy_cannot_be_compared() {
        assert_eq!(lost("{", &policy(&json!([]))), None);
    }
}
