//! Between the Lambda runtime and a handler: events in, responses out, a log line for each.
//!
//! It takes any JSON for an event, so no event fails before the handler saw it.

use std::{convert::Infallible, panic::resume_unwind, time::Instant};

use anyhow::Context as _;
use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use tokio::task::{JoinError, spawn_local};
use tracing::Instrument as _;

use crate::{event::Event, handler::Handler, log, reply::Response, request::Request};

/// Handles the events of the Lambda runtime, until the environment ends.
///
/// # Errors
///
/// When the runtime's API fails.
pub async fn run(handler: impl Handler) -> anyhow::Result<()> {
    let handler = &handler;
    // Not `lambda_runtime::run`: the span that it adds repeats ours.
    let served =
        Runtime::new(service_fn(async |event: LambdaEvent<Event>| Ok::<_, Infallible>(serve(handler, event).await)));
    let ended = served.run().await.map_err(anyhow::Error::from_boxed);
    ended.context("the Lambda runtime's API failed")
}

/// Runs `whole` as a task: to wake what it blocks on itself, tokio polls for I/O once more, which is 3 of a visit's 20 system calls.
///
/// # Errors
///
/// Those of `whole`.
pub async fn as_task(whole: impl Future<Output = anyhow::Result<()>> + 'static) -> anyhow::Result<()> {
    let ended = spawn_local(whole).await.map_err(JoinError::try_into_panic);
    ended.unwrap_or_else(|failed| failed.map_or_else(|error| Err(error.into()), |panic| resume_unwind(panic)))
}

async fn serve(handler: &impl Handler, event: LambdaEvent<Event>) -> Response {
    let started = Instant::now();
    let LambdaEvent { payload, context, .. } = event;
    let request = Request::of(payload, &context.request_id, context.xray_trace_id.as_deref());
    let response = async {
        let response = handler.respond(&request).await;
        log::responded(&request, &response, started.elapsed());
        response
    };
    response.instrument(log::request_span(&request)).await
}
