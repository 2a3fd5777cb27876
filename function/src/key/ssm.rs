//! The secret in a SecureString parameter of SSM.
//!
//! One signed request, made of parts that the store's SDK links anyway. `aws-sdk-ssm`, of which this
//! would be one call, costs 0.37 MB of zip; this costs 0.04 MB. The answer's body is never put into an
//! error, because it may be the secret.

use std::{
    error::Error,
    time::{Duration, SystemTime},
};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::HttpConnector as _,
    identity::Identity,
    orchestrator::{HttpRequest, HttpResponse},
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    key::{KeyError, KeySource},
    privacy::Secret,
    settings::AwsSettings,
};

/// How long an attempt may take. With the CPU of a running 128 MB function a TLS handshake takes
/// most of a second: less would never succeed there. And with the 7 s of the store, whose write
/// waits for it, it is still well within the function's 10 s.
const ATTEMPT: Duration = Duration::from_millis(1_500);

/// Errors that pass though their status is 400, by the names that AWS's own SDKs retry.
const PASSING: [&str; 7] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "RequestTimeoutException",
];

/// A SecureString parameter. No `Debug`, so that no key can reach a log.
pub struct SsmParameter {
    name: String,
    endpoint: String,
    region: String,
    identity: Identity,
    connector: Connector,
}

impl SsmParameter {
    /// The parameter `name`, reached as `aws` says. Calls nothing yet.
    #[must_use]
    pub fn new(name: String, aws: AwsSettings) -> Self {
        let AwsSettings { region, endpoint, access_key_id, secret_access_key, session_token } = aws;
        let key = Credentials::new(access_key_id, secret_access_key, session_token, None, "environment");
        let endpoint = endpoint.unwrap_or_else(|| public_endpoint(&region));
        let connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).build();
        Self { name, endpoint, region, identity: key.into(), connector }
    }

    async fn value(&self) -> Result<String, Failed> {
        let request = self.request().map_err(Failed::Passing)?;
        let response = self.connector.call(request).await.map_err(passing)?;
        let status = response.status().as_u16();
        let body = body(response).await.map_err(passing)?;
        if status != 200 {
            return Err(Refusal::read(status, &body).failed());
        }
        let answer: Value = serde_json::from_slice(&body).map_err(passing)?;
        Ok(answer.pointer("/Parameter/Value").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    fn request(&self) -> Result<HttpRequest, Cause> {
        let body = json!({"Name": self.name, "WithDecryption": true}).to_string();
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "AmazonSSM.GetParameter")];
        let signed = self.signature(&headers, &body)?;
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST")?;
        request.set_uri(self.endpoint.as_str())?;
        let signed = signed.iter().map(|(name, value)| (*name, value.as_str()));
        for (name, value) in headers.into_iter().chain(signed) {
            request.headers_mut().try_insert(name, value.to_owned())?;
        }
        Ok(request)
    }

    /// The headers that prove who asks.
    fn signature(&self, headers: &[(&str, &str)], body: &str) -> Result<Vec<(&'static str, String)>, Cause> {
        let params = v4::SigningParams::builder()
            .identity(&self.identity)
            .region(&self.region)
            .name("ssm")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let body = SignableBody::Bytes(body.as_bytes());
        let request = SignableRequest::new("POST", self.endpoint.as_str(), headers.iter().copied(), body)?;
        let (signed, _) = sign(request, &params)?.into_parts();
        let (headers, _) = signed.into_parts();
        Ok(headers.iter().map(|header| (header.name(), header.value().to_owned())).collect())
    }
}

impl KeySource for SsmParameter {
    async fn fetch(&self) -> Result<Secret, KeyError> {
        let value = timeout(ATTEMPT, self.value()).await.unwrap_or_else(|elapsed| Err(passing(elapsed)));
        let parameter = self.name.clone();
        match value {
            Ok(text) => Secret::new(&text).ok_or(KeyError::Short { parameter }),
            Err(Failed::Passing(cause)) => Err(KeyError::Unavailable { parameter, cause }),
            Err(Failed::Lasting(cause)) => Err(KeyError::Refused { parameter, cause }),
        }
    }
}

type Cause = Box<dyn Error + Send + Sync>;

/// Why an attempt failed: for now, or for good.
enum Failed {
    Passing(Cause),
    Lasting(Cause),
}

fn passing(cause: impl Into<Cause>) -> Failed {
    Failed::Passing(cause.into())
}

/// An answer other than 200, in SSM's own words.
#[derive(Debug, thiserror::Error)]
#[error("SSM answered {status} {code}: {message}")]
struct Refusal {
    status: u16,
    code: String,
    message: String,
}

impl Refusal {
    fn read(status: u16, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name| body.get(name).and_then(Value::as_str);
        // With or without a namespace before it: `com.amazonaws.ssm#ParameterNotFound`.
        let code = text("__type").and_then(|code| code.rsplit('#').next()).unwrap_or("without a code");
        let message = text("message").or_else(|| text("Message")).unwrap_or("no message");
        Self { status, code: code.to_owned(), message: message.to_owned() }
    }

    fn failed(self) -> Failed {
        let passes = self.status == 429 || self.status >= 500 || PASSING.contains(&self.code.as_str());
        if passes { passing(self) } else { Failed::Lasting(self.into()) }
    }
}

async fn body(response: HttpResponse) -> Result<Vec<u8>, Cause> {
    Ok(ByteStream::new(response.into_body()).collect().await?.to_vec())
}

/// SSM's address in `region`.
fn public_endpoint(region: &str) -> String {
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://ssm.{region}.{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_region_has_its_endpoint() {
        assert_eq!(public_endpoint("eu-west-1"), "https://ssm.eu-west-1.amazonaws.com");
        assert_eq!(public_endpoint("cn-north-1"), "https://ssm.cn-north-1.amazonaws.com.cn");
    }

    #[test]
    fn what_passes_is_told_from_what_lasts() {
        let passes = |status, code: &str| {
            let body = json!({"__type": code, "message": "m"}).to_string();
            matches!(Refusal::read(status, body.as_bytes()).failed(), Failed::Passing(_))
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
    fn an_answer_that_is_not_json_is_told_by_its_status() {
        assert_eq!(Refusal::read(502, b"<html>").to_string(), "SSM answered 502 without a code: no message");
    }
}
