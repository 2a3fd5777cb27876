//! One error for every service: which call on which object failed, why, and the kind that code branches on.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::hint::hint;

/// A call that failed.
#[derive(Debug)]
pub struct AwsError {
    /// What code branches on.
    pub kind: Kind,
    /// How long AWS asks to wait before the call is repeated.
    pub retry_after: Option<Duration>,
    operation: &'static str,
    object: String,
    reason: String,
    hint: Option<Cow<'static, str>>,
}

impl std::error::Error for AwsError {}

impl fmt::Display for AwsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, object, reason, .. } = self;
        // No call was made: which one it would have been does not matter.
        if reason.starts_with(NONE_FOUND) {
            return formatter.write_str(reason);
        }
        write!(formatter, "{operation} of {object} failed: {reason}")
    }
}

/// How the reason begins where there are no credentials.
pub(super) const NONE_FOUND: &str = "no AWS credentials were found: ";
/// How the reason begins where the response has no error code, as AWS's have.
pub(super) const NOT_OF_AWS: &str = "the response is not from AWS";
/// Where the endpoint's certificate is not trusted.
pub(super) const UNTRUSTED: &str = "the certificate of the endpoint is not trusted: ";
/// Where a proxy did not let the connection through.
pub(super) const REFUSED_BY_PROXY: &str = "the proxy refused the connection: ";
/// Where the endpoint has a name that DNS does not know.
pub(super) const UNRESOLVED: &str = "the name of the endpoint does not resolve";
/// Where the role that the run is to have was refused.
pub(super) const NOT_GIVEN: &str = "the role cannot be assumed: ";

/// The kinds of failure that code branches on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The object does not exist.
    NotFound,
    /// The object has changed since it was read (Lambda's `RevisionId`), or a condition of ours was not met.
    Precondition,
    /// Another update is in progress.
    Conflict,
    /// Too many requests; nothing was done.
    Throttled,
    /// The credentials may not do this.
    Denied,
    /// There are no valid credentials.
    NoCredentials,
    /// No connection was made: nothing was done.
    Unreachable,
    /// The response did not come, or was a 5xx: it is not known what was done.
    Unknown,
    /// The response is not what it should be.
    Malformed,
    /// Any other refusal.
    Other,
}

impl Kind {
    /// Whether a call that can have no double effect is worth repeating.
    pub(super) fn may_be_repeated(self) -> bool {
        matches!(self, Self::Unknown | Self::Throttled | Self::Conflict | Self::Unreachable)
    }
}

impl AwsError {
    /// What `error` means for `operation` on `object`.
    pub(super) fn new<E>(operation: &'static str, object: impl Into<String>, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let (kind, reason) = match error {
            SdkError::ServiceError(service) if service.err().code().is_none() => (Kind::Other, NOT_OF_AWS.to_owned()),
            SdkError::ServiceError(service) => of_service(service.err()),
            SdkError::DispatchFailure(failure) => of_dispatch(failure.as_connector_error()),
            SdkError::TimeoutError(_) => (Kind::Unknown, "no response in time".to_owned()),
            SdkError::ConstructionFailure(_) => of_construction(error),
            _ => (Kind::Unknown, "the response could not be read".to_owned()),
        };
        let status = error.raw_response().map(|response| response.status().as_u16());
        let (kind, reason) = match status {
            // It succeeded, but the response cannot be read, which the SDK takes for an error of the service.
            Some(200..=299) if kind == Kind::Other => (Kind::Malformed, "the response could not be read".to_owned()),
            _ => (kind, reason),
        };
        let reason = match status {
            Some(status) if reason == NOT_OF_AWS => format!("{reason} (HTTP {status})"),
            _ => reason,
        };
        let kind = match status {
            Some(429) => Kind::Throttled,
            Some(500..) if kind == Kind::Other => Kind::Unknown,
            _ => kind,
        };
        let header = error.raw_response().and_then(|response| response.headers().get("retry-after"));
        let retry_after = header.and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        Self { retry_after, ..Self::found(kind, operation, object, reason) }
    }

    /// What to do about it, where the kind or AWS's words say it.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The same with the action that the credentials lack, where AWS does not name it. S3 often says no more than "Access Denied".
    #[must_use]
    pub(super) fn for_lack_of(mut self, action: &str) -> Self {
        if self.kind == Kind::Denied && !self.reason.contains(action) {
            self.reason = format!("`{action}` is not allowed: {}", self.reason);
            self.hint = hint(self.kind, &self.reason);
        }
        self
    }

    /// Why there are no credentials at all, if that is what failed.
    pub fn why_no_credentials(&self) -> Option<&str> {
        self.reason.strip_prefix(NONE_FOUND)
    }

    /// Whether the credentials may not assume the role that the run is to have.
    pub fn is_about_taking_a_role(&self) -> bool {
        self.kind == Kind::Denied && self.reason.starts_with(NOT_GIVEN)
    }

    /// Whether a service was denied a KMS key: that says nothing about what the credentials of the run allow.
    pub fn is_about_a_key(&self) -> bool {
        self.reason.starts_with("KMS")
    }

    /// Whether AWS refused the token of a workflow run.
    pub(super) fn is_about_a_token(&self) -> bool {
        let signs = ["AssumeRoleWithWebIdentity", "InvalidIdentityToken"];
        matches!(self.kind, Kind::Denied | Kind::NoCredentials) && signs.iter().any(|sign| self.reason.contains(sign))
    }

    /// A role that cannot be assumed, for this cause.
    #[cfg(test)]
    pub(crate) fn role_refused(operation: &'static str, object: &str, cause: &str) -> Self {
        Self::found(Kind::Denied, operation, object, format!("{NOT_GIVEN}{cause}"))
    }

    /// A failure that was found in a response without an error.
    pub(crate) fn found(
        kind: Kind,
        operation: &'static str,
        object: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        let reason = reason.into();
        Self { kind, retry_after: None, operation, object: object.into(), hint: hint(kind, &reason), reason }
    }
}

pub(super) fn of_service(error: &impl ProvideErrorMetadata) -> (Kind, String) {
    let code = error.code().unwrap_or("unknown error");
    let kind = match code {
        "ResourceNotFoundException"
        | "NotFoundException"
        | "ProvisionedConcurrencyConfigNotFoundException"
        | "NoSuchEntity"
        | "NoSuchBucket" => Kind::NotFound,
        // DeleteFunction of a version that an alias names.
        "ResourceConflictException" if error.message().is_some_and(|message| message.contains("alias")) => Kind::Other,
        "PreconditionFailedException" | "ConditionalCheckFailedException" => Kind::Precondition,
        "TransactionCanceledException" => of_cancellation(error.message().unwrap_or_default()),
        "ResourceConflictException"
        | "ConflictException"
        | "TransactionInProgressException"
        // An idle version that this very call wakes (boto3#3788).
        | "CodeArtifactUserPendingException" => Kind::Conflict,
        "TooManyRequestsException"
        | "ThrottlingException"
        | "Throttling"
        | "SlowDown"
        | "RequestLimitExceeded"
        | "ProvisionedThroughputExceededException" => Kind::Throttled,
        "AccessDeniedException" | "AccessDenied" | "RegionDisabledException" | "KMSAccessDeniedException" => Kind::Denied,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        // API Gateway's and S3's names for the same.
        | "UnauthorizedException"
        | "InvalidAccessKeyId"
        | "InvalidToken"
        | "RequestTimeTooSkewed"
        | "RequestExpired"
        | "RequestInTheFuture"
        | "AuthorizationHeaderMalformed" => Kind::NoCredentials,
        "ServiceException" | "InternalServerError" | "InternalFailure" | "ServiceUnavailableException" => Kind::Unknown,
        _ => Kind::Other,
    };
    let message = match (error.message(), kind) {
        // It quotes the header that it cannot read.
        (Some(_), _) if code.starts_with("IncompleteSignature") => None,
        (Some(message), Kind::NoCredentials) => Some(first_sentence(message)),
        (message, _) => message,
    };
    let reason = message.map_or_else(|| code.to_owned(), |message| format!("{code}: {message}"));
    (kind, reason)
}

/// AWS explains a wrong signature by repeating what was signed, the session's token with it.
fn first_sentence(message: &str) -> &str {
    message.split(['\n', '\r']).next().and_then(|line| line.split(". ").next()).unwrap_or_default()
}

/// A transaction is cancelled for several reasons, which its message lists: `[None, ConditionalCheckFailed]`.
fn of_cancellation(message: &str) -> Kind {
    let signs = [
        ("ConditionalCheckFailed", Kind::Precondition),
        ("TransactionConflict", Kind::Conflict),
        ("ThrottlingError", Kind::Throttled),
        ("ProvisionedThroughputExceeded", Kind::Throttled),
    ];
    signs.into_iter().find(|(sign, _)| message.contains(sign)).map_or(Kind::Other, |(_, kind)| kind)
}

pub(super) fn of_dispatch(error: Option<&aws_smithy_runtime_api::client::result::ConnectorError>) -> (Kind, String) {
    let Some(error) = error else { return (Kind::Unknown, "the connection broke".to_owned()) };
    let text = DisplayErrorContext(error).to_string();
    // The SDK looks for credentials inside the dispatch of a request: their absence arrives as its failure.
    if error.is_other() && text.to_lowercase().contains("credential") {
        return of_credentials(error);
    }
    let because = |what: &str| (Kind::Unreachable, format!("{what}{}", innermost(error)));
    match never_left(&text) {
        _ if text.contains("certificate") => because(UNTRUSTED),
        _ if text.contains("tunnel error") || text.contains("proxy authorization") => because(REFUSED_BY_PROXY),
        _ if text.contains("dns error") => (Kind::Unreachable, UNRESOLVED.to_owned()),
        true => (Kind::Unreachable, "the endpoint does not respond".to_owned()),
        false => (Kind::Unknown, "the connection broke".to_owned()),
    }
}

/// Whether the request never left: the connection was refused, or the name does not resolve.
pub(super) fn never_left(words: &str) -> bool {
    let signs = ["onnection refused", "tcp connect error", "dns error", "ConnectTimeout", "connect timeout"];
    signs.iter().any(|sign| words.contains(sign))
}

fn of_construction<E, R>(error: &SdkError<E, R>) -> (Kind, String)
where
    E: std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    let text = DisplayErrorContext(error).to_string();
    match text.to_lowercase().contains("credential") {
        true => of_credentials(error),
        false => (Kind::Other, text),
    }
}

/// There are no credentials, or they may not assume the role.
pub(super) fn of_credentials(error: &(dyn std::error::Error + 'static)) -> (Kind, String) {
    let cause = innermost(error);
    match cause.contains("AccessDenied") {
        true => (Kind::Denied, format!("{NOT_GIVEN}{cause}")),
        false => (Kind::NoCredentials, format!("{NONE_FOUND}{cause}")),
    }
}

/// The last cause: what a provider of credentials, several layers down, really met.
pub(super) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source()).last().map_or_else(String::new, ToString::to_string)
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    #[test]
    fn what_was_signed_is_not_repeated() {
        let reason =
            |code: &str, message: &str| of_service(&ErrorMetadata::builder().code(code).message(message).build()).1;
        let canonical = "The request signature we calculated does not match the signature you provided. Check your AWS \
                         Secret Access Key.\n\nThe Canonical String should have been\n'GET\nx-amz-security-token:canary'";
        assert_eq!(
            reason("InvalidSignatureException", canonical),
            "InvalidSignatureException: The request signature we calculated does not match the signature you provided"
        );
        let header = "Authorization header requires 'Credential' parameter. Authorization=AWS4 canary";
        assert_eq!(reason("IncompleteSignature", header), "IncompleteSignature");
        assert_eq!(reason("AccessDeniedException", "User: a. Action: b"), "AccessDeniedException: User: a. Action: b");
    }

    #[test]
    fn a_denial_names_the_action_where_aws_does_not() {
        let denied = |reason: &str| AwsError::found(Kind::Denied, "PutObject", "object `k`", reason);
        let named = denied("AccessDenied: Access Denied").for_lack_of("s3:PutObject").to_string();
        assert_eq!(named, "PutObject of object `k` failed: `s3:PutObject` is not allowed: AccessDenied: Access Denied");
        let known = "not authorized to perform: s3:PutObject";
        assert!(denied(known).for_lack_of("s3:PutObject").to_string().ends_with(&format!("failed: {known}")));
        let not_given = of_credentials(&std::io::Error::other("AccessDenied: may not sts:AssumeRole"));
        assert_eq!(not_given.0, Kind::Denied);
        let refused = AwsError::found(not_given.0, "GetItem", "the ledger `l`", not_given.1);
        assert!(refused.is_about_taking_a_role() && !denied("AccessDenied").is_about_taking_a_role());
        assert_eq!(of_credentials(&std::io::Error::other("no file")).0, Kind::NoCredentials);
        let other = AwsError::found(Kind::Unknown, "PutObject", "object `k`", "the connection broke");
        assert!(!other.for_lack_of("s3:PutObject").to_string().contains("allowed"));
    }
}
