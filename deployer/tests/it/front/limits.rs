//! What AWS tells late, and what it does not take.

use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::scratch::{DEV, Said, Scratch, ask, front, said, zip};
use crate::harness::{block_on, client};
use crate::stack;
use crate::strict::Front;

const LEDGER: &str = "resume-visitor-counter-ledger-dev";

pub(crate) fn an_alias_is_read_as_it_was_for_a_moment_after_its_change() {
    let scratch = Scratch::function("stale");
    let front = front();
    front.staleness(Duration::from_secs(3));
    let read = || ask(&front, "GET", &scratch.path("aliases/live"), &Value::Null).good();
    let before = read();
    let changed = ask(&front, "PUT", &scratch.path("aliases/live"), &json!({"Description": "new"})).good();
    let at = Instant::now();
    let stale = read();
    assert!(at.elapsed() < Duration::from_secs(3), "this machine is too slow for this test");
    assert_eq!(stale, before);
    // What is written is judged by what is, not by what is told.
    let late = json!({"Description": "newer", "RevisionId": before["RevisionId"]});
    ask(&front, "PUT", &scratch.path("aliases/live"), &late).refused(412, "PreconditionFailedException", "RevisionId");
    std::thread::sleep(Duration::from_secs(3).saturating_sub(at.elapsed()));
    assert_eq!(read(), changed);
}

pub(crate) fn a_version_deleted_right_after_its_alias_has_left_it_fails_requests_for_a_while() {
    let scratch = Scratch::with_api("severed");
    let front = front();
    let second = scratch.publish("second");
    assert_eq!(scratch.get(&front, "/echo").status, 200);
    ask(&front, "PUT", &scratch.path("aliases/live"), &json!({"FunctionVersion": second})).good();
    assert_eq!(scratch.get(&front, "/echo").header("x-version"), second);
    ask(&front, "DELETE", &scratch.path("?Qualifier=1"), &Value::Null).good();
    let at = Instant::now();
    scratch.get(&front, "/echo").refused(502, "InternalServerErrorException", "Internal server error");
    while scratch.get(&front, "/echo").status != 200 {
        assert!(at.elapsed() < Duration::from_secs(10), "it never ends");
        std::thread::sleep(Duration::from_millis(50));
    }
    // One that nobody uses any more may go.
    let third = scratch.publish("third");
    ask(&front, "DELETE", &scratch.path(&format!("?Qualifier={third}")), &Value::Null).good();
    assert_eq!(scratch.get(&front, "/echo").status, 200);
}

pub(crate) fn publishing_the_same_bytes_after_an_upload_makes_a_new_version() {
    let scratch = Scratch::function("same-bytes");
    let front = front();
    let release = || {
        ask(&front, "PUT", &scratch.path("code"), &json!({"ZipFile": zip("same")})).good();
        scratch.settle();
        ask(&front, "POST", &scratch.path("versions"), &json!({})).good()
    };
    let (one, other) = (release(), release());
    assert_eq!(one["CodeSha256"], other["CodeSha256"]);
    assert_ne!(one["Version"], other["Version"]);
}

pub(crate) fn what_is_more_than_aws_takes_is_refused() {
    let scratch = Scratch::with_api("quotas");
    let front = front();
    let long = "x".repeat(257);
    for (method, page) in [("PUT", "aliases/live"), ("POST", "versions")] {
        let refused = ask(&front, method, &scratch.path(page), &json!({"Description": long}));
        refused.refused(400, "ValidationException", "less than or equal to 256");
        ask(&front, method, &scratch.path(page), &json!({"Description": long[1..]})).good();
    }
    let big = json!({"ZipFile": "A".repeat(70_167_211)});
    ask(&front, "PUT", &scratch.path("code"), &big).refused(413, "RequestEntityTooLargeException", "smaller than");
    let variable =
        |value: &str| json!({"patchOperations": [{"op": "replace", "path": "/variables/a", "value": value}]});
    ask(&front, "PATCH", &scratch.stage(), &variable("{}")).refused(400, "BadRequestException", "is invalid");
    ask(&front, "PATCH", &scratch.stage(), &variable("a-1")).good();
}

/// A call of DynamoDB through the front.
fn ledger(front: &Front, operation: &str, body: &Value) -> Said {
    let signed = format!("AWS4-HMAC-SHA256 Credential={DEV}/20260101/us-east-1/dynamodb/aws4_request, Signature=0");
    let headers = [
        ("authorization", signed),
        ("x-amz-target", format!("DynamoDB_20120810.{operation}")),
        ("content-type", "application/x-amz-json-1.0".to_owned()),
    ];
    let headers = headers.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    let request = client().post(format!("http://127.0.0.1:{}/", front.port)).headers(HeaderMap::from_iter(headers));
    block_on(async { said(request.body(body.to_string()).send().await.unwrap()).await.unwrap() })
}

fn put(sort_key: &str, text: &str) -> Value {
    let item = json!({"pk": {"S": "front"}, "sk": {"S": sort_key}, "text": {"S": text}});
    json!({"Put": {"TableName": LEDGER, "Item": item}})
}

/// Takes away what a test has put.
fn clear(sort_keys: impl IntoIterator<Item = String>) {
    for sort_key in sort_keys {
        let body = json!({"TableName": LEDGER, "Key": {"pk": {"S": "front"}, "sk": {"S": sort_key}}});
        stack().behind("dev", "POST", "/", Some("DynamoDB_20120810.DeleteItem"), &body);
    }
}

pub(crate) fn a_transaction_has_each_item_once_and_none_too_big_and_a_query_has_pages() {
    let front = front();
    let transact = |items: Vec<Value>| ledger(&front, "TransactWriteItems", &json!({"TransactItems": items}));
    transact(vec![put("a", "1"), put("a", "2")]).refused(400, "ValidationException", "multiple operations on one item");
    transact(vec![put("a", &"x".repeat(400 * 1024))]).refused(400, "ValidationException", "Item size has exceeded");
    let many: Vec<_> = (0..=100).map(|number| put(&number.to_string(), "")).collect();
    transact(many.clone()).refused(400, "ValidationException", "less than or equal to 100");
    transact(many[..100].to_vec()).good();
    transact(many[100..].to_vec()).good();
    let query = json!({
        "TableName": LEDGER, "KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": "front"}},
    });
    let page = ledger(&front, "Query", &query).good();
    clear((0..=100).map(|number| number.to_string()));
    assert!(page["Count"] == 100 && page["LastEvaluatedKey"].is_object(), "{page}");
}

pub(crate) fn of_two_transactions_on_one_item_at_once_one_is_cancelled() {
    let front = front();
    let transact = |item: Value| ledger(&front, "TransactWriteItems", &json!({"TransactItems": [item, put("b", "")]}));
    front.transactions_take(Duration::from_secs(2));
    std::thread::scope(|scope| {
        let first = scope.spawn(|| transact(put("a", "1")));
        while front.calls().is_empty() {
            std::thread::sleep(Duration::from_millis(10));
        }
        transact(put("a", "2")).refused(
            400,
            "TransactionCanceledException",
            "[TransactionConflict, TransactionConflict]",
        );
        first.join().unwrap().good();
    });
    front.transactions_take(Duration::ZERO);
    transact(put("a", "3")).good();
    clear(["a", "b"].map(str::to_owned));
}
