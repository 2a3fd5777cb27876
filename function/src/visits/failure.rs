//! Why the command failed: what was being done to which object, why it was not, and what to do.

use std::{error::Error, fmt};

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// A failure that is shown to the user.
#[derive(Debug, thiserror::Error)]
#[error("failed to {what}: {why}")]
pub struct Failed {
    what: String,
    why: String,
    hint: Option<String>,
}

impl Failed {
    /// `what` completes "failed to …" and names the object; `hint` is what to do.
    pub fn new(what: impl Into<String>, why: impl Into<String>, hint: Option<String>) -> Self {
        Self { what: what.into(), why: why.into(), hint }
    }

    /// Why it was not done.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// What `error` means for a call that was to do `what`.
    pub(super) fn of_aws<E>(what: impl Into<String>, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let service = error.as_service_error();
        let why = match service {
            Some(service) => Said { code: service.code(), message: service.message() }.to_string(),
            None => innermost(error),
        };
        let hint = match service.and_then(ProvideErrorMetadata::code) {
            Some(code) => of_code(code, &why),
            None => of_text(&why),
        };
        Self::new(what, why, hint.map(str::to_owned))
    }
}

/// AWS's own words.
struct Said<'a> {
    code: Option<&'a str>,
    message: Option<&'a str>,
}

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code.unwrap_or("unknown error"), self.message) {
            (code, Some(message)) => write!(f, "{code}: {message}"),
            (code, None) => f.write_str(code),
        }
    }
}

const NO_CREDENTIALS: &str = "log in (`aws sso login`), or set `AWS_PROFILE`";

fn of_code(code: &str, why: &str) -> Option<&'static str> {
    Some(match code {
        "ResourceNotFoundException" => {
            "there is no such table in this account and region: check `--table`, `AWS_PROFILE` and `AWS_REGION`"
        }
        "ValidationException" if why.contains("index") => {
            "Terraform makes the index: apply it, and wait until DynamoDB has filled the index"
        }
        "AccessDeniedException" => "allow the action that the message names; the README lists what `visits` needs",
        "UnrecognizedClientException"
        | "ExpiredTokenException"
        | "InvalidSignatureException"
        | "MissingAuthenticationTokenException" => NO_CREDENTIALS,
        "ProvisionedThroughputExceededException" | "ThrottlingException" | "RequestLimitExceeded" => {
            "the table is throttled: run again in a minute"
        }
        _ => return None,
    })
}

/// The SDK looks for credentials inside a request: their absence arrives as the request's failure.
fn of_text(why: &str) -> Option<&'static str> {
    let lower = why.to_lowercase();
    let credentials = ["credential", "provider", "token", "sso", "profile"].iter().any(|sign| lower.contains(sign));
    Some(if credentials { NO_CREDENTIALS } else { "check the network, `AWS_REGION` and `AWS_ENDPOINT_URL`" })
}

/// The last cause, which is the most specific.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}
