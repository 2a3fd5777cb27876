//! One table: what every item is and was.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::value::{Item, Scalar, parts, scalar};

/// The partition key and the sort key.
pub(super) type Key = (Scalar, Option<Scalar>);

/// A table. All of its keys are of the type S, unless its setup has another type.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) partition: (String, &'static str),
    pub(super) sort: Option<(String, &'static str)>,
    /// Each item from when on, in order; nothing where it was deleted.
    pub(super) items: BTreeMap<Key, Vec<(Duration, Option<Item>)>>,
    /// Until when it is being made.
    pub(super) until: Option<Duration>,
    /// Whether it can be restored to a point in time.
    pub(super) has_backups: bool,
}

impl Table {
    pub(super) fn new(partition: &str, sort: Option<&str>) -> Self {
        let sort = sort.map(|name| (name.to_owned(), "S"));
        Self { partition: (partition.to_owned(), "S"), sort, items: BTreeMap::new(), until: None, has_backups: false }
    }

    /// The key's attributes: name and type.
    pub(super) fn schema(&self) -> impl Iterator<Item = &(String, &'static str)> {
        [&self.partition].into_iter().chain(&self.sort)
    }

    /// The key that a request gives.
    ///
    /// # Errors
    /// The message that DynamoDB refuses it with.
    pub(super) fn key(&self, given: &Item) -> Result<Key, String> {
        let fits = given.len() == self.schema().count()
            && self
                .schema()
                .all(|(name, kind)| given.get(name).and_then(parts).is_some_and(|(given, _)| given == *kind));
        if !fits {
            return Err("The provided key element does not match the schema".to_owned());
        }
        self.key_of(given)
    }

    /// The key of a whole item.
    ///
    /// # Errors
    /// As [`Self::key`].
    pub(super) fn key_of(&self, item: &Item) -> Result<Key, String> {
        let part = |(name, kind): &(String, &'static str)| {
            let value = item.get(name).ok_or_else(|| {
                format!("One or more parameter values were invalid: Missing the key {name} in the item")
            })?;
            let actual = parts(value).map_or("NULL", |(actual, _)| actual);
            let scalar = scalar(value).filter(|scalar| scalar.kind() == *kind).ok_or_else(|| {
                format!(
                    "One or more parameter values were invalid: Type mismatch for key {name} expected: {kind} actual: \
                     {actual}"
                )
            })?;
            let (longest, which) = if *name == self.partition.0 { (2048, "hashkey") } else { (1024, "rangekey") };
            match scalar.size() {
                _ if scalar.is_empty() => Err(format!(
                    "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain \
                     an empty string value. Key: {name}"
                )),
                size if size > longest => Err(format!(
                    "One or more parameter values were invalid: Size of {which} has exceeded the maximum size limit \
                     of{longest} bytes"
                )),
                _ => Ok(scalar),
            }
        };
        Ok((part(&self.partition)?, self.sort.as_ref().map(part).transpose()?))
    }

    /// The key as attributes, as pages and updates need it.
    pub(super) fn attributes(&self, key: &Key) -> Item {
        let values = [Some(&key.0), key.1.as_ref()].into_iter().flatten();
        self.schema().zip(values).map(|((name, kind), value)| (name.clone(), json!({ *kind: value.text() }))).collect()
    }

    /// The item as it was then.
    pub(super) fn get(&self, key: &Key, then: Duration) -> Option<&Item> {
        self.items.get(key).and_then(|states| at(states, then))
    }

    /// The items as they were then, in the order of their keys.
    pub(super) fn all(&self, then: Duration) -> impl DoubleEndedIterator<Item = (&Key, &Item)> {
        self.items.iter().filter_map(move |(key, states)| at(states, then).map(|item| (key, item)))
    }

    pub(super) fn write(&mut self, key: Key, item: Option<Item>, now: Duration) {
        self.items.entry(key).or_default().push((now, item));
    }

    /// As DescribeTable describes it.
    pub(super) fn describe(&self, now: Duration) -> Value {
        let kinds = ["HASH", "RANGE"];
        let schema: Vec<Value> = self
            .schema()
            .zip(kinds)
            .map(|((name, _), kind)| json!({ "AttributeName": name, "KeyType": kind }))
            .collect();
        let types: Vec<Value> =
            self.schema().map(|(name, kind)| json!({ "AttributeName": name, "AttributeType": kind })).collect();
        json!({
            "AttributeDefinitions": types,
            "KeySchema": schema,
            "TableStatus": "ACTIVE",
            "ItemCount": self.all(now).count(),
            "TableSizeBytes": self.all(now).map(|(_, item)| super::value::item_size(item)).sum::<usize>(),
            "DeletionProtectionEnabled": false,
            "ProvisionedThroughput": { "NumberOfDecreasesToday": 0, "ReadCapacityUnits": 0, "WriteCapacityUnits": 0 },
            "BillingModeSummary": { "BillingMode": "PAY_PER_REQUEST" },
        })
    }
}

fn at(states: &[(Duration, Option<Item>)], then: Duration) -> Option<&Item> {
    states.iter().rev().find(|(since, _)| *since <= then).and_then(|(_, item)| item.as_ref())
}
