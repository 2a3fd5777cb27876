//! The total, its checkpoint, and the one write of the command.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::update_item::UpdateItemError,
    types::{AttributeValue, KeysAndAttributes},
};
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::sleep;

use crate::{
    store::shards::{Shard, Shards},
    visits::{dynamodb::DynamoLog, failure::Failed},
};

/// A DynamoDB item.
pub(super) type Item = HashMap<String, AttributeValue>;

const KEY: &str = "visit_id";
const COUNT: &str = "count";
/// How often keys that a throttled table left out are asked for, and the pause before each time.
const ASKS: u32 = 6;
const PAUSE: Duration = Duration::from_millis(200);

/// The total as it should have been at a moment: what a recount starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checkpoint {
    /// The visits before `at`.
    pub total: i64,
    /// The moment.
    pub at: Timestamp,
}

/// What the table says of its total.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    /// The sum of all shards.
    pub total: i64,
    /// What the last recount left behind.
    pub checkpoint: Option<Checkpoint>,
}

/// What the table says of its own age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Age {
    /// When it was made.
    pub created: Timestamp,
    /// Whether it was made from a backup, so that what is in it may be older.
    pub restored: bool,
}

impl DynamoLog {
    /// Reads the total, as of now: every addition that was answered before is in it.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is no number.
    pub async fn totals(&self) -> Result<Totals, Failed> {
        let what = || format!("read `total` from table `{}`", self.table);
        let malformed = |name| Failed::new(what(), format!("its attribute `{name}` is malformed"), None);
        let mut totals = Totals { total: 0, checkpoint: None };
        for item in self.parts(&what()).await? {
            let sum = number(&item, COUNT).and_then(|part| totals.total.checked_add(part));
            totals.total = sum.ok_or_else(|| malformed(COUNT))?;
            if item.contains_key("recounted_at") {
                let total = number(&item, "recounted_total").ok_or_else(|| malformed("recounted_total"))?;
                let at = item["recounted_at"].as_s().ok().and_then(|at| at.parse().ok());
                let at = at.ok_or_else(|| malformed("recounted_at"))?;
                totals.checkpoint = Some(Checkpoint { total, at });
            }
        }
        Ok(totals)
    }

    /// The item of every shard that there is.
    async fn parts(&self, what: &str) -> Result<Vec<Item>, Failed> {
        let key = |shard: Shard| Item::from([(KEY.to_owned(), AttributeValue::S(shard.total()))]);
        let keys = KeysAndAttributes::builder().set_keys(Some(Shards::ALL.each().map(key).collect()));
        let keys = keys.consistent_read(true).build();
        let keys = keys.map_err(|error| Failed::new(what, error.to_string(), None))?;
        let (mut wanted, mut items) = (HashMap::from([(self.table.clone(), keys)]), Vec::new());
        for ask in 0..ASKS {
            sleep(PAUSE * ask).await;
            let output = self.reads.batch_get_item().set_request_items(Some(wanted)).send().await;
            let output = output.map_err(|error| Failed::of_aws(what, &error))?;
            items.extend(output.responses.into_iter().flatten().flat_map(|(_, items)| items));
            wanted = output.unprocessed_keys.unwrap_or_default();
            if wanted.is_empty() {
                return Ok(items);
            }
        }
        Err(Failed::new(what, "the table is throttled", Some("run again in a minute".to_owned())))
    }

    /// Reads the table's age.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub async fn age(&self) -> Result<Age, Failed> {
        let what = format!("read the age of table `{}`", self.table);
        let output = self.reads.describe_table().table_name(&self.table).send().await;
        let output = output.map_err(|error| Failed::of_aws(what.clone(), &error))?;
        let table = output.table();
        let created = table.and_then(|table| table.creation_date_time());
        let created = created.and_then(|at| Timestamp::from_second(at.secs()).ok());
        let created = created.ok_or_else(|| Failed::new(what, "the answer has no `CreationDateTime`", None))?;
        Ok(Age { created, restored: table.is_some_and(|table| table.restore_summary().is_some()) })
    }

    /// Adds `difference` to the total and leaves the checkpoint `new` behind, in one write, provided that
    /// the checkpoint is still `old`. Visits that are counted meanwhile are kept, because it is an addition.
    ///
    /// # Errors
    ///
    /// When the checkpoint is another one, or the table refuses, or its response does not come.
    pub async fn correct(&self, difference: i64, new: &Checkpoint, old: Option<&Checkpoint>) -> Result<(), Failed> {
        let number = |value: i64| AttributeValue::N(value.to_string());
        let update = self.once.update_item().table_name(&self.table);
        let update = update.key(KEY, AttributeValue::S(Shard::FIRST.total()));
        let update =
            update.update_expression("ADD #count :difference SET recounted_total = :total, recounted_at = :at");
        let update = update.expression_attribute_names("#count", COUNT);
        let update = update.expression_attribute_values(":difference", number(difference));
        let update = update.expression_attribute_values(":total", number(new.total));
        let update = update.expression_attribute_values(":at", moment(new.at));
        let update = match old {
            None => update.condition_expression("attribute_not_exists(recounted_at)"),
            Some(old) => update
                .condition_expression("recounted_at = :was AND recounted_total = :base")
                .expression_attribute_values(":was", moment(old.at))
                .expression_attribute_values(":base", number(old.total)),
        };
        update.send().await.map(|_| ()).map_err(|error| self.uncorrected(&error))
    }

    fn uncorrected(&self, error: &SdkError<UpdateItemError>) -> Failed {
        let what = format!("correct `total` in table `{}`", self.table);
        let known = error.as_service_error().is_some();
        let refused = error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception);
        let failed = Failed::of_aws(what.clone(), error);
        if refused {
            let why = "another recount has written its checkpoint meanwhile; nothing was written by this one";
            return Failed::new(what, why, Some("run it again: it starts from that checkpoint".to_owned()));
        }
        let lost = !known || error.raw_response().is_some_and(|response| response.status().is_server_error());
        if lost && failed.hint().is_none_or(|hint| !hint.contains("AWS_PROFILE")) {
            let hint = "whether it was written is not known: run it again, it starts from what is there";
            return Failed::new(what, failed.why(), Some(hint.to_owned()));
        }
        failed
    }
}

fn number(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// `at`, as the moments of visits are written.
fn moment(at: Timestamp) -> AttributeValue {
    AttributeValue::S(format!("{at:.3}"))
}
