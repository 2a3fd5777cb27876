//! What a log line is: JSON on stdout, one line an event, with the request id in its span.
//!
//! Every event of the crate is written here, so that one look shows what is logged: no address,
//! no user agent, no path as the visitor sent it, no body.

use std::{
    error::Error,
    io::{self, Write as _},
    panic::PanicHookInfo,
    time::Duration,
};

use tracing::{Level, Span, error, info, info_span, warn};

use crate::{reply::Response, request::Request, telemetry::metrics::Line};

/// Starts logging; to be called once, first. A panic is logged as one line too.
pub fn start() {
    let json = tracing_subscriber::fmt().json().flatten_event(true).with_span_list(false);
    // Fails only where a test has set another subscriber, which is then the wanted one.
    let _ = json.with_max_level(Level::INFO).with_ansi(false).try_init();
    std::panic::set_hook(Box::new(panicked));
}

/// The span that gives all lines of `request` its id.
pub fn request_span(request: &Request) -> Span {
    info_span!("request", request_id = request.id)
}

/// A response was sent, after `took`. The resource is the API's own name for the route.
pub fn responded(request: &Request, response: &Response, took: Duration) {
    let Request { resource, .. } = request;
    let duration_us = took.as_micros();
    info!(resource, status = response.status_code, duration_us, "responded");
}

/// Metrics, as a line of their own: CloudWatch reads them only from the top of a line.
pub fn metrics(line: &Line<'_>) {
    // As one write. Without a stdout there is no log, but no request fails because of it.
    let _ = serde_json::to_string(line).map(|line| writeln!(io::stdout(), "{line}"));
}

/// A request, or a part of it, failed with `cause`.
pub fn failed(cause: &(dyn Error + 'static)) {
    error!(cause = chain(cause), "request failed");
}

/// The store could not be reached during init.
pub fn cold(cause: &(dyn Error + 'static)) {
    warn!(cause = chain(cause), "started without a connection to the store");
}

/// The connection to the store was of no use any more: it is made again.
pub fn lost(cause: &(dyn Error + 'static)) {
    warn!(cause = chain(cause), "lost the connection to the store");
}

/// Visits past their time could not be deleted: the next start tries again.
pub fn kept(cause: &(dyn Error + 'static)) {
    warn!(cause = chain(cause), "expired visits were not deleted");
}

/// The key for addresses could not be read, for now: visits are counted without it.
pub fn keyless(cause: &(dyn Error + 'static)) {
    error!(cause = chain(cause), "visits are counted without the visitor's hashed address");
}

/// The function ends: it refuses to start, or cannot go on.
pub fn stopped(cause: &(dyn Error + 'static)) {
    error!(cause = chain(cause), "stopped");
}

fn panicked(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    // Without its message: Rust's own quote what was being worked on, which may be the visitor's.
    error!(place, "panicked");
}

/// `error` and all that caused it, from the outside in.
fn chain(error: &(dyn Error + 'static)) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", chain(cause)),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;

    #[test]
    fn a_cause_is_shown_with_all_that_led_to_it() {
        let action = "read `total` from table `visits`".to_owned();
        let error = StoreError::Unavailable { action, cause: "no route to host".into() };
        let shown = "failed to read `total` from table `visits`: no route to host";
        assert_eq!(chain(&error), shown);
    }
}
