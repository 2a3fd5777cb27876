//! What of a REST proxy event matters here.
//!
//! In: an [`Event`]. Out: a [`Request`]. It never fails, and keeps the visitor's address only as
//! an [`Address`], which cannot be shown.
//!
//! `lambda_http` is not used for this: its event type refuses an event without
//! `requestContext.httpMethod`, and it panics on a `Host` header that makes no URL. Either would
//! reach the visitor as a bare 502.

use crate::{event::Event, privacy::Address};

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
    /// The request of `event`, which Lambda runs under `id` and traces as `trace`.
    #[must_use]
    pub fn of(mut event: Event, id: &str, trace: Option<&str>) -> Self {
        let (origin, user_agent) = (event.origin(), event.user_agent());
        let Event { method, resource, path, context, stage, .. } = event;
        Self {
            id: id.to_owned(),
            gateway_id: context.extended_request_id.filter(|id| !id.is_empty()).unwrap_or_else(|| id.to_owned()),
            trace: trace.map(str::to_owned),
            method: method.unwrap_or_default(),
            resource: resource.unwrap_or_default(),
            path: path.unwrap_or_default(),
            origin,
            user_agent,
            source: context.identity.source,
            deployment: stage.deployment,
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read(event: &Value, id: &str) -> Request {
        Request::of(serde_json::from_str(&event.to_string()).unwrap(), id, None)
    }

    #[test]
    fn an_empty_event_is_an_empty_request() {
        let bare = Request { id: "r1".to_owned(), gateway_id: "r1".to_owned(), ..Request::default() };
        for event in [json!({}), json!(null), json!([1]), json!("GET"), json!({"headers": null})] {
            assert_eq!(read(&event, "r1"), bare, "{event}");
        }
    }

    #[test]
    fn members_of_a_strange_shape_count_as_not_sent() {
        let event = json!({
            "httpMethod": 5, "path": ["/count"], "resource": {}, "requestContext": 7,
            "headers": {"Origin": {"a": 1}, "User-Agent": null}, "stageVariables": "x",
        });
        let bare = Request { id: "r1".to_owned(), gateway_id: "r1".to_owned(), ..Request::default() };
        assert_eq!(read(&event, "r1"), bare);
    }

    #[test]
    fn header_names_ignore_case_and_the_last_line_counts() {
        let event = json!({
            "headers": {"oRIGIN": "https://a.example"},
            "multiValueHeaders": {"USER-agent": ["one", "two"], "origin": ["ignored"]},
        });
        let request = read(&event, "r1");
        assert_eq!(request.origin.as_deref(), Some("https://a.example"));
        assert_eq!(request.user_agent.as_deref(), Some("two"));
    }

    #[test]
    fn a_base_path_of_a_custom_domain_does_not_hide_the_route() {
        let event = json!({"resource": "/count", "path": "/v1/count"});
        assert_eq!(read(&event, "").route(), "/count");
    }

    #[test]
    fn a_proxy_resource_is_routed_by_its_path() {
        let event = json!({"resource": "/{proxy+}", "path": "/health"});
        assert_eq!(read(&event, "").route(), "/health");
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
        let seen = read(&event(json!({})), "r1").source;
        assert_eq!(seen, Address::read("203.0.113.77"));
        assert_eq!(read(&event(forged.clone()), "r1").source, seen);
        assert_eq!(read(&json!({"headers": forged}), "r1").source, None);
    }

    #[test]
    fn a_client_cannot_choose_the_id_of_a_request() {
        // API Gateway REST takes `requestId` from the header `x-amzn-requestid`; it overwrites nothing else.
        let id = |context: Value| {
            let headers = json!({"x-amzn-requestid": "chosen", "x-amz-apigw-id": "chosen", "X-Amz-Extended-Request-Id": "chosen"});
            let event = json!({"headers": headers, "multiValueHeaders": {}, "requestContext": context});
            read(&event, "r1").gateway_id
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
            let request = read(&event, "r1");
            prop_assert_eq!(request.path, path);
            prop_assert_eq!(request.user_agent, Some(agent));
        }
    }
}
