//! What an integration calls, and whether that lets itself be called: API Gateway may invoke an alias only if the
//! resource policy of that very alias says so.

use serde_json::Value;

use super::super::like;
use super::definition::Route;

/// What an integration calls.
pub(super) struct Target {
    pub account: String,
    region: String,
    /// With the qualifier, as the integration has it.
    arn: String,
    pub function: String,
    /// An alias or a version; empty if there is none.
    pub qualifier: String,
}

impl Target {
    /// Takes `arn:aws:lambda:REGION:ACCOUNT:function:NAME:QUALIFIER` out of the integration's address.
    pub(super) fn of(route: &Route<'_>, stage: &Value) -> Option<Self> {
        let mut uri = route.integration["uri"].as_str()?.to_owned();
        for (name, value) in stage["variables"].as_object().into_iter().flatten() {
            uri = uri.replace(&format!("${{stageVariables.{name}}}"), value.as_str()?);
        }
        let arn = uri.split_once("/functions/")?.1.strip_suffix("/invocations")?;
        let parts: Vec<&str> = arn.split(':').collect();
        Some(Self {
            region: (*parts.get(3)?).to_owned(),
            account: (*parts.get(4)?).to_owned(),
            function: (*parts.get(6)?).to_owned(),
            qualifier: parts.get(7).copied().unwrap_or_default().to_owned(),
            arn: arn.to_owned(),
        })
    }

    /// Where the policy is to be had.
    pub(super) fn policy(&self) -> String {
        let qualifier =
            if self.qualifier.is_empty() { String::new() } else { format!("?Qualifier={}", self.qualifier) };
        format!("/2015-03-31/functions/{}/policy{qualifier}", self.function)
    }

    /// Whether the response to GetPolicy lets API Gateway invoke it for `API/STAGE/METHOD/PATH`.
    pub(super) fn allows(&self, response: &Value, caller: &str) -> bool {
        let policy = response["Policy"].as_str().unwrap_or_default();
        let policy: Value = serde_json::from_str(policy).unwrap_or_default();
        let source = format!("arn:aws:execute-api:{}:{}:{caller}", self.region, self.account);
        policy["Statement"].as_array().into_iter().flatten().any(|statement| {
            statement["Effect"] == "Allow"
                && statement["Resource"] == self.arn.as_str()
                && has(&statement["Principal"]["Service"], "apigateway.amazonaws.com")
                && ["lambda:InvokeFunction", "lambda:*", "*"].iter().any(|action| has(&statement["Action"], action))
                && self.meets(&statement["Condition"], &source)
        })
    }

    /// Whether every condition is met; one that is not known here is not.
    fn meets(&self, conditions: &Value, source: &str) -> bool {
        let all = conditions.as_object().into_iter().flatten();
        all.flat_map(|(_, operands)| operands.as_object().into_iter().flatten()).all(|(key, wanted)| {
            let wanted = wanted.as_str().unwrap_or_default();
            match key.to_lowercase().as_str() {
                "aws:sourcearn" => like(wanted.as_bytes(), source.as_bytes()),
                "aws:sourceaccount" => wanted == self.account,
                _ => false,
            }
        })
    }
}

fn has(value: &Value, wanted: &str) -> bool {
    value == wanted || value.as_array().is_some_and(|values| values.iter().any(|value| value == wanted))
}
