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
        if table.until.is_some_and(|until| moment.now < until) {
            described["TableStatus"] = json!("CREATING");
        }
        described["TableName"] = json!(name);
        described["TableArn"] = json!(self.arn(name));
        described["CreationDateTime"] = json!(moment.epoch.as_second());
        Ok(json!({ "Table": described }))
    }

    /// CreateTable: it takes a while.
    pub(super) fn make_table(&mut self, body: &Value, moment: &Moment) -> Result<Value, Fault> {
        let name = body["TableName"].as_str().unwrap_or_default();
        if self.tables.contains_key(name) {
            return Err(Fault::new("ResourceInUseException", format!("Table already exists: {name}")));
        }
        let keys = body["KeySchema"].as_array().cloned().unwrap_or_default();
        let named = |kind: &str| keys.iter().find(|key| key["KeyType"] == kind)?["AttributeName"].as_str();
        let partition = named("HASH").ok_or_else(|| Fault::invalid("No Hash Key specified in schema."))?;
        if body["BillingMode"] != "PAY_PER_REQUEST" {
            return Err(Fault::invalid("ReadCapacityUnits and WriteCapacityUnits must both be specified"));
        }
        let mut table = super::table::Table::new(partition, named("RANGE"));
        table.until = Some(moment.now + super::MAKING);
        self.tables.insert(name.to_owned(), table);
        Ok(json!({ "TableDescription": { "TableName": name, "TableStatus": "CREATING" } }))
    }

    pub(super) fn keep_backups(&mut self, body: &Value, moment: &Moment) -> Result<Value, Fault> {
        let (name, table) = self.table(body)?;
        if table.until.is_some_and(|until| moment.now < until) {
            let message = format!("Backups are being enabled for the table: {name}. Please retry later");
            return Err(Fault::new("ContinuousBackupsUnavailableException", message));
        }
        let name = name.to_owned();
        if let Some(table) = self.tables.get_mut(&name) {
            table.has_backups = body["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] == true;
        }
        Ok(json!({ "ContinuousBackupsDescription": { "ContinuousBackupsStatus": "ENABLED" } }))
    }

    /// Whether a table can be restored to a point in time.
    pub(crate) fn has_backups(&self, table: &str) -> bool {
        self.tables.get(table).is_some_and(|table| table.has_backups)
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
