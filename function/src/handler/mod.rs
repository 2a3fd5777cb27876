//! From request to response, without the Lambda runtime: one handler for each function.

mod counter;
mod preflight;

pub use counter::Counter;
pub use preflight::Preflight;

use crate::{reply::Response, request::Request};

/// A function, as the runtime calls it. It has a response for every request: there is no error.
pub trait Handler: Send + Sync {
    /// The response to `request`.
    fn respond(&self, request: &Request) -> impl Future<Output = Response> + Send;
}
