//! The store in DynamoDB: one table, with one item for each visit and the item `total`.
//!
//! A visit and its addition are sent at the same time, as two writes. An addition is sent once, because a
//! second one would count another visit; a visit is sent up to three times, because its key identifies it.
//! If one of the two writes fails, the visitor gets a 500 and the total may be off by one. One transaction
//! would rule that out, but TransactWriteItems costs twice as much, is refused when two visits change `total`
//! at once, and does not return the new total, which would take a third call. A visitor counter is not worth
//! that: the visits themselves are in the index.
//!
//! The total is one item. DynamoDB takes 1,000 writes a second to an item, and the stage is throttled to 100
//! requests a second.
//!
//! Region, endpoint and credentials are passed in: no profile file, no metadata service, no proxy.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use crate::{
    log,
    settings::AwsSettings,
    signed::{Api, Cause, Failed, Refusal, Signed, passing},
    store::{Counted, Store, StoreError},
    telemetry::{Calls, Service},
    visit::Visit,
};

const DYNAMODB: Api = Api {
    name: "DynamoDB",
    host: "dynamodb",
    content_type: "application/x-amz-json-1.0",
    patience: Duration::from_secs(2),
};

/// The key of the item with the total: not a UUID, so never a visit's.
const TOTAL: &str = "total";

/// The attribute with a visit's time; with the day it is the key of the index.
const TIMESTAMP: &str = "timestamp";

/// How long a call may take, attempts and pauses included. With the 1.5 s in which the key for addresses may
/// be read before, and the 2 s in which an addition may be undone after, it is within the function's 10 s, so
/// that a visitor gets our response and not a bare 502.
const WHOLE: Duration = Duration::from_secs(6);

/// The longest pauses before the second attempt, and before the third.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];

/// How long opening connections may take. Lambda ends an init after 10 s, and a store that takes that long
/// is not reachable.
const WARMING: Duration = Duration::from_millis(2_500);

/// Visits and their total in a DynamoDB table. No `Debug`, so that no key can reach a log.
pub struct DynamoStore {
    dynamodb: Signed,
    service: Service,
}

/// The outcome of writing a visit.
enum Put {
    Written,
    /// It was there already, and not from an attempt of this very call.
    Known,
}

impl DynamoStore {
    /// A store in `table`, reached with `aws`. Calls nothing yet.
    #[must_use]
    pub fn new(table: String, aws: AwsSettings) -> Self {
        let service = Service { name: DYNAMODB.name, resource: table, region: Some(aws.region.clone()) };
        Self { dynamodb: Signed::new(DYNAMODB, aws), service }
    }

    fn table(&self) -> &str {
        &self.service.resource
    }

    async fn put(&self, visit: &Visit) -> Result<Put, StoreError> {
        let input = PutItem {
            table_name: self.table(),
            item: Item::of(visit),
            condition_expression: "attribute_not_exists(visit_id)",
            return_values_on_condition_check_failure: "ALL_OLD",
        };
        match self.send("DynamoDB_20120810.PutItem", &input).await {
            Ok(_) => Ok(Put::Written),
            Err(cause) => there_already(&cause, visit).ok_or_else(|| self.unavailable("write a visit to", cause)),
        }
    }

    /// Adds `by` to the total, and returns the new total.
    async fn add(&self, by: i64) -> Result<i64, StoreError> {
        const ACTION: &str = "add to `total` in";
        let input = UpdateItem {
            table_name: self.table(),
            key: Key::TOTAL,
            return_values: "UPDATED_NEW",
            // `count` is a reserved word, hence `#count`.
            update_expression: "ADD #count :by",
            expression_attribute_names: Names { count: "count" },
            expression_attribute_values: Values { by: Attribute::N(by.to_string()) },
        };
        let response = self.dynamodb.send("DynamoDB_20120810.UpdateItem", &input).await;
        let response = response.map_err(|failed| self.unavailable(ACTION, failed.cause()))?;
        count(response.get("Attributes")).ok_or_else(|| self.malformed(ACTION))
    }

    async fn get(&self) -> Result<u64, StoreError> {
        const ACTION: &str = "read `total` from";
        let input = GetItem { table_name: self.table(), key: Key::TOTAL, consistent_read: true };
        let response = self.send("DynamoDB_20120810.GetItem", &input).await;
        let response = response.map_err(|cause| self.unavailable(ACTION, cause))?;
        match response.get("Item") {
            None => Ok(0),
            item => self.positive(count(item).ok_or_else(|| self.malformed(ACTION))?),
        }
    }

    /// Sends a request that may be repeated, up to three times.
    async fn send(&self, target: &'static str, input: &impl Serialize) -> Result<Value, Cause> {
        let started = Instant::now();
        for pause in PAUSES {
            match self.dynamodb.send(target, input).await {
                Err(Failed::Passing(_)) => sleep(jittered(pause)).await,
                ended => return ended.map_err(Failed::cause),
            }
        }
        // Two attempts and their pauses are over before the whole time is: only the third may be shorter.
        let left = timeout(WHOLE.saturating_sub(started.elapsed()), self.dynamodb.send(target, input)).await;
        left.unwrap_or_else(|late| Err(passing(late))).map_err(Failed::cause)
    }

    fn positive(&self, total: i64) -> Result<u64, StoreError> {
        u64::try_from(total).map_err(|_| self.malformed("read `total` from"))
    }

    fn unavailable(&self, verb: &str, cause: Cause) -> StoreError {
        StoreError::Unavailable { action: format!("{verb} table `{}`", self.table()), cause }
    }

    fn malformed(&self, verb: &str) -> StoreError {
        StoreError::Malformed { action: format!("{verb} table `{}`", self.table()) }
    }
}

impl Store for DynamoStore {
    fn service(&self) -> &Service {
        &self.service
    }

    /// Two reads at once, because a visit makes two calls at once and HTTP/1.1 needs a connection for each. With
    /// the CPU of a running 128 MB function a TLS handshake takes most of a second, during init a tenth.
    async fn warm(&self) {
        match timeout(WARMING, async { tokio::join!(self.get(), self.get()) }).await {
            Ok((one, other)) => one.and(other).map_or_else(|error| log::cold(&error), |_| ()),
            Err(late) => log::cold(&late),
        }
    }

    async fn count(&self, visit: &Visit, calls: &Calls) -> Result<Counted, StoreError> {
        // Both run to their end, even if one fails: dropping a write half-way leaves it made or not made.
        let (put, added) = tokio::join!(calls.note("PutItem", self.put(visit)), calls.note("UpdateItem", self.add(1)));
        let (total, new) = match (added?, put?) {
            (total, Put::Written) => (total, true),
            // Lambda or its caller sent the event again: it was counted the first time.
            (_, Put::Known) => (calls.note("UpdateItem", self.add(-1)).await?, false),
        };
        Ok(Counted { total: self.positive(total)?, new })
    }

    async fn total(&self, calls: &Calls) -> Result<u64, StoreError> {
        calls.note("GetItem", self.get()).await
    }
}

// What is sent, in the words of DynamoDB's API. As types: a `serde_json::Value` has an allocation for each name (event.rs).

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PutItem<'a> {
    table_name: &'a str,
    item: Item<'a>,
    condition_expression: &'static str,
    return_values_on_condition_check_failure: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateItem<'a> {
    table_name: &'a str,
    key: Key,
    return_values: &'static str,
    update_expression: &'static str,
    expression_attribute_names: Names,
    expression_attribute_values: Values,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetItem<'a> {
    table_name: &'a str,
    key: Key,
    consistent_read: bool,
}

/// A value: text, or a number.
#[derive(Serialize)]
enum Attribute<T> {
    S(T),
    N(T),
}

#[derive(Serialize)]
struct Key {
    visit_id: Attribute<&'static str>,
}

impl Key {
    const TOTAL: Self = Self { visit_id: Attribute::S(TOTAL) };
}

#[derive(Serialize)]
struct Names {
    #[serde(rename = "#count")]
    count: &'static str,
}

#[derive(Serialize)]
struct Values {
    #[serde(rename = ":by")]
    by: Attribute<String>,
}

/// A visit, as it is stored.
#[derive(Serialize)]
struct Item<'a> {
    visit_id: Attribute<String>,
    day: Attribute<String>,
    timestamp: Attribute<String>,
    visitor_ip: Attribute<&'a str>,
    user_agent: Attribute<&'a str>,
    path: Attribute<&'a str>,
    expiration_time: Attribute<String>,
}

impl<'a> Item<'a> {
    fn of(visit: &'a Visit) -> Self {
        Self {
            visit_id: Attribute::S(visit.id.to_string()),
            day: Attribute::S(visit.day()),
            timestamp: Attribute::S(visit.timestamp()),
            visitor_ip: Attribute::S(visit.visitor_ip.as_str()),
            user_agent: Attribute::S(&visit.user_agent),
            path: Attribute::S(&visit.path),
            expiration_time: Attribute::N(visit.expiration_time().to_string()),
        }
    }
}

/// The outcome for `visit` if `cause` is that an item with its key exists. An item with the same time was
/// written by an attempt whose response was lost.
fn there_already(cause: &Cause, visit: &Visit) -> Option<Put> {
    let instead = cause.downcast_ref::<Refusal>()?.instead.as_ref()?;
    let moment = instead.0.get(TIMESTAMP).and_then(|moment| moment.get("S")?.as_str());
    Some(if moment == Some(visit.timestamp().as_str()) { Put::Written } else { Put::Known })
}

/// The number in the attribute `count`.
fn count(attributes: Option<&Value>) -> Option<i64> {
    attributes?.get("count")?.get("N")?.as_str()?.parse().ok()
}

/// From half of `pause` to all of it, so that callers refused together do not retry together.
fn jittered(pause: Duration) -> Duration {
    let chance = u32::try_from(Uuid::new_v4().as_u128() % 1000).unwrap_or(0);
    pause / 2 + pause * chance / 2000
}
