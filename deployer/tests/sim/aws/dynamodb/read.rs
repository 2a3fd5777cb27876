//! GetItem, Query, DescribeTable.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::wire::Moment;
use super::expression::{KeyCondition, Terms, projected};
use super::fault::Fault;
use super::value::{Item, item_size, normal_item};
use super::{DynamoDb, object};

impl DynamoDb {
    pub(super) fn get_item(&self, body: &Value, moment: &mut Moment) -> Result<Value, Fault> {
        let mut terms = Terms::of(body)?;
        let paths = terms.projection(body)?;
        terms.finish()?;
        let (_, table) = self.table(body)?;
        let key = table.key(&normal_item(&object(&body["Key"]))?).map_err(Fault::invalid)?;
        let item = table.get(&key, self.then(body, moment));
        Ok(item.map_or_else(|| json!({}), |item| json!({ "Item": projected(item, paths.as_deref()) })))
    }

    /// The time whose state a read shows: now, or one that is not too long ago.
    fn then(&self, body: &Value, moment: &mut Moment) -> Duration {
        if body["ConsistentRead"] == json!(true) || moment.chance.f64() >= self.rules.stale {
            return moment.now;
        }
        moment.now.saturating_sub(self.rules.read_lag.mul_f64(moment.chance.f64()))
    }

    pub(super) fn query(&self, body: &Value, moment: &mut Moment) -> Result<Value, Fault> {
        if ["IndexName", "KeyConditions", "QueryFilter", "AttributesToGet"].iter().any(|field| !body[field].is_null()) {
            return Err(Fault::Unknown);
        }
        let limit = limit(body)?;
        let (_, table) = self.table(body)?;
        let mut terms = Terms::of(body)?;
        let wanted = KeyCondition::of(&mut terms, body, table)?;
        let filter = terms.condition(body, "FilterExpression")?;
        let paths = terms.projection(body)?;
        terms.finish()?;
        let start = match &body["ExclusiveStartKey"] {
            Value::Null => None,
            key => {
                let words = "The provided starting key is invalid: The provided key element does not match the schema";
                let key = normal_item(&object(key))?;
                Some(table.key(&key).map_err(|_| Fault::invalid(words))?)
            }
        };
        let forward = body["ScanIndexForward"] != json!(false);
        let selected = table.all(self.then(body, moment)).filter(|(key, _)| {
            wanted.selects(key, &table.attributes(key))
                && start.as_ref().is_none_or(|start| if forward { *key > start } else { *key < start })
        });
        let mut selected: Vec<_> = selected.collect();
        if !forward {
            selected.reverse();
        }
        let count = self.page(selected.iter().map(|(_, item)| *item), limit);
        let page = &selected[..count];
        let items: Vec<Item> = page
            .iter()
            .filter(|(_, item)| filter.as_ref().is_none_or(|filter| filter.holds(item)))
            .map(|(_, item)| projected(item, paths.as_deref()))
            .collect();
        let mut reply = json!({ "Count": items.len(), "ScannedCount": count });
        if body["Select"] != json!("COUNT") {
            reply["Items"] = json!(items);
        }
        // It is there as well where the limit was met and nothing follows.
        let full = limit == Some(count) || count < selected.len();
        if let Some((key, _)) = page.last().filter(|_| full) {
            reply["LastEvaluatedKey"] = json!(table.attributes(key));
        }
        Ok(reply)
    }

    /// How many items a page holds: it ends with the one that exceeds its size.
    fn page<'a>(&self, items: impl Iterator<Item = &'a Item>, limit: Option<usize>) -> usize {
        let (mut bytes, mut count) = (0, 0);
        for item in items.take(limit.unwrap_or(usize::MAX)) {
            if bytes >= self.rules.page_bytes {
                break;
            }
            bytes += item_size(item);
            count += 1;
        }
        count
    }

    pub(super) fn describe_table(&self, body: &Value, moment: &Moment) -> Result<Value, Fault> {
        let asked = body["TableName"].as_str().unwrap_or_default();
        let (name, table) = self.table(body).map_err(|fault| match fault {
            Fault::Refused(_) if asked.len() >= 3 => Fault::new(
                "ResourceNotFoundException",
                format!("Requested resource not found: Table: {asked} not found"),
            ),
            fault => fault,
        })?;
        let mut described = table.describe(moment.now);
        described["TableName"] = json!(name);
        described["TableArn"] = json!(self.arn(name));
        described["CreationDateTime"] = json!(moment.epoch.as_second());
        Ok(json!({ "Table": described }))
    }

    pub(super) fn arn(&self, table: &str) -> String {
        format!("arn:aws:dynamodb:{}:{}:table/{table}", self.region, self.account)
    }
}

fn limit(body: &Value) -> Result<Option<usize>, Fault> {
    match body["Limit"].as_i64() {
        None => Ok(None),
        Some(limit @ 1..) => Ok(usize::try_from(limit).ok()),
        Some(less) => Err(Fault::invalid(format!(
            "1 validation error detected: Value '{less}' at 'limit' failed to satisfy constraint: Member must have value \
             greater than or equal to 1"
        ))),
    }
}
