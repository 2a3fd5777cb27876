//! The store in DynamoDB: one table, one item a visit, and the item `total`, or several where the
//! total is kept in [`shards`](super::shards).
//!
//! A visit and its addition go out together, as two writes. Where one of them fails, the visits are right
//! and the total is not: `visits recount` makes it so again. An addition is sent once, because the
//! table could not tell the second from another visit; a visit is sent up to three times, because its key
//! tells.
//!
//! It is told where and as whom to call, and looks for neither: no profile file, no metadata service, no proxy.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::{
    log,
    settings::AwsSettings,
    signed::{Api, Cause, Failed, Refusal, Signed, passing},
    store::{
        Counted, Store, StoreError,
        shards::{Shard, Shards},
    },
    telemetry::{Calls, Service},
    visit::Visit,
};

const DYNAMODB: Api = Api {
    name: "DynamoDB",
    host: "dynamodb",
    content_type: "application/x-amz-json-1.0",
    patience: Duration::from_secs(2),
};

/// The attribute that holds a visit's moment; with the day it is the key of the index.
const TIMESTAMP: &str = "timestamp";

/// How long a call may take, attempts and pauses included. With the 1.5 s in which the key for addresses may
/// be read before, and the 2 s in which an addition may be taken back after, it is within the function's 10 s,
/// so that a visitor gets our answer and not a bare 502.
const WHOLE: Duration = Duration::from_secs(6);

/// The longest pauses before the second attempt, and before the third.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];

/// How long opening connections may take. Lambda ends an init after 10 s, and a store that needs so long
/// is not there.
const WARMING: Duration = Duration::from_millis(2_500);

/// Visits and their total in a DynamoDB table. No `Debug`, so that no key can reach a log.
pub struct DynamoStore {
    dynamodb: Signed,
    service: Service,
    shards: Shards,
}

/// What became of a visit that was to be written.
enum Put {
    Written,
    /// It was there already, and not from an attempt of this very call.
    Known,
}

impl DynamoStore {
    /// A store in `table`, whose total is spread over `shards`, reached as `aws` says. Calls nothing yet.
    #[must_use]
    pub fn new(table: String, shards: Shards, aws: AwsSettings) -> Self {
        let service = Service { name: DYNAMODB.name, resource: table, region: Some(aws.region.clone()) };
        Self { dynamodb: Signed::new(DYNAMODB, aws), service, shards }
    }

    fn table(&self) -> &str {
        &self.service.resource
    }

    async fn put(&self, visit: &Visit, shard: Shard) -> Result<Put, StoreError> {
        let input = json!({
            "TableName": self.table(), "Item": item(visit, shard),
            "ConditionExpression": "attribute_not_exists(visit_id)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        });
        match self.ask("DynamoDB_20120810.PutItem", &input).await {
            Ok(_) => Ok(Put::Written),
            Err(cause) => there_already(&cause, visit).ok_or_else(|| self.unavailable("write a visit to", cause)),
        }
    }

    /// Adds `by` to the part of the total that `shard` holds, and returns what that is then.
    async fn add(&self, shard: Shard, by: i64) -> Result<i64, StoreError> {
        const ACTION: &str = "add to `total` in";
        let input = json!({
            "TableName": self.table(), "Key": key(shard), "ReturnValues": "UPDATED_NEW",
            // A reserved word, so it is named through `#count`.
            "UpdateExpression": "ADD #count :by", "ExpressionAttributeNames": {"#count": "count"},
            "ExpressionAttributeValues": {":by": {"N": by.to_string()}},
        });
        let answer = self.dynamodb.ask("DynamoDB_20120810.UpdateItem", &input).await;
        let answer = answer.map_err(|failed| self.unavailable(ACTION, failed.cause()))?;
        count(answer.get("Attributes")).ok_or_else(|| self.malformed(ACTION))
    }

    /// What all shards but `this` hold together.
    async fn others(&self, this: Shard, calls: &Calls) -> Result<i64, StoreError> {
        match self.shards {
            Shards::ONE => Ok(0),
            shards => calls.note("BatchGetItem", self.sum(shards.each().filter(|shard| *shard != this))).await,
        }
    }

    /// What `shards` hold together: at most 100, which is what one call takes.
    async fn sum(&self, shards: impl Iterator<Item = Shard>) -> Result<i64, StoreError> {
        const ACTION: &str = "read the parts of `total` from";
        let keys: Vec<_> = shards.map(key).collect();
        let input = json!({"RequestItems": {self.table(): {"Keys": keys, "ConsistentRead": true}}});
        let answer = self.ask("DynamoDB_20120810.BatchGetItem", &input).await;
        let answer = answer.map_err(|cause| self.unavailable(ACTION, cause))?;
        let items = answer.get("Responses").and_then(|tables| tables.get(self.table())).and_then(Value::as_array);
        let parts = items.and_then(|items| items.iter().map(|item| count(Some(item))).sum::<Option<i64>>());
        parts.ok_or_else(|| self.malformed(ACTION))
    }

    async fn get(&self, shard: Shard) -> Result<i64, StoreError> {
        const ACTION: &str = "read `total` from";
        let input = json!({"TableName": self.table(), "Key": key(shard), "ConsistentRead": true});
        let answer = self.ask("DynamoDB_20120810.GetItem", &input).await;
        let answer = answer.map_err(|cause| self.unavailable(ACTION, cause))?;
        match answer.get("Item") {
            None => Ok(0),
            item => count(item).ok_or_else(|| self.malformed(ACTION)),
        }
    }

    /// Asks for what may be asked for again, up to three times.
    async fn ask(&self, target: &'static str, input: &Value) -> Result<Value, Cause> {
        let attempts = async {
            for pause in PAUSES {
                match self.attempt(target, input).await {
                    Err(Failed::Passing(_)) => sleep(jittered(pause)).await,
                    ended => return ended.map_err(Failed::cause),
                }
            }
            self.attempt(target, input).await.map_err(Failed::cause)
        };
        timeout(WHOLE, attempts).await.unwrap_or_else(|late| Err(late.into()))
    }

    /// A response for a part of what was asked is none.
    async fn attempt(&self, target: &'static str, input: &Value) -> Result<Value, Failed> {
        let answer = self.dynamodb.ask(target, input).await?;
        let missing = answer.get("UnprocessedKeys").and_then(Value::as_object).is_some_and(|keys| !keys.is_empty());
        if missing { Err(passing("DynamoDB answered a part only: the table is throttled")) } else { Ok(answer) }
    }

    /// A total of which parts may be negative, but not the whole.
    fn whole(&self, total: i64) -> Result<u64, StoreError> {
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

    /// As many reads at once as a visit makes calls, because HTTP/1.1 needs a connection for each. With the
    /// CPU of a running 128 MB function a TLS handshake takes most of a second, during init a tenth.
    async fn warm(&self) {
        let calls = &Calls::default();
        let third = async { if self.shards == Shards::ONE { Ok(0) } else { self.total(calls).await } };
        let all = async { tokio::join!(self.total(calls), self.total(calls), third) };
        match timeout(WARMING, all).await {
            Ok((one, other, third)) => one.and(other).and(third).map_or_else(|error| log::cold(&error), |_| ()),
            Err(late) => log::cold(&late),
        }
    }

    async fn count(&self, visit: &Visit, calls: &Calls) -> Result<Counted, StoreError> {
        let shard = self.shards.of(visit.id);
        // All to their end, even where one fails: a write given up half-way is neither made nor not.
        let (put, added, others) = tokio::join!(
            calls.note("PutItem", self.put(visit, shard)),
            calls.note("UpdateItem", self.add(shard, 1)),
            self.others(shard, calls),
        );
        let (own, new) = match (added?, put?) {
            (own, Put::Written) => (own, true),
            // Lambda or its caller sent the event again: it was counted when it came first.
            (_, Put::Known) => (calls.note("UpdateItem", self.add(shard, -1)).await?, false),
        };
        Ok(Counted { total: self.whole(own + others?)?, new })
    }

    async fn total(&self, calls: &Calls) -> Result<u64, StoreError> {
        let total = match self.shards {
            Shards::ONE => calls.note("GetItem", self.get(Shard::FIRST)).await?,
            shards => calls.note("BatchGetItem", self.sum(shards.each())).await?,
        };
        self.whole(total)
    }
}

/// The key of the item with a shard's part of the total.
fn key(shard: Shard) -> Value {
    json!({"visit_id": {"S": shard.total()}})
}

/// The item of `visit`, which `shard` counts.
fn item(visit: &Visit, shard: Shard) -> Value {
    json!({
        "visit_id": {"S": visit.id.to_string()},
        "day": {"S": shard.day(visit.at)},
        TIMESTAMP: {"S": visit.timestamp()},
        "visitor_ip": {"S": visit.visitor_ip.as_str()},
        "user_agent": {"S": visit.user_agent},
        "path": {"S": visit.path},
        "expiration_time": {"N": visit.expiration_time().to_string()},
    })
}

/// What `cause` says of `visit`, if it says that there is an item with its key. One of the same moment
/// was written by an attempt whose reply was lost.
fn there_already(cause: &Cause, visit: &Visit) -> Option<Put> {
    let instead = cause.downcast_ref::<Refusal>()?.instead.as_ref()?;
    let moment = instead.0.get(TIMESTAMP).and_then(|moment| moment.get("S")?.as_str());
    Some(if moment == Some(visit.timestamp().as_str()) { Put::Written } else { Put::Known })
}

/// The number in the attribute `count`.
fn count(attributes: Option<&Value>) -> Option<i64> {
    attributes?.get("count")?.get("N")?.as_str()?.parse().ok()
}

/// From half of `pause` to all of it: those who were refused together do not come back together.
fn jittered(pause: Duration) -> Duration {
    let chance = u32::try_from(Uuid::new_v4().as_u128() % 1000).unwrap_or(0);
    pause / 2 + pause * chance / 2000
}
