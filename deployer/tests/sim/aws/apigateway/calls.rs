//! The operations on deployments and stages.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::super::wire::{Moment, Reply, Request};
use super::definition::{Definition, Integration};
use super::listing::page;
use super::patch::{Patch, bad};
use super::stage::{Stage, State, seconds};
use super::{Api, ApiGateway};

/// A snapshot of an API's definition.
#[derive(Clone, Debug)]
pub(super) struct Deployment {
    pub(super) id: String,
    pub(super) description: Option<String>,
    pub(super) created: Duration,
    pub(super) definition: Arc<Definition>,
}

impl Deployment {
    fn json(&self, moment: &Moment) -> Value {
        let mut shown = json!({"id": self.id, "createdDate": seconds(moment, self.created)});
        if let Some(description) = &self.description {
            shown["description"] = json!(description);
        }
        shown
    }

    /// What GetDeployment embeds where it is asked to: the methods by path and verb.
    fn summary(&self) -> Value {
        let mut summary = Map::new();
        for route in &self.definition.routes {
            let methods = summary.entry(route.path.clone()).or_insert_with(|| json!({}));
            methods[route.method.as_str()] =
                json!({"authorizationType": route.authorization, "apiKeyRequired": route.api_key_required});
        }
        summary.into()
    }
}

/// Of something below an API. AWS names it, even where there is no such API.
fn unknown(what: &str) -> Reply {
    Reply::error(404, "NotFoundException", &format!("Invalid {what} identifier specified"))
}

impl ApiGateway {
    /// CreateDeployment: the definition is frozen as it is now. A repeated call makes one more.
    pub(super) fn create_deployment(&mut self, api: &str, request: &Request, moment: &Moment) -> Result<Reply, Reply> {
        let asked = request.json();
        self.api(api)?.deployable()?;
        let id = self.next_id(6);
        let text = |name: &str| asked[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let api = self.api_mut(api)?;
        let deployment = api.freeze(id.clone(), text("description"), moment.now);
        let shown = deployment.json(moment);
        if let Some(name) = text("stageName") {
            let variables = asked["variables"].as_object().into_iter().flatten();
            let variables = variables.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
            api.serve(&name, id, variables.collect(), moment.now);
        }
        Ok(Reply::json(201, &shown))
    }

    pub(super) fn get_deployments(&self, api: &str, request: &Request, moment: &Moment) -> Result<Reply, Reply> {
        let all = self.api(api)?.deployments.values().map(|deployment| deployment.json(moment));
        page(all.collect(), request, self.rules.page)
    }

    pub(super) fn get_deployment(
        &self,
        path: (&str, &str),
        request: &Request,
        moment: &Moment,
    ) -> Result<Reply, Reply> {
        let found = self.apis.get(path.0).and_then(|api| api.deployments.get(path.1));
        let deployment = found.ok_or_else(|| unknown("Deployment"))?;
        let mut shown = deployment.json(moment);
        if request.query.iter().any(|(name, value)| name == "embed" && value == "apisummary") {
            shown["apiSummary"] = deployment.summary();
        }
        Ok(Reply::json(200, &shown))
    }

    /// UpdateDeployment: nothing but the description can be changed.
    pub(super) fn update_deployment(
        &mut self,
        path: (&str, &str),
        request: &Request,
        moment: &Moment,
    ) -> Result<Reply, Reply> {
        let found = self.apis.get_mut(path.0).and_then(|api| api.deployments.get_mut(path.1));
        let deployment = found.ok_or_else(|| unknown("Deployment"))?;
        let asked = request.json();
        for patch in asked["patchOperations"].as_array().into_iter().flatten() {
            if patch["path"] != "/description" || patch["op"] != "replace" {
                return Err(bad("Invalid patch path specified. Must be one of: [/description]"));
            }
            deployment.description = patch["value"].as_str().map(str::to_owned);
        }
        Ok(Reply::json(200, &deployment.json(moment)))
    }

    /// DeleteDeployment: not of one that a stage serves, to a part of its traffic either. A 400, and no 409.
    pub(super) fn delete_deployment(&mut self, path: (&str, &str)) -> Result<Reply, Reply> {
        let api = self.apis.get_mut(path.0).filter(|api| api.deployments.contains_key(path.1));
        let api = api.ok_or_else(|| unknown("Deployment"))?;
        if api.stages.values().any(|stage| stage.state().needs(path.1)) {
            return Err(bad("Active stages pointing to this deployment must be moved or deleted"));
        }
        api.deployments.remove(path.1);
        Ok(Reply::empty(202))
    }

    /// GetStages, without pages.
    pub(super) fn get_stages(&self, api: &str, request: &Request, moment: &mut Moment) -> Result<Reply, Reply> {
        let wanted = request.asked("deploymentId");
        let mut items = Vec::new();
        for stage in self.api(api)?.stages.values() {
            let (updated, state) = stage.seen(self.rules.read_lag, moment);
            if wanted.is_none_or(|wanted| state.deployment == wanted) {
                items.push(stage.json((updated, state), moment));
            }
        }
        Ok(Reply::json(200, &json!({"item": items})))
    }

    /// GetStage, which may not show the last change yet.
    pub(super) fn get_stage(&self, path: (&str, &str), moment: &mut Moment) -> Result<Reply, Reply> {
        let stage = self.apis.get(path.0).and_then(|api| api.stages.get(path.1));
        let stage = stage.ok_or_else(|| unknown("stage"))?;
        let seen = stage.seen(self.rules.read_lag, moment);
        Ok(Reply::json(200, &stage.json(seen, moment)))
    }

    /// UpdateStage: all of its operations or none. The last call wins, as there is no compare-and-swap.
    pub(super) fn update_stage(
        &mut self,
        path: (&str, &str),
        request: &Request,
        moment: &Moment,
    ) -> Result<Reply, Reply> {
        let api = self.apis.get_mut(path.0).ok_or_else(|| unknown("stage"))?;
        let stage = api.stages.get_mut(path.1).ok_or_else(|| unknown("stage"))?;
        let asked = request.json();
        let Some(operations) = asked["patchOperations"].as_array() else {
            return Err(bad("Invalid request input"));
        };
        let mut state = stage.state().clone();
        let exists = |id: &str| api.deployments.contains_key(id);
        for operation in operations {
            Patch::of(operation).apply(&mut state, &exists)?;
        }
        let moved = operations.iter().any(|operation| Patch::of(operation).moves());
        stage.change(state, moved, moment.now);
        Ok(Reply::json(200, &stage.newest(moment)))
    }
}

impl Api {
    /// Whether a deployment can be made of the definition.
    fn deployable(&self) -> Result<(), Reply> {
        if self.definition.routes.is_empty() {
            return Err(bad("The REST API doesn't contain any methods"));
        }
        if self.definition.routes.iter().any(|route| route.integration == Integration::Missing) {
            return Err(bad("No integration defined for method"));
        }
        Ok(())
    }

    /// Makes a deployment of the definition as it is now.
    pub(super) fn freeze(&mut self, id: String, description: Option<String>, now: Duration) -> &Deployment {
        let definition = Arc::new(self.definition.clone());
        self.snapshots.insert(id.clone(), Arc::clone(&definition));
        let deployment = Deployment { id: id.clone(), description, created: now, definition };
        self.deployments.entry(id).or_insert(deployment)
    }

    /// What CreateDeployment does with a stage's name: makes the stage, or moves it.
    fn serve(&mut self, stage: &str, deployment: String, variables: BTreeMap<String, String>, now: Duration) {
        match self.stages.get_mut(stage) {
            Some(stage) => {
                let mut state = stage.state().clone();
                state.deployment = deployment;
                state.variables.extend(variables);
                stage.change(state, true, now);
            }
            None => {
                let state = State { deployment, variables, ..State::default() };
                self.stages.insert(stage.to_owned(), Stage::new(stage, state, now));
            }
        }
    }
}
