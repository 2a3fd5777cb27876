//! What a call came to, whatever its type: HTTP status, code, message, Retry-After.

use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// The outcome of one call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Response {
    /// Of HTTP; 0 without a response.
    pub(crate) status: u16,
    /// AWS's code of an error; empty for a success.
    pub(crate) code: String,
    pub(crate) message: String,
    /// The header, if the response had one.
    pub(crate) retry_after: Option<String>,
}

impl Response {
    /// Of a call that came back.
    pub(crate) fn of<T, E: ProvideErrorMetadata>(result: &Result<T, SdkError<E, HttpResponse>>) -> Self {
        let Err(error) = result else { return Self { status: 200, ..Self::default() } };
        let raw = error.raw_response();
        Self {
            status: raw.map_or(0, |raw| raw.status().as_u16()),
            code: error.code().unwrap_or("no code").to_owned(),
            message: error.message().unwrap_or_default().to_owned(),
            retry_after: raw.and_then(|raw| raw.headers().get("retry-after")).map(str::to_owned),
        }
    }

    pub(crate) fn succeeded(&self) -> bool {
        self.status == 200
    }
}

impl fmt::Display for Response {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            0 => formatter.write_str("no response"),
            200 => formatter.write_str("it was accepted"),
            status => write!(formatter, "{status} {}: {}", self.code, self.message),
        }
    }
}
