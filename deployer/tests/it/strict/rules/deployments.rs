//! Deployments are snapshots; a stage names one that exists, and keeps it from being deleted.

use std::time::Instant;

use super::super::answer::Answer;
use super::super::stage::definition;
use super::Exchange;

/// CreateDeployment: the definition is frozen as it is at this moment.
pub(super) async fn create(call: &Exchange<'_>) -> Result<Answer, Answer> {
    let api = call.segment(1);
    let _alone = call.account.alone(api).await;
    let answer = call.forward().await;
    if let Some(deployment) = answer.value()["id"].as_str().filter(|_| answer.good()) {
        definition::freeze(call.account, api, deployment, call.signed()).await?;
    }
    Ok(answer)
}

/// UpdateStage. The switch may take a while to be seen.
pub(super) async fn switch(call: &Exchange<'_>) -> Result<Answer, Answer> {
    let (api, stage) = (call.segment(1), call.segment(3));
    let _alone = call.account.alone(api).await;
    let request = call.json();
    let patches = request["patchOperations"].as_array().cloned().unwrap_or_default();
    for patch in patches.iter().filter(|patch| patch["path"] == "/deploymentId") {
        let deployment = patch["value"].as_str().unwrap_or_default();
        let found = call.ask(&format!("/restapis/{api}/deployments/{deployment}")).await;
        if deployment.is_empty() || found.is_err() {
            return Err(call.refuse(400, "BadRequestException", "Deployment id does not exist"));
        }
    }
    let before = call.ask(&format!("/restapis/{api}/stages/{stage}")).await?;
    let answer = call.forward().await;
    if answer.good() {
        let key = (api.to_owned(), stage.to_owned());
        call.account.switches.lock().unwrap().insert(key, (before, Instant::now()));
    }
    Ok(answer)
}

/// DeleteDeployment: not of one that a stage serves. A 400, and no 409 (validated by localstack).
pub(super) async fn delete(call: &Exchange<'_>) -> Result<Answer, Answer> {
    let (api, deployment) = (call.segment(1), call.segment(3));
    let _alone = call.account.alone(api).await;
    let stages = call.ask(&format!("/restapis/{api}/stages")).await?;
    if stages["item"].as_array().into_iter().flatten().any(|stage| stage["deploymentId"] == deployment) {
        let words = "Active stages pointing to this deployment must be moved or deleted";
        return Err(call.refuse(400, "BadRequestException", words));
    }
    Ok(call.forward().await)
}
