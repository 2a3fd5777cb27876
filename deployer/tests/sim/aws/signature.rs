//! The signature (version 4) and the protocol of a request. The signature itself is not verified.

use jiff::Timestamp;

use super::wire::{Moment, Request};

/// What stands in a signed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    /// The access key.
    pub(crate) key: String,
    pub(crate) region: String,
    /// As the scope has it: `lambda`, `dynamodb`, `monitoring`, …
    pub(crate) service: String,
    /// The session's token, which temporary keys need.
    pub(crate) token: Option<String>,
    /// When it was signed, by the client's clock.
    pub(crate) at: Timestamp,
}

/// Why a request is not signed.
#[derive(Clone, Debug, Copy, PartialEq, Eq)]
pub(crate) enum Unsigned {
    Missing,
    Incomplete,
}

/// The signature of a request: `AWS4-HMAC-SHA256 Credential=KEY/20260101/eu-west-1/lambda/aws4_request, …`.
pub(crate) fn signed(request: &Request) -> Result<Signed, Unsigned> {
    let authorization = request.header("authorization").ok_or(Unsigned::Missing)?;
    let complete =
        ["AWS4-HMAC-SHA256 ", "SignedHeaders=", "Signature="].iter().all(|part| authorization.contains(part));
    let scope = scope(authorization).filter(|_| complete).ok_or(Unsigned::Incomplete)?;
    let [key, _, region, service, "aws4_request"] = scope[..] else { return Err(Unsigned::Incomplete) };
    let at = request.header("x-amz-date").and_then(|text| text.parse().ok()).ok_or(Unsigned::Incomplete)?;
    let token = request.header("x-amz-security-token").map(str::to_owned);
    Ok(Signed { key: key.to_owned(), region: region.to_owned(), service: service.to_owned(), token, at })
}

fn scope(authorization: &str) -> Option<Vec<&str>> {
    let credential = authorization.split_once("Credential=")?.1;
    Some(credential.split(',').next()?.trim().split('/').collect())
}

/// The service that a request was signed for: nothing else distinguishes a bucket's path from another's.
pub(crate) fn service(request: &Request) -> Option<&str> {
    scope(request.header("authorization")?)?.get(3).copied()
}

/// A time as signatures write it.
pub(crate) fn basic(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The header `date` of every response: by it the SDK corrects a clock of its own that is wrong, when it tries again.
pub(crate) fn date(moment: &Moment) -> String {
    moment.timestamp().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// The protocols of AWS.
#[derive(Clone, Debug, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Lambda, API Gateway.
    RestJson,
    /// DynamoDB and what else has an `X-Amz-Target`.
    Json,
    /// STS, IAM, CloudWatch.
    Query,
    S3,
}

impl Protocol {
    pub(crate) fn of(request: &Request) -> Self {
        if request.header("x-amz-target").is_some() {
            return Self::Json;
        }
        match service(request) {
            Some("s3") => Self::S3,
            Some("sts" | "iam" | "monitoring") => Self::Query,
            _ if super::query::action(request).is_some() => Self::Query,
            _ => Self::RestJson,
        }
    }
}
