//! The operations that read an API's current definition.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::wire::{Moment, Reply, Request};
use super::definition::{Definition, Route, resource_id};
use super::patch::bad;
use super::stage::seconds;
use super::{Api, ApiGateway};

/// How many items a page has where the request does not say.
const PAGE: usize = 25;

/// A page of a list, from the position in the request on. `longest` is AWS's limit for a page.
pub(super) fn page(items: Vec<Value>, request: &Request, longest: usize) -> Result<Reply, Reply> {
    let limit = match request.asked("limit") {
        None => PAGE,
        Some(limit) => limit.parse().ok().filter(|limit| *limit > 0).ok_or_else(|| bad("Invalid limit specified"))?,
    };
    let limit = limit.min(longest.max(1));
    let begin = match request.asked("position") {
        None => 0,
        Some(position) => index(position).ok_or_else(|| bad("Invalid position parameter specified"))?,
    };
    let end = begin.saturating_add(limit);
    let more = end < items.len();
    let items: Vec<Value> = items.into_iter().skip(begin).take(limit).collect();
    let mut shown = json!({"item": items});
    if more {
        shown["position"] = json!(STANDARD.encode(end.to_string()));
    }
    Ok(Reply::json(200, &shown))
}

fn index(position: &str) -> Option<usize> {
    String::from_utf8(STANDARD.decode(position).ok()?).ok()?.parse().ok()
}

fn unknown(message: &str) -> Reply {
    Reply::error(404, "NotFoundException", message)
}

/// The one of a list that has this name or id.
fn one(items: &[Value], key: &str, wanted: &str) -> Option<Reply> {
    items.iter().find(|item| item[key] == wanted).map(|item| Reply::json(200, item))
}

impl Api {
    /// As GetRestApi shows it.
    fn json(&self, moment: &Moment) -> Value {
        let mut shown = json!({
            "id": self.id,
            "name": self.name,
            "createdDate": seconds(moment, Duration::ZERO),
            "apiKeySource": "HEADER",
            "endpointConfiguration": {"types": ["REGIONAL"], "ipAddressType": "ipv4"},
            "disableExecuteApiEndpoint": self.definition.disable_execute_api_endpoint,
            "rootResourceId": resource_id(&self.id, "/"),
        });
        if !self.tags.is_empty() {
            shown["tags"] = json!(self.tags);
        }
        if !self.definition.binary_media_types.is_empty() {
            shown["binaryMediaTypes"] = json!(self.definition.binary_media_types);
        }
        if let Some(size) = self.definition.minimum_compression_size {
            shown["minimumCompressionSize"] = json!(size);
        }
        if let Some(policy) = &self.definition.policy {
            shown["policy"] = json!(policy);
        }
        shown
    }
}

impl ApiGateway {
    pub(super) fn get_rest_apis(&self, request: &Request, moment: &Moment) -> Result<Reply, Reply> {
        page(self.apis.values().map(|api| api.json(moment)).collect(), request, self.rules.page)
    }

    pub(super) fn get_rest_api(&self, api: &str, moment: &Moment) -> Result<Reply, Reply> {
        Ok(Reply::json(200, &self.api(api)?.json(moment)))
    }

    pub(super) fn get_resources(&self, api: &str, request: &Request) -> Result<Reply, Reply> {
        let embedded = request.query.iter().any(|(name, value)| name == "embed" && value == "methods");
        page(self.api(api)?.definition.resources(api, embedded), request, self.rules.page)
    }

    /// The lists of a definition's other parts, by the last segment of their path.
    pub(super) fn get_parts(&self, api: &str, part: &str, request: &Request) -> Result<Reply, Reply> {
        let definition = &self.api(api)?.definition;
        let items = match part {
            "gatewayresponses" => definition.responses(),
            "authorizers" => definition.authorizers.clone(),
            "requestvalidators" => definition.validators.clone(),
            _ => definition.models(api),
        };
        page(items, request, self.rules.page)
    }

    /// One of these parts, by its id or name.
    pub(super) fn get_part(&self, api: &str, part: &str, wanted: &str) -> Result<Reply, Reply> {
        let definition = self.apis.get(api).map(|api| &api.definition);
        let (found, message) = match part {
            "gatewayresponses" => {
                // A kind that there is not is seen before the API is looked for.
                Definition::default().response_of(wanted)?;
                return Ok(Reply::json(200, &self.api(api)?.definition.response_of(wanted)?));
            }
            "authorizers" => {
                let found = definition.and_then(|definition| one(&definition.authorizers, "id", wanted));
                (found, "Invalid Authorizer identifier specified".to_owned())
            }
            "requestvalidators" => {
                let found = definition.and_then(|definition| one(&definition.validators, "id", wanted));
                (found, "Invalid Request Validator identifier specified".to_owned())
            }
            _ => {
                let found = definition.and_then(|definition| one(&definition.models(api), "name", wanted));
                (found, format!("Invalid model name specified: {wanted}"))
            }
        };
        found.ok_or_else(|| unknown(&message))
    }

    pub(super) fn get_resource(&self, path: (&str, &str), request: &Request) -> Result<Reply, Reply> {
        let embedded = request.query.iter().any(|(name, value)| name == "embed" && value == "methods");
        let resources = self.apis.get(path.0).map(|api| api.definition.resources(path.0, embedded));
        let found = resources.and_then(|resources| one(&resources, "id", path.1));
        found.ok_or_else(|| unknown("Invalid Resource identifier specified"))
    }

    pub(super) fn get_method(&self, path: (&str, &str), method: &str) -> Result<Reply, Reply> {
        Ok(Reply::json(200, &self.route(path, method)?.json(path.1)))
    }

    pub(super) fn get_integration(&self, path: (&str, &str), method: &str) -> Result<Reply, Reply> {
        let integration = self.route(path, method)?.integration.json(path.1);
        let integration = integration.ok_or_else(|| unknown("Invalid Integration identifier specified"))?;
        Ok(Reply::json(200, &integration))
    }

    /// The method of a resource, by the ids of the API and of the resource.
    fn route(&self, path: (&str, &str), method: &str) -> Result<&Route, Reply> {
        let resource = || unknown("Invalid Resource identifier specified");
        let api = self.apis.get(path.0).ok_or_else(resource)?;
        let known = api.definition.resources(path.0, false).iter().any(|resource| resource["id"] == path.1);
        if !known {
            return Err(resource());
        }
        let route = api.definition.method(path.0, path.1, method);
        route.ok_or_else(|| unknown("Invalid Method identifier specified"))
    }
}
