//! What was said to AWS: every request is counted under its name, and one may be listened to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use serde::Serialize;

use super::clock::Corrected;
use super::{AwsError, Kind};
use crate::config::{Access, Environment};
use crate::rates::Rates;
use crate::world::World;

/// The requests of a session, in the order in which they went out.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    sent: Arc<Mutex<Vec<Call>>>,
    /// How fast they may follow one another.
    rates: Rates,
    /// What writes are signed by.
    clock: Option<SharedTimeSource>,
}

/// One request; a repeated attempt is one more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Call {
    /// As AWS names it: `UpdateAlias`.
    pub operation: String,
    /// Whether it may change something.
    pub writes: bool,
}

impl Calls {
    /// Those of a session with `environment`.
    pub(super) fn of(environment: &Environment, world: &World) -> Self {
        let rates = match environment.access {
            Access::Account { .. } => world.rates().clone(),
            Access::Local(_) => Rates::default(),
        };
        Self { sent: Arc::default(), rates, clock: Some(SharedTimeSource::new(Corrected(world.clone()))) }
    }

    pub(super) fn rates(&self) -> &Rates {
        &self.rates
    }

    pub(super) fn clock(&self) -> Option<SharedTimeSource> {
        self.clock.clone()
    }

    /// How many requests went out.
    pub fn total(&self) -> usize {
        self.lock().len()
    }

    /// How many of them may have changed something.
    pub fn writes(&self) -> usize {
        self.lock().iter().filter(|call| call.writes).count()
    }

    /// The requests by name.
    pub fn by_operation(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for call in self.lock().iter() {
            *counts.entry(call.operation.clone()).or_default() += 1;
        }
        counts
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Call>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts the requests of one client.
#[derive(Debug)]
pub(super) struct Counting {
    calls: Calls,
    writes: bool,
}

impl Counting {
    pub(super) fn reads(calls: &Calls) -> Self {
        Self { calls: calls.clone(), writes: false }
    }

    pub(super) fn writes(calls: &Calls) -> Self {
        Self { calls: calls.clone(), writes: true }
    }
}

impl Intercept for Counting {
    fn name(&self) -> &'static str {
        "Counting"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = bag.load::<Metadata>().map_or_else(String::new, |metadata| metadata.name().to_string());
        self.calls.lock().push(Call { operation, writes: self.writes });
        Ok(())
    }
}

/// Keeps the body of one response as it came. What is compared as a whole is compared by this, so that a field
/// that this SDK does not know yet counts too.
#[derive(Clone, Default)]
pub(super) struct RawBody(Arc<Mutex<Vec<u8>>>);

impl RawBody {
    /// The body as JSON, of the response to `operation` on `object`.
    pub(super) fn json(&self, operation: &'static str, object: String) -> Result<serde_json::Value, AwsError> {
        let body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let unreadable = |_| AwsError::found(Kind::Unknown, operation, object, "the response is not JSON");
        serde_json::from_slice(&body).map_err(unreadable)
    }
}

/// A body may hold environment variables and signed addresses: it shows nothing.
impl std::fmt::Debug for RawBody {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("RawBody")
    }
}

impl Intercept for RawBody {
    fn name(&self) -> &'static str {
        "RawBody"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(bytes) = context.response().body().bytes() {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = bytes.to_vec();
        }
        Ok(())
    }
}
