//! IAM: whether a principal may do something, without doing it.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum, EvaluationResult, PolicyEvaluationDecisionType};
use futures::future::try_join_all;

use super::{AwsError, Calls, Kind, clients};

/// One question to IAM.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// As IAM names it: `lambda:GetFunction`.
    pub action: &'a str,
    /// The ARN of what it is done to.
    pub resource: &'a str,
    /// The tags of that, which policies may ask for: a simulation does not look them up.
    pub tags: &'a BTreeMap<String, String>,
}

/// Looks at the policies of one account.
#[derive(Debug, Clone)]
pub struct Iam(aws_sdk_iam::Client);

impl Iam {
    pub(super) fn new(shared: &SdkConfig, calls: &Calls) -> Self {
        let (read, _) = clients!(aws_sdk_iam, shared, calls);
        Self(read)
    }

    /// Whether `principal` may do each action on each resource: (action, ARN of the resource) -> allowed.
    ///
    /// `principal` is what STS calls the caller. Resource policies are not looked at, as IAM does not.
    ///
    /// # Errors
    /// [`Kind::NotFound`] if IAM cannot look up the principal's policies: the account's root, a federated
    /// user, a role with a path, which a session's ARN does not name. [`Kind::Denied`] if the credentials may not ask.
    pub async fn simulate(
        &self,
        principal: &str,
        asked: &[Asked<'_>],
    ) -> Result<BTreeMap<(String, String), bool>, AwsError> {
        let Some(source) = source_of(principal) else {
            let reason = "it is neither a user nor a role, whose policies could be looked up";
            let object = format!("principal `{principal}`");
            return Err(AwsError::found(Kind::NotFound, "SimulatePrincipalPolicy", object, reason));
        };
        // One call a resource: a call crosses all its actions with all its resources, and most pairs make no sense.
        let mut by_resource: BTreeMap<&str, Vec<&Asked<'_>>> = BTreeMap::new();
        for question in asked {
            by_resource.entry(question.resource).or_default().push(question);
        }
        let calls = by_resource.into_iter().map(|(resource, asked)| self.on_resource(&source, resource, asked));
        Ok(try_join_all(calls).await?.into_iter().flatten().collect())
    }

    async fn on_resource(
        &self,
        source: &str,
        resource: &str,
        asked: Vec<&Asked<'_>>,
    ) -> Result<Vec<((String, String), bool)>, AwsError> {
        let request = self.0.simulate_principal_policy().policy_source_arn(source).resource_arns(resource);
        let tags = asked.first().map(|question| question.tags).into_iter().flatten();
        let tags = tags.map(|(key, value)| resource_tag(key, value)).collect();
        let request = request.set_context_entries(Some(tags));
        let request = request.set_action_names(Some(asked.iter().map(|question| question.action.to_owned()).collect()));
        let response = request.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        let response = response
            .map_err(|error| AwsError::new("SimulatePrincipalPolicy", format!("principal `{source}`"), &error))?;
        Ok(response
            .into_iter()
            .map(|result| {
                let allowed = is_allowed(&result, resource);
                ((result.eval_action_name, resource.to_owned()), allowed)
            })
            .collect())
    }
}

fn resource_tag(key: &str, value: &str) -> ContextEntry {
    let entry = ContextEntry::builder().context_key_name(format!("aws:ResourceTag/{key}"));
    entry.context_key_values(value).context_key_type(ContextKeyTypeEnum::String).build()
}

/// What is said of the very resource, else what is said of all of them.
fn is_allowed(result: &EvaluationResult, resource: &str) -> bool {
    let specific = result.resource_specific_results().iter().find(|specific| specific.eval_resource_name == resource);
    let decision = specific.map_or(&result.eval_decision, |specific| &specific.eval_resource_decision);
    *decision == PolicyEvaluationDecisionType::Allowed
}

/// The user or role whose policies are meant: a role's session has none of its own.
fn source_of(principal: &str) -> Option<String> {
    let [arn, partition, service, region, account, name] =
        principal.splitn(6, ':').collect::<Vec<_>>().try_into().ok()?;
    match (service, name.split_once('/')?) {
        ("iam", ("user" | "role", _)) => Some(principal.to_owned()),
        ("sts", ("assumed-role", session)) => {
            let role = session.rsplit_once('/').map_or(session, |(role, _)| role);
            Some(format!("{arn}:{partition}:iam:{region}:{account}:role/{role}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_iam::types::ResourceSpecificResult;

    use super::*;

    #[test]
    fn the_session_of_a_role_is_asked_for_as_the_role() {
        let session = "arn:aws:sts::111111111111:assumed-role/deployer-dev/GitHubActions";
        assert_eq!(source_of(session).unwrap(), "arn:aws:iam::111111111111:role/deployer-dev");
        let china = "arn:aws-cn:sts::111111111111:assumed-role/deployer/x@y.example";
        assert_eq!(source_of(china).unwrap(), "arn:aws-cn:iam::111111111111:role/deployer");
    }

    #[test]
    fn a_user_and_a_role_are_asked_for_as_they_are() {
        for arn in ["arn:aws:iam::111111111111:user/team/ada", "arn:aws:iam::111111111111:role/deployer"] {
            assert_eq!(source_of(arn).unwrap(), arn);
        }
    }

    #[test]
    fn root_federated_users_and_invalid_arns_have_no_policies() {
        for arn in ["arn:aws:iam::111111111111:root", "arn:aws:sts::111111111111:federated-user/ada", "ada", ""] {
            assert_eq!(source_of(arn), None, "{arn}");
        }
    }

    #[test]
    fn what_is_said_of_the_resource_itself_counts() {
        let specific = |resource: &str, decision| {
            ResourceSpecificResult::builder().eval_resource_name(resource).eval_resource_decision(decision).build()
        };
        let result = EvaluationResult::builder()
            .eval_action_name("lambda:GetFunction")
            .eval_decision(PolicyEvaluationDecisionType::ImplicitDeny)
            .resource_specific_results(specific("a", PolicyEvaluationDecisionType::Allowed).unwrap())
            .resource_specific_results(specific("b", PolicyEvaluationDecisionType::ExplicitDeny).unwrap())
            .build()
            .unwrap();
        assert!(is_allowed(&result, "a") && !is_allowed(&result, "b") && !is_allowed(&result, "c"));
    }
}
