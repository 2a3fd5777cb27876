//! Where visits and their total are kept.
//!
//! A store takes and returns plain data. It never decides on the visitor's response.

#[cfg(feature = "dynamodb")]
pub mod dynamodb;
#[cfg(feature = "postgres")]
pub mod postgres;

use std::error::Error;

use crate::{
    telemetry::{Calls, Service},
    visit::Visit,
};

/// Keeps visits and their total.
pub trait Store: Send + Sync {
    /// What is called, for traces.
    fn service(&self) -> &Service;

    /// Opens what a visit needs, during init, so that no visitor waits for it. A failure is logged and
    /// nothing else: the first visitor then pays, or gets the error.
    fn warm(&self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Remembers `visit` and adds 1 to the total, which it returns as it is after that very addition.
    /// A visit that comes again is neither remembered nor counted again.
    fn count(&self, visit: &Visit, calls: &Calls) -> impl Future<Output = Result<Counted, StoreError>> + Send;

    /// Reads the total as of now: every addition that was confirmed before is in it. 0 before the
    /// first. Writes nothing.
    fn total(&self, calls: &Calls) -> impl Future<Output = Result<u64, StoreError>> + Send;
}

/// What became of a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The total after it.
    pub total: u64,
    /// Whether it added to it: a visit that was known already does not.
    pub new: bool,
}

/// Why a store could not do its part; `action` completes "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store refused, or did not respond in time. Whether a write was made is not known.
    #[error("failed to {action}")]
    Unavailable {
        /// What was being done, and to which object.
        action: String,
        /// The store's own error.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The store responded, but not with what it should contain.
    #[error("failed to {action}: the response has no whole number in `count`")]
    Malformed {
        /// What was being done, and to which object.
        action: String,
    },
}
