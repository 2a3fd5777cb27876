//! A request that is refused because of its sender, in the format of the called service.

use jiff::Timestamp;
use serde_json::json;

use super::signature::{Protocol, Unsigned, basic, service};
use super::wire::{Reply, Request};
use super::{query, s3};

/// Why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Unsigned(Unsigned),
    /// There is no such key, or its token is another.
    UnknownKey,
    /// The session is over.
    Expired,
    /// The client's clock is wrong: its time, the real time, and the allowed difference in minutes.
    Skewed(Timestamp, Timestamp, i64),
    /// The principal may not do this: who, which action, on what.
    NotAllowed(String, String, String),
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Denial {
    pub(crate) reason: Reason,
    protocol: Protocol,
    service: String,
}

impl Denial {
    pub(crate) fn new(request: &Request, reason: Reason) -> Self {
        let service = service(request).unwrap_or_default().to_owned();
        Self { reason, protocol: Protocol::of(request), service }
    }

    /// An identity that IAM does not let do this.
    pub(crate) fn not_allowed(request: &Request, who: &str, action: &str, resource: &str) -> Self {
        Self::new(request, Reason::NotAllowed(who.to_owned(), action.to_owned(), resource.to_owned()))
    }

    pub(crate) fn reply(&self) -> Reply {
        let (status, code, message) = (self.status(), self.code(), self.message());
        match self.protocol {
            Protocol::RestJson => Reply::error(status, code, &message),
            Protocol::Json => {
                let body = json!({ "__type": format!("com.amazon.coral.service#{code}"), "message": message });
                let mut reply = Reply::json(status, &body);
                reply.headers = vec![("content-type".to_owned(), "application/x-amz-json-1.0".to_owned())];
                reply
            }
            Protocol::Query => query::error(status, code, &message),
            Protocol::S3 => s3::error(status, code, &message),
        }
    }

    /// DynamoDB gives 400 for all of these (its error reference); S3 for an expired token only.
    fn status(&self) -> u16 {
        match (&self.reason, self.protocol) {
            _ if self.service == "dynamodb" => 400,
            (Reason::Expired, Protocol::S3) => 400,
            _ => 403,
        }
    }

    /// The same thing has three names: of the JSON services, of the query protocol, and of S3.
    pub(crate) fn code(&self) -> &'static str {
        let [json, query, s3] = match &self.reason {
            Reason::Unsigned(Unsigned::Missing) => {
                ["MissingAuthenticationTokenException", "MissingAuthenticationToken", "AccessDenied"]
            }
            Reason::Unsigned(Unsigned::Incomplete) => {
                ["IncompleteSignatureException", "IncompleteSignature", "AuthorizationHeaderMalformed"]
            }
            Reason::UnknownKey => ["UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"],
            Reason::Expired => ["ExpiredTokenException", "ExpiredToken", "ExpiredToken"],
            Reason::Skewed(..) => ["InvalidSignatureException", "SignatureDoesNotMatch", "RequestTimeTooSkewed"],
            Reason::NotAllowed(..) => ["AccessDeniedException", "AccessDenied", "AccessDenied"],
        };
        match self.protocol {
            Protocol::RestJson | Protocol::Json => json,
            Protocol::Query => query,
            Protocol::S3 => s3,
        }
    }

    fn message(&self) -> String {
        let of_s3 = self.protocol == Protocol::S3;
        match &self.reason {
            Reason::Unsigned(Unsigned::Missing) if of_s3 => "Access Denied".to_owned(),
            Reason::Unsigned(Unsigned::Missing) => "Missing Authentication Token".to_owned(),
            Reason::Unsigned(Unsigned::Incomplete) => {
                "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' \
                 parameter."
                    .to_owned()
            }
            Reason::UnknownKey if of_s3 => {
                "The AWS Access Key Id you provided does not exist in our records.".to_owned()
            }
            Reason::UnknownKey => "The security token included in the request is invalid.".to_owned(),
            Reason::Expired if of_s3 => "The provided token has expired.".to_owned(),
            Reason::Expired => "The security token included in the request is expired".to_owned(),
            Reason::Skewed(..) if of_s3 => {
                "The difference between the request time and the current time is too large.".to_owned()
            }
            Reason::Skewed(sent, now, minutes) => skewed(*sent, *now, *minutes),
            // S3 does not always say what was missing.
            Reason::NotAllowed(..) if of_s3 => "Access Denied".to_owned(),
            // STS gives no reason: a role that does not exist is refused in the same words as one that trusts others.
            Reason::NotAllowed(who, action, resource) if self.service == "sts" => {
                format!("User: {who} is not authorized to perform: {action} on resource: {resource}")
            }
            Reason::NotAllowed(who, action, resource) => format!(
                "User: {who} is not authorized to perform: {action} on resource: {resource} because no identity-based \
                 policy allows the {action} action"
            ),
        }
    }
}

fn skewed(sent: Timestamp, now: Timestamp, minutes: i64) -> String {
    let span = jiff::SignedDuration::from_mins(minutes);
    let (early, late) = (basic(now - span), basic(now + span));
    let (sent_at, now_at) = (basic(sent), basic(now));
    match sent < now {
        true => format!("Signature expired: {sent_at} is now earlier than {early} ({now_at} - {minutes} min.)"),
        false => format!("Signature not yet current: {sent_at} is still later than {late} ({now_at} + {minutes} min.)"),
    }
}
