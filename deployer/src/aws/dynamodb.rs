//! DynamoDB: the items of one partition of one table, as JSON values, and conditional writes.

use std::collections::{BTreeMap, HashMap};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, PointInTimeRecoverySpecification, Put,
    ScalarAttributeType, TableStatus, TransactWriteItem, Update,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use serde_json::Value;

use super::{AwsError, Calls, Kind, clients, quick_timeouts};
use crate::backoff::{Backoff, Pace};
use crate::world::World;

/// How often a transaction is sent. A conflict that is waited out does not count. After a signal there are 7 s in all.
const TRIES: u32 = 4;

/// More than the releases that are kept by default and what each could go back to.
const SHORT_PAGE: i32 = 25;

/// Reads one table with the keys `pk` and `sk`.
#[derive(Debug, Clone)]
pub struct TableReader {
    client: aws_sdk_dynamodb::Client,
    name: String,
}

/// Writes to one table with the keys `pk` and `sk`.
#[derive(Debug, Clone)]
pub struct TableWriter {
    client: aws_sdk_dynamodb::Client,
    name: String,
    world: World,
}

/// One write of a transaction.
#[derive(Debug, Clone)]
pub enum Change {
    /// Puts a whole item, under a condition.
    Put(Value, Condition),
    /// Sets attributes of the item with this `(pk, sk)`, under a condition.
    Set((String, String), BTreeMap<String, Value>, Condition),
    /// Removes attributes of the item with this `(pk, sk)`, under a condition.
    Remove((String, String), Vec<String>, Condition),
}

/// What must be true of an item before it is written.
#[derive(Debug, Clone)]
pub enum Condition {
    /// The item does not exist.
    Absent,
    /// The item's attributes have these values; `null` means that the attribute does not exist.
    Equals(BTreeMap<String, Value>),
    /// Anything.
    Any,
}

impl Condition {
    /// An item whose attributes have these values; `null`: none.
    pub fn equals<const N: usize>(attributes: [(&str, Value); N]) -> Self {
        Self::Equals(attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

/// Both of one table.
pub(super) fn open(shared: &SdkConfig, calls: &Calls, name: &str, world: &World) -> (TableReader, TableWriter) {
    let (read, write) = clients!(aws_sdk_dynamodb, shared, calls);
    let name = name.to_owned();
    (TableReader { client: read, name: name.clone() }, TableWriter { client: write, name, world: world.clone() })
}

impl TableReader {
    /// The table's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names of all tables of the account and region.
    pub async fn all(&self) -> Result<Vec<String>, AwsError> {
        let pages = self.client.list_tables().into_paginator().items().send();
        let all = pages.collect::<Result<Vec<_>, _>>().await;
        all.map_err(|error| AwsError::new("ListTables", "the account's tables".to_owned(), &error))
    }

    /// Whether the table can be read and written; `None` if there is none.
    pub async fn is_ready(&self) -> Result<Option<bool>, AwsError> {
        let response = self.client.describe_table().table_name(&self.name).send().await;
        match response.map_err(|error| self.error("DescribeTable", &error)) {
            Ok(response) => {
                let status = response.table.and_then(|table| table.table_status);
                Ok(Some(matches!(status, Some(TableStatus::Active | TableStatus::Updating))))
            }
            Err(error) if error.kind == Kind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The item with that key, read consistently.
    pub async fn get(&self, pk: &str, sk: &str) -> Result<Option<Value>, AwsError> {
        let request = self.client.get_item().table_name(&self.name).consistent_read(true);
        let key = key(pk, sk);
        let response = request.set_key(Some(key)).send().await.map_err(|error| self.error("GetItem", &error))?;
        response.item.map(|item| self.decode(item)).transpose()
    }

    /// The last `limit` items of a partition whose sort key begins with `prefix`, the last first, read
    /// consistently.
    pub async fn last(&self, pk: &str, prefix: &str, limit: usize) -> Result<Vec<Value>, AwsError> {
        self.first_of(&self.partition(pk, prefix), limit).await
    }

    /// The last `limit` items of a partition from one sort key to another, both included, the last first, read consistently.
    pub async fn between(&self, pk: &str, (from, to): (&str, &str), limit: usize) -> Result<Vec<Value>, AwsError> {
        let query = self.client.query().table_name(&self.name).consistent_read(true).scan_index_forward(false);
        let query = query
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
            .expression_attribute_values(":from", AttributeValue::S(from.to_owned()))
            .expression_attribute_values(":to", AttributeValue::S(to.to_owned()));
        self.first_of(&query, limit).await
    }

    async fn first_of(&self, query: &QueryFluentBuilder, limit: usize) -> Result<Vec<Value>, AwsError> {
        let (mut items, mut start) = (Vec::new(), None);
        while items.len() < limit {
            let missing = i32::try_from(limit - items.len()).unwrap_or(i32::MAX);
            let request = query.clone().limit(missing).set_exclusive_start_key(start.take());
            let response = request.send().await.map_err(|error| self.error("Query", &error))?;
            for item in response.items.unwrap_or_default() {
                items.push(self.decode(item)?);
            }
            start = response.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        Ok(items)
    }

    /// The items of a partition whose sort key begins with `prefix`, the last first, read consistently: page by page until those read
    /// so far are enough. The first page is a short one, which mostly is enough; any other ends at 1 MB.
    pub async fn pages(
        &self,
        pk: &str,
        prefix: &str,
        mut is_enough: impl FnMut(&[Value]) -> bool,
    ) -> Result<Vec<Value>, AwsError> {
        let (mut items, mut start, mut limit) = (Vec::new(), None, Some(SHORT_PAGE));
        loop {
            let request = self.partition(pk, prefix).set_limit(limit.take()).set_exclusive_start_key(start.take());
            let response = request.send().await.map_err(|error| self.error("Query", &error))?;
            for item in response.items.unwrap_or_default() {
                items.push(self.decode(item)?);
            }
            start = response.last_evaluated_key;
            if start.is_none() || is_enough(&items) {
                return Ok(items);
            }
        }
    }

    fn partition(&self, pk: &str, prefix: &str) -> QueryFluentBuilder {
        let request = self.client.query().table_name(&self.name).consistent_read(true).scan_index_forward(false);
        request
            .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
            .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
            .expression_attribute_values(":sk", AttributeValue::S(prefix.to_owned()))
    }

    fn decode(&self, item: HashMap<String, AttributeValue>) -> Result<Value, AwsError> {
        let object = item.get("sk").and_then(|key| key.as_s().ok()).map_or_else(
            || format!("an item of {}", object(&self.name)),
            |key| format!("item `{key}` of {}", object(&self.name)),
        );
        let malformed = |reason: String| AwsError::found(Kind::Malformed, "reading", &object, reason);
        // What it does not know makes serde_dynamo panic.
        if let Some((name, _)) = item.iter().find(|(_, value)| is_of_unknown_type(value)) {
            return Err(malformed(format!("attribute `{name}` is of a type that this version does not know")));
        }
        serde_dynamo::from_item(item).map_err(|error| malformed(error.to_string()))
    }

    fn error<E>(&self, operation: &'static str, error: &SdkError<E, HttpResponse>) -> AwsError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        AwsError::new(operation, object(&self.name), error)
    }
}

impl TableWriter {
    /// Makes the table: on demand, and protected from being deleted.
    pub async fn create(&self) -> Result<(), AwsError> {
        let failed = |error| AwsError::found(Kind::Other, "CreateTable", object(&self.name), error);
        let mut request = self.client.create_table().table_name(&self.name).billing_mode(BillingMode::PayPerRequest);
        for (name, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
            let attribute = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
            let key = KeySchemaElement::builder().attribute_name(name).key_type(kind);
            request = request
                .attribute_definitions(attribute.build().map_err(|error| failed(error.to_string()))?)
                .key_schema(key.build().map_err(|error| failed(error.to_string()))?);
        }
        let response = request.deletion_protection_enabled(true).send().await;
        response.map(drop).map_err(|error| AwsError::new("CreateTable", object(&self.name), &error))
    }

    /// Makes it possible to restore the table as it was at any time of the last 35 days.
    pub async fn keep_backups(&self) -> Result<(), AwsError> {
        let on = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(true).build();
        let failed = |error: String| AwsError::found(Kind::Other, "UpdateContinuousBackups", object(&self.name), error);
        let on = on.map_err(|error| failed(error.to_string()))?;
        let request = self.client.update_continuous_backups().table_name(&self.name);
        let response = request.point_in_time_recovery_specification(on).send().await;
        response.map(drop).map_err(|error| AwsError::new("UpdateContinuousBackups", object(&self.name), &error))
    }

    /// The world in which it is reached.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// All changes, or none.
    ///
    /// # Errors
    /// [`Kind::Precondition`] if a condition is not met.
    pub async fn transact(&self, changes: Vec<Change>) -> Result<(), AwsError> {
        let items = changes.into_iter().map(|change| self.encode(change)).collect::<Result<Vec<_>, _>>()?;
        // With the same token DynamoDB carries out a transaction once, however often it arrives (for 10 minutes): so
        // this write may be repeated, also when it is not known what became of it.
        let token = self.world.unique();
        let request = self.client.transact_write_items().client_request_token(token).set_transact_items(Some(items));
        let mut tries = 1;
        let mut backoff = Backoff::new(&self.world, Pace::ADMITTED);
        let mut conflicts = Backoff::new(&self.world, Pace::CONFLICT);
        while tries < TRIES {
            let quick = aws_sdk_dynamodb::config::Builder::new().timeout_config(quick_timeouts());
            let sent = request.clone().customize().config_override(quick).send().await;
            match sent.map(drop).map_err(|error| AwsError::new("TransactWriteItems", object(&self.name), &error)) {
                // Another transaction is at work on the same item, or an earlier attempt of this one.
                Err(error) if error.kind == Kind::Conflict && conflicts.wait().await => {}
                Err(error) if error.kind.may_be_repeated() && backoff.wait().await => tries += 1,
                ended => return ended,
            }
        }
        request.send().await.map(drop).map_err(|error| AwsError::new("TransactWriteItems", object(&self.name), &error))
    }

    fn encode(&self, change: Change) -> Result<TransactWriteItem, AwsError> {
        let item = TransactWriteItem::builder();
        let bad = |reason: String| AwsError::found(Kind::Other, "TransactWriteItems", object(&self.name), reason);
        Ok(match change {
            Change::Put(value, condition) => {
                let terms = Terms::of(&condition)?;
                let attributes: HashMap<_, _> = serde_dynamo::to_item(value).map_err(|error| bad(error.to_string()))?;
                let put = Put::builder().table_name(&self.name).set_item(Some(attributes));
                let put = put.set_condition_expression(terms.condition).set_expression_attribute_names(terms.names);
                item.put(
                    put.set_expression_attribute_values(terms.values)
                        .build()
                        .map_err(|error| bad(error.to_string()))?,
                )
            }
            Change::Set(at, attributes, condition) => {
                item.update(self.update(&at, Terms::of(&condition)?.set(&attributes)?)?)
            }
            Change::Remove(at, attributes, condition) => {
                item.update(self.update(&at, Terms::of(&condition)?.remove(&attributes))?)
            }
        }
        .build())
    }

    fn update(&self, (pk, sk): &(String, String), terms: Terms) -> Result<Update, AwsError> {
        let update =
            Update::builder().table_name(&self.name).set_key(Some(key(pk, sk))).set_update_expression(terms.update);
        let update = update.set_condition_expression(terms.condition).set_expression_attribute_names(terms.names);
        let built = update.set_expression_attribute_values(terms.values).build();
        built.map_err(|error| AwsError::found(Kind::Other, "TransactWriteItems", object(&self.name), error.to_string()))
    }
}

fn object(table: &str) -> String {
    format!("the ledger `{table}`")
}

fn is_of_unknown_type(value: &AttributeValue) -> bool {
    match value {
        AttributeValue::L(values) => values.iter().any(is_of_unknown_type),
        AttributeValue::M(values) => values.values().any(is_of_unknown_type),
        value => value.is_unknown(),
    }
}

fn key(pk: &str, sk: &str) -> HashMap<String, AttributeValue> {
    [("pk", pk), ("sk", sk)].map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned()))).into()
}

/// The expressions of one write. Every name and value goes in by reference: many plain words are reserved.
#[derive(Default)]
struct Terms {
    condition: Option<String>,
    update: Option<String>,
    names: Option<HashMap<String, String>>,
    values: Option<HashMap<String, AttributeValue>>,
}

impl Terms {
    fn of(condition: &Condition) -> Result<Self, AwsError> {
        let mut terms = Self::default();
        terms.condition = match condition {
            Condition::Any => None,
            Condition::Absent => {
                let pk = terms.name("pk");
                Some(format!("attribute_not_exists({pk})"))
            }
            Condition::Equals(attributes) => {
                let mut all = Vec::new();
                for (name, value) in attributes {
                    let name = terms.name(name);
                    all.push(match value {
                        Value::Null => format!("attribute_not_exists({name})"),
                        value => format!("{name} = {}", terms.value(value)?),
                    });
                }
                Some(all.join(" AND "))
            }
        };
        Ok(terms)
    }

    fn set(mut self, attributes: &BTreeMap<String, Value>) -> Result<Self, AwsError> {
        let mut all = Vec::new();
        for (name, value) in attributes {
            all.push(format!("{} = {}", self.name(name), self.value(value)?));
        }
        self.update = Some(format!("SET {}", all.join(", ")));
        Ok(self)
    }

    fn remove(mut self, attributes: &[String]) -> Self {
        let all: Vec<_> = attributes.iter().map(|name| self.name(name)).collect();
        self.update = Some(format!("REMOVE {}", all.join(", ")));
        self
    }

    fn name(&mut self, name: &str) -> String {
        let placeholder = format!("#{name}");
        self.names.get_or_insert_default().insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    fn value(&mut self, value: &Value) -> Result<String, AwsError> {
        let values = self.values.get_or_insert_default();
        let placeholder = format!(":v{}", values.len());
        let encoded = serde_dynamo::to_attribute_value(value)
            .map_err(|error| AwsError::found(Kind::Other, "TransactWriteItems", "a value", error.to_string()))?;
        values.insert(placeholder.clone(), encoded);
        Ok(placeholder)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_condition_on_a_missing_attribute_asks_for_its_absence() {
        let terms = Terms::of(&Condition::equals([("fencing_token", json!(3)), ("holder", Value::Null)])).unwrap();
        assert_eq!(terms.condition.unwrap(), "#fencing_token = :v0 AND attribute_not_exists(#holder)");
        assert_eq!(terms.values.unwrap()[":v0"], AttributeValue::N("3".to_owned()));
    }

    #[test]
    fn condition_and_update_share_their_names_and_values() {
        let attributes = BTreeMap::from([("state".to_owned(), json!("live"))]);
        let terms = Terms::of(&Condition::equals([("fencing_token", json!(3))])).unwrap().set(&attributes).unwrap();
        assert_eq!(terms.update.unwrap(), "SET #state = :v1");
        assert_eq!(terms.names.unwrap().len(), 2);
    }
}
