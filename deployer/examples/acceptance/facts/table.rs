//! A table with one item.

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ReturnValuesOnConditionCheckFailure,
    ScalarAttributeType, TableStatus,
};

use super::{Facts, Place, Response};
use crate::facts::place::patient;

/// Tries the facts of the group `table`, and removes what it made.
pub(super) async fn probe(place: &Place, facts: &mut Facts, left: &mut Vec<String>) -> Result<()> {
    let dynamodb = patient!(aws_sdk_dynamodb, place);
    let name = place.name();
    let key = KeySchemaElement::builder().attribute_name("pk").key_type(KeyType::Hash).build()?;
    let attribute =
        AttributeDefinition::builder().attribute_name("pk").attribute_type(ScalarAttributeType::S).build()?;
    let made = dynamodb.create_table().table_name(&name).billing_mode(BillingMode::PayPerRequest);
    made.key_schema(key)
        .attribute_definitions(attribute)
        .send()
        .await
        .with_context(|| format!("cannot make the table `{name}`"))?;
    let tried = condition(&dynamodb, &name, facts).await;
    remove(place, left).await;
    tried
}

/// Removes it; if it stays it is named in `left`.
pub(super) async fn remove(place: &Place, left: &mut Vec<String>) {
    let name = place.name();
    let deleted = Response::of(&patient!(aws_sdk_dynamodb, place).delete_table().table_name(&name).send().await);
    if !deleted.succeeded() && deleted.code != "ResourceNotFoundException" {
        left.push(format!("table `{name}` ({deleted}): aws dynamodb delete-table --table-name {name}"));
    }
}

async fn condition(dynamodb: &Client, name: &str, facts: &mut Facts) -> Result<()> {
    Place::until(&format!("the table `{name}`"), async || {
        let table = dynamodb.describe_table().table_name(name).send().await?.table;
        Ok(table.filter(|table| table.table_status() == Some(&TableStatus::Active)))
    })
    .await?;
    let text = |value: &str| AttributeValue::S(value.to_owned());
    dynamodb.put_item().table_name(name).item("pk", text("lock")).item("holder", text("first")).send().await?;
    let second = dynamodb.put_item().table_name(name).item("pk", text("lock")).item("holder", text("second"));
    let second = second.condition_expression("attribute_not_exists(pk)");
    let second = second.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    let response = second.send().await;
    let shown = Response::of(&response);
    let item = match response.map_err(aws_sdk_dynamodb::error::SdkError::into_service_error) {
        Err(PutItemError::ConditionalCheckFailedException(error)) => error.item,
        _ => None,
    };
    let holder = item.and_then(|item| item.get("holder").cloned());
    let seen = format!("{shown}; {}", if holder.is_some() { "with the item" } else { "without the item" });
    facts.holds("condition-returns-item", holder == Some(text("first")), seen);
    Ok(())
}
