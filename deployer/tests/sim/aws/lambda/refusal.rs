//! Errors with Lambda's wording.

use std::time::Duration;

use serde_json::json;

use crate::aws::wire::Reply;

/// A request that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
    /// `Reason`: only where calls are throttled.
    reason: Option<&'static str>,
    retry_after: Option<u64>,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &'static str, message: &str) -> Self {
        Self { status, code, message: message.to_owned(), reason: None, retry_after: None }
    }

    pub(super) fn not_found(message: &str) -> Self {
        Self::new(404, "ResourceNotFoundException", message)
    }

    pub(super) fn no_function(arn: &str) -> Self {
        Self::not_found(&format!("Function not found: {arn}"))
    }

    pub(super) fn no_alias(arn: &str) -> Self {
        Self::not_found(&format!("Cannot find alias arn: {arn}"))
    }

    pub(super) fn conflict(message: &str) -> Self {
        Self::new(409, "ResourceConflictException", message)
    }

    pub(super) fn not_in_state(state: &str) -> Self {
        Self::conflict(&format!(
            "The operation cannot be performed at this time. The function is currently in the following state: {state}"
        ))
    }

    pub(super) fn invalid(message: &str) -> Self {
        Self::new(400, "InvalidParameterValueException", message)
    }

    pub(super) fn validation(value: &str, at: &str, constraint: &str) -> Self {
        let message = format!(
            "1 validation error detected: Value '{value}' at '{at}' failed to satisfy constraint: {constraint}"
        );
        Self::new(400, "ValidationException", &message)
    }

    pub(super) fn precondition() -> Self {
        let message = "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API \
                       to retrieve the latest Revision Id";
        Self::new(412, "PreconditionFailedException", message)
    }

    /// Too many calls of the control plane. The header has whole seconds only.
    pub(super) fn throttled(wait: Duration) -> Self {
        let retry_after = Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
        let reason = Some("CallerRateLimitExceeded");
        Self { reason, retry_after, ..Self::new(429, "TooManyRequestsException", "Rate exceeded") }
    }

    /// No execution is free for an invocation.
    pub(super) fn no_concurrency() -> Self {
        let reason = Some("ReservedFunctionConcurrentInvocationLimitExceeded");
        Self { reason, ..Self::new(429, "TooManyRequestsException", "Rate Exceeded.") }
    }

    pub(super) fn reply(self) -> Reply {
        let mut body = match self.code {
            // Lambda writes `Message` where something is missing, and `message` elsewhere.
            "ResourceNotFoundException" | "CodeArtifactUserPendingException" => {
                json!({ "Type": "User", "Message": self.message })
            }
            // Refused before the service itself saw it: no type.
            "ValidationException" | "RequestEntityTooLargeException" => json!({ "message": self.message }),
            _ => json!({ "Type": "User", "message": self.message }),
        };
        if let Some(reason) = self.reason {
            body["Reason"] = json!(reason);
        }
        let reply = Reply::json(self.status, &body).with("x-amzn-errortype", self.code);
        match self.retry_after {
            Some(seconds) => reply.with("retry-after", &seconds.to_string()),
            None => reply,
        }
    }
}
