//! Resource policies: who may call an alias.

use serde_json::{Value, json};

use super::Lambda;
use super::asked::Asked;
use super::model::{Function, LATEST};
use super::refusal::Refusal;
use crate::aws::wire::Reply;

impl Lambda {
    pub(super) fn get_policy(&mut self, asked: &Asked<'_>) -> Result<Reply, Refusal> {
        // The same words for a function, an alias and a policy that are not there (recorded).
        let missing = || Refusal::not_found("The resource you requested does not exist.");
        let function = self.functions.get(&asked.function).ok_or_else(missing)?;
        let qualifier = if asked.qualifier == LATEST { "" } else { asked.qualifier.as_str() };
        let policy = function.policies.get(qualifier).ok_or_else(missing)?;
        let revision = revision(function, qualifier).ok_or_else(missing)?;
        Ok(Reply::json(200, &json!({ "Policy": policy.to_string(), "RevisionId": revision })))
    }

    /// Whether the resource policy of an alias or version (empty: of the function itself) lets API Gateway invoke it for
    /// `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH`.
    pub(crate) fn permits(&self, function: &str, alias: &str, source_arn: &str) -> bool {
        let resource = self.arn(function, alias);
        let policy = self.functions.get(function).and_then(|function| function.policies.get(alias));
        let statements = policy.and_then(|policy| policy["Statement"].as_array());
        statements.into_iter().flatten().any(|statement| {
            let lets = |action: &Value| ["lambda:InvokeFunction", "lambda:*", "*"].iter().any(|each| has(action, each));
            statement["Effect"] == "Allow"
                && has(&statement["Resource"], &resource)
                && has(&statement["Principal"]["Service"], "apigateway.amazonaws.com")
                && lets(&statement["Action"])
                && meets(&statement["Condition"], source_arn)
        })
    }
}

/// The revision of a policy is that of what it belongs to (recorded).
fn revision<'a>(function: &'a Function, qualifier: &str) -> Option<&'a str> {
    match function.facts.aliases.get(qualifier) {
        Some(alias) => Some(&alias.revision),
        None => function.facts.version(qualifier).map(|version| version.revision.as_str()),
    }
}

/// Whether every condition is met; one that is not known here is not.
fn meets(conditions: &Value, source: &str) -> bool {
    let account = source.split(':').nth(4).unwrap_or_default();
    let all = conditions.as_object().into_iter().flatten();
    let mut all = all.flat_map(|(operator, operands)| {
        operands.as_object().into_iter().flatten().map(move |(key, wanted)| (operator.as_str(), key, wanted))
    });
    all.all(|(operator, key, wanted)| {
        let value = match key.to_ascii_lowercase().as_str() {
            "aws:sourcearn" => source,
            "aws:sourceaccount" => account,
            _ => return false,
        };
        let one = |wanted: &str| match operator {
            "StringEquals" => wanted == value,
            "StringLike" => like(wanted.as_bytes(), value.as_bytes()),
            "ArnLike" | "ArnEquals" => arn_like(wanted, value),
            _ => false,
        };
        match wanted.as_array() {
            Some(values) => values.iter().filter_map(Value::as_str).any(one),
            None => wanted.as_str().is_some_and(one),
        }
    })
}

/// Of an ARN each of the six parts is compared for itself: no `*` spans a colon before the last of them.
fn arn_like(pattern: &str, arn: &str) -> bool {
    let (patterns, parts): (Vec<_>, Vec<_>) = (pattern.splitn(6, ':').collect(), arn.splitn(6, ':').collect());
    patterns.len() == parts.len()
        && patterns.iter().zip(&parts).all(|(pattern, part)| like(pattern.as_bytes(), part.as_bytes()))
}

fn like(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => like(rest, text) || (!text.is_empty() && like(pattern, &text[1..])),
        ([b'?', rest @ ..], [_, text @ ..]) => like(rest, text),
        ([one, rest @ ..], [other, text @ ..]) => one == other && like(rest, text),
        _ => false,
    }
}

fn has(value: &Value, wanted: &str) -> bool {
    value == wanted || value.as_array().is_some_and(|values| values.iter().any(|value| value == wanted))
}
