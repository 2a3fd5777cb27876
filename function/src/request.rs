//! What of a REST proxy event matters here.
//!
//! In: any JSON. Out: a [`Request`]; what the event lacks, or has in another shape than API
//! Gateway's, counts as not sent. It never fails, and keeps the visitor's address only as
//! an [`Address`], which cannot be shown.
//!
//! `lambda_http` is not used for this: its event type refuses an event without
//! `requestContext.httpMethod`, and it panics on a `Host` header that makes no URL. Either would
//! reach the visitor as a bare 502.

use serde_json::Value;

use crate::privacy::Address;

/// One request, as far as the handlers look at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The Lambda request id, under which the log has this request.
    pub id: String,
    /// API Gateway's own id of the request, `requestContext.extendedRequestId`; the Lambda request id where an
    /// event has none. Never `requestContext.requestId`, which a client of a REST API sets by a header.
    pub gateway_id: String,
    /// The X-Ray trace that the request belongs to, as the header `X-Amzn-Trace-Id`.
    pub trace: Option<String>,
    /// The HTTP method, as sent; empty when the event has none.
    pub method: String,
    /// The resource of the API that matched, such as `/count`; empty for a bare event.
    pub resource: String,
    /// The requested path, without the stage, decoded or not as API Gateway left it.
    pub path: String,
    /// The header `Origin`.
    pub origin: Option<String>,
    /// The header `User-Agent`, neither cut nor cleaned.
    pub user_agent: Option<String>,
    /// The visitor's address, as API Gateway saw the connection: `requestContext.identity.sourceIp`. Never a
    /// header such as `X-Forwarded-For`, in which anyone may write anything.
    pub source: Option<Address>,
    /// The stage variable `deployment`.
    pub deployment: Option<String>,
}

impl Request {
    /// Reads `event`, a REST proxy event (payload format 1.0), which Lambda runs under `id` and traces
    /// as `trace`.
    #[must_use]
    pub fn read(event: &Value, id: &str, trace: Option<&str>) -> Self {
        let text = |pointer| event.pointer(pointer).and_then(Value::as_str);
        let owned = |pointer| text(pointer).unwrap_or_default().to_owned();
        Self {
            id: id.to_owned(),
            gateway_id: text("/requestContext/extendedRequestId").filter(|id| !id.is_empty()).unwrap_or(id).to_owned(),
            trace: trace.map(str::to_owned),
            method: owned("/httpMethod"),
            resource: owned("/resource"),
            path: owned("/path"),
            origin: header(event, "origin"),
            user_agent: header(event, "user-agent"),
            source: text("/requestContext/identity/sourceIp").and_then(Address::read),
            deployment: text("/stageVariables/deployment").map(str::to_owned),
        }
    }

    /// What to route by: the resource that API Gateway matched, because a custom domain's base
    /// path is part of the path but not of the resource. The path where there is no resource, or
    /// only a pattern such as `/{proxy+}`.
    #[must_use]
    pub fn route(&self) -> &str {
        if self.resource.is_empty() || self.resource.contains('{') { &self.path } else { &self.resource }
    }
}

/// The value of the header `name` (lower case), of its last line where it was sent several times.
fn header(event: &Value, name: &str) -> Option<String> {
    let single = field(event.get("headers"), name).and_then(Value::as_str);
    let last = || field(event.get("multiValueHeaders"), name)?.as_array()?.last()?.as_str();
    single.or_else(last).map(str::to_owned)
}

/// The member of `object` whose key is `name`, in any case: API Gateway passes names as sent.
fn field<'a>(object: Option<&'a Value>, name: &str) -> Option<&'a Value> {
    let mut members = object?.as_object()?.iter();
    members.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_empty_event_is_an_empty_request() {
        let bare = Request { id: "r1".to_owned(), gateway_id: "r1".to_owned(), ..Request::default() };
        for event in [json!({}), json!(null), json!([1]), json!("GET"), json!({"headers": null})] {
            assert_eq!(Request::read(&event, "r1", None), bare, "{event}");
        }
    }

    #[test]
    fn members_of_a_strange_shape_count_as_not_sent() {
        let event = json!({
            "httpMethod": 5, "path": ["/count"], "resource": {}, "requestContext": 7,
            "headers": {"Origin": {"a": 1}, "User-Agent": null}, "stageVariables": "x",
        });
        let bare = Request { id: "r1".to_owned(), gateway_id: "r1".to_owned(), ..Request::default() };
        assert_eq!(Request::read(&event, "r1", None), bare);
    }

    #[test]
    fn header_names_ignore_case_and_the_last_line_counts() {
        let event = json!({
            "headers": {"oRIGIN": "https://a.example"},
            "multiValueHeaders": {"USER-agent": ["one", "two"], "origin": ["ignored"]},
        });
        let request = Request::read(&event, "r1", None);
        assert_eq!(request.origin.as_deref(), Some("https://a.example"));
        assert_eq!(request.user_agent.as_deref(), Some("two"));
    }

    #[test]
    fn a_base_path_of_a_custom_domain_does_not_hide_the_route() {
        let event = json!({"resource": "/count", "path": "/v1/count"});
        assert_eq!(Request::read(&event, "", None).route(), "/count");
    }

    #[test]
    fn a_proxy_resource_is_routed_by_its_path() {
        let event = json!({"resource": "/{proxy+}", "path": "/health"});
        assert_eq!(Request::read(&event, "", None).route(), "/health");
    }

    #[test]
    fn the_source_is_what_api_gateway_saw_and_no_header_changes_it() {
        let event = |headers: Value| {
            json!({
                "headers": headers, "multiValueHeaders": headers,
                "requestContext": {"identity": {"sourceIp": "203.0.113.77"}},
            })
        };
        let forged = json!({
            "X-Forwarded-For": "198.51.100.1", "Forwarded": "for=198.51.100.1",
            "X-Real-IP": "198.51.100.1", "sourceIp": "198.51.100.1",
        });
        let seen = Request::read(&event(json!({})), "r1", None).source;
        assert_eq!(seen, Address::read("203.0.113.77"));
        assert_eq!(Request::read(&event(forged.clone()), "r1", None).source, seen);
        assert_eq!(Request::read(&json!({"headers": forged}), "r1", None).source, None);
    }

    #[test]
    fn a_client_cannot_choose_the_id_of_a_request() {
        // API Gateway REST takes `requestId` from the header `x-amzn-requestid`; it overwrites nothing else.
        let id = |context: Value| {
            let headers = json!({"x-amzn-requestid": "chosen", "x-amz-apigw-id": "chosen", "X-Amz-Extended-Request-Id": "chosen"});
            let event = json!({"headers": headers, "multiValueHeaders": {}, "requestContext": context});
            Request::read(&event, "r1", None).gateway_id
        };
        assert_eq!(id(json!({"requestId": "chosen", "extendedRequestId": "JKJaXmPLvHcESHA="})), "JKJaXmPLvHcESHA=");
        for without in [json!({}), json!({"extendedRequestId": ""}), json!({"extendedRequestId": 7}), json!(null)] {
            let mut chosen = without;
            chosen["requestId"] = json!("chosen");
            assert_eq!(id(chosen.clone()), "r1", "{chosen}");
        }
    }

    proptest! {
        #[test]
        fn any_text_passes_through_unchanged(path in ".*", agent in ".*") {
            let event = json!({"path": path, "headers": {"User-Agent": agent}});
            let request = Request::read(&event, "r1", None);
            prop_assert_eq!(request.path, path);
            prop_assert_eq!(request.user_agent, Some(agent));
        }
    }
}
