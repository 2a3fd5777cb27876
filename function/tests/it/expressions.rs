//! DynamoDB's expressions, as far as they are used here.

use serde_json::{Value, json};

/// Words that may stand in an expression by a placeholder only; those of DynamoDB's list that matter here.
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

/// Whether the condition of `input` holds for `item`.
pub(crate) fn holds(input: &Value, item: Option<&Value>) -> bool {
    let values = &input["ExpressionAttributeValues"];
    let Some(condition) = input["ConditionExpression"].as_str() else { return true };
    condition.split(" AND ").all(|part| match part.strip_prefix("attribute_not_exists(") {
        Some(name) => item.is_none_or(|item| item.get(name.trim_end_matches(')')).is_none()),
        None => {
            let (name, value) = part.split_once(" = ").unwrap();
            item.is_some_and(|item| item.get(name) == Some(&values[value]))
        }
    })
}

/// Changes `item` as `ADD a :b SET c = :d, e = :f` says.
pub(crate) fn apply(item: &mut Value, expression: &str, names: &Value, values: &Value) {
    let name = |word: &str| names[word].as_str().unwrap_or(word).to_owned();
    let (add, set) = expression.split_once("SET ").unwrap_or((expression, ""));
    if let Some(add) = add.strip_prefix("ADD ") {
        let (word, value) = add.trim().split_once(' ').unwrap();
        let number = |value: &Value| value["N"].as_str().map_or(0, |number| number.parse::<i64>().unwrap());
        let sum = number(&item[name(word)]) + number(&values[value]);
        item[name(word)] = json!({"N": sum.to_string()});
    }
    for part in set.split(", ").filter(|part| !part.is_empty()) {
        let (word, value) = part.split_once(" = ").unwrap();
        item[name(word)] = values[value].clone();
    }
}

/// Whether `item` is in the index and what the query `input` asks for.
pub(crate) fn select(input: &Value, item: &Value) -> bool {
    let value = |name: &str| input["ExpressionAttributeValues"][name]["S"].as_str();
    let text = |name: &str| item[name]["S"].as_str();
    let (Some(day), Some(moment)) = (text("day"), text("timestamp")) else { return false };
    let condition = input["KeyConditionExpression"].as_str().unwrap();
    let within = match condition {
        "#day = :day" => true,
        "#day = :day AND #timestamp BETWEEN :from AND :to" => {
            (value(":from").unwrap()..=value(":to").unwrap()).contains(&moment)
        }
        other => panic!("{other}"),
    };
    within && Some(day) == value(":day")
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
