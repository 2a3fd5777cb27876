//! The visits of the table that the function `counter` writes, read from its index `by-day`.
//!
//! It uses the user's own credentials, as every AWS tool finds them. It never scans, and the index has no
//! addresses.

use std::{collections::HashMap, time::Duration};

use aws_config::{BehaviorVersion, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_dynamodb::{Client, operation::query::QueryOutput, types::AttributeValue};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use futures::{
    Stream, StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use jiff::civil::Date;

use crate::visits::{
    failure::Failed,
    log::{Seen, VisitLog},
};

/// The index: hash key `day`, range key `timestamp`.
const INDEX: &str = "by-day";
/// How many queries run at once.
const AT_ONCE: usize = 16;

/// The visits in a DynamoDB table.
#[derive(Clone, Debug)]
pub struct DynamoLog {
    client: Client,
    table: String,
}

impl DynamoLog {
    /// The log in `table`, reached with the user's environment and profile. Calls nothing yet.
    ///
    /// # Errors
    ///
    /// When neither sets a region.
    pub async fn connect(table: String) -> anyhow::Result<Self> {
        let tls = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
        let config = aws_config::defaults(BehaviorVersion::latest()).http_client(tls.build_https());
        let retries = RetryConfig::standard().with_max_attempts(6).with_initial_backoff(Duration::from_millis(100));
        let config = config.timeout_config(timeouts()).retry_config(retries).load().await;
        if config.region().is_none() {
            let hint = "set `AWS_REGION`, or `AWS_PROFILE` to a profile that has one".to_owned();
            return Err(Failed::new(format!("reach table `{table}`"), "no region is set", Some(hint)).into());
        }
        Ok(Self { client: Client::new(&config), table })
    }

    /// The table's name.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The pages with the visits of `day`, each read when the one before it has been consumed.
    fn pages(&self, day: Date) -> BoxStream<'static, Result<QueryOutput, Failed>> {
        let what = format!("query index `{INDEX}` of table `{}`", self.table);
        let query = self.client.query().table_name(&self.table).index_name(INDEX);
        let query = query.key_condition_expression("#day = :day").projection_expression("#path, #agent");
        let names = [("#day", "day"), ("#path", "path"), ("#agent", "user_agent")];
        let query = names.iter().fold(query, |query, (name, of)| query.expression_attribute_names(*name, *of));
        let query = query.expression_attribute_values(":day", AttributeValue::S(day.to_string()));
        let pages = query.into_paginator().send();
        Box::pin(stream::try_unfold((pages, what), async |(mut pages, what)| {
            let page = pages.try_next().await.map_err(|error| Failed::of_aws(what.clone(), &error))?;
            Ok(page.map(|page| (page, (pages, what))))
        }))
    }

    /// The visits of `days`, a page at a time.
    fn seen(&self, days: &[Date]) -> impl Stream<Item = Result<Vec<Seen>, Failed>> {
        let pages = days.iter().map(|&day| {
            let pages = self.pages(day);
            pages.map_ok(move |page| page.items().iter().map(|item| seen(day, item)).collect()).boxed()
        });
        stream::iter(pages).flatten_unordered(AT_ONCE)
    }
}

impl VisitLog for DynamoLog {
    async fn each(&self, days: &[Date], mut see: impl FnMut(Seen)) -> anyhow::Result<()> {
        let mut pages = self.seen(days);
        while let Some(page) = pages.try_next().await? {
            page.into_iter().for_each(&mut see);
        }
        Ok(())
    }
}

/// The visit in `item`; an attribute that is missing or is not text is `unknown`.
fn seen(day: Date, item: &HashMap<String, AttributeValue>) -> Seen {
    let text = |name| item.get(name).and_then(|value| value.as_s().ok()).map_or("unknown", String::as_str).to_owned();
    Seen { day, path: text("path"), user_agent: text("user_agent") }
}

/// By itself the SDK would wait for a response for ever.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .read_timeout(Duration::from_secs(20))
        .operation_attempt_timeout(Duration::from_secs(20))
        .operation_timeout(Duration::from_secs(60))
        .build()
}
