//! TransactWriteItems: all changes, or none.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::wire::Moment;
use super::fault::Fault;
use super::table::Key;
use super::value::Item;
use super::write::Change;
use super::{DynamoDb, ON_DEMAND, Place, place};

/// The most items in a transaction, which together have at most 4 MB.
const MOST: usize = 100;
const LARGEST: usize = 4 * 1024 * 1024;

/// A transaction that was carried out under its token.
#[derive(Clone, Debug)]
pub(super) struct Done {
    items: Value,
    /// Until then it is under way.
    ended: Duration,
}

/// A change that can be made: all of its own, and what it makes of the item.
struct Ready {
    table: String,
    key: Key,
    new: Option<Item>,
    writes: bool,
}

/// Why one item cancels a transaction.
struct Cause {
    code: &'static str,
    message: String,
    item: Option<Item>,
}

impl Cause {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), item: None }
    }

    fn conflict() -> Self {
        Self::new("TransactionConflict", "Transaction is ongoing for the item")
    }
}

impl DynamoDb {
    pub(super) fn transact_write_items(&mut self, body: &Value, moment: &mut Moment) -> Result<Value, Fault> {
        let changes = self.changes(&body["TransactItems"])?;
        let token = body["ClientRequestToken"].as_str();
        if let Some(token) = token
            && self.was_done(token, &body["TransactItems"], moment.now)?
        {
            return Ok(json!({}));
        }
        let outcomes = self.prepare(&changes, moment)?;
        let until = moment.now + self.rules.transaction_takes;
        let cancelled = outcomes.iter().any(Result::is_err);
        // Also what is cancelled in the end held those of its items that could be prepared.
        for ready in outcomes.iter().flatten() {
            self.in_flight.insert(place(&ready.table, &ready.key), until);
        }
        if cancelled {
            return Err(cancellation(&outcomes));
        }
        for Ready { table, key, new, writes } in outcomes.into_iter().flatten() {
            if writes {
                self.recent.entry(place(&table, &key)).or_default().extend([moment.now; 2]);
                self.write(&table, key, new, moment.now);
            }
        }
        if let Some(token) = token {
            let done = Done { items: body["TransactItems"].clone(), ended: until };
            self.tokens.insert(token.to_owned(), done);
        }
        Ok(json!({}))
    }

    /// The changes of a request that is well formed.
    fn changes(&self, items: &Value) -> Result<Vec<Change>, Fault> {
        let items = items.as_array().map(Vec::as_slice).unwrap_or_default();
        let bound = match items.len() {
            0 => Some("greater than or equal to 1"),
            1..=MOST => None,
            _ => Some("less than or equal to 100"),
        };
        if let Some(bound) = bound {
            return Err(Fault::invalid(format!(
                "1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have \
                 length {bound}"
            )));
        }
        let mut changes = Vec::new();
        for item in items {
            let kinds = item.as_object().map(|kinds| kinds.iter().collect::<Vec<_>>()).unwrap_or_default();
            let [(kind @ ("Put" | "Update" | "Delete" | "ConditionCheck"), body)] =
                kinds.iter().map(|(kind, body)| (kind.as_str(), *body)).collect::<Vec<_>>()[..]
            else {
                let words = "TransactItems can only contain one of Check, Put, Update or Delete";
                return Err(Fault::invalid(words));
            };
            changes.push(self.change(kind, body)?);
        }
        let mut places: Vec<Place> = changes.iter().filter_map(place_of).collect();
        let count = places.len();
        places.sort();
        places.dedup();
        if places.len() < count {
            return Err(Fault::invalid("Transaction request cannot include multiple operations on one item"));
        }
        if changes.iter().map(Change::size).sum::<usize>() > LARGEST {
            return Err(Fault::invalid("Aggregate size of the items in the transaction cannot exceed 4 MB"));
        }
        Ok(changes)
    }

    /// Whether this transaction was carried out before, under the same token.
    fn was_done(&mut self, token: &str, items: &Value, now: Duration) -> Result<bool, Fault> {
        if !(1..=36).contains(&token.len()) {
            let words = "1 validation error detected: Value at 'clientRequestToken' failed to satisfy constraint: Member \
                         must have length less than or equal to 36";
            return Err(Fault::invalid(words));
        }
        self.tokens.retain(|_, done| done.ended + self.rules.token_lives > now);
        match self.tokens.get(token) {
            None => Ok(false),
            Some(done) if done.items != *items => {
                let words = "Request parameters do not match the parameters of the request that had this token";
                Err(Fault::new("IdempotentParameterMismatchException", words))
            }
            Some(done) if done.ended > now => {
                let words = "The transaction with the given request token is already in progress.";
                Err(Fault::new("TransactionInProgressException", words))
            }
            Some(_) => Ok(true),
        }
    }

    fn prepare(&mut self, changes: &[Change], moment: &mut Moment) -> Result<Vec<Result<Ready, Cause>>, Fault> {
        let throttled = moment.chance.f64() < self.rules.throttled;
        // A throttled transaction is refused as any call, or cancelled for one of its items.
        if throttled && moment.chance.bool() {
            return Err(self.throttled());
        }
        let slow = throttled.then(|| moment.chance.usize(..changes.len()));
        let met = (moment.chance.f64() < self.rules.conflicts).then(|| moment.chance.usize(..changes.len()));
        let outcome = |(index, change): (usize, &Change)| match () {
            () if slow == Some(index) => Err(self.too_much()),
            () if met == Some(index) => Err(Cause::conflict()),
            () => self.prepare_one(change, moment.now),
        };
        Ok(changes.iter().enumerate().map(outcome).collect())
    }

    fn prepare_one(&mut self, change: &Change, now: Duration) -> Result<Ready, Cause> {
        let invalid = |words: String| Cause::new("ValidationError", words);
        let key = change.key.clone().map_err(invalid)?;
        let place = place(&change.table, &key);
        if self.in_flight.contains_key(&place) {
            return Err(Cause::conflict());
        }
        if !change.is_check() && self.is_hot(&place, 2, now) {
            return Err(self.too_much());
        }
        let old = self.old(change, &key);
        if !change.holds(old) {
            let item = old.filter(|_| change.shows_item).cloned();
            let message = "The conditional request failed".to_owned();
            return Err(Cause { code: "ConditionalCheckFailed", message, item });
        }
        let new = change.apply(old, self.key_attributes(change, &key)).map_err(invalid)?;
        Ok(Ready { table: change.table.clone(), key, new, writes: !change.is_check() })
    }

    fn too_much(&self) -> Cause {
        match self.rules.provisioned {
            true => Cause::new(
                "ProvisionedThroughputExceeded",
                "The level of configured provisioned throughput for the table was exceeded. Consider increasing your \
                 provisioning level with the UpdateTable API.",
            ),
            false => Cause::new("ThrottlingError", ON_DEMAND),
        }
    }
}

fn place_of(change: &Change) -> Option<Place> {
    change.key.as_ref().ok().map(|key| place(&change.table, key))
}

/// A reason for each item, in their order; of those that could have been written as well.
fn cancellation(outcomes: &[Result<Ready, Cause>]) -> Fault {
    let codes: Vec<&str> =
        outcomes.iter().map(|outcome| outcome.as_ref().err().map_or("None", |cause| cause.code)).collect();
    let words =
        format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{}]", codes.join(", "));
    let reason = |outcome: &Result<Ready, Cause>| match outcome {
        Ok(_) => json!({ "Code": "None" }),
        Err(Cause { code, message, item: Some(item) }) => json!({ "Code": code, "Message": message, "Item": item }),
        Err(Cause { code, message, item: None }) => json!({ "Code": code, "Message": message }),
    };
    let reasons: Vec<Value> = outcomes.iter().map(reason).collect();
    Fault::new("TransactionCanceledException", words).with("CancellationReasons", json!(reasons))
}
