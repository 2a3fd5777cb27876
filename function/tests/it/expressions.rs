//! DynamoDB's expressions, as far as they are used here.

use serde_json::{Value, json};

/// Words that an expression may have only as placeholders; those of DynamoDB's list that matter here.
const RESERVED: [&str; 9] = ["count", "day", "timestamp", "path", "total", "at", "agent", "user", "date"];
/// What the index has of a visit.
const INDEXED: [&str; 5] = ["visit_id", "day", "timestamp", "path", "user_agent"];

/// What of `input` DynamoDB would refuse: placeholders that are not used or not defined, reserved words.
pub(crate) fn check(input: &Value) -> Vec<String> {
    let names = ["UpdateExpression", "ConditionExpression", "KeyConditionExpression", "ProjectionExpression"];
    let text: Vec<_> = names.iter().filter_map(|name| input[name].as_str()).collect();
    let text = text.join(" ");
    let words: Vec<_> = text.split(|c: char| !c.is_alphanumeric() && !"_#:".contains(c)).collect();
    let defined = |name: &str| input[name].as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default();
    let mut placeholders: Vec<String> = defined("ExpressionAttributeNames");
    placeholders.extend(defined("ExpressionAttributeValues"));
    let unused = placeholders.iter().filter(|name| !words.contains(&name.as_str()));
    let unused = unused.map(|name| format!("{name} is not used: {input}"));
    let is_placeholder = |word: &&&str| word.starts_with(['#', ':']);
    let undefined = words.iter().filter(is_placeholder).filter(|word| !placeholders.iter().any(|name| name == **word));
    let undefined = undefined.map(|word| format!("{word} is not defined: {input}"));
    let reserved =
        words.iter().filter(|word| RESERVED.contains(word)).map(|word| format!("{word} is reserved: {input}"));
    unused.chain(undefined).chain(reserved).collect()
}

/// Whether the condition of `input`, `attribute_not_exists(a)`, is true for `item`.
pub(crate) fn allows(input: &Value, item: Option<&Value>) -> bool {
    let Some(condition) = input["ConditionExpression"].as_str() else { return true };
    let name = condition.strip_prefix("attribute_not_exists(").and_then(|rest| rest.strip_suffix(')')).unwrap();
    item.is_none_or(|item| item.get(name).is_none())
}

/// Changes `item` by the expression of `input`, `ADD a :b`.
pub(crate) fn apply(item: &mut Value, input: &Value) {
    let addition = input["UpdateExpression"].as_str().unwrap().strip_prefix("ADD ").unwrap();
    let (word, value) = addition.split_once(' ').unwrap();
    let name = input["ExpressionAttributeNames"][word].as_str().unwrap_or(word);
    let number = |value: &Value| value["N"].as_str().map_or(0, |number| number.parse::<i64>().unwrap());
    let sum = number(&item[name]) + number(&input["ExpressionAttributeValues"][value]);
    item[name] = json!({"N": sum.to_string()});
}

/// Whether `item` is in the index and in the result of the query `input`.
pub(crate) fn select(input: &Value, item: &Value) -> bool {
    assert_eq!(input["KeyConditionExpression"], "#day = :day");
    item.get("timestamp").is_some() && item["day"] == input["ExpressionAttributeValues"][":day"]
}

/// What of `item` the query `input` shows.
pub(crate) fn project(input: &Value, item: &Value) -> Value {
    let names = &input["ExpressionAttributeNames"];
    let wanted = input["ProjectionExpression"].as_str().unwrap().split(", ");
    let wanted = wanted.map(|word| names[word].as_str().unwrap_or(word));
    let shown = wanted.inspect(|name| assert!(INDEXED.contains(name), "{name} is not in the index"));
    let shown = shown.filter_map(|name| Some((name.to_owned(), item.get(name)?.clone())));
    Value::Object(shown.collect())
}
