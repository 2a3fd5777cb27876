//! How reads are repeated: a throttled one when AWS says, one that never left not at all.

use std::time::Duration;

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction, RetryClassifierPriority};
use aws_smithy_types::retry::ErrorKind;

/// Comes after the SDK's own classifiers: these do not know `Retry-After`, which API Gateway and Lambda send.
#[derive(Debug)]
pub(super) struct Throttle;

/// Longer than that no read waits at once.
const LONGEST: u64 = 10;

impl ClassifyRetry for Throttle {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        if let Some(Err(error)) = context.output_or_error()
            && error.as_connector_error().is_some_and(|error| refused(error))
        {
            // Nobody listens there: asking again would only make the user wait for the same response.
            return RetryAction::RetryForbidden;
        }
        let Some(response) = context.response() else { return RetryAction::NoActionIndicated };
        let seconds = response.headers().get("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
        match (response.status().as_u16(), seconds) {
            (429 | 503, Some(seconds)) => RetryAction::retryable_error_with_explicit_delay(
                ErrorKind::ThrottlingError,
                Duration::from_secs(seconds.min(LONGEST)),
            ),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "Throttle"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

/// Whether the connection was refused: not broken in the middle, which may go better the next time.
fn refused(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>();
        io.is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused)
    })
}
