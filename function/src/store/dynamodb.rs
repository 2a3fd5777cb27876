//! The store in DynamoDB: one table, one item a visit, and the item `total`, or several where the
//! total is kept in [`shards`](super::shards).
//!
//! A visit and its addition go out together, as two writes. Where one of them fails, the visits are right
//! and the total is not: `visits recount` makes it so again. An addition is sent once, because the
//! table could not tell the second from another visit; a visit is sent up to three times, because its key
//! tells.
//!
//! With `signed` the only room that names an AWS SDK type. It is told where and as whom to call, and looks for
//! neither: no profile file, no metadata service, no proxy. `aws-config`, which would, costs half
//! a megabyte of zip and brings STS along.

use std::{collections::HashMap, error::Error, time::Duration};

use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig, timeout::TimeoutConfig},
    error::SdkError,
    operation::put_item::PutItemError,
    types::{AttributeValue, KeysAndAttributes, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};

use tokio::time::timeout;

use crate::{
    log,
    settings::AwsSettings,
    store::{
        Store, StoreError,
        shards::{Shard, Shards},
    },
    telemetry::{Calls, Service},
    visit::Visit,
};

/// The table's key.
const KEY: &str = "visit_id";
/// The attribute that holds the total; a reserved word, so it is named through `#count`.
const COUNT: &str = "count";
/// The attribute that holds a visit's moment; with the day it is the key of the index.
const TIMESTAMP: &str = "timestamp";

/// How long opening connections may take. Lambda ends an init after 10 s, and a store that needs so long
/// is not there.
const WARMING: Duration = Duration::from_millis(2_500);

type Item = HashMap<String, AttributeValue>;

/// Visits and their total in a DynamoDB table.
#[derive(Clone, Debug)]
pub struct DynamoStore {
    client: Client,
    /// The same, without a second attempt.
    once: Client,
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
        let service = Service { name: "DynamoDB", resource: table, region: Some(aws.region.clone()) };
        let config = sdk_config(aws);
        let once = config.to_builder().retry_config(RetryConfig::disabled()).build();
        Self { client: Client::from_conf(config), once: Client::from_conf(once), service, shards }
    }

    /// `verb` with the table's name, for an error.
    fn action(&self, verb: &str) -> String {
        format!("{verb} table `{}`", self.service.resource)
    }

    async fn put(&self, visit: &Visit, shard: Shard) -> Result<Put, StoreError> {
        let put = self.client.put_item().table_name(&self.service.resource);
        let put = put.set_item(Some(item(visit, shard))).condition_expression("attribute_not_exists(visit_id)");
        let put = put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match put.send().await {
            Ok(_) => Ok(Put::Written),
            Err(error) => {
                there_already(&error, visit).ok_or_else(|| unavailable(self.action("write a visit to"))(error))
            }
        }
    }

    /// Adds `by` to the part of the total that `shard` holds, and returns what that is then.
    async fn add(&self, shard: Shard, by: i64) -> Result<i64, StoreError> {
        let action = self.action("add to `total` in");
        let update = self.once.update_item().table_name(&self.service.resource);
        let update = update.key(KEY, AttributeValue::S(shard.total()));
        let update = update.update_expression("ADD #count :by");
        let update = update.expression_attribute_names("#count", COUNT);
        let update = update.expression_attribute_values(":by", AttributeValue::N(by.to_string()));
        let update = update.return_values(ReturnValue::UpdatedNew);
        let output = update.send().await.map_err(unavailable(action.clone()))?;
        count(output.attributes()).ok_or(StoreError::Malformed { action })
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
        let action = self.action("read the parts of `total` from");
        let keys = shards.map(|shard| Item::from([(KEY.to_owned(), AttributeValue::S(shard.total()))]));
        let wanted = KeysAndAttributes::builder().set_keys(Some(keys.collect())).consistent_read(true).build();
        let wanted = wanted.map_err(unavailable(action.clone()))?;
        let output = self.client.batch_get_item().request_items(&self.service.resource, wanted).send().await;
        let output = output.map_err(unavailable(action.clone()))?;
        if output.unprocessed_keys().is_some_and(|keys| !keys.is_empty()) {
            return Err(StoreError::Unavailable { action, cause: "the table is throttled".into() });
        }
        let items = output.responses().and_then(|tables| tables.values().next()).map_or(&[][..], Vec::as_slice);
        let parts = items.iter().map(|item| count(Some(item)));
        parts.sum::<Option<i64>>().ok_or(StoreError::Malformed { action })
    }

    async fn get(&self, shard: Shard) -> Result<i64, StoreError> {
        let action = self.action("read `total` from");
        let get = self.client.get_item().table_name(&self.service.resource).consistent_read(true);
        let get = get.key(KEY, AttributeValue::S(shard.total()));
        let output = get.send().await.map_err(unavailable(action.clone()))?;
        match output.item() {
            None => Ok(0),
            item => count(item).ok_or(StoreError::Malformed { action }),
        }
    }

    /// A total of which parts may be negative, but not the whole.
    fn whole(&self, total: i64) -> Result<u64, StoreError> {
        u64::try_from(total).map_err(|_| StoreError::Malformed { action: self.action("read `total` from") })
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

    async fn count(&self, visit: &Visit, calls: &Calls) -> Result<u64, StoreError> {
        let shard = self.shards.of(visit.id);
        // All to their end, even where one fails: a write given up half-way is neither made nor not.
        let (put, added, others) = tokio::join!(
            calls.note("PutItem", self.put(visit, shard)),
            calls.note("UpdateItem", self.add(shard, 1)),
            self.others(shard, calls),
        );
        let own = match (added?, put?) {
            (own, Put::Written) => own,
            // Lambda or its caller sent the event again: it was counted when it came first.
            (_, Put::Known) => calls.note("UpdateItem", self.add(shard, -1)).await?,
        };
        self.whole(own + others?)
    }

    async fn total(&self, calls: &Calls) -> Result<u64, StoreError> {
        let total = match self.shards {
            Shards::ONE => calls.note("GetItem", self.get(Shard::FIRST)).await?,
            shards => calls.note("BatchGetItem", self.sum(shards.each())).await?,
        };
        self.whole(total)
    }
}

/// The item of `visit`, which `shard` counts.
fn item(visit: &Visit, shard: Shard) -> Item {
    let text = |value: &str| AttributeValue::S(value.to_owned());
    HashMap::from([
        (KEY.to_owned(), text(&visit.id.to_string())),
        ("day".to_owned(), text(&shard.day(visit.at))),
        (TIMESTAMP.to_owned(), text(&visit.timestamp())),
        ("visitor_ip".to_owned(), text(visit.visitor_ip.as_str())),
        ("user_agent".to_owned(), text(&visit.user_agent)),
        ("path".to_owned(), text(&visit.path)),
        ("expiration_time".to_owned(), AttributeValue::N(visit.expiration_time().to_string())),
    ])
}

/// What `error` says of `visit`, if it says that there is an item with its key. One of the same moment
/// was written by an attempt whose reply was lost.
fn there_already(error: &SdkError<PutItemError>, visit: &Visit) -> Option<Put> {
    let Some(PutItemError::ConditionalCheckFailedException(refused)) = error.as_service_error() else {
        return None;
    };
    let moment = refused.item().and_then(|item| item.get(TIMESTAMP)?.as_s().ok());
    Some(if moment == Some(&visit.timestamp()) { Put::Written } else { Put::Known })
}

/// The number in the attribute `count`.
fn count(attributes: Option<&Item>) -> Option<i64> {
    attributes?.get(COUNT)?.as_n().ok()?.parse().ok()
}

fn unavailable<E: Error + Send + Sync + 'static>(action: String) -> impl FnOnce(E) -> StoreError {
    move |error| StoreError::Unavailable { action, cause: error.into() }
}

fn sdk_config(aws: AwsSettings) -> Config {
    let AwsSettings { region, endpoint, access_key_id, secret_access_key, session_token } = aws;
    let key = Credentials::new(access_key_id, secret_access_key, session_token, None, "environment");
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region))
        .credentials_provider(key)
        .http_client(Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https())
        .timeout_config(timeouts())
        .retry_config(RetryConfig::standard().with_max_attempts(3));
    config.set_endpoint_url(endpoint);
    config.build()
}

/// Together well within the function's 10 s, so that a visitor gets our answer and not a bare 502.
/// The SDK itself would wait for an answer for ever.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .read_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_millis(2_500))
        .operation_timeout(Duration::from_secs(7))
        .build()
}
