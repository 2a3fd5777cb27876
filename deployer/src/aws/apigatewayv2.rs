//! API Gateway's HTTP APIs: the stage and the routes. A release changes neither.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_apigatewayv2::types::Integration;
use futures::try_join;

use super::calls::Counting;
use super::paced::Paced;
use super::throttle::Throttle;
use super::{AwsError, Calls, Kind};

/// As many items of a listing at once as REST's API gives.
const PAGE: &str = "500";

/// Looks at the HTTP APIs of one account and region.
#[derive(Debug, Clone)]
pub struct HttpApiReader(Paced<aws_sdk_apigatewayv2::Client>);

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
    let config = aws_sdk_apigatewayv2::config::Builder::from(shared)
        .interceptor(Counting::reads(calls))
        .retry_classifier(Throttle);
    HttpApiReader(Paced::new(aws_sdk_apigatewayv2::Client::from_conf(config.build()), &calls.rates().api_gateway))
}

impl HttpApiReader {
    /// A stage.
    pub async fn stage(&self, api: &str, stage: &str) -> Result<HttpStage, AwsError> {
        let response = self.0.turn().await.get_stage().api_id(api).stage_name(stage).send().await;
        let named = || format!("stage `{stage}` of HTTP API `{api}`");
        let response = response.map_err(|error| AwsError::new("GetStage", named(), &error))?;
        Ok(HttpStage {
            deploys_itself: response.auto_deploy.unwrap_or_default(),
            variables: response.stage_variables.unwrap_or_default().into_iter().collect(),
        })
    }

    /// Where an API responds, without its stage; `None` if the API does not exist.
    pub async fn endpoint(&self, api: &str) -> Result<Option<String>, AwsError> {
        let response = self.0.turn().await.get_api().api_id(api).send().await;
        match response.map_err(|error| AwsError::new("GetApi", named(api), &error)) {
            Ok(response) => Ok(response.api_endpoint),
            Err(error) if error.kind == Kind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The names of an API's stages.
    pub async fn stage_names(&self, api: &str) -> Result<Vec<String>, AwsError> {
        let response = self.0.turn().await.get_stages().api_id(api).max_results(PAGE).send().await;
        let response = response.map_err(|error| AwsError::new("GetStages", named(api), &error))?;
        Ok(response.items.unwrap_or_default().into_iter().filter_map(|stage| stage.stage_name).collect())
    }

    /// All routes, each with what it calls.
    pub async fn routes(&self, api: &str) -> Result<Vec<HttpRoute>, AwsError> {
        let (routes, integrations) = try_join!(self.all_routes(api), self.integrations(api))?;
        let route = |route: aws_sdk_apigatewayv2::types::Route| {
            let target = route.target.as_deref().and_then(|target| target.strip_prefix("integrations/"));
            let called = target.and_then(|target| integrations.get(target));
            HttpRoute {
                key: route.route_key.unwrap_or_default(),
                authorization: route.authorization_type.map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
                uri: called.and_then(|called| called.integration_uri.clone()),
                by_role: called.is_some_and(|called| called.credentials_arn.is_some()),
                format: called.and_then(|called| called.payload_format_version.clone()).unwrap_or_default(),
            }
        };
        Ok(routes.into_iter().map(route).collect())
    }

    async fn all_routes(&self, api: &str) -> Result<Vec<aws_sdk_apigatewayv2::types::Route>, AwsError> {
        let (mut all, mut token) = (Vec::new(), None);
        loop {
            let response =
                self.0.turn().await.get_routes().api_id(api).max_results(PAGE).set_next_token(token).send().await;
            let page = response.map_err(|error| AwsError::new("GetRoutes", named(api), &error))?;
            all.extend(page.items.unwrap_or_default());
            token = page.next_token;
            if token.is_none() {
                return Ok(all);
            }
        }
    }

    async fn integrations(&self, api: &str) -> Result<BTreeMap<String, Integration>, AwsError> {
        let (mut all, mut token) = (BTreeMap::new(), None);
        loop {
            let response =
                self.0.turn().await.get_integrations().api_id(api).max_results(PAGE).set_next_token(token).send().await;
            let page = response.map_err(|error| AwsError::new("GetIntegrations", named(api), &error))?;
            let items = page.items.unwrap_or_default().into_iter();
            all.extend(items.filter_map(|found| Some((found.integration_id.clone()?, found))));
            token = page.next_token;
            if token.is_none() {
                return Ok(all);
            }
        }
    }
}

fn named(api: &str) -> String {
    format!("HTTP API `{api}`")
}
