//! API Gateway REST: the stage, its deployments, and the API's definition as it is now.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_apigateway::Client;
use aws_sdk_apigateway::types::{Op, PatchOperation};
use futures::try_join;
use serde_json::Value;

use super::calls::RawBody;
use super::paced::Paced;
use super::{AwsError, Calls, Kind, clients, move_timeouts};

/// The stage variable that the deployer owns: the functions echo it, so that a response names its deployment.
const MARK: &str = "deployment";

/// Looks at the REST APIs of one account and region.
#[derive(Debug, Clone)]
pub struct ApiReader(Paced<Client>);

/// Changes the REST APIs of one account and region.
#[derive(Debug, Clone)]
pub struct ApiWriter(Paced<Client>);

/// One move of a stage, whose turn it is.
#[derive(Debug)]
pub struct StageMove<'a>(&'a Client);

/// What is live on a stage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stage {
    /// The deployment's id.
    pub deployment: String,
    /// The stage variable that names it to the functions.
    pub mark: Option<String>,
    /// How many requests at once its methods take (`*/*`); `None` where the account's limit applies.
    pub burst: Option<i32>,
    /// All of its variables: an integration may name its function or alias by one.
    pub variables: BTreeMap<String, String>,
    /// The deployment that a part of the requests gets in place of the stage's (`canarySettings`).
    pub canary: Option<String>,
    /// The methods whose responses are cached, as `count/GET`, or `*/*`.
    pub cached: BTreeMap<String, bool>,
}

impl Stage {
    /// Whether responses to GET of this path, with its placeholders, come from a cache. Other methods' do not
    /// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-caching.html>).
    pub fn caches(&self, path: &str) -> bool {
        let own = format!("{}/GET", path.trim_start_matches('/'));
        self.cached.get(&own).or_else(|| self.cached.get("*/*")).is_some_and(|cached| *cached)
    }
}

/// What an API is, without its definition.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// Policies may limit by them who changes it.
    pub tags: BTreeMap<String, String>,
    /// Whether it does not respond under its own host name, only under a custom domain.
    pub only_custom_domain: bool,
}

/// A snapshot of an API's definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Its id.
    pub id: String,
    /// What was said of it when it was made; empty if nothing was.
    pub description: String,
    /// When it was made.
    pub created: Option<jiff::Timestamp>,
}

/// A method of an API, and what it calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Route {
    /// `GET`, `ANY`, …
    pub method: String,
    /// With its placeholders: `/orders/{id}`.
    pub path: String,
    /// The address of its integration; `None` where API Gateway responds by itself.
    pub uri: Option<String>,
    /// Whether a role of its own calls it: the function's policy plays no part then.
    pub by_role: bool,
    /// `NONE`, `AWS_IAM`, `CUSTOM` or `COGNITO_USER_POOLS`.
    pub authorization: String,
    /// Whether a request needs an API key.
    pub needs_key: bool,
}

/// Sends a listing page by page and collects the raw `item`s, so that fields unknown to this SDK count too.
macro_rules! listing {
    ($self:ident, $request:ident, $name:literal, $api:expr $(, $extra:ident($value:expr))*) => {{
        let (mut items, mut position) = (Vec::new(), None::<String>);
        loop {
            let raw = RawBody::default();
            let request = $self.0.turn().await.$request().rest_api_id($api).limit(500).set_position(position)$(.$extra($value))*;
            let response = request.customize().interceptor(raw.clone()).send().await;
            response.map_err(|error| AwsError::new($name, api_named($api), &error))?;
            let mut page = raw.json($name, api_named($api))?;
            items.extend(of_page(page["item"].take()));
            position = page["position"].as_str().map(str::to_owned);
            if position.is_none() {
                break Ok::<_, AwsError>(Value::Array(items));
            }
        }
    }};
}

/// A stage as a response shows it; GetStage's and UpdateStage's are two types with the same fields.
macro_rules! shown {
    ($response:expr) => {{
        let methods = $response.method_settings.unwrap_or_default();
        let variables: BTreeMap<_, _> = $response.variables.unwrap_or_default().into_iter().collect();
        Stage {
            // API Gateway writes -1 where the method has no limit of its own.
            burst: methods.get("*/*").map(|all| all.throttling_burst_limit).filter(|burst| *burst >= 0),
            deployment: $response.deployment_id.unwrap_or_default(),
            mark: variables.get(MARK).cloned(),
            variables,
            canary: $response.canary_settings.and_then(|canary| canary.deployment_id),
            cached: match $response.cache_cluster_enabled {
                true => methods.into_iter().map(|(name, method)| (name, method.caching_enabled)).collect(),
                false => BTreeMap::new(),
            },
        }
    }};
}

/// Both of one service.
pub(super) fn open(shared: &SdkConfig, calls: &Calls) -> (ApiReader, ApiWriter) {
    let (read, write) = clients!(aws_sdk_apigateway, shared, calls);
    let rate = &calls.rates().api_gateway;
    (ApiReader(Paced::new(read, rate)), ApiWriter(Paced::new(write, rate)))
}

impl ApiReader {
    /// What is live on the stage.
    pub async fn stage(&self, api: &str, stage: &str) -> Result<Stage, AwsError> {
        let response = self.0.turn().await.get_stage().rest_api_id(api).stage_name(stage).send().await;
        let response = response.map_err(|error| AwsError::new("GetStage", stage_named(api, stage), &error))?;
        Ok(shown!(response))
    }

    /// What an API is, without its definition.
    pub async fn about(&self, api: &str) -> Result<About, AwsError> {
        let response = self.0.turn().await.get_rest_api().rest_api_id(api).send().await;
        let response = response.map_err(|error| AwsError::new("GetRestApi", api_named(api), &error))?;
        Ok(About {
            tags: response.tags.unwrap_or_default().into_iter().collect(),
            only_custom_domain: response.disable_execute_api_endpoint,
        })
    }

    /// The definition as it is now, not as a deployment froze it: the raw parts by name.
    pub async fn definition(&self, api: &str) -> Result<BTreeMap<String, Value>, AwsError> {
        let (own, resources, responses, authorizers, validators, models) = try_join!(
            self.own(api),
            self.resources(api),
            async { listing!(self, get_gateway_responses, "GetGatewayResponses", api) },
            async { listing!(self, get_authorizers, "GetAuthorizers", api) },
            async { listing!(self, get_request_validators, "GetRequestValidators", api) },
            async { listing!(self, get_models, "GetModels", api) },
        )?;
        // AWS lists its own defaults too: a new default does not count as a change.
        let responses = match responses {
            Value::Array(all) => all.into_iter().filter(|response| response["defaultResponse"] != true).collect(),
            other => other,
        };
        let parts = [
            ("api", own),
            ("resources", resources),
            ("gateway responses", responses),
            ("authorizers", authorizers),
            ("validators", validators),
            ("models", models),
        ];
        Ok(parts.map(|(name, part)| (name.to_owned(), part)).into())
    }

    /// Every method of the definition as it is now, and what it calls.
    pub async fn routes(&self, api: &str) -> Result<Vec<Route>, AwsError> {
        Ok(routes_of(&self.resources(api).await?))
    }

    /// A deployment; `None` if it does not exist.
    pub async fn deployment(&self, api: &str, id: &str) -> Result<Option<Deployment>, AwsError> {
        let response = self.0.turn().await.get_deployment().rest_api_id(api).deployment_id(id).send().await;
        match response.map_err(|error| AwsError::new("GetDeployment", deployment_named(api, id), &error)) {
            Ok(response) => Ok(Some(Deployment {
                id: response.id.unwrap_or_default(),
                description: response.description.unwrap_or_default(),
                created: timestamp(response.created_date),
            })),
            Err(error) if error.kind == Kind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All deployments of an API, the newest ones and those of Terraform among them, in no order.
    pub async fn deployments(&self, api: &str) -> Result<Vec<Deployment>, AwsError> {
        let pages = self.0.turn().await.get_deployments().rest_api_id(api).limit(500).into_paginator().items().send();
        let all = pages.collect::<Result<Vec<_>, _>>().await;
        let all = all.map_err(|error| AwsError::new("GetDeployments", api_named(api), &error))?;
        let deployments = all.into_iter().map(|deployment| Deployment {
            id: deployment.id.unwrap_or_default(),
            description: deployment.description.unwrap_or_default(),
            created: timestamp(deployment.created_date),
        });
        Ok(deployments.collect())
    }

    /// The names of an API's stages.
    pub async fn stage_names(&self, api: &str) -> Result<Vec<String>, AwsError> {
        let response = self.0.turn().await.get_stages().rest_api_id(api).send().await;
        let response = response.map_err(|error| AwsError::new("GetStages", api_named(api), &error))?;
        Ok(response.item.unwrap_or_default().into_iter().filter_map(|stage| stage.stage_name).collect())
    }

    /// The ids of the deployments that the API's stages serve, canaries of theirs among them.
    pub async fn serving(&self, api: &str) -> Result<Vec<String>, AwsError> {
        let response = self.0.turn().await.get_stages().rest_api_id(api).send().await;
        let response = response.map_err(|error| AwsError::new("GetStages", api_named(api), &error))?;
        let stages = response.item.unwrap_or_default().into_iter();
        let ids = stages
            .flat_map(|stage| [stage.deployment_id, stage.canary_settings.and_then(|canary| canary.deployment_id)]);
        Ok(ids.flatten().collect())
    }

    /// The resources with their methods and integrations.
    async fn resources(&self, api: &str) -> Result<Value, AwsError> {
        listing!(self, get_resources, "GetResources", api, embed("methods"))
    }

    /// The settings of the API itself that a deployment freezes.
    async fn own(&self, api: &str) -> Result<Value, AwsError> {
        const FROZEN: [&str; 5] =
            ["policy", "binaryMediaTypes", "minimumCompressionSize", "disableExecuteApiEndpoint", "apiKeySource"];
        let raw = RawBody::default();
        let response =
            self.0.turn().await.get_rest_api().rest_api_id(api).customize().interceptor(raw.clone()).send().await;
        response.map_err(|error| AwsError::new("GetRestApi", api_named(api), &error))?;
        let whole = raw.json("GetRestApi", api_named(api))?;
        Ok(FROZEN
            .iter()
            .map(|name| ((*name).to_owned(), whole[name].clone()))
            .collect::<serde_json::Map<_, _>>()
            .into())
    }
}

impl ApiWriter {
    /// Freezes the definition into a deployment that is not live on any stage yet. Returns its id.
    pub async fn create_deployment(&self, api: &str, description: &str) -> Result<String, AwsError> {
        let response = self.0.turn().await.create_deployment().rest_api_id(api).description(description).send().await;
        let response = response.map_err(|error| AwsError::new("CreateDeployment", api_named(api), &error))?;
        let nothing =
            || AwsError::found(Kind::Unknown, "CreateDeployment", api_named(api), "the response names no deployment");
        response.id.ok_or_else(nothing)
    }

    /// Waits until a stage may be moved. Whether it still has to be is looked at afterwards: this may take a while.
    pub async fn stage_move(&self) -> StageMove<'_> {
        StageMove(self.0.turn().await)
    }

    /// Deletes a deployment. AWS refuses that for one that is live on a stage.
    pub async fn delete_deployment(&self, api: &str, id: &str) -> Result<(), AwsError> {
        let response = self.0.turn().await.delete_deployment().rest_api_id(api).deployment_id(id).send().await;
        response.map(drop).map_err(|error| AwsError::new("DeleteDeployment", deployment_named(api, id), &error))
    }
}

impl StageMove<'_> {
    /// Moves a stage to a deployment, and its variable with it, in one call.
    ///
    /// It ends within [`super::MOVE`], whatever AWS does: a run that takes a lock over waits no longer.
    pub async fn send(self, api: &str, stage: &str, deployment: &str) -> Result<Stage, AwsError> {
        let replace = |path: String| PatchOperation::builder().op(Op::Replace).path(path).value(deployment).build();
        let request = self.0.update_stage().rest_api_id(api).stage_name(stage);
        let request = request
            .patch_operations(replace("/deploymentId".to_owned()))
            .patch_operations(replace(format!("/variables/{MARK}")));
        let quick = aws_sdk_apigateway::config::Builder::new().timeout_config(move_timeouts());
        let response = request.customize().config_override(quick).send().await;
        let response = response.map_err(|error| AwsError::new("UpdateStage", stage_named(api, stage), &error))?;
        Ok(shown!(response))
    }
}

/// The items of a page: AWS sends a list, or one object where there is just one.
fn of_page(item: Value) -> Vec<Value> {
    match item {
        Value::Array(items) => items,
        Value::Null => Vec::new(),
        single => vec![single],
    }
}

fn routes_of(resources: &Value) -> Vec<Route> {
    let mut routes = Vec::new();
    for resource in resources.as_array().into_iter().flatten() {
        let path = resource["path"].as_str().unwrap_or_default();
        for (method, details) in resource["resourceMethods"].as_object().into_iter().flatten() {
            let uri = details["methodIntegration"]["uri"].as_str().map(str::to_owned);
            let by_role = details["methodIntegration"]["credentials"].is_string();
            let authorization = details["authorizationType"].as_str().unwrap_or("NONE").to_owned();
            let needs_key = details["apiKeyRequired"] == true;
            routes.push(Route {
                method: method.clone(),
                path: path.to_owned(),
                uri,
                by_role,
                authorization,
                needs_key,
            });
        }
    }
    routes
}

fn api_named(api: &str) -> String {
    format!("API `{api}`")
}

fn deployment_named(api: &str, id: &str) -> String {
    format!("deployment `{id}` of API `{api}`")
}

fn timestamp(date: Option<aws_smithy_types::DateTime>) -> Option<jiff::Timestamp> {
    let date = date?;
    jiff::Timestamp::new(date.secs(), i32::try_from(date.subsec_nanos()).ok()?).ok()
}

fn stage_named(api: &str, stage: &str) -> String {
    format!("stage `{stage}` of API `{api}`")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_method_of_every_resource_is_a_route() {
        let resources = json!([
            {"path": "/"},
            {"path": "/count", "resourceMethods": {
                "GET": {"methodIntegration": {"type": "AWS_PROXY", "uri": "arn:x"}},
                "OPTIONS": {"methodIntegration": {"type": "MOCK"}},
            }},
        ]);
        let route = |method: &str, uri: Option<&str>| Route {
            method: method.to_owned(),
            path: "/count".to_owned(),
            uri: uri.map(str::to_owned),
            by_role: false,
            authorization: "NONE".to_owned(),
            needs_key: false,
        };
        assert_eq!(routes_of(&resources), [route("GET", Some("arn:x")), route("OPTIONS", None)]);
    }
}
