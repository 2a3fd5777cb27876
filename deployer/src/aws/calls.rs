//! The calls of AWS: each is counted under its name, and reported with its time and outcome. Nothing that a call carries is kept,
//! but for the body of a single response that is compared as a whole.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, Metadata};
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use aws_smithy_types::error::display::DisplayErrorContext;
use serde::Serialize;
use tokio::time::Instant;

use super::clock::Corrected;
use super::{AwsError, Kind};
use crate::config::{Access, Environment};
use crate::notices::{Called, Notices};
use crate::rates::Rates;
use crate::world::World;

/// The requests of a session, in the order in which they went out.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    sent: Arc<Mutex<Vec<Call>>>,
    /// How fast they may follow one another.
    rates: Rates,
    /// The clock that signs writes.
    clock: Option<SharedTimeSource>,
    notices: Notices,
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
        let clock = Some(SharedTimeSource::new(Corrected(world.clone())));
        Self { sent: Arc::default(), rates, clock, notices: world.notices().clone() }
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
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.calls.lock().push(Call { operation: operation(bag), writes: self.writes });
        bag.interceptor_state()
            .store_put(Sent { at: Instant::now(), object: object(context.request().uri()).unwrap_or_default() });
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // An attempt that was never sent does not count as a call.
        let Some(sent) = bag.load::<Sent>().filter(|_| self.calls.notices.are_heard()) else { return Ok(()) };
        let outcome = match (context.response(), context.output_or_error()) {
            (Some(response), _) => outcome(response),
            (None, Some(Err(error))) => match error.as_connector_error() {
                Some(error) if error.is_timeout() => "no response in time".to_owned(),
                Some(error) => never_sent(&DisplayErrorContext(error).to_string()).to_owned(),
                None => "no response in time".to_owned(),
            },
            (None, _) => "no response".to_owned(),
        };
        self.calls.notices.called(Called {
            operation: operation(bag),
            object: sent.object.clone(),
            took: sent.at.elapsed(),
            attempt: bag.load::<RequestAttempts>().map_or(1, RequestAttempts::attempts),
            outcome,
        });
        Ok(())
    }
}

/// An attempt that was sent. The request itself is gone by the time of the response.
#[derive(Debug)]
struct Sent {
    at: Instant,
    object: String,
}

impl Storable for Sent {
    type Storer = StoreReplace<Self>;
}

fn operation(bag: &ConfigBag) -> String {
    bag.load::<Metadata>().map_or_else(String::new, |metadata| metadata.name().to_string())
}

/// The path of a request, which names the object where the service is addressed by paths. A query may have anything in it: it is
/// left out.
pub(super) fn object(uri: &str) -> Option<String> {
    let path = uri.split(['?', '#']).next()?;
    let path = path.split_once("://").map_or(path, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let is_version = |part: &str| part.len() == 10 && part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty() && !is_version(part)).collect();
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// The status of a response and, where it is an error, its code.
fn outcome(response: &HttpResponse) -> String {
    let status = response.status().as_u16();
    if status < 400 {
        return status.to_string();
    }
    let header = response.headers().get("x-amzn-errortype").map(str::to_owned);
    match header.or_else(|| code(response.body().bytes()?)).map(|code| plain(&code)).filter(|code| !code.is_empty()) {
        Some(code) => format!("{status} {code}"),
        None => status.to_string(),
    }
}

/// The error code in the body of a response, JSON or XML.
fn code(body: &[u8]) -> Option<String> {
    if let Ok(json) = serde_json::from_slice::<serde_json::Value>(body) {
        return json.get("__type").or_else(|| json.get("code"))?.as_str().map(str::to_owned);
    }
    let text = std::str::from_utf8(body).ok()?;
    Some(text.split_once("<Code>")?.1.split_once("</Code>")?.0.to_owned())
}

/// The name in a code such as `com.amazonaws.dynamodb.v20120810#ThrottlingException:http://…`.
fn plain(code: &str) -> String {
    let name = code.split(':').next().unwrap_or_default().rsplit('#').next().unwrap_or_default();
    name.chars().filter(|letter| letter.is_ascii_alphanumeric() || "._-".contains(*letter)).take(60).collect()
}

fn never_sent(cause: &str) -> &'static str {
    if super::error::never_left(cause) { "no connection" } else { "the connection broke" }
}

/// Keeps the body of one response as it came, for comparisons as a whole: a field that this SDK does not have yet counts too.
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

/// A body may have environment variables and signed addresses in it: it is never shown.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_of_a_call_is_its_path_without_the_query() {
        let of = |uri| object(uri).unwrap_or_default();
        assert_eq!(
            of("https://lambda.eu-west-1.amazonaws.com/2015-03-31/functions/c-dev/versions?Marker=secret"),
            "functions/c-dev/versions"
        );
        assert_eq!(of("/restapis/a1/stages/dev"), "restapis/a1/stages/dev");
        assert_eq!(of("https://dynamodb.eu-west-1.amazonaws.com/"), "");
        assert_eq!(of("https://sts.amazonaws.com?Action=x"), "");
    }

    #[test]
    fn an_error_code_is_found_in_json_and_in_xml_and_is_only_a_name() {
        let of = |body: &str| code(body.as_bytes()).map(|code| plain(&code)).unwrap_or_default();
        assert_eq!(
            of(r#"{"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException", "m": 1}"#),
            "ThrottlingException"
        );
        assert_eq!(of("<Error><Code>NoSuchBucket</Code><Message>x</Message></Error>"), "NoSuchBucket");
        assert_eq!(of("\u{1b}[2J<Code>a\u{1b}[2Jb</Code>"), "a2Jb");
        assert_eq!(of("not an error"), "");
        assert_eq!(plain("ResourceConflictException:http://internal.amazon.com/"), "ResourceConflictException");
    }
}
