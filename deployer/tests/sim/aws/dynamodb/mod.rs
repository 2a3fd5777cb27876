//! DynamoDB: the tables of one account and region. JSON 1.0.

mod expression;
mod fault;
mod number;
mod read;
#[cfg(test)]
mod recorded;
mod table;
#[cfg(test)]
mod tests;
mod transact;
mod value;
mod write;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::wire::{Moment, Reply, Request};
use fault::{Fault, reply};
use table::{Key, Table};
use transact::Done;
use value::{Item, normal_item};

const TARGET: &str = "DynamoDB_20120810.";
const OPERATIONS: [&str; 10] = [
    "GetItem",
    "Query",
    "TransactWriteItems",
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "DescribeTable",
    "ListTables",
    "CreateTable",
    "UpdateContinuousBackups",
];
/// How long a table takes to be made.
const MAKING: Duration = Duration::from_secs(6);

/// What a test may vary. Chances are from 0 to 1.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// By how much a read that does not ask for consistency may lag behind, and how likely it does.
    pub(crate) read_lag: Duration,
    pub(crate) stale: f64,
    /// How likely a transaction meets another on one of its items, which no client of the simulation sent.
    pub(crate) conflicts: f64,
    /// How long an item is under way: another write meets a conflict, the same transaction one that is in progress. The
    /// reply must not arrive earlier, or a client would conflict with itself.
    pub(crate) transaction_takes: Duration,
    /// How long a transaction's token counts.
    pub(crate) token_lives: Duration,
    /// How likely any call is throttled.
    pub(crate) throttled: f64,
    /// Whether the tables have provisioned capacity: throttling has another name then.
    pub(crate) provisioned: bool,
    /// The writes that one item accepts in a second, about 1,000; those of a transaction count twice.
    pub(crate) item_writes_per_second: usize,
    /// Where a page of a Query ends.
    pub(crate) page_bytes: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            read_lag: Duration::from_secs(1),
            stale: 0.5,
            conflicts: 0.0,
            transaction_takes: Duration::from_millis(5),
            token_lives: Duration::from_secs(600),
            throttled: 0.0,
            provisioned: false,
            item_writes_per_second: 1000,
            page_bytes: 1024 * 1024,
        }
    }
}

/// An item of a table: the table's name, the partition key and the sort key (empty without one), as text.
pub(crate) type Place = (String, String, String);

/// The tables of one account and region.
#[derive(Clone, Debug)]
pub(crate) struct DynamoDb {
    pub(crate) rules: Rules,
    account: String,
    region: String,
    tables: BTreeMap<String, Table>,
    /// Items that a transaction is at work on, and until when.
    pub(crate) in_flight: BTreeMap<Place, Duration>,
    /// Every write that was carried out: its time, table, partition key and sort key.
    pub(crate) history: Vec<(Duration, String, (String, String))>,
    /// What became of transactions, by their tokens.
    tokens: BTreeMap<String, Done>,
    /// The writes of each item in the last second.
    recent: BTreeMap<Place, Vec<Duration>>,
}

impl DynamoDb {
    pub(crate) fn new(account: &str, region: &str) -> Self {
        Self {
            rules: Rules::default(),
            account: account.to_owned(),
            region: region.to_owned(),
            tables: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            history: Vec::new(),
            tokens: BTreeMap::new(),
            recent: BTreeMap::new(),
        }
    }

    /// A table whose keys are of the type S.
    pub(crate) fn create_table(&mut self, name: &str, partition: &str, sort: Option<&str>) {
        self.tables.insert(name.to_owned(), Table::new(partition, sort));
    }

    /// Puts an item in DynamoDB's form, as if it had always been there.
    ///
    /// # Panics
    /// The table does not exist, or the item does not fit it.
    pub(crate) fn put(&mut self, table: &str, item: &Value) {
        let item = item.as_object().and_then(|item| normal_item(item).ok()).expect("an item in DynamoDB's form");
        let table = self.tables.get_mut(table).expect("a table");
        let key = table.key_of(&item).expect("an item with the table's keys");
        table.write(key, Some(item), Duration::ZERO);
    }

    /// Removes an item, as if it had never been there.
    ///
    /// # Panics
    /// The table does not exist.
    pub(crate) fn remove(&mut self, table: &str, partition: &str, sort: &str) {
        let table = self.tables.get_mut(table).expect("a table");
        table.items.retain(|key, _| texts(key) != (partition.to_owned(), sort.to_owned()));
    }

    /// All items of a table, as they are, in the order of their keys.
    pub(crate) fn items(&self, table: &str) -> Vec<Value> {
        let table = self.tables.get(table);
        table.into_iter().flat_map(|table| table.all(Duration::MAX)).map(|(_, item)| json!(item)).collect()
    }

    /// One item, as it is.
    pub(crate) fn item(&self, table: &str, partition: &str, sort: &str) -> Option<Value> {
        let all = self.tables.get(table)?.all(Duration::MAX);
        all.filter(|(key, _)| texts(key) == (partition.to_owned(), sort.to_owned())).map(|(_, item)| json!(item)).next()
    }

    pub(crate) fn name(request: &Request) -> Option<&'static str> {
        let operation = request.header("x-amz-target")?.strip_prefix(TARGET)?;
        OPERATIONS.into_iter().find(|known| *known == operation)
    }

    pub(crate) fn handle(&mut self, request: &Request, moment: &mut Moment) -> Option<Reply> {
        let operation = Self::name(request)?;
        match self.carry_out(operation, request, moment) {
            Ok(body) => Some(reply(200, &body)),
            Err(fault) => fault.reply(),
        }
    }

    fn carry_out(&mut self, operation: &str, request: &Request, moment: &mut Moment) -> Result<Value, Fault> {
        let body = request.json();
        if !body.is_object() {
            return Err(Fault::new("SerializationException", "Start of structure or map found where not expected"));
        }
        self.in_flight.retain(|_, until| *until > moment.now);
        if operation != "TransactWriteItems" && moment.chance.f64() < self.rules.throttled {
            return Err(self.throttled());
        }
        match operation {
            "GetItem" => self.get_item(&body, moment),
            "Query" => self.query(&body, moment),
            "DescribeTable" => self.describe_table(&body, moment),
            "ListTables" => Ok(json!({ "TableNames": self.tables.keys().collect::<Vec<_>>() })),
            "CreateTable" => self.make_table(&body, moment),
            "UpdateContinuousBackups" => self.keep_backups(&body, moment),
            "TransactWriteItems" => self.transact_write_items(&body, moment),
            operation => self.single_write(operation, &body, moment),
        }
    }

    /// The table that a request names, by its name or its ARN, and that name.
    fn table(&self, body: &Value) -> Result<(&str, &Table), Fault> {
        let name = body["TableName"].as_str().unwrap_or_default();
        let name = name.split_once(":table/").map_or(name, |(_, name)| name);
        if name.len() < 3 {
            let words = "1 validation error detected: Value at 'tableName' failed to satisfy constraint: Member must have \
                         length greater than or equal to 3";
            return Err(Fault::invalid(words));
        }
        self.tables.get_key_value(name).map(|(name, table)| (name.as_str(), table)).ok_or_else(Fault::no_table)
    }

    fn throttled(&self) -> Fault {
        let (code, message) = match self.rules.provisioned {
            true => (
                "ProvisionedThroughputExceededException",
                "The level of configured provisioned throughput for the table was exceeded. Consider increasing your \
                 provisioning level with the UpdateTable API.",
            ),
            false => ("ThrottlingException", ON_DEMAND),
        };
        Fault::new(code, message)
    }
}

/// The error of a table without provisioned capacity for too many requests.
const ON_DEMAND: &str = "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling \
                         your table or index so please try again shortly. If exceptions persist, check if you have a hot \
                         key: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html";

/// The keys as text.
fn texts((partition, sort): &Key) -> (String, String) {
    (partition.text(), sort.as_ref().map(value::Scalar::text).unwrap_or_default())
}

fn place(table: &str, key: &Key) -> Place {
    let (partition, sort) = texts(key);
    (table.to_owned(), partition, sort)
}

/// An object of a request; an empty one where there is none.
fn object(value: &Value) -> Item {
    value.as_object().cloned().unwrap_or_default()
}
