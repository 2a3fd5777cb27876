//! A response, from Invoke or through the URL, and what a check says of it.

use std::collections::BTreeMap;

use aws_smithy_types::base64;
use serde_json::Value;

use super::event::Returns;
use super::failed::Mismatch;
use super::log::{shown, shown_value};
use crate::config::ExpectedResponse;

/// A response to a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers, names in lower case.
    headers: BTreeMap<String, String>,
    /// The body.
    body: String,
}

impl Response {
    /// A response from its parts.
    pub fn new<'a>(status: u16, headers: impl IntoIterator<Item = (&'a str, &'a str)>, body: String) -> Self {
        let headers = headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
        Self { status, headers: headers.collect(), body }
    }

    /// The response that a gateway makes of what a function returned; none if it is an error to the gateway.
    pub(super) fn of_payload(payload: &Value, returns: Returns) -> Option<Self> {
        if returns == Returns::Anything && payload.get("statusCode").is_none() {
            // A text is the body itself, everything else is its JSON.
            let body = payload.as_str().map_or_else(|| payload.to_string(), str::to_owned);
            return Some(Self::new(200, [("content-type", "application/json")], body));
        }
        // API Gateway takes a number in a string too.
        let status = match &payload["statusCode"] {
            Value::String(text) => text.parse().ok()?,
            number => u16::try_from(number.as_u64()?).ok()?,
        };
        let single = payload["headers"].as_object().into_iter().flatten();
        let single = single.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
        let multi = payload["multiValueHeaders"].as_object().into_iter().flatten();
        let multi = multi.filter_map(|(name, values)| Some((name.as_str(), values.get(0)?.as_str()?)));
        let body = payload["body"].as_str().unwrap_or_default();
        let decoded = (payload["isBase64Encoded"] == true).then(|| base64::decode(body).ok()).flatten();
        let body = decoded.map_or_else(|| body.to_owned(), |bytes| String::from_utf8_lossy(&bytes).into_owned());
        Some(Self::new(status, single.chain(multi), body))
    }

    /// A header by name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(&name.to_ascii_lowercase()).map(String::as_str)
    }

    /// Whether its body is this JSON and no more.
    pub(super) fn is_json(&self, wanted: &Value) -> bool {
        serde_json::from_str::<Value>(&self.body).is_ok_and(|found| found == *wanted)
    }

    /// Whether it is as declared; else why not.
    pub fn compare(&self, declared: &ExpectedResponse) -> Result<(), Mismatch> {
        if self.status != declared.status {
            let words = format!("status {}, not {}", self.status, declared.status);
            return Err(Mismatch::new(words, "status", (declared.status.to_string(), self.with_body())));
        }
        for (name, wanted) in &declared.headers {
            if self.header(name) != Some(wanted) {
                let value = |value: &str| shown_value(name, &value.into());
                let (wanted, found) = (value(wanted), self.header(name).map_or_else(|| "absent".to_owned(), value));
                let words = format!("header `{name}` is {found}, not {wanted}");
                return Err(Mismatch::new(words, &format!("header `{name}`"), (wanted, found)));
            }
        }
        let Some(wanted) = &declared.body else { return Ok(()) };
        let not_json = |_| {
            let values = (shown_value("", wanted), shown(&self.body));
            Mismatch::new("the body is not JSON", "body", values)
        };
        let found: Value = serde_json::from_str(&self.body).map_err(not_json)?;
        missing(wanted, &found).map_or(Ok(()), |missing| Err(missing.mismatch("body")))
    }

    /// The status with the beginning of the body, which often says why.
    pub(super) fn with_body(&self) -> String {
        let body = match serde_json::from_str::<Value>(&self.body) {
            Ok(body) => shown_value("", &body),
            Err(_) => shown(&self.body),
        };
        if body.is_empty() { self.status.to_string() } else { format!("{}, body {body}", self.status) }
    }
}

/// Something that was declared and did not come, or came otherwise.
pub(super) struct Missing<'a> {
    path: String,
    name: &'a str,
    wanted: &'a Value,
    found: &'a Value,
}

impl Missing<'_> {
    /// As the reason why `what` is not as declared.
    pub(super) fn mismatch(&self, what: &str) -> Mismatch {
        let values = (shown_value(self.name, self.wanted), shown_value(self.name, self.found));
        Mismatch::new(format!("the {what} differs at `{}`", self.path), &format!("{what} at `{}`", self.path), values)
    }
}

/// The first thing that `wanted` has and `found` does not; `found` may have more.
pub(super) fn missing<'a>(wanted: &'a Value, found: &'a Value) -> Option<Missing<'a>> {
    let Some(object) = wanted.as_object() else {
        return (wanted != found).then(|| Missing { path: "$".to_owned(), name: "", wanted, found });
    };
    object.iter().find_map(|(name, wanted)| {
        let below = missing(wanted, &found[name])?;
        let path = below.path.replacen('$', &format!("$.{name}"), 1);
        Some(Missing { path, name: if below.name.is_empty() { name } else { below.name }, ..below })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn declared() -> ExpectedResponse {
        ExpectedResponse {
            status: 200,
            headers: BTreeMap::from([("X-Mark".to_owned(), "7".to_owned())]),
            body: Some(json!({"status": "ok", "deep": {"a": 1}})),
        }
    }

    fn response(status: u16, mark: &str, body: &Value) -> Response {
        Response::new(status, [("x-MARK", mark)], body.to_string())
    }

    #[test]
    fn a_response_may_have_more_than_the_check_expects() {
        let body = json!({"status": "ok", "count": 3, "deep": {"a": 1, "b": 2}});
        assert_eq!(response(200, "7", &body).compare(&declared()), Ok(()));
    }

    #[test]
    fn expected_and_got_are_beside_each_other() {
        let seen = |response: Response| {
            let Mismatch { words, difference } = response.compare(&declared()).unwrap_err();
            let difference = difference.unwrap();
            [words, difference.of, difference.expected, difference.got]
        };
        let body = json!({"status": "ok", "deep": {"a": 2}});
        let why = json!({"error": "no table", "token": "hunter2"});
        assert_eq!(
            seen(response(500, "7", &why)),
            ["status 500, not 200", "status", "200", r#"500, body {"error":"no table","token":***}"#]
        );
        assert_eq!(
            seen(response(200, "8", &body)),
            [r#"header `X-Mark` is "8", not "7""#, "header `X-Mark`", "\"7\"", "\"8\""]
        );
        assert_eq!(seen(response(200, "7", &body)), ["the body differs at `$.deep.a`", "body at `$.deep.a`", "1", "2"]);
        let none = json!({"status": "ok"});
        assert_eq!(seen(response(200, "7", &none))[2..], ["1", "nothing"]);
        assert_eq!(seen(Response::new(200, [("x-mark", "7")], "hi".to_owned()))[0], "the body is not JSON");
    }

    #[test]
    fn a_secret_that_differs_is_not_shown() {
        let declared = ExpectedResponse { body: Some(json!({"auth": {"token": "hunter2"}})), ..declared() };
        let response = response(200, "7", &json!({"auth": {"token": "hunter3"}}));
        let difference = response.compare(&declared).unwrap_err().difference.unwrap();
        assert_eq!((difference.expected.as_str(), difference.got.as_str()), ("***", "***"));
    }

    #[test]
    fn a_proxy_response_is_read_with_either_kind_of_headers() {
        let single = json!({"statusCode": 200, "headers": {"X-Function-Version": "7"}, "body": "{}"});
        let multi = json!({"statusCode": 200, "headers": {}, "multiValueHeaders": {"x-function-version": ["7"]}});
        for payload in [single, multi] {
            let response = Response::of_payload(&payload, Returns::Response).unwrap();
            assert_eq!(response.header("x-function-version"), Some("7"));
        }
        assert_eq!(Response::of_payload(&json!({"errorMessage": "x"}), Returns::Response), None);
    }

    #[test]
    fn json_without_a_status_is_a_body_where_the_gateway_allows_it() {
        for (payload, body) in
            [(json!({"status": "ok"}), r#"{"status":"ok"}"#), (json!("hi"), "hi"), (json!([1]), "[1]")]
        {
            let response = Response::of_payload(&payload, Returns::Anything).unwrap();
            assert_eq!((response.status, &*response.body), (200, body));
            assert_eq!(Response::of_payload(&payload, Returns::Response), None);
        }
        let whole = json!({"statusCode": 503, "body": "no"});
        assert_eq!(Response::of_payload(&whole, Returns::Anything).unwrap().status, 503);
    }

    #[test]
    fn a_body_in_base64_is_decoded() {
        let payload = json!({"statusCode": 200, "body": "eyJzdGF0dXMiOiAib2sifQ==", "isBase64Encoded": true});
        let response = Response::of_payload(&payload, Returns::Response).unwrap();
        assert_eq!(response.body, r#"{"status": "ok"}"#);
    }
}
