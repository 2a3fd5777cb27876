//! A REST API with one route to the alias, its deployments and its stage.

mod stage;

use anyhow::{Context as _, Result};
use aws_sdk_apigateway::Client;
use aws_sdk_apigateway::types::IntegrationType;

use super::functions::Function;
use super::{Facts, Place, Response};
use crate::facts::place::{once, patient};

/// The API that is probed.
#[derive(Debug)]
pub(super) struct Api {
    id: String,
    root: String,
    /// Where a stage's requests go.
    base: String,
    /// What an integration names.
    target: String,
    gateway: Client,
    once: Client,
    http: reqwest::Client,
}

const STAGE: &str = "probe";

/// Tries the facts of the group `api`, and removes what it made.
pub(super) async fn probe(place: &Place, function: &Function, facts: &mut Facts, left: &mut Vec<String>) -> Result<()> {
    let gateway = patient!(aws_sdk_apigateway, place);
    let id = gateway.create_rest_api().name(place.name()).send().await.context("cannot make the API")?;
    let id = id.id.context("the API came back without an id")?;
    let probed = tried(place, function, &id, facts).await;
    remove_api(&gateway, &id, left).await;
    probed
}

/// Removes every API that has the probes' name.
pub(super) async fn remove(place: &Place, left: &mut Vec<String>) {
    let gateway = patient!(aws_sdk_apigateway, place);
    let apis = gateway.get_rest_apis().limit(500).send().await;
    let apis = apis.map(|apis| apis.items.unwrap_or_default()).unwrap_or_default();
    let named = apis.into_iter().filter(|api| api.name.as_deref() == Some(&place.name()));
    for id in named.filter_map(|api| api.id) {
        remove_api(&gateway, &id, left).await;
    }
}

async fn remove_api(gateway: &Client, id: &str, left: &mut Vec<String>) {
    // One in 30 seconds is what AWS allows here.
    let mut deleted = Response::default();
    for _ in 0..4 {
        deleted = Response::of(&gateway.delete_rest_api().rest_api_id(id).send().await);
        if deleted.status != 429 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_secs(15)).await;
    }
    if !deleted.succeeded() && deleted.status != 404 {
        left.push(format!("API `{id}` ({deleted}): aws apigateway delete-rest-api --rest-api-id {id}"));
    }
}

async fn tried(place: &Place, function: &Function, id: &str, facts: &mut Facts) -> Result<()> {
    let api = Api::of(place, function, id).await?;
    api.route("/", &api.root).await?;
    let first = api.deploy("first").await?;
    let stage = api.gateway.create_stage().rest_api_id(&api.id).stage_name(STAGE).deployment_id(&first);
    stage.send().await.context("cannot make the stage")?;
    permission(place, function, &api, facts).await?;
    stage::probe(&api, &first, facts).await
}

impl Api {
    async fn of(place: &Place, function: &Function, id: &str) -> Result<Self> {
        let alias = function.lambda.get_alias().function_name(&function.name).name("live").send().await?;
        let alias = alias.alias_arn.context("the alias has no ARN")?;
        let gateway = patient!(aws_sdk_apigateway, place);
        let root = gateway.get_resources().rest_api_id(id).send().await?;
        let root = root.items().first().and_then(|item| item.id()).context("the API has no root")?.to_owned();
        let partition = alias.split(':').nth(1).unwrap_or("aws");
        let base = match &place.endpoint {
            Some(endpoint) => format!("{endpoint}/restapis/{id}/{STAGE}/_user_request_"),
            None => {
                let end = if partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
                format!("https://{id}.execute-api.{}.{end}/{STAGE}", place.region)
            }
        };
        let region = &place.region;
        Ok(Self {
            id: id.to_owned(),
            root,
            base,
            target: format!("arn:{partition}:apigateway:{region}:lambda:path/2015-03-31/functions/{alias}/invocations"),
            once: once!(aws_sdk_apigateway, place),
            gateway,
            http: reqwest::Client::builder().timeout(std::time::Duration::from_secs(20)).build()?,
        })
    }

    /// A GET on a resource that calls the alias.
    async fn route(&self, path: &str, resource: &str) -> Result<()> {
        let failed = || format!("cannot make the route `GET {path}`");
        let method = self.gateway.put_method().rest_api_id(&self.id).resource_id(resource).http_method("GET");
        method.authorization_type("NONE").send().await.with_context(failed)?;
        let integration = self.gateway.put_integration().rest_api_id(&self.id).resource_id(resource).http_method("GET");
        let integration =
            integration.r#type(IntegrationType::AwsProxy).integration_http_method("POST").uri(&self.target);
        integration.send().await.with_context(failed)?;
        Ok(())
    }

    async fn deploy(&self, description: &str) -> Result<String> {
        // One in five seconds: the wait is the SDK's, by Retry-After.
        let made = Place::until("CreateDeployment to be allowed again", async || {
            let made = self.gateway.create_deployment().rest_api_id(&self.id).description(description).send().await;
            if Response::of(&made).status == 429 { Ok(None) } else { Ok(Some(made?)) }
        });
        made.await?.id.context("the deployment came back without an id")
    }

    /// Status of a request through the URL; 0 without a response.
    async fn get(&self, path: &str) -> u16 {
        let response = self.http.get(format!("{}{path}", self.base)).send().await;
        response.map_or(0, |response| response.status().as_u16())
    }
}

async fn permission(place: &Place, function: &Function, api: &Api, facts: &mut Facts) -> Result<()> {
    // A fresh stage returns 403 until it is known everywhere.
    let without = Place::until("the stage to respond", async || {
        let status = api.get("/").await;
        Ok((status != 403 && status != 0).then_some(status))
    })
    .await?;
    if ![200, 500].contains(&without) {
        // No requests are possible here: the claims about responses cannot be tested.
        for id in ["missing-permission-500", "permission-opens"] {
            facts.not_seen(id, format!("HTTP {without}"));
        }
        return Ok(());
    }
    facts.holds("missing-permission-500", without == 500, format!("HTTP {without}"));
    let source = format!("arn:{}:execute-api:{}:*:{}/*", partition(&api.target), place.region, api.id);
    let allow = function.lambda.add_permission().function_name(&function.name).qualifier("live").statement_id("probe");
    allow.action("lambda:InvokeFunction").principal("apigateway.amazonaws.com").source_arn(source).send().await?;
    let mut last = 0;
    for _ in 0..40 {
        last = api.get("/").await;
        if last == 200 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    }
    facts.holds("permission-opens", last == 200, format!("HTTP {last}"));
    Ok(())
}

fn partition(arn: &str) -> &str {
    arn.split(':').nth(1).unwrap_or("aws")
}
