//! Sequences of calls that follow recordings of real AWS, with names and expectations of our own. The status, the code and the
//! message must agree.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::sts::Sts;
use super::super::wire::{Moment, Request};
use super::DynamoDb;
use super::tests::{request, send};
use crate::record;

/// What a call comes to: 200, or an error's status, code and message.
type Expected = (u16, &'static str, &'static str);
const GOOD: Expected = (200, "", "");

/// The calls of one sequence: operation, request, and what comes of it.
type Sequence = Vec<(&'static str, Value, Expected)>;

fn key(id: &str) -> Value {
    json!({ "id": { "S": id } })
}

fn transaction(items: &Value) -> Value {
    json!({ "TransactItems": items })
}

fn writes() -> Vec<Sequence> {
    let put = |table: &str, id: &str| json!({ "Put": { "TableName": table, "Item": key(id) } });
    let only_new = |id: &str| json!({ "Put": { "TableName": "people", "Item": key(id), "ConditionExpression": "attribute_not_exists(id)" } });
    let cancelled = "Transaction cancelled, please refer cancellation reasons for specific reasons \
                     [ConditionalCheckFailed, None]";
    let update = |id: &str| {
        json!({ "Update": { "TableName": "people", "Key": key(id), "UpdateExpression": "SET colour = :c, shade = :s",
            "ExpressionAttributeValues": { ":c": { "S": "red" }, ":s": { "S": "dark" } } } })
    };
    let delete = |id: &str| json!({ "Delete": { "TableName": "people", "Key": key(id) } });
    let priced = json!({ "TableName": "people", "Key": key("7"), "ConditionExpression": "price BETWEEN :low AND :high",
        "ExpressionAttributeValues": { ":low": { "N": "5" }, ":high": { "N": "6" } },
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD" });
    let binary = json!([{ "Put": { "TableName": "people", "Item": { "id": { "S": "b" }, "data": { "B": "AAEC" } } } }]);
    let arn = "arn:aws:dynamodb:eu-west-1:111111111111:table/people";
    let write = "TransactWriteItems";
    vec![
        vec![(write, transaction(&json!([put("people", "a"), put("people", "b")])), GOOD)],
        vec![(write, transaction(&json!([put(arn, "a")])), GOOD)],
        vec![
            ("PutItem", json!({ "TableName": "people", "Item": key("a") }), GOOD),
            (
                write,
                transaction(&json!([only_new("a"), put("people", "b")])),
                (400, "TransactionCanceledException", cancelled),
            ),
        ],
        vec![(write, transaction(&binary), GOOD), ("GetItem", json!({ "TableName": "people", "Key": key("b") }), GOOD)],
        vec![(
            write,
            transaction(&json!([put("nowhere", "a")])),
            (400, "ResourceNotFoundException", "Requested resource not found"),
        )],
        vec![
            ("PutItem", json!({ "TableName": "people", "Item": { "id": { "S": "7" }, "price": { "N": "12" } } }), GOOD),
            ("DeleteItem", priced, (400, "ConditionalCheckFailedException", "The conditional request failed")),
        ],
        vec![
            ("PutItem", json!({ "TableName": "people", "Item": key("a") }), GOOD),
            (write, transaction(&json!([put("people", "a"), put("people", "b")])), GOOD),
            (write, transaction(&json!([update("b")])), GOOD),
            (write, transaction(&json!([update("c")])), GOOD),
            (write, transaction(&json!([delete("b"), delete("none")])), GOOD),
            ("UpdateItem", update("a")["Update"].clone(), GOOD),
        ],
        vec![(write, transaction(&json!([put("people", "a"), put("places", "a")])), GOOD)],
    ]
}

fn run(sequence: &Sequence, record: &mut record::Sequence) -> DynamoDb {
    let mut dynamodb = DynamoDb::new("111111111111", "eu-west-1");
    for table in ["people", "places"] {
        dynamodb.create_table(table, "id", None);
        let created = json!({ "TableName": table, "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
            "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }] });
        record.makes(&request("CreateTable", &created), &json!({}));
    }
    for (at, (operation, body, (status, code, message))) in (0..).zip(sequence) {
        let sent = request(operation, body);
        let reply = send(&mut dynamodb, &sent, at * 100);
        record.call(&sent, &reply);
        let (actual, reply): (u16, Value) = (reply.status, serde_json::from_slice(&reply.body).unwrap());
        let actual_code = reply["__type"].as_str().map_or("", |kind| kind.rsplit('#').next().unwrap());
        let actual_message = reply["message"].as_str().or(reply["Message"].as_str()).unwrap_or_default();
        assert_eq!((actual, actual_code, actual_message), (*status, *code, *message), "{operation} {body}");
    }
    dynamodb
}

#[test]
fn eight_sequences_of_writes() {
    let sequences = writes();
    assert_eq!(sequences.len(), 8);
    let run = |(number, sequence)| {
        let mut record = record::Sequence::new(format!("DynamoDB: writes {number}"));
        let after = run(sequence, &mut record);
        record.end();
        after
    };
    let after: Vec<DynamoDb> = (1..).zip(&sequences).map(run).collect();
    assert_eq!(after[2].items("people"), [key("a")], "a cancelled transaction writes nothing");
    assert_eq!(after[3].item("people", "b", "").unwrap()["data"], json!({ "B": "AAEC" }));
    assert_eq!(after[5].items("people").len(), 1, "a condition that does not hold deletes nothing");
    let ids: Vec<Value> = after[6].items("people").iter().map(|item| item["id"]["S"].clone()).collect();
    assert_eq!(ids, ["a", "c"]);
    assert_eq!(after[7].items("places"), [key("a")]);
}

#[test]
fn a_condition_that_fails_shows_the_item() {
    let mut record = record::Sequence::new("DynamoDB: a condition that fails".to_owned());
    let mut dynamodb = run(&writes()[5], &mut record);
    let sent = request("DeleteItem", &writes()[5][1].1);
    let reply = send(&mut dynamodb, &sent, 1000);
    record.call(&sent, &reply);
    record.end();
    let reply: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(reply["Item"], json!({ "id": { "S": "7" }, "price": { "N": "12" } }));
}

/// Sends a form to STS, as a sequence of that name. Returns the status and the body.
fn sts(name: &str, form: &str) -> (u16, String) {
    let authorization = "AWS4-HMAC-SHA256 Credential=AKIDADA/19700101/eu-west-1/sts/aws4_request, SignedHeaders=host, \
                         Signature=0";
    let headers = [("authorization", authorization), ("x-amz-date", "19700101T000000Z")];
    let request = Request {
        method: "POST".to_owned(),
        host: "sts.eu-west-1.amazonaws.com".to_owned(),
        path: "/".to_owned(),
        query: Vec::new(),
        headers: BTreeMap::from(headers.map(|(name, value)| (name.to_owned(), value.to_owned()))),
        body: form.as_bytes().to_vec(),
    };
    let mut moment =
        Moment { now: Duration::ZERO, epoch: jiff::Timestamp::UNIX_EPOCH, chance: fastrand::Rng::with_seed(1) };
    let reply = ada().handle(&request, &mut moment).expect("a known operation");
    let mut record = record::Sequence::new(format!("STS: {name}"));
    record.call(&request, &reply);
    record.end();
    (reply.status, String::from_utf8(reply.body).unwrap())
}

fn ada() -> Sts {
    let mut sts = Sts::new();
    sts.add_key("AKIDADA", "arn:aws:iam::111111111111:user/ada");
    sts.add_role("arn:aws:iam::111111111111:role/deployer", &["arn:aws:iam::111111111111:root"]);
    sts
}

#[test]
fn six_sequences_of_roles_that_are_none() {
    let session = "1 validation error detected: Value 'one:two' at 'roleSessionName' failed to satisfy constraint: Member \
                   must satisfy regular expression pattern: [\\w+=,.@-]*";
    let sequences = [
        ("no-arn-but-long-enough", "deployer", "no-arn-but-long-enough is invalid"),
        ("arn::x:::some/role-of-mine", "deployer", "arn::x:::some/role-of-mine is invalid"),
        ("arn:x::::some/role-of-mine", "deployer", "arn:x::::some/role-of-mine is invalid"),
        ("arn:x:::some/role-of-mine", "deployer", "arn:x:::some/role-of-mine is invalid"),
        ("arn:x:x::1111111111111:", "deployer", "arn:x:x::1111111111111: is invalid"),
        ("arn:aws:iam::111111111111:role/deployer", "one:two", session),
    ];
    assert_eq!(sequences.len(), 6);
    for (role, name, message) in sequences {
        let form = format!("Action=AssumeRole&Version=2011-06-15&RoleArn={role}&RoleSessionName={name}");
        let (status, body) = sts(&format!("{role} as {name}"), &form);
        assert_eq!(status, 400);
        assert!(body.contains("<Type>Sender</Type><Code>ValidationError</Code>"), "{body}");
        assert!(body.contains(&format!("<Message>{message}</Message>")), "{body}");
    }
}

#[test]
fn one_sequence_of_a_role_that_is_assumed() {
    let role = "arn%3Aaws%3Aiam%3A%3A111111111111%3Arole%2Fdeployer";
    let form = format!("Action=AssumeRole&Version=2011-06-15&RoleArn={role}&RoleSessionName=deployer");
    let (status, body) = sts("a role that is assumed", &form);
    assert_eq!(status, 200);
    for part in [
        "<Arn>arn:aws:sts::111111111111:assumed-role/deployer/deployer</Arn>",
        ":deployer</AssumedRoleId>",
        "<AccessKeyId>ASIA",
        "<SecretAccessKey>",
        "<SessionToken>",
        "<Expiration>1970-01-01T01:00:00Z</Expiration>",
    ] {
        assert!(body.contains(part), "{part} in {body}");
    }
}
