//! An API's definition, as infrastructure code makes it, and its resources as API Gateway lists them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::gateway_responses::GatewayResponse;
use super::ids;

/// An API's definition by infrastructure code, which a deployment freezes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Definition {
    pub(crate) routes: Vec<Route>,
    /// Those that are not AWS's own defaults.
    pub(crate) gateway_responses: Vec<GatewayResponse>,
    /// As API Gateway lists them.
    pub(crate) authorizers: Vec<Value>,
    pub(crate) validators: Vec<Value>,
    /// Beside `Empty` and `Error`, which every API has.
    pub(crate) models: Vec<Value>,
    pub(crate) binary_media_types: Vec<String>,
    pub(crate) minimum_compression_size: Option<u32>,
    /// Like the rest of the definition it needs a new deployment before it has an effect
    /// ("Disable the default endpoint for REST APIs").
    pub(crate) disable_execute_api_endpoint: bool,
    pub(crate) policy: Option<String>,
}

/// A method of a resource.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Route {
    /// `GET`, `ANY`, …
    pub(crate) method: String,
    /// With its placeholders: `/visits/{id}`, `/files/{proxy+}`.
    pub(crate) path: String,
    pub(crate) integration: Integration,
    pub(crate) api_key_required: bool,
    /// `NONE`, `AWS_IAM`, `CUSTOM` or `COGNITO_USER_POOLS`.
    pub(crate) authorization: String,
    pub(crate) authorizer_id: Option<String>,
}

/// What a method does with a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Integration {
    /// A Lambda proxy. With a role, that role calls; else the function's resource policy has to allow it.
    Lambda { uri: String, role: Option<String> },
    /// API Gateway responds by itself, as for CORS.
    Mock,
    /// Not there yet: a deployment is refused.
    Missing,
}

impl Route {
    pub(crate) fn new(method: &str, path: &str, integration: Integration) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            integration,
            api_key_required: false,
            authorization: "NONE".to_owned(),
            authorizer_id: None,
        }
    }

    /// A Lambda proxy; for `uri` see [`super::ApiGateway::lambda_uri`].
    pub(crate) fn lambda(method: &str, path: &str, uri: &str) -> Self {
        Self::new(method, path, Integration::Lambda { uri: uri.to_owned(), role: None })
    }

    pub(crate) fn with_role(mut self, arn: &str) -> Self {
        if let Integration::Lambda { role, .. } = &mut self.integration {
            *role = Some(arn.to_owned());
        }
        self
    }

    pub(crate) fn with_api_key(mut self) -> Self {
        self.api_key_required = true;
        self
    }

    pub(crate) fn authorized_by(mut self, kind: &str) -> Self {
        kind.clone_into(&mut self.authorization);
        self
    }

    /// As GetMethod and GetResources show it.
    pub(super) fn json(&self, resource: &str) -> Value {
        let mut method = json!({
            "httpMethod": self.method,
            "authorizationType": self.authorization,
            "apiKeyRequired": self.api_key_required,
        });
        if let Some(id) = &self.authorizer_id {
            method["authorizerId"] = json!(id);
        }
        if let Some(integration) = self.integration.json(resource) {
            method["methodIntegration"] = integration;
        }
        method
    }
}

impl Integration {
    pub(super) fn json(&self, resource: &str) -> Option<Value> {
        let mut shown = json!({
            "passthroughBehavior": "WHEN_NO_MATCH",
            "timeoutInMillis": 29000,
            "cacheNamespace": resource,
            "cacheKeyParameters": [],
        });
        match self {
            Self::Missing => return None,
            Self::Mock => {
                shown["type"] = json!("MOCK");
                shown["requestTemplates"] = json!({"application/json": "{\"statusCode\": 200}"});
            }
            Self::Lambda { uri, role } => {
                shown["type"] = json!("AWS_PROXY");
                // Lambda accepts only POST, for every method of the API.
                shown["httpMethod"] = json!("POST");
                shown["uri"] = json!(uri);
                if let Some(role) = role {
                    shown["credentials"] = json!(role);
                }
            }
        }
        Some(shown)
    }
}

impl Definition {
    /// Of these routes, and all else as AWS has it by default.
    pub(crate) fn of(routes: Vec<Route>) -> Self {
        Self { routes, ..Self::default() }
    }

    /// The paths of all resources: those of the routes, what lies above them, and the root.
    fn paths(&self) -> BTreeSet<String> {
        let mut paths = BTreeSet::from(["/".to_owned()]);
        for route in &self.routes {
            let ends = route.path.match_indices('/').map(|(end, _)| end).filter(|end| *end > 0);
            paths.extend(ends.map(|end| route.path[..end].to_owned()));
            paths.insert(route.path.clone());
        }
        paths
    }

    /// The resources of an API, by their ids. With their methods in full, or just with the methods' names.
    pub(super) fn resources(&self, api: &str, embedded: bool) -> Vec<Value> {
        let mut resources: Vec<Value> = self.paths().iter().map(|path| self.resource(api, path, embedded)).collect();
        resources.sort_by_key(|resource| resource["id"].to_string());
        resources
    }

    fn resource(&self, api: &str, path: &str, embedded: bool) -> Value {
        let id = resource_id(api, path);
        let mut resource = json!({"id": id, "path": path});
        if let Some((above, part)) = path.rsplit_once('/').filter(|_| path != "/") {
            resource["parentId"] = json!(resource_id(api, if above.is_empty() { "/" } else { above }));
            resource["pathPart"] = json!(part);
        }
        let methods = self.routes.iter().filter(|route| route.path == path).map(|route| {
            let shown = if embedded { route.json(&id) } else { json!({}) };
            (route.method.clone(), shown)
        });
        let methods: Map<String, Value> = methods.collect();
        if !methods.is_empty() {
            resource["resourceMethods"] = methods.into();
        }
        resource
    }

    /// The method of a resource, by the resource's id.
    pub(super) fn method(&self, api: &str, resource: &str, method: &str) -> Option<&Route> {
        self.routes.iter().find(|route| route.method == method && resource_id(api, &route.path) == resource)
    }

    pub(super) fn models(&self, api: &str) -> Vec<Value> {
        const DRAFT: &str = "http://json-schema.org/draft-04/schema#";
        let own = |name: &str, properties: &str| {
            let schema = format!(
                "{{\n  \"$schema\" : \"{DRAFT}\",\n  \"title\" : \"{name} Schema\",\n  \"type\" : \"object\"{properties}\n}}"
            );
            json!({
                "id": resource_id(api, name),
                "name": name,
                "description": format!("This is a default {} schema model", name.to_lowercase()),
                "schema": schema,
                "contentType": "application/json",
            })
        };
        let error = ",\n  \"properties\" : {\n    \"message\" : { \"type\" : \"string\" }\n  }";
        [own("Empty", ""), own("Error", error)].into_iter().chain(self.models.iter().cloned()).collect()
    }

    /// Whether a media type is one of the API's binary types.
    pub(crate) fn is_binary(&self, media_type: &str) -> bool {
        let wanted = media_type.split([';', ',']).next().unwrap_or_default().trim();
        self.binary_media_types.iter().any(|kind| kind == "*/*" || (kind == wanted && !wanted.is_empty()))
    }
}

/// The id of the resource of a path.
pub(crate) fn resource_id(api: &str, path: &str) -> String {
    ids::named(&format!("{api} {path}"))
}
