//! From request to answer, without the Lambda runtime: one handler for each function.

mod counter;
mod preflight;

pub use counter::Counter;
pub use preflight::Preflight;

use crate::{reply::Answer, request::Request};

/// A function as the runtime sees it. It has a response for every request: there is no error.
pub trait Handler: Send + Sync {
    /// Answers `request`.
    fn answer(&self, request: &Request) -> impl Future<Output = Answer> + Send;
}
