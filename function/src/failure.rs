//! Why a request got no response of its own, in two voices: the cause for the log, a fixed sentence
//! for the visitor. The second is never made from the first.

use crate::{
    reply::{Problem, Reply},
    store::StoreError,
};

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The store failed, or its response is malformed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The code is wrong. The panic's own line in the log has the place.
    #[error("the handler panicked")]
    Panicked,
}

impl Failure {
    /// The visitor's response: a 500, and whether the store or something else failed.
    #[must_use]
    pub fn reply(&self, request_id: &str) -> Reply {
        let problem = match self {
            Self::Store(StoreError::Unavailable { .. }) => Problem {
                status: 500,
                error: "Database error",
                message: "The visitor count could not be reached. Please try again later.",
            },
            Self::Store(StoreError::Malformed { .. }) | Self::Panicked => Problem {
                status: 500,
                error: "Internal server error",
                message: "Something went wrong on our side. Please try again later.",
            },
        };
        problem.reply(request_id)
    }
}
