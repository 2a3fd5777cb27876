//! The protocols of the services without an SDK here: how a request is written, and how a response and an error are read.

use std::fmt::Write as _;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::request::{Request, Service};
use super::xml::Element;

/// What AWS has encoded in a path, a query and a form.
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same for a key of S3, which may have slashes in it.
const RESERVED_IN_KEY: AsciiSet = RESERVED.remove(b'/');

impl Request {
    /// A request of the query protocol (IAM, CloudWatch): a form.
    pub fn query(operation: &'static str, version: &str, form: &Form) -> Self {
        let body = format!("Action={operation}&Version={version}{}", form.0);
        let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
        Self { operation, method: "POST", path: "/".to_owned(), headers, body: SdkBody::from(body), sha256: None }
    }

    /// A request of AWS JSON 1.1 (Logs).
    pub(super) fn json(operation: &'static str, target: &str, body: &Value) -> Self {
        let headers = vec![
            ("content-type", "application/x-amz-json-1.1".to_owned()),
            ("x-amz-target", format!("{target}.{operation}")),
        ];
        Self {
            operation,
            method: "POST",
            path: "/".to_owned(),
            headers,
            body: SdkBody::from(body.to_string()),
            sha256: None,
        }
    }

    /// A request without a body (API Gateway, S3). `path` and its query are encoded.
    pub fn bare(operation: &'static str, method: &'static str, path: String) -> Self {
        Self { operation, method, path, headers: Vec::new(), body: SdkBody::empty(), sha256: None }
    }
}

/// A form of the query protocol.
#[derive(Debug, Clone, Default)]
pub struct Form(String);

impl Form {
    /// The same with a field more.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let _ = write!(self.0, "&{}={}", encoded(name), encoded(value));
        self
    }

    /// The same with a list more.
    #[must_use]
    pub(super) fn with_list<'a>(self, name: &str, values: impl IntoIterator<Item = &'a str>) -> Self {
        let members = values.into_iter().zip(1..);
        members.fold(self, |form, (value, number)| form.with(&format!("{name}.member.{number}"), value))
    }
}

/// Text in a path, a query or a form.
pub(super) fn encoded(text: &str) -> impl std::fmt::Display {
    utf8_percent_encode(text, &RESERVED)
}

/// The key of an object in a path.
pub(super) fn encoded_key(key: &str) -> impl std::fmt::Display {
    utf8_percent_encode(key, &RESERVED_IN_KEY)
}

/// A body in JSON. An empty one has no fields, as for an SDK.
pub(super) fn json<T: DeserializeOwned>(response: &HttpResponse) -> Option<T> {
    let body = response.body().bytes()?;
    serde_json::from_slice(if body.is_empty() { b"{}" } else { body }).ok()
}

/// The result of `operation` in the query protocol: `<XResponse><XResult>…`.
pub(super) fn result(operation: &str, response: &HttpResponse) -> Option<Element> {
    let root = Element::read(response.body().bytes()?)?;
    root.child(&format!("{operation}Result")).cloned()
}

/// The code and the message of an error; none of both where the response is not AWS's.
pub(super) fn error(service: Service, response: &HttpResponse) -> ErrorMetadata {
    let body = response.body().bytes().unwrap_or_default();
    let [code, message] = match service {
        Service::Iam | Service::CloudWatch | Service::S3 => in_xml(body),
        Service::Logs | Service::HttpApis => in_json(response.headers().get("x-amzn-errortype"), body),
    };
    let error = ErrorMetadata::builder();
    let error = code.into_iter().fold(error, |error, code| error.code(code));
    message.into_iter().fold(error, |error, message| error.message(message)).build()
}

/// `<Error><Code>…</Code><Message>…</Message></Error>`, which the query protocol has in an `<ErrorResponse>`.
fn in_xml(body: &[u8]) -> [Option<String>; 2] {
    let root = Element::read(body);
    let error = root.as_ref().and_then(|root| root.parent_of("Code"));
    ["Code", "Message"].map(|name| error.and_then(|error| error.text(name)).map(str::to_owned))
}

/// The code is in a header or in a field, maybe with a namespace before it or an address behind it.
fn in_json(header: Option<&str>, body: &[u8]) -> [Option<String>; 2] {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let field = |names: &[&str]| names.iter().find_map(|name| body.get(name)?.as_str()).map(str::to_owned);
    let code = header.map(str::to_owned).or_else(|| field(&["code", "__type"]));
    let plain = |code: &str| code.split(':').next().and_then(|code| code.rsplit('#').next()).map(str::to_owned);
    [code.as_deref().and_then(plain), field(&["message", "Message", "errorMessage"])]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(found: &[Option<String>; 2]) -> [&str; 2] {
        found.each_ref().map(|part| part.as_deref().unwrap_or("-"))
    }

    #[test]
    fn an_error_is_read_in_the_form_of_each_protocol() {
        let query = b"<ErrorResponse xmlns=\"https://x/\"><Error><Type>Sender</Type><Code>NoSuchEntity</Code>\
                      <Message>no role &quot;r&quot;</Message></Error><RequestId>1</RequestId></ErrorResponse>";
        assert_eq!(both(&in_xml(query)), ["NoSuchEntity", "no role \"r\""]);
        let s3 = b"<?xml version=\"1.0\"?>\n<Error><Code>PermanentRedirect</Code><Message>elsewhere</Message>\
                   <Endpoint>b.s3.amazonaws.com</Endpoint></Error>";
        assert_eq!(both(&in_xml(s3)), ["PermanentRedirect", "elsewhere"]);
        let json = br#"{"__type": "com.amazonaws.logs#ResourceNotFoundException", "message": "no group"}"#;
        assert_eq!(both(&in_json(None, json)), ["ResourceNotFoundException", "no group"]);
        let rest = br#"{"Message": "Invalid API id"}"#;
        let header = Some("NotFoundException:http://internal.amazon.com/x#y");
        assert_eq!(both(&in_json(header, rest)), ["NotFoundException", "Invalid API id"]);
    }

    #[test]
    fn what_is_not_from_aws_has_no_code() {
        for body in ["", "<html><body>Blocked</body></html>", "{\"error\": 1}", "<Error>", "null"] {
            assert_eq!(in_xml(body.as_bytes())[0], None, "{body}");
            assert_eq!(in_json(None, body.as_bytes())[0], None, "{body}");
        }
    }

    #[test]
    fn text_is_encoded_as_aws_expects_it() {
        assert_eq!(encoded("$default/a b~_-.é+").to_string(), "%24default%2Fa%20b~_-.%C3%A9%2B");
        assert_eq!(encoded_key("shop/dev/a b+c.zip").to_string(), "shop/dev/a%20b%2Bc.zip");
    }
}
