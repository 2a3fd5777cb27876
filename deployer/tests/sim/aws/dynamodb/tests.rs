use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::wire::{Moment, Reply, Request};
use super::{DynamoDb, Rules};

pub(super) fn request(operation: &str, body: &Value) -> Request {
    let target = format!("DynamoDB_20120810.{operation}");
    Request {
        method: "POST".to_owned(),
        host: "dynamodb.eu-west-1.amazonaws.com".to_owned(),
        path: "/".to_owned(),
        query: Vec::new(),
        headers: BTreeMap::from([("x-amz-target".to_owned(), target)]),
        body: body.to_string().into_bytes(),
    }
}

/// Sends a request at that millisecond.
pub(super) fn send(dynamodb: &mut DynamoDb, request: &Request, millis: u64) -> Reply {
    let (now, epoch) = (Duration::from_millis(millis), jiff::Timestamp::UNIX_EPOCH);
    let mut moment = Moment { now, epoch, chance: fastrand::Rng::with_seed(millis) };
    dynamodb.handle(request, &mut moment).expect("a known operation")
}

/// Sends a call at that millisecond.
pub(super) fn call(dynamodb: &mut DynamoDb, operation: &str, body: &Value, millis: u64) -> (u16, Value) {
    let reply = send(dynamodb, &request(operation, body), millis);
    (reply.status, serde_json::from_slice(&reply.body).unwrap())
}

fn ledger() -> DynamoDb {
    let mut dynamodb = DynamoDb::new("111111111111", "eu-west-1");
    dynamodb.create_table("ledger", "pk", Some("sk"));
    dynamodb
}

fn put(sk: &str, fence: u32, condition: &str) -> Value {
    let item = json!({ "pk": { "S": "app" }, "sk": { "S": sk }, "fence": { "N": fence.to_string() } });
    let mut put = json!({ "TableName": "ledger", "Item": item });
    if !condition.is_empty() {
        put["ConditionExpression"] = json!(condition);
    }
    json!({ "Put": put })
}

fn transact(dynamodb: &mut DynamoDb, items: &[Value], token: &str, millis: u64) -> (u16, Value) {
    let body = json!({ "TransactItems": items, "ClientRequestToken": token });
    call(dynamodb, "TransactWriteItems", &body, millis)
}

fn code(body: &Value) -> &str {
    body["__type"].as_str().unwrap_or_default().rsplit('#').next().unwrap_or_default()
}

#[test]
fn a_transaction_writes_all_or_nothing() {
    let mut dynamodb = ledger();
    dynamodb.put("ledger", &put("LOCK", 1, "")["Put"]["Item"]);
    let mut second = put("LOCK", 2, "attribute_not_exists(pk)");
    second["Put"]["ReturnValuesOnConditionCheckFailure"] = json!("ALL_OLD");
    let (status, body) = transact(&mut dynamodb, &[put("R#1", 1, ""), second], "a", 10);
    assert_eq!((status, code(&body)), (400, "TransactionCanceledException"));
    let words =
        "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]";
    assert_eq!(body["Message"], words);
    assert_eq!(body["CancellationReasons"][0], json!({ "Code": "None" }));
    assert_eq!(body["CancellationReasons"][1]["Item"]["fence"], json!({ "N": "1" }));
    assert_eq!((dynamodb.items("ledger").len(), dynamodb.history.len()), (1, 0));
    assert_eq!(transact(&mut dynamodb, &[put("R#1", 1, ""), put("LOCK", 2, "")], "b", 100), (200, json!({})));
    assert_eq!(dynamodb.item("ledger", "app", "LOCK").unwrap()["fence"], json!({ "N": "2" }));
    let key = ("app".to_owned(), "R#1".to_owned());
    assert_eq!(dynamodb.history[0], (Duration::from_millis(100), "ledger".to_owned(), key));
}

#[test]
fn a_token_counts_once_for_ten_minutes() {
    let mut dynamodb = ledger();
    let first = [put("LOCK", 1, "attribute_not_exists(pk)")];
    assert_eq!(transact(&mut dynamodb, &first, "t", 0).0, 200);
    assert_eq!(code(&transact(&mut dynamodb, &first, "t", 2).1), "TransactionInProgressException");
    assert_eq!(transact(&mut dynamodb, &first, "t", 5).0, 200);
    assert_eq!(code(&transact(&mut dynamodb, &[put("X", 1, "")], "t", 5).1), "IdempotentParameterMismatchException");
    assert_eq!(dynamodb.history.len(), 1);
    assert_eq!(code(&transact(&mut dynamodb, &first, "t", 600_005).1), "TransactionCanceledException");
    assert_eq!(transact(&mut dynamodb, &[put("X", 1, "")], "t", 600_020).0, 200, "what was cancelled leaves no token");
}

#[test]
fn an_item_in_another_transaction_is_a_conflict() {
    let mut dynamodb = ledger();
    assert_eq!(transact(&mut dynamodb, &[put("LOCK", 1, "")], "a", 0).0, 200);
    let (_, body) = transact(&mut dynamodb, &[put("R#1", 1, ""), put("LOCK", 2, "")], "b", 4);
    assert!(body["Message"].as_str().unwrap().ends_with("[None, TransactionConflict]"), "{body}");
    let (status, body) = call(&mut dynamodb, "PutItem", &put("LOCK", 3, "")["Put"], 4);
    assert_eq!((status, code(&body)), (400, "TransactionConflictException"));
    // The cancelled one held `R#1`, though it did not write it.
    let (_, body) = transact(&mut dynamodb, &[put("R#1", 1, "")], "c", 8);
    assert!(body["Message"].as_str().unwrap().ends_with("[TransactionConflict]"), "{body}");
    assert_eq!(transact(&mut dynamodb, &[put("LOCK", 2, "")], "d", 9).0, 200);
    dynamodb.rules = Rules { conflicts: 1.0, ..Rules::default() };
    assert_eq!(code(&transact(&mut dynamodb, &[put("R#7", 1, "")], "e", 100).1), "TransactionCanceledException");
}

#[test]
fn bad_transactions_are_refused_before_anything_is_done() {
    let mut dynamodb = ledger();
    let big = json!({ "Put": { "TableName": "ledger", "Item": {
        "pk": { "S": "app" }, "sk": { "S": "big" }, "notes": { "S": "x".repeat(400 * 1024) } } } });
    let many: Vec<Value> = (0..101).map(|index| put(&format!("R#{index}"), 1, "")).collect();
    let gone = json!({ "Delete": { "TableName": "gone", "Key": { "pk": { "S": "a" } } } });
    for (items, expected, words) in [
        (vec![put("a", 1, ""), put("a", 2, "")], "ValidationException", "multiple operations on one item"),
        (vec![big], "ValidationException", "Item size has exceeded"),
        (many, "ValidationException", "less than or equal to 100"),
        (Vec::new(), "ValidationException", "greater than or equal to 1"),
        (vec![gone], "ResourceNotFoundException", "Requested resource not found"),
        (vec![put("", 1, "")], "TransactionCanceledException", "[ValidationError]"),
    ] {
        let (status, body) = transact(&mut dynamodb, &items, "t", 0);
        let message = body["message"].as_str().or(body["Message"].as_str()).unwrap();
        assert_eq!((status, code(&body)), (400, expected));
        assert!(message.contains(words), "{message}");
    }
    let long = json!({ "Put": { "TableName": "ledger", "Item": { "pk": { "S": "app" }, "sk": { "S": "long" },
        "notes": { "S": "x".repeat(300 * 1024) } } } });
    assert_eq!(transact(&mut dynamodb, &[long], "u", 0).0, 200);
    let grow = json!({ "Update": { "TableName": "ledger", "Key": { "pk": { "S": "app" }, "sk": { "S": "long" } },
        "UpdateExpression": "SET twin = notes" } });
    let (_, body) = transact(&mut dynamodb, &[grow], "v", 50);
    assert_eq!(body["CancellationReasons"][0]["Code"], "ValidationError");
}

#[test]
fn only_a_consistent_read_is_never_stale() {
    let mut dynamodb = ledger();
    dynamodb.rules = Rules { stale: 1.0, ..Rules::default() };
    transact(&mut dynamodb, &[put("LOCK", 1, "")], "a", 5_000);
    let key = json!({ "pk": { "S": "app" }, "sk": { "S": "LOCK" } });
    let found = |dynamodb: &mut DynamoDb, consistent: bool, millis| {
        let body = json!({ "TableName": "ledger", "Key": key, "ConsistentRead": consistent });
        call(dynamodb, "GetItem", &body, millis).1["Item"].is_object()
    };
    let seen: Vec<bool> = (5_001..5_100).map(|millis| found(&mut dynamodb, false, millis)).collect();
    assert!(seen.contains(&false), "right after the write");
    assert!((5_000..5_100).all(|millis| found(&mut dynamodb, true, millis)));
    assert!((6_000..6_100).all(|millis| found(&mut dynamodb, false, millis)), "the lag is over");
}

#[test]
fn a_query_goes_page_by_page_from_either_end() {
    let mut dynamodb = ledger();
    for sk in ["LOCK", "R#1", "R#2", "R#3", "STACK"] {
        dynamodb.put("ledger", &put(sk, 1, "")["Put"]["Item"]);
    }
    dynamodb.rules.page_bytes = 1;
    let mut body = json!({ "TableName": "ledger", "ConsistentRead": true, "ScanIndexForward": false,
        "KeyConditionExpression": "pk = :pk AND begins_with(sk, :sk)",
        "ExpressionAttributeValues": { ":pk": { "S": "app" }, ":sk": { "S": "R#" } } });
    let mut found = Vec::new();
    loop {
        let (status, page) = call(&mut dynamodb, "Query", &body, 0);
        assert_eq!(status, 200, "{page}");
        found.extend(page["Items"].as_array().unwrap().iter().map(|item| item["sk"]["S"].as_str().unwrap().to_owned()));
        body["ExclusiveStartKey"] = page["LastEvaluatedKey"].clone();
        if body["ExclusiveStartKey"].is_null() {
            break;
        }
    }
    assert_eq!(found, ["R#3", "R#2", "R#1"]);
    body["Limit"] = json!(3);
    dynamodb.rules.page_bytes = 1024 * 1024;
    let (_, page) = call(&mut dynamodb, "Query", &body, 0);
    assert_eq!((&page["Count"], &page["LastEvaluatedKey"]["sk"]), (&json!(3), &json!({ "S": "R#1" })));
    for wrong in ["sk = :pk AND begins_with(sk, :sk)", "pk = :pk OR sk = :sk", "pk > :pk AND sk = :sk"] {
        body["KeyConditionExpression"] = json!(wrong);
        assert_eq!(call(&mut dynamodb, "Query", &body, 0).0, 400, "{wrong}");
    }
}

#[test]
fn writes_to_one_item_are_throttled() {
    let mut dynamodb = ledger();
    dynamodb.rules.item_writes_per_second = 4;
    let mut statuses = Vec::new();
    for millis in [0, 100, 200, 1000] {
        statuses.push(transact(&mut dynamodb, &[put("LOCK", 1, "")], &millis.to_string(), millis).0);
    }
    assert_eq!(statuses, [200, 200, 400, 200]);
    dynamodb.rules.throttled = 1.0;
    assert_eq!(code(&call(&mut dynamodb, "Query", &json!({}), 0).1), "ThrottlingException");
}
