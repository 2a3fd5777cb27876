//! An API's definition: which function a request goes to, and how API Gateway itself refuses one.

use serde_json::{Map, Value, json};

use super::super::account::Account;
use super::super::reply::Reply;

/// An API's definition at one moment.
#[derive(Debug)]
pub(super) struct Definition {
    resources: Vec<Value>,
    responses: Vec<Value>,
    binary: Vec<String>,
}

/// Where a request goes.
pub(super) struct Route<'a> {
    pub resource: &'a Value,
    pub integration: &'a Value,
    pub parameters: Map<String, Value>,
}

impl Route<'_> {
    /// The resource's path, as `/pets/{id}`.
    pub(super) fn path(&self) -> &str {
        self.resource["path"].as_str().unwrap_or_default()
    }
}

impl Definition {
    pub(super) async fn now(account: &Account, api: &str) -> Result<Self, Reply> {
        let own = account.ask(&format!("/restapis/{api}"), None).await?;
        let resources = account.ask(&format!("/restapis/{api}/resources?embed=methods&limit=500"), None).await?;
        let responses = account.ask(&format!("/restapis/{api}/gatewayresponses"), None).await?;
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let binary = list(&own["binaryMediaTypes"]).iter().filter_map(|kind| Some(kind.as_str()?.to_owned())).collect();
        Ok(Self { resources: list(&resources["item"]), responses: list(&responses["item"]), binary })
    }

    /// The most specific resource that has the path and the method: text before `{parameter}` before `{proxy+}`.
    pub(super) fn route(&self, method: &str, path: &str) -> Option<Route<'_>> {
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let candidates = self.resources.iter().filter_map(|resource| {
            let methods = &resource["resourceMethods"];
            let method = [&methods[method], &methods["ANY"]].into_iter().find(|method| !method.is_null())?;
            let (rank, parameters) = matched(resource["path"].as_str()?, &segments)?;
            Some((rank, Route { resource, integration: &method["methodIntegration"], parameters }))
        });
        candidates.min_by(|one, other| one.0.cmp(&other.0)).map(|(_, route)| route)
    }

    /// A response of API Gateway's own: with the status, headers and template that the definition has for its kind.
    /// The kind is the gateway response and the error that the client gets.
    pub(super) fn refusal(&self, kind: (&str, &str), status: u16, message: &str) -> Reply {
        const TEMPLATE: &str = "{\"message\":$context.error.messageString}";
        let none = Value::Null;
        let response = self.responses.iter().find(|response| response["responseType"] == kind.0).unwrap_or(&none);
        let template = response["responseTemplates"]["application/json"].as_str().unwrap_or(TEMPLATE);
        let body = template
            .replace("$context.error.messageString", &json!(message).to_string())
            .replace("$context.error.message", message)
            .replace("$context.error.responseType", kind.0);
        let said = response["statusCode"].as_str().and_then(|status| status.parse().ok());
        let mut reply = Reply::json(said.unwrap_or(status), &none).with("x-amzn-errortype", kind.1);
        reply.body = body.into();
        for (name, value) in response["responseParameters"].as_object().into_iter().flatten() {
            let name = name.strip_prefix("gatewayresponse.header.");
            let fixed = value.as_str().and_then(|value| value.strip_prefix('\'')?.strip_suffix('\''));
            if let (Some(name), Some(value)) = (name, fixed) {
                reply = reply.with(name, value);
            }
        }
        reply
    }

    /// Whether a media type is one of the API's binary types.
    pub(super) fn is_binary(&self, media_type: &str) -> bool {
        let wanted = media_type.split(';').next().unwrap_or_default().trim();
        self.binary.iter().any(|kind| kind == "*/*" || kind == wanted && !wanted.is_empty())
    }
}

/// How specific a match is, and the path's parameters; nothing if the template does not have the path.
fn matched(template: &str, segments: &[&str]) -> Option<(Vec<u8>, Map<String, Value>)> {
    let (mut rank, mut parameters, mut index) = (Vec::new(), Map::new(), 0);
    for part in template.split('/').filter(|part| !part.is_empty()) {
        let segment = segments.get(index)?;
        let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        match name.map(|name| name.strip_suffix('+').ok_or(name)) {
            None if part == *segment => rank.push(0),
            None => return None,
            Some(Err(name)) => {
                rank.push(1);
                parameters.insert(name.to_owned(), json!(segment));
            }
            Some(Ok(name)) => {
                rank.push(2);
                parameters.insert(name.to_owned(), json!(segments[index..].join("/")));
                return Some((rank, parameters));
            }
        }
        index += 1;
    }
    (index == segments.len()).then_some((rank, parameters))
}
