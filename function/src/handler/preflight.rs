//! The function `preflight`: reports to a browser which pages may call the counter.
//!
//! It responds to `OPTIONS` for every path: API Gateway decides which paths there are.

use crate::{
    handler::Handler,
    reply::{Frame, Reply, Response},
    request::Request,
};

/// Responds to preflights.
#[derive(Debug)]
pub struct Preflight {
    frame: Frame,
}

impl Preflight {
    /// A preflight whose responses carry the headers of `frame`.
    #[must_use]
    pub fn new(frame: Frame) -> Self {
        Self { frame }
    }
}

impl Handler for Preflight {
    async fn respond(&self, request: &Request) -> Response {
        let reply = match request.method.as_str() {
            "OPTIONS" => Reply::empty(),
            _ => Reply::method_not_allowed("OPTIONS", &request.id),
        };
        self.frame.respond(request, reply)
    }
}
