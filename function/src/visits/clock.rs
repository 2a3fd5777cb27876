//! How far this machine's clock is from the table's: what `recount` decides by moments that Lambda's clock
//! wrote must not be decided by a clock that is wrong.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeDeserializationInterceptorContextRef},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use jiff::{SignedDuration, Timestamp, fmt::rfc2822};

/// Reads the header `Date` of every response.
#[derive(Clone, Debug, Default)]
pub(super) struct Clock(Arc<Mutex<Option<SignedDuration>>>);

impl Clock {
    /// How far this machine was ahead at the last answer, up to a second: the header has whole ones. None
    /// where no response said when it was given.
    pub(super) fn ahead(&self) -> Option<SignedDuration> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for Clock {
    fn name(&self) -> &'static str {
        "Clock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date").and_then(|date| rfc2822::parse(date).ok());
        let ahead = date.map(|date| Timestamp::now().duration_since(date.timestamp()));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = ahead;
        Ok(())
    }
}
