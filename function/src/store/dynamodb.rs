//! The store in DynamoDB: one table, one item a visit, and the item `total`.
//!
//! With `key::ssm` the only room that names an AWS SDK type. It is told where and as whom to call, and looks for
//! neither: no profile file, no metadata service, no proxy. `aws-config`, which would, costs half
//! a megabyte of zip and brings STS along.

use std::{collections::HashMap, error::Error, time::Duration};

use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig, timeout::TimeoutConfig},
    types::{AttributeValue, ReturnValue},
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};

use crate::{
    log,
    settings::AwsSettings,
    store::{Store, StoreError},
    visit::Visit,
};

/// The table's key.
const KEY: &str = "visit_id";
/// The key of the item that holds the total: never a UUID, so never a visit's.
const TOTAL: &str = "total";
/// The attribute that holds the total; a reserved word, so it is named through `#count`.
const COUNT: &str = "count";

/// Visits and their total in a DynamoDB table.
#[derive(Clone, Debug)]
pub struct DynamoStore {
    client: Client,
    table: String,
}

impl DynamoStore {
    /// A store in `table`, reached as `aws` says. Calls nothing yet.
    #[must_use]
    pub fn new(table: String, aws: AwsSettings) -> Self {
        let client = Client::from_conf(sdk_config(aws));
        Self { client, table }
    }

    /// Opens the connections that a visit needs, so that no visitor waits for a TLS handshake:
    /// with the CPU of a running 128 MB function it takes most of a second, during init a tenth.
    /// Two reads at once, because the two writes go at once and HTTP/1.1 needs a connection each.
    ///
    /// A failure is logged and nothing else: the first visitor then pays, or gets the error.
    pub async fn warm(&self) {
        let (one, other) = tokio::join!(self.total(), self.total());
        if let Err(error) = one.and(other) {
            log::cold(&error);
        }
    }

    /// `verb` with the table's name, for an error.
    fn action(&self, verb: &str) -> String {
        format!("{verb} table `{}`", self.table)
    }
}

impl Store for DynamoStore {
    async fn record(&self, visit: &Visit) -> Result<(), StoreError> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item(visit)));
        put.send().await.map_err(unavailable(self.action("write a visit to")))?;
        Ok(())
    }

    async fn increment(&self) -> Result<u64, StoreError> {
        let action = self.action("add 1 to `total` in");
        let update = self.client.update_item().table_name(&self.table);
        let update = update.key(KEY, AttributeValue::S(TOTAL.to_owned()));
        let update = update.update_expression("ADD #count :one");
        let update = update.expression_attribute_names("#count", COUNT);
        let update = update.expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
        let update = update.return_values(ReturnValue::UpdatedNew);
        let output = update.send().await.map_err(unavailable(action.clone()))?;
        count(output.attributes()).ok_or(StoreError::Malformed { action })
    }

    async fn total(&self) -> Result<u64, StoreError> {
        let action = self.action("read `total` from");
        let get = self.client.get_item().table_name(&self.table).consistent_read(true);
        let get = get.key(KEY, AttributeValue::S(TOTAL.to_owned()));
        let output = get.send().await.map_err(unavailable(action.clone()))?;
        match output.item() {
            None => Ok(0),
            item => count(item).ok_or(StoreError::Malformed { action }),
        }
    }
}

/// The item of `visit`.
fn item(visit: &Visit) -> HashMap<String, AttributeValue> {
    let text = |value: &str| AttributeValue::S(value.to_owned());
    HashMap::from([
        (KEY.to_owned(), text(&visit.id.to_string())),
        ("timestamp".to_owned(), text(&visit.timestamp())),
        ("visitor_ip".to_owned(), text(visit.visitor_ip.as_str())),
        ("user_agent".to_owned(), text(&visit.user_agent)),
        ("path".to_owned(), text(&visit.path)),
        ("expiration_time".to_owned(), AttributeValue::N(visit.expiration_time().to_string())),
    ])
}

/// The number in the attribute `count`.
fn count(attributes: Option<&HashMap<String, AttributeValue>>) -> Option<u64> {
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
/// The SDK itself would wait for an answer for ever. A retry after a lost reply may count a visit
/// twice: better than not at all.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .read_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_millis(2_500))
        .operation_timeout(Duration::from_secs(7))
        .build()
}
