//! AWS's signature, version 4, of one shape of request: a POST of JSON to a target of an endpoint.
//!
//! In: where requests go, the caller's credentials, a moment. Out: the headers that prove who the caller is.
//!
//! `aws_sigv4::http_request::sign` is for any request and derives the key anew for each: with it, signing was a fourth of the
//! instructions of a visit. A key is the same for a whole day, and the shape here has no query and five headers. What is hashed
//! with what is still that library's, and a test compares every header with those that `sign` makes.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

/// The caller's credentials, and where its requests go. No `Debug`, so that no key can reach a log.
pub(crate) struct Signer {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    pub(crate) session_token: Option<String>,
    pub(crate) region: String,
    pub(crate) service: &'static str,
    pub(crate) endpoint: Endpoint,
    pub(crate) key: DayKey,
}

/// The key of a day, once one was derived.
#[derive(Default)]
pub(crate) struct DayKey(Mutex<Option<(String, Arc<[u8]>)>>);

/// What of an endpoint's address is signed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    host: String,
    path: String,
}

impl Endpoint {
    /// That of `address`, a URL without a query. A port that is the scheme's own is not sent with the host, and so not signed.
    pub(crate) fn of(address: &str) -> Self {
        let (scheme, rest) = address.split_once("://").unwrap_or(("https", address));
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let default = if scheme == "http" { ":80" } else { ":443" };
        Self { host: host.strip_suffix(default).unwrap_or(host).to_owned(), path: format!("/{path}") }
    }
}

impl Signer {
    /// The headers for a POST of `body` to `target` at this moment.
    pub(crate) fn headers(
        &self,
        at: Timestamp,
        [content_type, target]: [&str; 2],
        body: &str,
    ) -> Vec<(&'static str, String)> {
        let Self { access_key_id, region, service, endpoint: Endpoint { host, path }, .. } = self;
        let (day, moment) = (at.strftime("%Y%m%d").to_string(), at.strftime("%Y%m%dT%H%M%SZ").to_string());
        let (token, named) = match &self.session_token {
            Some(token) => (format!("x-amz-security-token:{token}\n"), "x-amz-security-token;"),
            None => (String::new(), ""),
        };
        let names = format!("content-type;host;x-amz-date;{named}x-amz-target");
        let canonical = format!(
            "POST\n{path}\n\ncontent-type:{content_type}\nhost:{host}\nx-amz-date:{moment}\n{token}x-amz-target:{target}\n\n{names}\n{}",
            hash(body)
        );
        let scope = format!("{day}/{region}/{service}/aws4_request");
        let to_sign = format!("AWS4-HMAC-SHA256\n{moment}\n{scope}\n{}", hash(&canonical));
        let signature = calculate_signature(self.key(day, at), to_sign.as_bytes());
        let credential = format!("Credential={access_key_id}/{scope}");
        let authorization = format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={signature}");
        let token = self.session_token.iter().map(|token| ("x-amz-security-token", token.clone()));
        [("x-amz-date", moment), ("authorization", authorization)].into_iter().chain(token).collect()
    }

    /// The key of `day`, on which `at` is.
    fn key(&self, day: String, at: Timestamp) -> Arc<[u8]> {
        let mut known = self.key.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, key)) = &*known
            && *of == day
        {
            return Arc::clone(key);
        }
        let key = generate_signing_key(&self.secret_access_key, at.into(), &self.region, self.service);
        let key = Arc::<[u8]>::from(key.as_ref());
        *known = Some((day, Arc::clone(&key)));
        key
    }
}

/// The SHA-256 of `text`, in hexadecimal.
fn hash(text: &str) -> String {
    let half = |bytes: &[u8]| bytes.iter().fold(0_u128, |half, byte| half << 8 | u128::from(*byte));
    let hash = Sha256::digest(text);
    let (first, second) = hash.split_at(16);
    format!("{:032x}{:032x}", half(first), half(second))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use aws_credential_types::Credentials;
    use aws_sigv4::{
        http_request::{SignableBody, SignableRequest, SigningSettings, sign},
        sign::v4,
    };
    use proptest::prelude::*;

    use super::*;

    const CONTENT_TYPE: &str = "application/x-amz-json-1.0";
    const TARGET: &str = "DynamoDB_20120810.PutItem";

    fn signer(address: &str, token: Option<&str>) -> Signer {
        Signer {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "a-secret-key".to_owned(),
            session_token: token.map(str::to_owned),
            region: "eu-west-1".to_owned(),
            service: "dynamodb",
            endpoint: Endpoint::of(address),
            key: DayKey::default(),
        }
    }

    /// The headers that the library makes for any request.
    fn by_the_library(address: &str, token: Option<&str>, at: Timestamp, body: &str) -> BTreeMap<String, String> {
        let key = Credentials::new("AKIDEXAMPLE", "a-secret-key", token.map(str::to_owned), None, "test").into();
        let params = v4::SigningParams::builder().identity(&key).region("eu-west-1").name("dynamodb");
        let params = params.time(at.into()).settings(SigningSettings::default()).build().unwrap().into();
        let headers = [("content-type", CONTENT_TYPE), ("x-amz-target", TARGET)].into_iter();
        let request = SignableRequest::new("POST", address, headers, SignableBody::Bytes(body.as_bytes())).unwrap();
        let (signed, _) = sign(request, &params).unwrap().into_parts();
        signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn ours(signer: &Signer, at: Timestamp, body: &str) -> BTreeMap<String, String> {
        let headers = signer.headers(at, [CONTENT_TYPE, TARGET], body).into_iter();
        headers.map(|(name, value)| (name.to_owned(), value)).collect()
    }

    #[test]
    fn a_signer_that_lives_past_midnight_takes_the_new_days_key() {
        let address = "https://dynamodb.eu-west-1.amazonaws.com";
        let signer = signer(address, None);
        for moment in
            ["2026-01-02T23:59:59.999Z", "2026-01-03T00:00:00Z", "2026-01-03T12:00:00Z", "2026-01-02T00:00:00Z"]
        {
            let at = moment.parse().unwrap();
            assert_eq!(ours(&signer, at, "{}"), by_the_library(address, None, at, "{}"), "{moment}");
        }
    }

    proptest! {
        #[test]
        fn headers_are_those_of_the_library(
            scheme in "https?",
            host in "[a-z]{1,9}(\\.[a-z0-9]{1,9}){0,3}|127\\.0\\.0\\.1",
            port in "|:80|:443|:8000|:4566",
            path in "|/|/[a-zA-Z0-9_.~-]*[a-zA-Z0-9_~-]",
            token in proptest::option::of("[A-Za-z0-9+/=]{1,40}"),
            second in 0..4_102_444_800_i64,
            body in ".*",
        ) {
            let address = format!("{scheme}://{host}{port}{path}");
            let at = Timestamp::from_second(second).unwrap();
            let expected = by_the_library(&address, token.as_deref(), at, &body);
            prop_assert_eq!(ours(&signer(&address, token.as_deref()), at, &body), expected, "{}", address);
        }
    }
}
