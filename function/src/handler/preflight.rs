//! The function `preflight`: tells a browser which pages may call the counter.
//!
//! It answers `OPTIONS` whatever the path: which paths there are, API Gateway decides.

use crate::{
    handler::Handler,
    reply::{Answer, Frame, Reply},
    request::Request,
};

/// Answers preflights.
#[derive(Debug)]
pub struct Preflight {
    frame: Frame,
}

impl Preflight {
    /// A preflight whose answers carry the headers of `frame`.
    #[must_use]
    pub fn new(frame: Frame) -> Self {
        Self { frame }
    }
}

impl Handler for Preflight {
    async fn answer(&self, request: &Request) -> Answer {
        let reply = match request.method.as_str() {
            "OPTIONS" => Reply::empty(),
            _ => Reply::method_not_allowed("OPTIONS", &request.id),
        };
        self.frame.answer(request, reply)
    }
}
