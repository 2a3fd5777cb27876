//! The calls of the store during a request, reported to CloudWatch as [`metrics`] and to X-Ray as
//! [`xray`] subsegments.
//!
//! In: the [`Calls`] of a request, which the store notes as it makes them. Out: one line on stdout and
//! a datagram for each call. It calls no service, never waits, and never makes a request fail. It
//! has names and times only: nothing about the visitor.

pub mod metrics;
pub mod xray;

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use crate::{
    log,
    request::Request,
    telemetry::{metrics::Latencies, xray::Tracer},
};

/// What a store calls, in the words of its own service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// `DynamoDB`, `PostgreSQL`.
    pub name: &'static str,
    /// The table or database.
    pub resource: String,
    /// The region of a service of AWS; none for a server of one's own.
    pub region: Option<String>,
}

/// One call to a store, ended.
#[derive(Clone, Debug)]
pub struct Call {
    /// The service's name of the call, such as `PutItem`.
    pub operation: &'static str,
    /// When it began.
    pub began: SystemTime,
    /// How long it took, repeated attempts included.
    pub took: Duration,
    /// Whether it ended in an error.
    pub failed: bool,
}

/// The calls of one request, in the order in which they ended.
#[derive(Debug, Default)]
pub struct Calls(Mutex<Vec<Call>>);

impl Calls {
    /// Waits for `call`, and notes it as `operation`.
    pub async fn note<T, E>(&self, operation: &'static str, call: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let (began, started) = (SystemTime::now(), Instant::now());
        let result = call.await;
        let ended = Call { operation, began, took: started.elapsed(), failed: result.is_err() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(ended);
        result
    }

    /// What was noted.
    #[must_use]
    pub fn into_inner(self) -> Vec<Call> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the calls of a function are reported.
#[derive(Debug)]
pub struct Telemetry {
    /// The function's name, a dimension of every metric; none outside Lambda, where nothing reads them.
    pub function: Option<String>,
    /// Takes subsegments; none where no X-Ray daemon listens.
    pub tracer: Option<Tracer>,
}

impl Telemetry {
    /// Reports the calls of `request`. `counted` is whether it counted a visit.
    pub fn report(&self, request: &Request, counted: bool, service: &Service, calls: &[Call]) {
        if let Some(function) = &self.function {
            let latencies = Latencies::of(calls);
            if let Some(line) = latencies.line(function, SystemTime::now(), counted) {
                log::metrics(&line);
            }
        }
        if let (Some(tracer), Some(trace)) = (&self.tracer, &request.trace) {
            tracer.send(trace, service, calls);
        }
    }
}
