//! The visits of the table that the function `counter` writes, by its index `by-day`, and their total.
//!
//! It is found with the user's own credentials, as every AWS tool finds them. It considers all shards that
//! there can ever be, because a reader does not know how many are in use. It never scans, and the index,
//! which is all that it reads of visits, has no addresses.

mod total;

use std::time::Duration;

use anyhow::Context as _;
use aws_config::{BehaviorVersion, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_dynamodb::{
    Client,
    config::Builder,
    operation::query::{QueryOutput, builders::QueryFluentBuilder},
    types::{AttributeValue, Select},
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use futures::{
    Stream, StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use crate::{
    store::shards::{Shard, Shards},
    visits::{
        clock::Clock,
        failure::Failed,
        log::{Seen, VisitLog},
        today,
    },
};

pub use total::{Age, Checkpoint, Totals};

/// The index: hash key `day`, range key `timestamp`.
const INDEX: &str = "by-day";
/// So many queries at once.
const AT_ONCE: usize = 16;

/// The visits and the total in a DynamoDB table.
#[derive(Clone, Debug)]
pub struct DynamoLog {
    reads: Client,
    /// Without a second attempt, whose effect could not be told from the first one's.
    once: Client,
    clock: Clock,
    table: String,
}

impl DynamoLog {
    /// The log in `table`, reached as the user's environment and profile say. Calls nothing yet.
    ///
    /// # Errors
    ///
    /// When neither says in which region.
    pub async fn connect(table: String) -> anyhow::Result<Self> {
        let tls = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
        let config = aws_config::defaults(BehaviorVersion::latest()).http_client(tls.build_https());
        let retries = RetryConfig::standard().with_max_attempts(6).with_initial_backoff(Duration::from_millis(100));
        let config = config.timeout_config(timeouts()).retry_config(retries).load().await;
        if config.region().is_none() {
            let hint = "set `AWS_REGION`, or `AWS_PROFILE` to a profile that has one".to_owned();
            return Err(Failed::new(format!("reach table `{table}`"), "no region is set", Some(hint)).into());
        }
        let clock = Clock::default();
        let reads = Builder::from(&config).interceptor(clock.clone()).build();
        let once = Builder::from(&config).retry_config(RetryConfig::disabled()).build();
        Ok(Self { reads: Client::from_conf(reads), once: Client::from_conf(once), clock, table })
    }

    /// The table's name.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }

    /// How far this machine's clock was ahead of the table's at the last answer.
    #[must_use]
    pub fn ahead(&self) -> Option<SignedDuration> {
        self.clock.ahead()
    }

    /// How many visits came from `from` on and before `to`, as far as the index has caught up.
    ///
    /// # Errors
    ///
    /// When the index cannot be read.
    pub async fn visits(&self, from: Timestamp, to: Timestamp) -> anyhow::Result<u64> {
        // Both ends of a BETWEEN belong to it.
        let last = to - SignedDuration::from_millis(1);
        let text = |at: Timestamp| AttributeValue::S(format!("{at:.3}"));
        let count = |(_, query): (Date, QueryFluentBuilder)| {
            query
                .select(Select::Count)
                .key_condition_expression("#day = :day AND #timestamp BETWEEN :from AND :to")
                .expression_attribute_names("#timestamp", "timestamp")
                .expression_attribute_values(":from", text(from))
                .expression_attribute_values(":to", text(last))
        };
        let days: Vec<_> =
            today(from).series(jiff::Span::new().days(1)).take_while(|day| *day <= today(last)).collect();
        let pages = self.queries(&days)?.map(|query| self.pages(count(query)));
        let counts = stream::iter(pages).flatten_unordered(AT_ONCE);
        let sum = counts.try_fold(0, async |sum, page| Ok(sum + u64::try_from(page.count()).unwrap_or(0))).await?;
        Ok(sum)
    }

    /// A query of each shard of each of `days`, still without what is asked of it.
    fn queries(&self, days: &[Date]) -> anyhow::Result<impl Iterator<Item = (Date, QueryFluentBuilder)>> {
        let at = |day: &Date| anyhow::Ok((*day, day.to_zoned(TimeZone::UTC).context("no such day")?.timestamp()));
        let days = days.iter().map(at).collect::<Result<Vec<_>, _>>()?;
        let keys = days.into_iter().flat_map(|(day, at)| Shards::ALL.each().map(move |shard| (day, at, shard)));
        Ok(keys.map(|(day, at, shard)| (day, self.query(shard, at))))
    }

    fn query(&self, shard: Shard, at: Timestamp) -> QueryFluentBuilder {
        let query = self.reads.query().table_name(&self.table).index_name(INDEX);
        let query = query.expression_attribute_names("#day", "day");
        query.expression_attribute_values(":day", AttributeValue::S(shard.day(at)))
    }

    /// The pages that answer `query`, each asked for when the one before it has been taken.
    fn pages(&self, query: QueryFluentBuilder) -> BoxStream<'static, Result<QueryOutput, Failed>> {
        let what = format!("query index `{INDEX}` of table `{}`", self.table);
        let pages = query.into_paginator().send();
        Box::pin(stream::try_unfold((pages, what), async |(mut pages, what)| {
            let page = pages.try_next().await.map_err(|error| Failed::of_aws(what.clone(), &error))?;
            Ok(page.map(|page| (page, (pages, what))))
        }))
    }

    /// The visits of `days`, a page at a time.
    fn seen(&self, days: &[Date]) -> anyhow::Result<impl Stream<Item = Result<Vec<Seen>, Failed>>> {
        let wanted = |query: QueryFluentBuilder| {
            query
                .key_condition_expression("#day = :day")
                .projection_expression("#path, #agent")
                .expression_attribute_names("#path", "path")
                .expression_attribute_names("#agent", "user_agent")
        };
        let pages = self.queries(days)?.map(move |(day, query)| {
            self.pages(wanted(query))
                .map_ok(move |page| page.items().iter().map(|item| seen(day, item)).collect())
                .boxed()
        });
        Ok(stream::iter(pages).flatten_unordered(AT_ONCE))
    }
}

impl VisitLog for DynamoLog {
    async fn each(&self, days: &[Date], mut see: impl FnMut(Seen)) -> anyhow::Result<()> {
        let mut pages = self.seen(days)?;
        while let Some(page) = pages.try_next().await? {
            page.into_iter().for_each(&mut see);
        }
        Ok(())
    }
}

/// What `item` shows; an attribute that is not there, or no text, is `unknown`.
fn seen(day: Date, item: &total::Item) -> Seen {
    let text = |name| item.get(name).and_then(|value| value.as_s().ok()).map_or("unknown", String::as_str).to_owned();
    Seen { day, path: text("path"), user_agent: text("user_agent") }
}

/// The SDK itself would wait for a response for ever.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .read_timeout(Duration::from_secs(20))
        .operation_attempt_timeout(Duration::from_secs(20))
        .operation_timeout(Duration::from_secs(60))
        .build()
}
