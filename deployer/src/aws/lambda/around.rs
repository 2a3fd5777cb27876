//! What surrounds a function: its callers, and how many executions it may have at once.

use aws_sdk_lambda::types::{FunctionUrlAuthType, ProvisionedConcurrencyStatusEnum};
use serde_json::Value;

use super::{LambdaReader, bare, named};
use crate::aws::{AwsError, Kind};

/// How far AWS has come with environments that are to be kept warm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provisioned {
    /// All of them are.
    Ready,
    /// Not yet.
    InProgress,
    /// They never will be: the reason that Lambda gives.
    Failed(String),
}

/// A Function URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionUrl {
    /// Where it responds.
    pub url: String,
    /// Whether a request has to be signed.
    pub needs_signature: bool,
}

/// What sends a queue's or a stream's records to a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSource {
    /// The mapping's id.
    pub id: String,
    /// The ARN of the queue or stream, if it has one.
    pub source: Option<String>,
    /// The ARN of what it calls: of an alias, of a version, or of the function without either.
    pub target: String,
}

impl LambdaReader {
    /// What sends the records of queues and streams to a function. IAM knows no resource for it: it is allowed for all functions or for none.
    pub async fn event_sources(&self, function: &str) -> Result<Vec<EventSource>, AwsError> {
        let pages = self
            .control
            .turn()
            .await
            .list_event_source_mappings()
            .function_name(function)
            .into_paginator()
            .items()
            .send();
        let all = pages.collect::<Result<Vec<_>, _>>().await;
        let all = all.map_err(|error| AwsError::new("ListEventSourceMappings", bare(function), &error))?;
        let sources = all.into_iter().map(|found| EventSource {
            id: found.uuid.unwrap_or_default(),
            source: found.event_source_arn,
            target: found.function_arn.unwrap_or_default(),
        });
        Ok(sources.collect())
    }

    /// The resource policy of a function's alias or version: who may call it. `None` where there is none; so, too, if
    /// the function or the alias does not exist, to which AWS responds the same.
    pub async fn policy(&self, function: &str, qualifier: &str) -> Result<Option<Value>, AwsError> {
        self.policy_of(function, Some(qualifier)).await
    }

    /// The resource policy of the function itself, which says nothing of its aliases.
    pub async fn bare_policy(&self, function: &str) -> Result<Option<Value>, AwsError> {
        self.policy_of(function, None).await
    }

    async fn policy_of(&self, function: &str, qualifier: Option<&str>) -> Result<Option<Value>, AwsError> {
        let object =
            || format!("the policy of {}", qualifier.map_or_else(|| bare(function), |name| named(function, name)));
        let request =
            self.control.turn().await.get_policy().function_name(function).set_qualifier(qualifier.map(str::to_owned));
        let response = request.send().await.map_err(|error| AwsError::new("GetPolicy", object(), &error));
        let Some(text) = found(response)?.and_then(|response| response.policy) else { return Ok(None) };
        let unreadable = |_| AwsError::found(Kind::Other, "GetPolicy", object(), "the policy is not JSON");
        serde_json::from_str(&text).map(Some).map_err(unreadable)
    }

    /// What became of the provisioned concurrency of an alias; `None` where it has none.
    pub async fn provisioned(&self, function: &str, alias: &str) -> Result<Option<Provisioned>, AwsError> {
        let operation = "GetProvisionedConcurrencyConfig";
        let request =
            self.control.turn().await.get_provisioned_concurrency_config().function_name(function).qualifier(alias);
        let response = request.send().await.map_err(|error| AwsError::new(operation, named(function, alias), &error));
        Ok(found(response)?.map(|response| match response.status {
            Some(ProvisionedConcurrencyStatusEnum::Ready) => Provisioned::Ready,
            Some(ProvisionedConcurrencyStatusEnum::Failed) => {
                Provisioned::Failed(response.status_reason.unwrap_or_else(|| "no reason given".to_owned()))
            }
            _ => Provisioned::InProgress,
        }))
    }

    /// The Function URL of an alias; `None` where it has none.
    pub async fn url(&self, function: &str, alias: &str) -> Result<Option<FunctionUrl>, AwsError> {
        let request = self.control.turn().await.get_function_url_config().function_name(function).qualifier(alias);
        let response = request.send().await;
        let response = response.map_err(|error| AwsError::new("GetFunctionUrlConfig", named(function, alias), &error));
        Ok(found(response)?.map(|response| FunctionUrl {
            needs_signature: response.auth_type == FunctionUrlAuthType::AwsIam,
            url: response.function_url,
        }))
    }

    /// How many executions at once the account has for all functions that have none reserved.
    pub async fn unreserved(&self) -> Result<Option<i32>, AwsError> {
        let response = self.control.turn().await.get_account_settings().send().await;
        let response =
            response.map_err(|error| AwsError::new("GetAccountSettings", "the account".to_owned(), &error))?;
        Ok(response.account_limit.and_then(|limit| limit.unreserved_concurrent_executions))
    }

    /// How many executions at once are reserved for a function, which is its limit too; `None` where none are.
    pub async fn reserved(&self, function: &str) -> Result<Option<i32>, AwsError> {
        let response = self.control.turn().await.get_function_concurrency().function_name(function).send().await;
        let response = response.map_err(|error| AwsError::new("GetFunctionConcurrency", bare(function), &error))?;
        Ok(response.reserved_concurrent_executions)
    }
}

/// A missing object is not an error here.
fn found<T>(response: Result<T, AwsError>) -> Result<Option<T>, AwsError> {
    match response {
        Ok(response) => Ok(Some(response)),
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
