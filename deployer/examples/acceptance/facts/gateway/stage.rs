//! What a stage runs, and how it moves.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use aws_sdk_apigateway::types::{Op, PatchOperation};

use super::{Api, STAGE};
use crate::facts::{Facts, Response};

/// A route that only the second deployment has.
const LATER: &str = "/later";
/// How long the responses after a switch are watched.
const WATCHED: Duration = Duration::from_secs(10);

pub(super) async fn probe(api: &Api, first: &str, facts: &mut Facts) -> Result<()> {
    let resource = api.gateway.create_resource().rest_api_id(&api.id).parent_id(&api.root).path_part("later");
    let resource = resource.send().await?.id.context("the resource came back without an id")?;
    api.route(LATER, &resource).await?;
    let undeployed = api.get(LATER).await;
    let seen = format!("HTTP {undeployed} for a route that is not deployed");
    match api.get("/").await {
        200 => facts.holds("stage-runs-snapshot", undeployed == 403, seen),
        other => facts.not_seen("stage-runs-snapshot", format!("HTTP {other} for the route that is deployed")),
    }

    let second = api.deploy("second").await?;
    let soon = api.once.create_deployment().rest_api_id(&api.id).description("too soon").send().await;
    let soon = Response::of(&soon);
    facts.refused("create-deployment-limit", &soon, 429, "TooManyRequestsException");
    match (soon.status, &soon.retry_after) {
        (429, after) => facts.holds(
            "create-deployment-retry-after",
            after.is_some(),
            format!("Retry-After: {}", after.clone().unwrap_or_default()),
        ),
        _ => facts.not_seen("create-deployment-retry-after", "there was no 429"),
    }
    let unknown = Response::of(&update(&api.once, api, "zzzzzz").await);
    facts.refused("unknown-deployment", &unknown, 400, "BadRequestException");
    if unknown.succeeded() {
        update(&api.gateway, api, first).await?;
    }
    switch(api, &second, facts).await?;
    let live = Response::of(&api.once.delete_deployment().rest_api_id(&api.id).deployment_id(&second).send().await);
    facts.refused("delete-live-deployment", &live, 400, "BadRequestException");
    let found = api.gateway.get_deployments().rest_api_id(&api.id).limit(500).send().await?;
    let found = found.items().iter().filter(|item| item.description() == Some("first")).count();
    facts.holds("deployment-by-description", found == 1, format!("{found} found"));
    Ok(())
}

type Updated = Result<
    aws_sdk_apigateway::operation::update_stage::UpdateStageOutput,
    aws_smithy_runtime_api::client::result::SdkError<
        aws_sdk_apigateway::operation::update_stage::UpdateStageError,
        aws_smithy_runtime_api::client::orchestrator::HttpResponse,
    >,
>;

async fn update(client: &aws_sdk_apigateway::Client, api: &Api, deployment: &str) -> Updated {
    let replace = PatchOperation::builder().op(Op::Replace).path("/deploymentId").value(deployment).build();
    client.update_stage().rest_api_id(&api.id).stage_name(STAGE).patch_operations(replace).send().await
}

async fn switch(api: &Api, second: &str, facts: &mut Facts) -> Result<()> {
    let updated = update(&api.gateway, api, second).await?;
    let responded = updated.deployment_id().unwrap_or("none").to_owned();
    facts.holds("update-stage-response", responded == second, format!("deployment {responded}, asked for {second}"));
    let mut stale = 0;
    for _ in 0..5 {
        let read = api.gateway.get_stage().rest_api_id(&api.id).stage_name(STAGE).send().await?;
        stale += usize::from(read.deployment_id() != Some(second));
    }
    facts.happened("read-lag-stage", stale > 0, format!("{stale} of 5 reads showed the old deployment"));
    let started = Instant::now();
    let (mut first, mut flips, mut asked) = (None, 0, 0);
    while started.elapsed() < WATCHED {
        asked += 1;
        match (api.get(LATER).await, first) {
            (403, Some(_)) => flips += 1,
            (200, None) => first = Some((started.elapsed(), asked)),
            _ if asked > 40 && first.is_some_and(|(_, at)| at == 1) => break, // it switched at once, and stays
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    match first {
        None => facts.not_seen("switch-takes-a-while", format!("no new response within {} s", WATCHED.as_secs())),
        Some((after, at)) => facts.happened(
            "switch-takes-a-while",
            at > 1,
            format!("new at request {at}, after {} ms", after.as_millis()),
        ),
    }
    facts.happened("switch-flips-back", flips > 0, format!("{flips} old of {asked} responses after the first new one"));
    Ok(())
}
