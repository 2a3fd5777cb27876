//! API Gateway's HTTP APIs: the stage and the routes. A release changes neither.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use futures::try_join;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::calls::Counting;
use super::paced::Paced;
use super::request::{Client, Request, Service};
use super::wire::encoded;
use super::{AwsError, Calls, Kind, wire};

/// As many items of a listing at once as REST's API gives.
const PAGE: &str = "maxResults=500";

/// Looks at the HTTP APIs of one account and region.
#[derive(Debug, Clone)]
pub struct HttpApiReader(Paced<Client>);

/// A stage of an HTTP API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpStage {
    /// Whether a change of a route is live at once, without a deployment.
    pub deploys_itself: bool,
    /// Its variables: an integration may name its function or alias by one.
    pub variables: BTreeMap<String, String>,
}

/// A route of an HTTP API, and what it calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpRoute {
    /// `GET /orders/{id}`, `ANY /files/{proxy+}` or `$default`.
    pub key: String,
    /// `NONE`, `AWS_IAM`, `JWT` or `CUSTOM`.
    pub authorization: String,
    /// What its integration calls, for Lambda a function's ARN; `None` where there is no integration.
    pub uri: Option<String>,
    /// Whether a role of its own calls it: the function's policy plays no part then.
    pub by_role: bool,
    /// The form of the events that the function gets: `1.0` or `2.0`.
    pub format: String,
}

/// Of one service.
pub(super) fn open(shared: &SdkConfig, calls: &Calls) -> HttpApiReader {
    let client = Client::new(Service::HttpApis, shared, Counting::reads(calls));
    HttpApiReader(Paced::new(client, &calls.rates().api_gateway))
}

impl HttpApiReader {
    /// A stage.
    pub async fn stage(&self, api: &str, stage: &str) -> Result<HttpStage, AwsError> {
        let object = || format!("stage `{stage}` of HTTP API `{api}`");
        let found: Stage = self.get("GetStage", &[api, "stages", stage], object).await?;
        Ok(HttpStage {
            deploys_itself: found.auto_deploy.unwrap_or_default(),
            variables: found.stage_variables.unwrap_or_default(),
        })
    }

    /// Where an API responds, without its stage; `None` if the API does not exist.
    pub async fn endpoint(&self, api: &str) -> Result<Option<String>, AwsError> {
        match self.get::<Api>("GetApi", &[api], || named(api)).await {
            Ok(found) => Ok(found.api_endpoint),
            Err(error) if error.kind == Kind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The names of an API's stages.
    pub async fn stage_names(&self, api: &str) -> Result<Vec<String>, AwsError> {
        let stages: Page<Stage> = self.page("GetStages", [api, "stages"], None).await?;
        Ok(stages.items.unwrap_or_default().into_iter().filter_map(|stage| stage.stage_name).collect())
    }

    /// All routes, each with what it calls.
    pub async fn routes(&self, api: &str) -> Result<Vec<HttpRoute>, AwsError> {
        let (routes, integrations) = try_join!(
            self.all::<Route>("GetRoutes", [api, "routes"]),
            self.all::<Integration>("GetIntegrations", [api, "integrations"]),
        )?;
        let integrations = integrations.into_iter().filter_map(|found| Some((found.integration_id.clone()?, found)));
        let integrations: BTreeMap<_, _> = integrations.collect();
        let route = |route: Route| {
            let target = route.target.as_deref().and_then(|target| target.strip_prefix("integrations/"));
            let called = target.and_then(|target| integrations.get(target));
            HttpRoute {
                key: route.route_key.unwrap_or_default(),
                authorization: route.authorization_type.unwrap_or_default(),
                uri: called.and_then(|called| called.integration_uri.clone()),
                by_role: called.is_some_and(|called| called.credentials_arn.is_some()),
                format: called.and_then(|called| called.payload_format_version.clone()).unwrap_or_default(),
            }
        };
        Ok(routes.into_iter().map(route).collect())
    }

    async fn all<T>(&self, operation: &'static str, path: [&str; 2]) -> Result<Vec<T>, AwsError>
    where
        T: DeserializeOwned + std::fmt::Debug + Send + Sync + 'static,
    {
        let (mut all, mut token) = (Vec::new(), None);
        loop {
            let page: Page<T> = self.page(operation, path, token).await?;
            all.extend(page.items.unwrap_or_default());
            token = page.next_token;
            if token.is_none() {
                return Ok(all);
            }
        }
    }

    async fn page<T>(
        &self,
        operation: &'static str,
        [api, what]: [&str; 2],
        token: Option<String>,
    ) -> Result<Page<T>, AwsError>
    where
        T: DeserializeOwned + std::fmt::Debug + Send + Sync + 'static,
    {
        let next = token.map_or_else(String::new, |token| format!("&nextToken={}", encoded(&token)));
        let path = format!("{}?{PAGE}{next}", path(&[api, what]));
        self.send(operation, path, || named(api)).await
    }

    async fn get<T>(&self, operation: &'static str, parts: &[&str], object: impl Fn() -> String) -> Result<T, AwsError>
    where
        T: DeserializeOwned + std::fmt::Debug + Send + Sync + 'static,
    {
        self.send(operation, path(parts), object).await
    }

    async fn send<T>(&self, operation: &'static str, path: String, object: impl Fn() -> String) -> Result<T, AwsError>
    where
        T: DeserializeOwned + std::fmt::Debug + Send + Sync + 'static,
    {
        let response = self.0.turn().await.send(Request::bare(operation, "GET", path), wire::json::<T>).await;
        response.map_err(|error| AwsError::new(operation, object(), &error))
    }
}

fn path(parts: &[&str]) -> String {
    parts.iter().fold("/v2/apis".to_owned(), |path, part| format!("{path}/{}", encoded(part)))
}

fn named(api: &str) -> String {
    format!("HTTP API `{api}`")
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Api {
    api_endpoint: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<T> {
    items: Option<Vec<T>>,
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stage {
    stage_name: Option<String>,
    auto_deploy: Option<bool>,
    stage_variables: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Route {
    route_key: Option<String>,
    authorization_type: Option<String>,
    target: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Integration {
    integration_id: Option<String>,
    integration_uri: Option<String>,
    credentials_arn: Option<String>,
    payload_format_version: Option<String>,
}
