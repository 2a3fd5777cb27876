//! Faults of a call, or of the run that makes it.

use serde_json::json;

use crate::aws::denial::{Denial, Reason};
use crate::aws::signature::Protocol;
use crate::aws::wire::{Reply, Request};
use crate::aws::{query, s3};

/// A fault of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// Nothing is done, and the response has this status.
    Refused(u16),
    /// Nothing is done: the principal lacks the permission.
    Denied,
    /// Nothing is done: the credentials have expired.
    Expired,
    /// The connection breaks before anything is done.
    RequestLost,
    /// It is done, and the connection breaks.
    ReplyLost,
    /// Nothing is done: the connection fails, for this reason.
    NoConnection(&'static str),
    /// Nothing is done: a proxy on the way responds instead of AWS, with a page of this status.
    Page(u16),
    /// Nothing is done, and there is no response.
    Stalled,
    /// It is done, and there is no response.
    ReplyStalled,
    /// The run dies before anything is done.
    KilledBefore,
    /// The run dies, and it is done.
    KilledAfter,
    /// The run gets a signal; the call goes on undisturbed.
    Signal(&'static str),
}

/// Every fault.
pub(crate) const ALL: [Fault; 15] = [
    Fault::Refused(409),
    Fault::Refused(429),
    Fault::Refused(500),
    Fault::Refused(503),
    Fault::Denied,
    Fault::Expired,
    Fault::RequestLost,
    Fault::ReplyLost,
    Fault::Stalled,
    Fault::ReplyStalled,
    Fault::KilledBefore,
    Fault::KilledAfter,
    Fault::Signal("SIGINT"),
    Fault::Signal("SIGTERM"),
    Fault::Signal("SIGHUP"),
];

impl Fault {
    /// Whether the call has its effect.
    pub(crate) fn lets_it_happen(self) -> bool {
        matches!(self, Self::ReplyLost | Self::ReplyStalled | Self::KilledAfter | Self::Signal(_))
    }

    /// The response instead of the call's own, if the fault has one.
    pub(crate) fn reply(self, request: &Request) -> Option<Reply> {
        match self {
            Self::Refused(status) => Some(refusal(request, status)),
            Self::Denied => Some(Denial::not_allowed(request, "arn:aws:iam::0:role/r", "a:A", "*").reply()),
            Self::Page(status) => Some(page(status)),
            Self::Expired => Some(Denial::new(request, Reason::Expired).reply()),
            _ => None,
        }
    }
}

fn page(status: u16) -> Reply {
    let body = b"<html><body>blocked by policy</body></html>".to_vec();
    Reply { body, ..Reply::empty(status).with("content-type", "text/html") }
}

fn transacts(request: &Request) -> bool {
    request.header("x-amz-target").is_some_and(|target| target.ends_with("TransactWriteItems"))
}

fn refusal(request: &Request, status: u16) -> Reply {
    let protocol = Protocol::of(request);
    let (code, message) = match (status, protocol) {
        (409, Protocol::Json) if transacts(request) => (
            "TransactionCanceledException",
            "Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict]",
        ),
        // A read of an item conflicts with nothing.
        (409, Protocol::Json) => ("ThrottlingException", "Rate exceeded"),
        (409, _) => ("ResourceConflictException", "An update is in progress"),
        (429, Protocol::RestJson) => ("TooManyRequestsException", "Rate exceeded"),
        (429, _) => ("ThrottlingException", "Rate exceeded"),
        (503, _) => ("ServiceUnavailableException", "Service is unavailable"),
        _ => ("InternalServerError", "Internal server error"),
    };
    let reply = match protocol {
        Protocol::RestJson => Reply::error(status, code, message),
        Protocol::Json => {
            let body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": message});
            // DynamoDB returns 400 for what its clients can fix.
            Reply::json(if status < 500 { 400 } else { status }, &body)
        }
        Protocol::Query => query::error(status, code, message),
        Protocol::S3 => s3::error(status, code, message),
    };
    if matches!(status, 429 | 503) { reply.with("retry-after", "1") } else { reply }
}
