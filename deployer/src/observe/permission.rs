//! Whether a function's resource policy lets API Gateway call it for a route. Pure.

use serde_json::Value;

use super::wildcard::matches;

/// The name of API Gateway in policies.
pub const GATEWAY: &str = "apigateway.amazonaws.com";

/// Whether `policy` lets API Gateway call the function, which names itself `source` then (see [`super::arn::source_of`]).
pub fn permits(policy: &Value, source: &str) -> bool {
    policy["Statement"].as_array().into_iter().flatten().any(|statement| lets_in(statement, source))
}

/// Whether one statement of a policy does.
pub fn lets_in(statement: &Value, source: &str) -> bool {
    let principal = &statement["Principal"];
    statement["Effect"] == "Allow"
        && (principal == "*" || texts(&principal["Service"]).contains(&GATEWAY))
        && invokes(statement)
        && meets(&statement["Condition"], source)
}

/// Whether a statement is about invoking.
pub fn invokes(statement: &Value) -> bool {
    texts(&statement["Action"]).iter().any(|action| matches(&action.to_lowercase(), "lambda:invokefunction"))
}

/// The values that the conditions of a statement require of a key, with any operator, as (operator, values).
pub fn condition_values<'a>(conditions: &'a Value, key: &'a str) -> impl Iterator<Item = (&'a str, Vec<&'a str>)> {
    each(conditions)
        .filter(move |(_, name, _)| name.eq_ignore_ascii_case(key))
        .map(|(operator, _, values)| (operator, values))
}

/// Every condition, as (operator, key, values).
fn each(conditions: &Value) -> impl Iterator<Item = (&str, &str, Vec<&str>)> {
    conditions.as_object().into_iter().flatten().flat_map(|(operator, keys)| {
        let keys = keys.as_object().into_iter().flatten();
        keys.map(move |(key, values)| (operator.as_str(), key.as_str(), texts(values)))
    })
}

/// Whether every condition is met. A condition on anything but the source counts as not met: it is not known what API Gateway would send.
fn meets(conditions: &Value, source: &str) -> bool {
    let account = source.split(':').nth(4).unwrap_or_default();
    each(conditions).all(|(operator, key, values)| {
        let value = match key.to_ascii_lowercase().as_str() {
            "aws:sourcearn" => source,
            "aws:sourceaccount" => account,
            _ => return false,
        };
        values.iter().any(|wanted| match operator {
            "StringEquals" => *wanted == value,
            "StringLike" => matches(wanted, value),
            "ArnLike" | "ArnEquals" => is_like_arn(wanted, value),
            _ => false,
        })
    })
}

/// Each of the six parts of an ARN is compared for itself: no `*` spans a colon before the last of them
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>).
fn is_like_arn(pattern: &str, arn: &str) -> bool {
    let (patterns, parts): (Vec<_>, Vec<_>) = (pattern.splitn(6, ':').collect(), arn.splitn(6, ':').collect());
    patterns.len() == parts.len() && patterns.iter().zip(&parts).all(|(pattern, part)| matches(pattern, part))
}

/// A text, or a list of them.
pub fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HERE: &str = "arn:aws:execute-api:r:111:abc/dev/GET/count";

    fn permitted(condition: &Value) -> bool {
        let statement = json!({
            "Effect": "Allow", "Principal": {"Service": GATEWAY}, "Action": "lambda:InvokeFunction", "Condition": condition,
        });
        permits(&json!({"Statement": [statement]}), HERE)
    }

    fn by_source(source: &str) -> bool {
        permitted(&json!({"ArnLike": {"AWS:SourceArn": format!("arn:aws:execute-api:r:111:{source}")}}))
    }

    #[test]
    fn a_permission_counts_for_its_own_api_stage_method_and_path_only() {
        assert!(by_source("abc/dev/GET/count"));
        for other in ["abc/dev/GET/health", "abc/dev/POST/count", "abc/prod/GET/count", "xyz/dev/GET/count"] {
            assert!(!by_source(other), "{other}");
        }
    }

    #[test]
    fn a_wildcard_matches_anything_and_no_source_means_every_source() {
        for wide in ["abc/*/*/*", "abc/dev/*/count", "abc/*"] {
            assert!(by_source(wide), "{wide}");
        }
        assert!(permitted(&Value::Null));
    }

    #[test]
    fn accounts_and_source_lists_count_but_unknown_conditions_do_not() {
        assert!(permitted(&json!({"StringEquals": {"AWS:SourceAccount": "111"}})));
        assert!(!permitted(&json!({"StringEquals": {"AWS:SourceAccount": "222"}})));
        assert!(permitted(&json!({"ArnLike": {"AWS:SourceArn": ["arn:aws:execute-api:r:111:x/*", HERE]}})));
        let both =
            |account: &str| json!({"ArnLike": {"AWS:SourceArn": HERE}, "StringEquals": {"AWS:SourceAccount": account}});
        assert!(permitted(&both("111")) && !permitted(&both("222")));
        assert!(!permitted(&json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}})));
    }
}
