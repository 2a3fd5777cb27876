//! A role's trust policy, as far as it is about GitHub's token.

use std::collections::BTreeMap;

use serde_json::Value;

const ISSUER: &str = "token.actions.githubusercontent.com:";

/// The trust policy in IAM's response to GetRole: JSON, escaped as XML or as a URL.
pub(super) fn policy(response: &str) -> Value {
    let (start, end) = ("<AssumeRolePolicyDocument>", "</AssumeRolePolicyDocument>");
    let text = response.split_once(start).and_then(|(_, rest)| rest.split_once(end)).map_or("{}", |(text, _)| text);
    let text = decoded(text).replace("&quot;", "\"").replace("&amp;", "&");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in the trust policy {text}"))
}

/// `%22` is a quote.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_at(2);
        whole.push(char::from(u8::from_str_radix(code, 16).unwrap()));
        whole += rest;
    }
    whole
}

/// Whether a statement allows these claims of the token.
pub(super) fn allows(policy: &Value, claims: &BTreeMap<&str, String>) -> bool {
    list(&policy["Statement"]).iter().any(|statement| {
        statement["Effect"] == "Allow"
            && list(&statement["Action"]).iter().any(|action| *action == "sts:AssumeRoleWithWebIdentity")
            && statement["Condition"].as_object().is_some_and(|operators| {
                operators.iter().all(|(operator, keys)| {
                    keys.as_object().unwrap().iter().all(|(key, values)| holds(operator, key, values, claims))
                })
            })
    })
}

fn holds(operator: &str, key: &str, values: &Value, claims: &BTreeMap<&str, String>) -> bool {
    let claim = key.strip_prefix(ISSUER).and_then(|name| claims.get(name));
    let claim = claim.unwrap_or_else(|| panic!("the test has no claim for `{key}`"));
    list(values).iter().map(|value| value.as_str().unwrap()).any(|value| match operator {
        "StringEquals" => value == claim,
        "StringLike" => like(value, claim),
        other => panic!("the test does not support the operator `{other}`"),
    })
}

/// `*` is any text.
fn like(pattern: &str, text: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == text };
    text.strip_prefix(before)
        .is_some_and(|rest| (0..=rest.len()).filter(|at| rest.is_char_boundary(*at)).any(|at| like(after, &rest[at..])))
}

fn list(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |several| several.iter().collect())
}
