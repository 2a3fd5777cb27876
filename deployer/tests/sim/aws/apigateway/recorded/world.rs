//! The calls with which infrastructure code would make a given simulated world, read from that world.

use serde_json::{Value, json};

use super::{World, body, moment, request};
use crate::record;

impl World {
    fn shown(&mut self, path: &str) -> Value {
        let reply = self.gateway.handle(&request(&format!("GET {path}"), &Value::Null), &mut moment());
        body(&reply.expect("a known call"))
    }

    fn items(&mut self, path: &str) -> Vec<Value> {
        self.shown(path)["item"].as_array().cloned().unwrap_or_default()
    }

    /// Notes them as the beginning of a sequence.
    pub(super) fn noted(&mut self, record: &mut record::Sequence) {
        let mut makes = |call: &str, asked: Value, ids: &Value| record.makes(&request(call, &asked), ids);
        let root = format!("/restapis/{}", self.names["api"]);
        let api = self.shown(&root);
        let asked =
            some(&api, &["name", "binaryMediaTypes", "minimumCompressionSize", "tags", "endpointConfiguration"]);
        makes("POST /restapis", asked, &some(&api, &["id", "rootResourceId"]));
        let mut resources = self.items(&format!("{root}/resources?embed=methods&limit=500"));
        resources.sort_by_key(|resource| resource["path"].to_string());
        for resource in resources {
            if let Some(parent) = resource["parentId"].as_str() {
                let path = format!("POST {root}/resources/{parent}");
                makes(&path, some(&resource, &["pathPart"]), &some(&resource, &["id"]));
            }
            let id = resource["id"].as_str().unwrap_or_default();
            for (verb, method) in resource["resourceMethods"].as_object().into_iter().flatten() {
                let path = format!("PUT {root}/resources/{id}/methods/{verb}");
                makes(&path, some(method, &["authorizationType", "apiKeyRequired"]), &json!({}));
                let integration = &method["methodIntegration"];
                if !integration.is_null() {
                    let asked = some(integration, &["type", "httpMethod", "uri", "requestTemplates"]);
                    makes(&format!("{path}/integration"), asked, &json!({}));
                }
            }
        }
        for response in self.items(&format!("{root}/gatewayresponses")) {
            if let (Some(kind), false) = (response["responseType"].as_str(), response["defaultResponse"] == true) {
                let asked = some(&response, &["statusCode", "responseParameters", "responseTemplates"]);
                makes(&format!("PUT {root}/gatewayresponses/{kind}"), asked, &json!({}));
            }
        }
        for validator in self.items(&format!("{root}/requestvalidators")) {
            let asked = some(&validator, &["name", "validateRequestBody", "validateRequestParameters"]);
            makes(&format!("POST {root}/requestvalidators"), asked, &some(&validator, &["id"]));
        }
        for deployment in self.items(&format!("{root}/deployments")) {
            makes(&format!("POST {root}/deployments"), json!({}), &some(&deployment, &["id"]));
        }
        for stage in self.items(&format!("{root}/stages")) {
            let asked = some(&stage, &["stageName", "deploymentId", "description", "documentationVersion"]);
            makes(&format!("POST {root}/stages"), asked, &json!({}));
        }
    }
}

/// Those of the fields that there are.
fn some(value: &Value, fields: &[&str]) -> Value {
    fields.iter().filter_map(|name| Some(((*name).to_owned(), value.get(*name)?.clone()))).collect()
}
