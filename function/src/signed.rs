//! One request to a service of AWS that speaks JSON, signed.
//!
//! In: the service, a target, a body. Out: the response, or why there is none, and whether that passes. An
//! response's body is never put into an error, because it may be a secret.
//!
//! Made of the parts that AWS's SDKs are made of: credentials, signatures, connections. The SDKs themselves
//! are for many calls of many shapes; of DynamoDB four are used here, of SSM and Secrets Manager one each.
//! Measured with `cargo bench` (2 cores): with `aws-sdk-dynamodb` a visit took 0.22 to 0.24 of the CPU that
//! Python takes for one, and `counter` was 2.2 MB; without, 0.15 and 1.7 MB. `aws-sdk-ssm` cost 0.37 MB more.

use std::{error::Error, fmt, time::Duration};

use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::HttpConnector as _,
    orchestrator::{HttpRequest, HttpResponse},
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    settings::AwsSettings,
    signature::{DayKey, Endpoint, Signer},
};

/// How long a connection may have rested to be used again. A container freezes between two visitors, and a
/// connection that ended meanwhile may look open: what is sent over it is lost. Hyper's 90 s are longer than
/// what lies between may keep it; a handshake more after a pause costs less than a visit.
const IDLE: Duration = Duration::from_secs(20);

/// Errors that pass though their status is 400, by the names that AWS's own SDKs retry.
const PASSING: [&str; 13] = [
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestTimeout",
    "RequestTimeoutException",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
];

/// The error of a request whose condition was false.
const CONDITION: &str = "ConditionalCheckFailedException";

/// A service that speaks JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Api {
    /// What it calls itself where it refuses.
    pub(crate) name: &'static str,
    /// Its part of a signature, and of its public address.
    pub(crate) host: &'static str,
    /// Its `Content-Type`.
    pub(crate) content_type: &'static str,
    /// How long an attempt may take. With the CPU of a running 128 MB function a TLS handshake takes
    /// most of a second: less would never succeed there.
    pub(crate) patience: Duration,
}

/// A service, and the caller's credentials. No `Debug`, so that no key can reach a log.
pub(crate) struct Signed {
    api: Api,
    endpoint: String,
    signer: Signer,
    connector: Connector,
}

impl Signed {
    /// Requests to `api`, reached with `aws`. Sends none yet.
    pub(crate) fn new(api: Api, aws: AwsSettings) -> Self {
        let AwsSettings { region, endpoint, access_key_id, secret_access_key, session_token } = aws;
        let endpoint = endpoint.unwrap_or_else(|| public_endpoint(api, &region));
        let signer = Signer {
            access_key_id,
            secret_access_key,
            session_token,
            region,
            service: api.host,
            endpoint: Endpoint::of(&endpoint),
            key: DayKey::default(),
        };
        let connector = Connector::builder().pool_idle_timeout(Some(IDLE));
        let connector = connector.tls_provider(Provider::Rustls(CryptoMode::Ring)).build();
        Self { api, endpoint, signer, connector }
    }

    /// Sends `body` to `target`: one attempt, given up when the service's time is over.
    pub(crate) async fn send(&self, target: &'static str, body: &impl Serialize) -> Result<Value, Failed> {
        let body = serde_json::to_string(body).map_err(|error| Failed::Lasting(error.into()))?;
        let response = timeout(self.api.patience, self.attempt(target, body));
        response.await.unwrap_or_else(|elapsed| Err(passing(elapsed)))
    }

    async fn attempt(&self, target: &'static str, body: String) -> Result<Value, Failed> {
        let request = self.request(target, body).map_err(Failed::Passing)?;
        let response = self.connector.call(request).await.map_err(passing)?;
        let status = response.status().as_u16();
        let body = collect(response).await.map_err(passing)?;
        if status == 200 {
            serde_json::from_slice(body.as_ref()).map_err(passing)
        } else {
            Err(Refusal::read(self.api, status, body.as_ref()).failed())
        }
    }

    fn request(&self, target: &'static str, body: String) -> Result<HttpRequest, Cause> {
        let content_type = self.api.content_type;
        let signed = self.signer.headers(Timestamp::now(), [content_type, target], &body);
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST")?;
        request.set_uri(self.endpoint.as_str())?;
        request.headers_mut().try_insert("content-type", content_type)?;
        request.headers_mut().try_insert("x-amz-target", target)?;
        for (name, value) in signed {
            request.headers_mut().try_insert(name, value)?;
        }
        Ok(request)
    }
}

pub(crate) type Cause = Box<dyn Error + Send + Sync>;

/// Why an attempt failed: for now, or for good.
pub(crate) enum Failed {
    Passing(Cause),
    Lasting(Cause),
}

impl Failed {
    /// Why, however long it lasts.
    pub(crate) fn cause(self) -> Cause {
        let (Self::Passing(cause) | Self::Lasting(cause)) = self;
        cause
    }
}

pub(crate) fn passing(cause: impl Into<Cause>) -> Failed {
    Failed::Passing(cause.into())
}

/// A response other than 200, in the service's own words.
#[derive(Debug, thiserror::Error)]
#[error("{service} returned {status} {code}: {message}")]
pub(crate) struct Refusal {
    service: &'static str,
    status: u16,
    code: String,
    message: String,
    /// The item that is there instead, where a condition was false and the request asked for the item.
    pub(crate) instead: Option<Instead>,
}

/// An item. No `Debug` that shows it: it may be a visit.
#[cfg_attr(not(feature = "dynamodb"), expect(dead_code, reason = "no other service has conditions"))]
pub(crate) struct Instead(pub(crate) Value);

impl fmt::Debug for Instead {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Instead(..)")
    }
}

impl Refusal {
    fn read(api: Api, status: u16, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name| body.get(name).and_then(Value::as_str);
        // With or without a namespace before it: `com.amazonaws.ssm#ParameterNotFound`.
        let code = text("__type").and_then(|code| code.rsplit('#').next()).unwrap_or("without a code");
        let message = text("message").or_else(|| text("Message")).unwrap_or("no message");
        let instead = body.get("Item").filter(|_| code == CONDITION).cloned().map(Instead);
        Self { service: api.name, status, code: code.to_owned(), message: message.to_owned(), instead }
    }

    fn failed(self) -> Failed {
        let passes = self.status == 429 || self.status >= 500 || PASSING.contains(&self.code.as_str());
        if passes { passing(self) } else { Failed::Lasting(self.into()) }
    }
}

async fn collect(response: HttpResponse) -> Result<impl AsRef<[u8]>, Cause> {
    Ok(ByteStream::new(response.into_body()).collect().await?.into_bytes())
}

/// The endpoint of `api` in `region`, of AWS's public partitions and China's; elsewhere the variable for an
/// endpoint names it.
fn public_endpoint(api: Api, region: &str) -> String {
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://{}.{region}.{suffix}", api.host)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SSM: Api =
        Api { name: "SSM", host: "ssm", content_type: "application/x-amz-json-1.1", patience: Duration::ZERO };

    #[test]
    fn each_region_has_its_endpoint() {
        assert_eq!(public_endpoint(SSM, "eu-west-1"), "https://ssm.eu-west-1.amazonaws.com");
        assert_eq!(public_endpoint(SSM, "cn-north-1"), "https://ssm.cn-north-1.amazonaws.com.cn");
    }

    #[test]
    fn passing_errors_are_distinguished_from_lasting_ones() {
        let passes = |status, code: &str| {
            let body = json!({"__type": code, "message": "m"}).to_string();
            matches!(Refusal::read(SSM, status, body.as_bytes()).failed(), Failed::Passing(_))
        };
        for (status, code) in [
            (400, "ThrottlingException"),
            (400, "com.amazonaws.ssm#ThrottlingException"),
            (429, ""),
            (500, "x"),
            (503, ""),
        ] {
            assert!(passes(status, code), "{status} {code}");
        }
        for (status, code) in [
            (400, "ParameterNotFound"),
            (400, "AccessDeniedException"),
            (400, "ValidationException"),
            (403, "x"),
            (301, ""),
        ] {
            assert!(!passes(status, code), "{status} {code}");
        }
    }

    #[test]
    fn a_response_that_is_not_json_is_reported_by_its_status() {
        assert_eq!(Refusal::read(SSM, 502, b"<html>").to_string(), "SSM returned 502 without a code: no message");
    }
}
