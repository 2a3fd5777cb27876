//! What calls the functions: the API that their policies let in.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use futures::future::try_join_all;
use serde_json::Value;

use super::Init;
use crate::aws::Reader;
use crate::config::{Api, DEFAULT_STAGE, FunctionResource, HttpApi, RestApi};
use crate::failure::Failure;
use crate::observe::asked;

/// The API behind which the functions are, if one may call them.
///
/// # Errors
/// There is more than one, or it has more than one stage that could be meant.
pub(super) async fn behind(
    options: &Init,
    functions: &BTreeMap<String, FunctionResource>,
    (account, region): (&str, &str),
    reader: &Reader,
) -> Result<Option<Api>> {
    let policies = functions.values().map(|function| reader.lambda.policy(&function.name, &function.alias));
    let policies = try_join_all(policies).await?;
    let prefix = format!(":execute-api:{region}:{account}:");
    let apis: BTreeSet<String> = policies.iter().flatten().flat_map(|policy| sources(policy, &prefix)).collect();
    let mut apis = apis.into_iter();
    match (apis.next(), apis.next()) {
        (None, _) => Ok(None),
        (Some(api), None) => of(options, api, region, reader).await.map(Some),
        (Some(one), Some(other)) => {
            Err(Failure::bad_input(format!("the functions are called by more than one API: `{one}`, `{other}`"))
                .hint("choose functions that are behind one API: `--name PART`; nothing was changed")
                .into())
        }
    }
}

/// The ids of the APIs that a policy names as callers.
fn sources(policy: &Value, prefix: &str) -> Vec<String> {
    let statements = policy["Statement"].as_array().into_iter().flatten();
    let sources = statements.flat_map(|statement| {
        let named = asked(&statement["Condition"], "aws:sourcearn").flat_map(|(_, values)| values);
        named.map(str::to_owned).collect::<Vec<_>>()
    });
    let id = |source: String| {
        let id = source.split_once(prefix)?.1.split('/').next()?.to_owned();
        (!id.is_empty() && !id.contains('*')).then_some(id)
    };
    sources.filter_map(id).collect()
}

async fn of(options: &Init, id: String, region: &str, reader: &Reader) -> Result<Api> {
    if let Some(endpoint) = reader.http_api.endpoint(&id).await? {
        let stage = stage(options, &id, &reader.http_api.stage_names(&id).await?)?;
        let url = if stage == DEFAULT_STAGE { endpoint } else { format!("{endpoint}/{stage}") };
        return Ok(Api::Http(HttpApi { id, stage, url }));
    }
    let stage = stage(options, &id, &reader.api.stage_names(&id).await?)?;
    let initial_deployment = Some(reader.api.stage(&id, &stage).await?.deployment).filter(|id| !id.is_empty());
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    let url = format!("https://{id}.execute-api.{region}.{suffix}/{stage}");
    Ok(Api::Rest(RestApi { id, stage, url, custom_url: None, initial_deployment }))
}

/// The stage that is meant: the only one, or the one that is called as the environment.
fn stage(options: &Init, api: &str, all: &[String]) -> Result<String> {
    match all {
        [only] => Ok(only.clone()),
        several if several.contains(&options.environment) => Ok(options.environment.clone()),
        several => {
            let names: Vec<_> = several.iter().map(|name| format!("`{name}`")).collect();
            let (what, hint) = match names.is_empty() {
                true => (format!("API `{api}` has no stage"), "make one with your infrastructure code".to_owned()),
                false => (
                    format!("API `{api}` has the stages {}", names.join(", ")),
                    "name the environment as its stage: `deployer init STAGE`".to_owned(),
                ),
            };
            Err(Failure::bad_input(what).hint(format!("{hint}; nothing was changed")).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_apis_that_may_call_are_read_out_of_a_policy() {
        let statement = |source: &str| {
            json!({"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}, "Action": "lambda:InvokeFunction",
                   "Condition": {"ArnLike": {"AWS:SourceArn": source}}})
        };
        let of =
            |source: &str| sources(&json!({"Statement": [statement(source)]}), ":execute-api:eu-west-1:111111111111:");
        assert_eq!(of("arn:aws:execute-api:eu-west-1:111111111111:a1b2/*/GET/notes"), ["a1b2"]);
        assert_eq!(of("arn:aws:execute-api:eu-west-1:111111111111:*/*"), [""; 0]);
        assert_eq!(of("arn:aws:execute-api:us-east-1:111111111111:a1b2/*"), [""; 0]);
        assert_eq!(of("arn:aws:events:eu-west-1:111111111111:rule/x"), [""; 0]);
    }
}
