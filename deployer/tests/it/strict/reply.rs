//! The strict proxy's replies: passed on, changed, or made as AWS would make them.

use base64::Engine as _;
use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::name::Service;
use super::privilege::Need;

/// Headers that belong to one connection and are not passed on.
const OF_THE_CONNECTION: [&str; 4] = ["transfer-encoding", "connection", "content-length", "keep-alive"];

/// A response on its way to the client.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    /// What a policy did not allow, if it is for that.
    pub refused: Option<Box<Need>>,
}

impl Reply {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { status, headers, body: body.to_string().into(), refused: None }
    }

    /// An error in the words of the service that was asked.
    pub(super) fn error(service: Service, status: u16, code: &str, message: &str) -> Self {
        let reply = match service {
            // Lambda writes `Message` where something is missing, and `message` elsewhere.
            Service::Lambda if code == "ResourceNotFoundException" => {
                Self::json(status, &json!({"Type": "User", "Message": message}))
            }
            Service::Lambda => Self::json(status, &json!({"Type": "User", "message": message})),
            Service::ApiGateway | Service::Open => Self::json(status, &json!({"message": message})),
            Service::DynamoDb => Self::json(
                status,
                &json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": message}),
            ),
            Service::CloudWatchJson | Service::Logs | Service::Ssm => {
                Self::json(status, &json!({"__type": code, "message": message}))
            }
            Service::CloudWatchCbor => Self {
                status,
                headers: vec![
                    ("content-type".to_owned(), "application/cbor".to_owned()),
                    ("smithy-protocol".to_owned(), "rpc-v2-cbor".to_owned()),
                ],
                body: cbor(&[("__type", code), ("message", message)]),
                refused: None,
            },
            Service::S3 => {
                Self::xml(status, &format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>"))
            }
            Service::CloudWatch | Service::Iam | Service::Sts => Self::xml(
                status,
                &format!(
                    "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
                     <RequestId>front</RequestId></ErrorResponse>"
                ),
            ),
        };
        reply.with("x-amzn-errortype", code)
    }

    pub(super) fn xml(status: u16, body: &str) -> Self {
        let headers = vec![("content-type".to_owned(), "text/xml".to_owned())];
        Self { status, headers, body: Bytes::from(body.to_owned()), refused: None }
    }

    /// With a header, instead of others of that name.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With another body, which is JSON.
    pub(super) fn with_json(mut self, body: &Value) -> Self {
        self.body = body.to_string().into();
        self
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(super) fn good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body, or null if it is not JSON.
    pub(super) fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(super) async fn of(reply: reqwest::Response) -> reqwest::Result<Self> {
        let status = reply.status().as_u16();
        let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = reply.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        Ok(Self { status, headers, body: reply.bytes().await?, refused: None })
    }

    pub(super) fn respond(self) -> Response<Full<Bytes>> {
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            // A function may return what is not a valid header.
            let header = (HeaderName::try_from(name), HeaderValue::try_from(value));
            if let (Ok(name), Ok(value)) = header
                && !OF_THE_CONNECTION.contains(&name.as_str())
            {
                response = response.header(name, value);
            }
        }
        response.body(Full::new(self.body)).unwrap()
    }
}

/// A map from text to text, as CBOR writes it (RFC 8949): all that an error needs.
fn cbor(pairs: &[(&str, &str)]) -> Bytes {
    let mut bytes = vec![0xa0 | u8::try_from(pairs.len()).unwrap()];
    for text in pairs.iter().flat_map(|(name, value)| [name, value]) {
        bytes.extend([0x79, u8::try_from(text.len() / 256).unwrap(), u8::try_from(text.len() % 256).unwrap()]);
        bytes.extend(text.as_bytes());
    }
    bytes.into()
}

/// The bytes of base64 text; none if it is not base64.
pub(super) fn decoded(text: &str) -> Option<Vec<u8>> {
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}

pub(super) fn encoded(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
