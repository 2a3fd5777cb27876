//! The simulated control plane of API Gateway's REST APIs (v1): definitions, deployments that freeze them, and stages.
//! [`super::url`] handles visits to a stage's URL.

mod calls;
mod definition;
mod gateway_responses;
mod ids;
mod listing;
mod patch;
mod rates;
#[cfg(test)]
mod recorded;
mod setup;
mod stage;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::wire::{Moment, Reply, Request};
use calls::Deployment;
use rates::Buckets;

pub(crate) use definition::{Definition, Integration, Route, resource_id};
pub(crate) use gateway_responses::Fault;
pub(crate) use gateway_responses::GatewayResponse;
pub(crate) use rates::{Limit, Rates};
pub(crate) use stage::Canary;
pub(crate) use stage::{Knobs, Stage, State};

/// The REST APIs of one account and region.
#[derive(Clone, Debug)]
pub(crate) struct ApiGateway {
    pub(crate) rules: Rules,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(super) apis: BTreeMap<String, Api>,
    /// Custom domains, with what lies below which path.
    pub(super) domains: BTreeMap<String, Vec<Mapping>>,
    buckets: Buckets,
    ids: u64,
}

/// What a test may vary.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rules {
    /// How long after a change GetStage and GetStages may still show the old state.
    pub(crate) read_lag: Duration,
    /// How long after a change a stage's URL may still have the old state.
    pub(crate) propagation: Duration,
    /// The most items on a page, whatever limit the request has.
    pub(crate) page: usize,
    pub(crate) rates: Rates,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            read_lag: Duration::from_millis(500),
            propagation: Duration::from_secs(3),
            page: 500,
            rates: Rates::default(),
        }
    }
}

/// One API.
#[derive(Clone, Debug)]
pub(super) struct Api {
    id: String,
    name: String,
    /// As infrastructure code has it now.
    definition: Definition,
    tags: BTreeMap<String, String>,
    pub(super) api_keys: BTreeSet<String>,
    deployments: BTreeMap<String, Deployment>,
    /// By deployment, of deleted ones too: a URL may serve one for a moment longer.
    pub(super) snapshots: BTreeMap<String, Arc<Definition>>,
    pub(super) stages: BTreeMap<String, Stage>,
}

/// A part of a custom domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mapping {
    pub(super) base_path: String,
    pub(super) api: String,
    pub(super) stage: String,
}

impl Api {
    fn new(id: &str, name: &str, definition: Definition) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            definition,
            tags: BTreeMap::new(),
            api_keys: BTreeSet::new(),
            deployments: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            stages: BTreeMap::new(),
        }
    }
}

/// Whether a request is a visit to a stage as the local AWS takes it: `/restapis/API/STAGE/_user_request_/PATH`.
pub(super) fn is_local_visit(request: &Request) -> bool {
    request.path.starts_with("/restapis/") && request.path.contains("/_user_request_")
}

/// The operation's name, as `UpdateStage`; `None` for one that is not simulated, and for a visit to a stage.
pub(crate) fn name(request: &Request) -> Option<&'static str> {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let ["restapis", path @ ..] = segments.as_slice() else { return None };
    if is_local_visit(request) {
        return None;
    }
    Some(match (request.method.as_str(), path) {
        ("GET", []) => "GetRestApis",
        ("GET", [_]) => "GetRestApi",
        ("GET", [_, "resources"]) => "GetResources",
        ("GET", [_, "resources", _]) => "GetResource",
        ("GET", [_, "resources", _, "methods", _]) => "GetMethod",
        ("GET", [_, "resources", _, "methods", _, "integration"]) => "GetIntegration",
        ("GET", [_, "gatewayresponses"]) => "GetGatewayResponses",
        ("GET", [_, "gatewayresponses", _]) => "GetGatewayResponse",
        ("GET", [_, "authorizers"]) => "GetAuthorizers",
        ("GET", [_, "authorizers", _]) => "GetAuthorizer",
        ("GET", [_, "requestvalidators"]) => "GetRequestValidators",
        ("GET", [_, "requestvalidators", _]) => "GetRequestValidator",
        ("GET", [_, "models"]) => "GetModels",
        ("GET", [_, "models", _]) => "GetModel",
        ("GET", [_, "stages"]) => "GetStages",
        ("GET", [_, "stages", _]) => "GetStage",
        ("PATCH", [_, "stages", _]) => "UpdateStage",
        ("POST", [_, "deployments"]) => "CreateDeployment",
        ("GET", [_, "deployments"]) => "GetDeployments",
        ("GET", [_, "deployments", _]) => "GetDeployment",
        ("PATCH", [_, "deployments", _]) => "UpdateDeployment",
        ("DELETE", [_, "deployments", _]) => "DeleteDeployment",
        _ => return None,
    })
}

impl ApiGateway {
    /// The API Gateway of an account and region, without any API.
    pub(crate) fn new(account: &str, region: &str) -> Self {
        // Two accounts or regions of one simulation have different ids.
        let account_number = account.parse::<u64>().unwrap_or_default() % 100_000;
        let region_number = region.bytes().map(u64::from).sum::<u64>() % 1_000;
        Self {
            rules: Rules::default(),
            account: account.to_owned(),
            region: region.to_owned(),
            apis: BTreeMap::new(),
            domains: BTreeMap::new(),
            buckets: Buckets::default(),
            ids: account_number * 10_000_000 + region_number * 10_000,
        }
    }

    /// Carries a request out; `None` for an operation that is not simulated.
    pub(crate) fn handle(&mut self, request: &Request, moment: &mut Moment) -> Option<Reply> {
        let name = name(request)?;
        let admitted = self.buckets.admit(name, &self.rules.rates, moment.now);
        let reply = admitted.and_then(|()| self.carry_out(name, request, moment));
        Some(reply.unwrap_or_else(|refusal| refusal))
    }

    fn carry_out(&mut self, name: &str, request: &Request, moment: &mut Moment) -> Result<Reply, Reply> {
        let segments = request.segments();
        let segment = |index: usize| segments.get(index).map_or("", String::as_str);
        let (api, path) = (segment(1), (segment(1), segment(3)));
        match name {
            "GetRestApis" => self.get_rest_apis(request, moment),
            "GetRestApi" => self.get_rest_api(api, moment),
            "GetResources" => self.get_resources(api, request),
            "GetResource" => self.get_resource(path, request),
            "GetMethod" => self.get_method(path, segment(5)),
            "GetIntegration" => self.get_integration(path, segment(5)),
            "GetStages" => self.get_stages(api, request, moment),
            "GetStage" => self.get_stage(path, moment),
            "UpdateStage" => self.update_stage(path, request, moment),
            "CreateDeployment" => self.create_deployment(api, request, moment),
            "GetDeployments" => self.get_deployments(api, request, moment),
            "GetDeployment" => self.get_deployment(path, request, moment),
            "UpdateDeployment" => self.update_deployment(path, request, moment),
            "DeleteDeployment" => self.delete_deployment(path),
            _ if segments.len() > 3 => self.get_part(api, segment(2), segment(3)),
            _ => self.get_parts(api, segment(2), request),
        }
    }

    fn api(&self, id: &str) -> Result<&Api, Reply> {
        self.apis.get(id).ok_or_else(|| self.no_api(id))
    }

    fn api_mut(&mut self, id: &str) -> Result<&mut Api, Reply> {
        let unknown = self.no_api(id);
        self.apis.get_mut(id).ok_or(unknown)
    }

    fn no_api(&self, id: &str) -> Reply {
        let message = format!("Invalid API identifier specified {}:{id}", self.account);
        Reply::error(404, "NotFoundException", &message)
    }

    fn next_id(&mut self, digits: u32) -> String {
        self.ids += 1;
        ids::numbered(self.ids, digits)
    }
}
