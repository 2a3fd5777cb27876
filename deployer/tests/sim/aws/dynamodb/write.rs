//! One write: its kind, its condition, and its effect on an item. PutItem, UpdateItem, DeleteItem.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::wire::Moment;
use super::expression::{Condition, Terms, Update};
use super::fault::Fault;
use super::table::Key;
use super::value::{Item, LARGEST, item_size, normal_item};
use super::{DynamoDb, Place, object, place, texts};

/// A write, alone or within a transaction.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) table: String,
    /// The key, or why it is none: a transaction that was well formed is cancelled for that.
    pub(super) key: Result<Key, String>,
    what: What,
    condition: Option<Condition>,
    /// Whether a condition that does not hold gives back the item.
    pub(super) shows_item: bool,
}

#[derive(Clone, Debug)]
enum What {
    Put(Item),
    Update(Option<Update>),
    Delete,
    Check,
}

impl Change {
    pub(super) fn is_check(&self) -> bool {
        matches!(self.what, What::Check)
    }

    pub(super) fn holds(&self, old: Option<&Item>) -> bool {
        let none = Item::new();
        self.condition.as_ref().is_none_or(|condition| condition.holds(old.unwrap_or(&none)))
    }

    /// The bytes that the request brings for it.
    pub(super) fn size(&self) -> usize {
        if let What::Put(item) = &self.what { item_size(item) } else { 0 }
    }

    /// What it makes of the item.
    ///
    /// # Errors
    /// The message that DynamoDB refuses it with.
    pub(super) fn apply(&self, old: Option<&Item>, key: Item) -> Result<Option<Item>, String> {
        match &self.what {
            What::Put(item) => Ok(Some(item.clone())),
            What::Delete => Ok(None),
            What::Check => Ok(old.cloned()),
            What::Update(update) => {
                let mut item = old.cloned().unwrap_or(key);
                update.as_ref().map_or(Ok(()), |update| update.apply(&mut item))?;
                match item_size(&item) > LARGEST {
                    true => Err("Item size to update has exceeded the maximum allowed size".to_owned()),
                    false => Ok(Some(item)),
                }
            }
        }
    }
}

impl DynamoDb {
    /// Reads a write of the kind `Put`, `Update`, `Delete` or `ConditionCheck`.
    pub(super) fn change(&self, kind: &str, body: &Value) -> Result<Change, Fault> {
        let old_forms = ["Expected", "AttributeUpdates", "ConditionalOperator"];
        if old_forms.iter().any(|field| !body[field].is_null()) {
            return Err(Fault::Unknown);
        }
        let mut terms = Terms::of(body)?;
        let condition = terms.condition(body, "ConditionExpression")?;
        let what = match kind {
            "Put" => What::Put(normal_item(&object(&body["Item"]))?),
            "Update" => What::Update(terms.update(body)?),
            "Delete" => What::Delete,
            _ if condition.is_none() => {
                return Err(Fault::invalid("The expression can not be empty;"));
            }
            _ => What::Check,
        };
        terms.finish()?;
        let (name, table) = self.table(body)?;
        let key = match &what {
            What::Put(item) if item_size(item) > LARGEST => {
                return Err(Fault::invalid("Item size has exceeded the maximum allowed size"));
            }
            What::Put(item) => table.key_of(item),
            _ => table.key(&normal_item(&object(&body["Key"]))?),
        };
        if let What::Update(Some(update)) = &what
            && let Some((key, _)) = table.schema().find(|(key, _)| update.tops().any(|top| top == key))
        {
            return Err(Fault::invalid(format!(
                "One or more parameter values were invalid: Cannot update attribute {key}. This attribute is part of the key"
            )));
        }
        let shows_item = body["ReturnValuesOnConditionCheckFailure"] == json!("ALL_OLD");
        Ok(Change { table: name.to_owned(), key, what, condition, shows_item })
    }

    /// PutItem, UpdateItem, DeleteItem.
    pub(super) fn single_write(&mut self, operation: &str, body: &Value, moment: &Moment) -> Result<Value, Fault> {
        let change = self.change(operation.trim_end_matches("Item"), body)?;
        let key = change.key.clone().map_err(Fault::invalid)?;
        let place = place(&change.table, &key);
        if self.in_flight.contains_key(&place) {
            return Err(Fault::new("TransactionConflictException", "Transaction is ongoing for the item"));
        }
        if self.is_hot(&place, 1, moment.now) {
            return Err(self.throttled().with("ThrottlingReasons", self.hot(&change.table)));
        }
        let old = self.old(&change, &key).cloned();
        if !change.holds(old.as_ref()) {
            let fault = Fault::new("ConditionalCheckFailedException", "The conditional request failed");
            return Err(match old.filter(|_| change.shows_item) {
                Some(old) => fault.with("Item", json!(old)),
                None => fault,
            });
        }
        let new = change.apply(old.as_ref(), self.key_attributes(&change, &key)).map_err(Fault::invalid)?;
        let back = match body["ReturnValues"].as_str() {
            None | Some("NONE") => None,
            Some("ALL_OLD") => old,
            Some("ALL_NEW") if operation == "UpdateItem" => new.clone(),
            Some(_) => return Err(Fault::Unknown),
        };
        self.write(&change.table, key, new, moment.now);
        self.recent.entry(place).or_default().push(moment.now);
        Ok(back.map_or_else(|| json!({}), |item| json!({ "Attributes": item })))
    }

    /// The item as it is before the change.
    pub(super) fn old(&self, change: &Change, key: &Key) -> Option<&Item> {
        self.tables.get(&change.table).and_then(|table| table.get(key, Duration::MAX))
    }

    pub(super) fn key_attributes(&self, change: &Change, key: &Key) -> Item {
        self.tables.get(&change.table).map(|table| table.attributes(key)).unwrap_or_default()
    }

    pub(super) fn write(&mut self, table: &str, key: Key, item: Option<Item>, now: Duration) {
        self.history.push((now, table.to_owned(), texts(&key)));
        if let Some(table) = self.tables.get_mut(table) {
            table.write(key, item, now);
        }
    }

    /// Whether an item accepts no further writes in this second.
    pub(super) fn is_hot(&mut self, place: &Place, more: usize, now: Duration) -> bool {
        let Some(recent) = self.recent.get_mut(place) else { return false };
        recent.retain(|at| *at + Duration::from_secs(1) > now);
        recent.len() + more > self.rules.item_writes_per_second
    }

    pub(super) fn hot(&self, table: &str) -> Value {
        json!([{ "reason": "TableWriteKeyRangeThroughputExceeded", "resource": self.arn(table) }])
    }
}
