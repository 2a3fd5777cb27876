//! What calls the functions: the API that their policies allow.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use futures::future::try_join_all;
use serde_json::Value;

use super::Init;
use crate::aws::Reader;
use crate::config::{Api, DEFAULT_STAGE, FunctionResource, HttpApi, RestApi};
use crate::failure::Failure;
use crate::observe::condition_values;

/// The API that may call the functions, if there is one; and a reading request for each function whose policy names a path.
///
/// # Errors
/// There is more than one API, or more than one stage that could be meant.
pub(super) async fn behind(
    options: &Init,
    functions: &BTreeMap<String, FunctionResource>,
    (account, region): (&str, &str),
    reader: &Reader,
) -> Result<(Option<Api>, BTreeMap<String, String>)> {
    let policies = functions.values().map(|function| reader.lambda.policy(&function.name, &function.alias));
    let policies = try_join_all(policies).await?;
    let prefix = format!(":execute-api:{region}:{account}:");
    let sources = functions.keys().zip(&policies).flat_map(|(key, policy)| {
        let sources = policy.iter().flat_map(|policy| sources(policy, &prefix));
        sources.map(|source| (key.clone(), source)).collect::<Vec<_>>()
    });
    let (mut apis, mut requests) = (BTreeSet::new(), BTreeMap::new());
    for (key, (api, request)) in sources {
        apis.insert(api);
        requests.extend(request.map(|request| (key, request)));
    }
    let mut apis = apis.into_iter();
    match (apis.next(), apis.next()) {
        (None, _) => Ok((None, requests)),
        (Some(api), None) => Ok((Some(of(options, api, region, reader).await?), requests)),
        (Some(one), Some(other)) => {
            Err(Failure::bad_input(format!("the functions are called by more than one API: `{one}`, `{other}`"))
                .hint("choose the functions of one API with `--name PART`")
                .into())
        }
    }
}

/// The ids of the APIs that a policy names as callers, each with a `GET` that the policy allows.
fn sources(policy: &Value, prefix: &str) -> Vec<(String, Option<String>)> {
    let statements = policy["Statement"].as_array().into_iter().flatten();
    let sources = statements.flat_map(|statement| {
        let named = condition_values(&statement["Condition"], "aws:sourcearn").flat_map(|(_, values)| values);
        named.map(str::to_owned).collect::<Vec<_>>()
    });
    let of = |source: String| {
        // ID/STAGE/METHOD/PATH, where a `*` or a placeholder stands for anything.
        let mut parts = source.split_once(prefix)?.1.splitn(4, '/').map(str::to_owned);
        let id = parts.next().filter(|id| !id.is_empty() && !id.contains('*'))?;
        let request = match (parts.nth(1).as_deref(), parts.next()) {
            (Some("GET" | "*"), Some(path)) => {
                let parts = path.split('/').map(|part| if part.contains(['*', '{', '$']) { "1" } else { part });
                Some(format!("GET /{}", parts.collect::<Vec<_>>().join("/")))
            }
            _ => None,
        };
        Some((id, request))
    };
    sources.filter_map(of).collect()
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

/// The only stage, or the one with the environment's name.
fn stage(options: &Init, api: &str, all: &[String]) -> Result<String> {
    match all {
        [only] => Ok(only.clone()),
        several if several.contains(&options.environment) => Ok(options.environment.clone()),
        several => {
            let names: Vec<_> = several.iter().map(|name| format!("`{name}`")).collect();
            let (what, hint) = match names.is_empty() {
                true => (format!("API `{api}` has no stage"), "create one with your infrastructure code".to_owned()),
                false => (
                    format!("API `{api}` has several stages: {}", names.join(", ")),
                    "pass the name of a stage as the environment: `deployer init STAGE`".to_owned(),
                ),
            };
            Err(Failure::bad_input(what).hint(hint).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_callers_apis_are_read_from_a_policy() {
        let statement = |source: &str| {
            json!({"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}, "Action": "lambda:InvokeFunction",
                   "Condition": {"ArnLike": {"AWS:SourceArn": source}}})
        };
        let of =
            |source: &str| sources(&json!({"Statement": [statement(source)]}), ":execute-api:eu-west-1:111111111111:");
        let found = |request: Option<&str>| vec![("a1b2".to_owned(), request.map(str::to_owned))];
        let here = "arn:aws:execute-api:eu-west-1:111111111111:a1b2";
        assert_eq!(of(&format!("{here}/*/GET/notes")), found(Some("GET /notes")));
        assert_eq!(of(&format!("{here}/dev/GET/notes/*")), found(Some("GET /notes/1")));
        assert_eq!(of(&format!("{here}/$default/POST/notes")), found(None));
        assert_eq!(of(&format!("{here}/*")), found(None));
        for other in [
            "execute-api:eu-west-1:111111111111:*/*",
            "execute-api:us-east-1:111111111111:a1b2/*",
            "events:eu-west-1:111111111111:rule/x",
        ] {
            assert_eq!(of(&format!("arn:aws:{other}")), []);
        }
    }
}
