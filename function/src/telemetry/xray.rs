//! X-Ray subsegments, sent to the daemon that Lambda runs beside every function with active tracing.
//!
//! In: the trace header of an event, and calls. Out: a datagram for each call, if the trace is
//! sampled. Nothing waits for it, and nothing reports a loss: it is UDP. No layer, no
//! collector.
//!
//! The formats are those of AWS X-Ray's guide, "Sending trace data" and "Segment documents".
//! `xray-lite`, which does this too, reads the environment by itself and takes every trace for sampled.

use std::{
    net::{SocketAddr, UdpSocket},
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::telemetry::{Call, Service};

/// What the daemon expects before a document.
const HEADER: &str = "{\"format\": \"json\", \"version\": 1}\n";

/// Sends subsegments.
#[derive(Debug)]
pub struct Tracer {
    socket: UdpSocket,
}

impl Tracer {
    /// Sends to the daemon at `address`; none where this machine has no way there.
    #[must_use]
    pub fn new(address: SocketAddr) -> Option<Self> {
        let local: SocketAddr = if address.is_ipv4() { ([0; 4], 0).into() } else { ([0_u16; 8], 0).into() };
        let socket = UdpSocket::bind(local).ok()?;
        socket.set_nonblocking(true).ok()?;
        socket.connect(address).ok()?;
        Some(Self { socket })
    }

    /// Sends `calls` of `service`, made while `trace` was the header `X-Amzn-Trace-Id`.
    pub fn send(&self, trace: &str, service: &Service, calls: &[Call]) {
        let Some(parent) = Parent::sampled(trace) else {
            return;
        };
        for call in calls {
            let document = document(&parent, Uuid::new_v4(), service, call);
            // A trace that is not sent is not a reason to fail a request, or to write a line for each.
            let _ = self.socket.send(format!("{HEADER}{document}").as_bytes());
        }
    }
}

/// Where a subsegment belongs.
#[derive(Debug, PartialEq, Eq)]
struct Parent<'a> {
    trace: &'a str,
    segment: &'a str,
}

impl<'a> Parent<'a> {
    /// Reads a header such as `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`;
    /// none where the trace is not sampled, or has no parent.
    fn sampled(header: &'a str) -> Option<Self> {
        let field = |name| header.split(';').find_map(|field| field.trim().strip_prefix(name));
        let sampled = field("Sampled=") == Some("1");
        let parent = Self { trace: field("Root=")?, segment: field("Parent=")? };
        (sampled && is_hexadecimal(parent.segment) && parent.trace.split('-').all(is_hexadecimal)).then_some(parent)
    }
}

fn is_hexadecimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn document(parent: &Parent<'_>, id: Uuid, service: &Service, call: &Call) -> Value {
    let began = call.began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let (id, _) = id.as_u64_pair();
    let mut document = json!({
        "type": "subsegment", "trace_id": parent.trace, "parent_id": parent.segment, "id": format!("{id:016x}"),
        "name": service.name, "start_time": seconds(began), "end_time": seconds(began + call.took),
    });
    match &service.region {
        Some(region) => {
            document["namespace"] = json!("aws");
            document["aws"] = json!({"operation": call.operation, "table_name": service.resource, "region": region});
        }
        None => {
            document["namespace"] = json!("remote");
            document["annotations"] = json!({"operation": call.operation, "database": service.resource});
        }
    }
    if call.failed {
        document["fault"] = json!(true);
    }
    document
}

/// To a microsecond: more digits are not exact in a number of JSON.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "1-5759e988-bd862e3fe1be46a994272793";

    fn call(failed: bool) -> Call {
        let began = SystemTime::UNIX_EPOCH + Duration::from_millis(1_767_225_600_250);
        Call { operation: "PutItem", began, took: Duration::from_millis(4), failed }
    }

    fn document_of(region: Option<&str>, failed: bool) -> Value {
        let parent = Parent { trace: ROOT, segment: "53995c3f42cd8ad8" };
        let service = Service { name: "DynamoDB", resource: "visits".to_owned(), region: region.map(str::to_owned) };
        document(&parent, Uuid::from_u128(0x0123_4567_89ab_4def << 64), &service, &call(failed))
    }

    #[test]
    fn a_call_to_aws_is_a_subsegment_of_the_functions_segment() {
        let expected = json!({
            "type": "subsegment", "trace_id": ROOT, "parent_id": "53995c3f42cd8ad8", "id": "0123456789ab4def",
            "name": "DynamoDB", "namespace": "aws", "start_time": 1_767_225_600.25, "end_time": 1_767_225_600.254,
            "aws": {"operation": "PutItem", "table_name": "visits", "region": "eu-west-1"},
        });
        assert_eq!(document_of(Some("eu-west-1"), false), expected);
    }

    #[test]
    fn a_call_that_failed_is_a_fault_and_a_database_is_remote() {
        let document = document_of(None, true);
        assert_eq!((&document["fault"], &document["namespace"]), (&json!(true), &json!("remote")));
    }

    #[test]
    fn only_a_sampled_trace_with_a_parent_is_one_to_send() {
        let sampled = format!("Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a:0");
        assert_eq!(Parent::sampled(&sampled), Some(Parent { trace: ROOT, segment: "53995c3f42cd8ad8" }));
        for header in [
            String::new(),
            format!("Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=0"),
            format!("Root={ROOT};Parent=53995c3f42cd8ad8"),
            format!("Root={ROOT};Sampled=1"),
            format!("Root={ROOT};Parent=;Sampled=1"),
            "Root=1-x\"y;Parent=53995c3f42cd8ad8;Sampled=1".to_owned(),
        ] {
            assert_eq!(Parent::sampled(&header), None, "{header}");
        }
    }
}
