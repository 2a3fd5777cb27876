//! API Gateway's own responses: AWS's defaults, and those that a definition has instead.

use serde_json::{Map, Value, json};

use super::super::wire::Reply;
use super::definition::Definition;

const TEMPLATE: &str = "{\"message\":$context.error.messageString}";

/// The kinds, each with AWS's own status.
const KINDS: [(&str, Option<u16>); 21] = [
    ("ACCESS_DENIED", Some(403)),
    ("API_CONFIGURATION_ERROR", Some(500)),
    ("AUTHORIZER_CONFIGURATION_ERROR", Some(500)),
    ("AUTHORIZER_FAILURE", Some(500)),
    ("BAD_REQUEST_BODY", Some(400)),
    ("BAD_REQUEST_PARAMETERS", Some(400)),
    ("DEFAULT_4XX", None),
    ("DEFAULT_5XX", None),
    ("EXPIRED_TOKEN", Some(403)),
    ("INTEGRATION_FAILURE", Some(504)),
    ("INTEGRATION_TIMEOUT", Some(504)),
    ("INVALID_API_KEY", Some(403)),
    ("INVALID_SIGNATURE", Some(403)),
    ("MISSING_AUTHENTICATION_TOKEN", Some(403)),
    ("QUOTA_EXCEEDED", Some(429)),
    ("REQUEST_TOO_LARGE", Some(413)),
    ("RESOURCE_NOT_FOUND", Some(404)),
    ("THROTTLED", Some(429)),
    ("UNAUTHORIZED", Some(401)),
    ("UNSUPPORTED_MEDIA_TYPE", Some(415)),
    ("WAF_FILTERED", Some(403)),
];

/// In the order in which AWS lists them where one is none of them.
const ENUMERATED: &str = "REQUEST_TOO_LARGE, RESOURCE_NOT_FOUND, AUTHORIZER_CONFIGURATION_ERROR, \
    MISSING_AUTHENTICATION_TOKEN, BAD_REQUEST_BODY, INVALID_SIGNATURE, INVALID_API_KEY, BAD_REQUEST_PARAMETERS, \
    AUTHORIZER_FAILURE, UNAUTHORIZED, INTEGRATION_TIMEOUT, ACCESS_DENIED, DEFAULT_4XX, DEFAULT_5XX, WAF_FILTERED, \
    QUOTA_EXCEEDED, THROTTLED, API_CONFIGURATION_ERROR, UNSUPPORTED_MEDIA_TYPE, INTEGRATION_FAILURE, EXPIRED_TOKEN";

/// A response of API Gateway's own that a definition sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GatewayResponse {
    /// `DEFAULT_5XX`, `MISSING_AUTHENTICATION_TOKEN`, …
    pub(crate) kind: String,
    pub(crate) status: Option<u16>,
    /// By the header's name; the values are fixed texts.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) template: Option<String>,
}

/// A failure that API Gateway itself responds with.
#[derive(Clone, Debug, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: &'static str,
    /// In the header `x-amzn-errortype`.
    pub(crate) code: &'static str,
    pub(crate) status: u16,
    pub(crate) message: &'static str,
}

impl Definition {
    /// What there is for a kind: its own, or the one of its class (a set `DEFAULT_5XX` is for every 5xx that has none).
    fn response(&self, kind: &str) -> Option<&GatewayResponse> {
        let set = |kind: &str| self.gateway_responses.iter().find(|response| response.kind == kind);
        let class = KINDS.iter().find(|(name, _)| *name == kind).and_then(|(_, status)| *status);
        set(kind).or_else(|| set(if class? < 500 { "DEFAULT_4XX" } else { "DEFAULT_5XX" }))
    }

    /// All of them, AWS's defaults among them.
    pub(super) fn responses(&self) -> Vec<Value> {
        KINDS.iter().map(|(kind, status)| self.response_json(kind, *status)).collect()
    }

    fn response_json(&self, kind: &str, status: Option<u16>) -> Value {
        let none = GatewayResponse::default();
        let response = self.response(kind).unwrap_or(&none);
        let headers = response.headers.iter();
        let headers: Map<_, _> = headers
            .map(|(name, value)| (format!("gatewayresponse.header.{name}"), json!(format!("'{value}'"))))
            .collect();
        let mut shown = json!({
            "responseType": kind,
            "responseParameters": headers,
            "responseTemplates": {"application/json": response.template.as_deref().unwrap_or(TEMPLATE)},
            "defaultResponse": response.kind != kind,
        });
        if let Some(status) = response.status.or(status) {
            shown["statusCode"] = json!(status.to_string());
        }
        shown
    }

    /// GetGatewayResponse.
    pub(super) fn response_of(&self, kind: &str) -> Result<Value, Reply> {
        let Some((kind, status)) = KINDS.iter().find(|(known, _)| *known == kind) else {
            let message = format!(
                "1 validation error detected: Value '{kind}' at 'responseType' failed to satisfy constraint: Member must \
                 satisfy enum value set: [{ENUMERATED}]"
            );
            return Err(Reply::error(400, "ValidationException", &message));
        };
        Ok(self.response_json(kind, *status))
    }

    /// A response of API Gateway's own, with the status, headers and template that the definition has for its kind.
    pub(crate) fn refusal(&self, fault: Fault) -> Reply {
        let none = GatewayResponse::default();
        let response = self.response(fault.kind).unwrap_or(&none);
        let template = response.template.as_deref().unwrap_or(TEMPLATE);
        let body = template
            .replace("$context.error.messageString", &json!(fault.message).to_string())
            .replace("$context.error.message", fault.message)
            .replace("$context.error.responseType", fault.kind);
        let mut reply = Reply::empty(response.status.unwrap_or(fault.status))
            .with("content-type", "application/json")
            .with("x-amzn-errortype", fault.code);
        for (name, value) in &response.headers {
            reply = reply.with(&name.to_lowercase(), value);
        }
        reply.body = body.into_bytes();
        reply
    }
}
