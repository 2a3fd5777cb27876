//! The real binaries: how they start or refuse to, what they send to DynamoDB and SSM, what they log.

use function::privacy::{Address, Secret};
use serde_json::{Value, json};

use crate::{
    lambda::{Asked, COUNTER, Lambda, PREFLIGHT, dynamodb, holds, refuses, refusing_dynamodb, run_to_end, ssm},
    memory::SECRET,
    standin::{Sent, StandIn},
};

const AGENT: &str = "Mozilla/5.0 (a visitor's browser)";
const ADDRESS: &str = "203.0.113.77";
const FORGED: &str = "198.51.100.1";

pub(crate) fn counter(table: &StandIn) -> Lambda {
    counter_with(table, &ssm(vec![]).0)
}

fn counter_with(table: &StandIn, parameters: &StandIn) -> Lambda {
    let (endpoint, keys) = endpoints(table, parameters);
    Lambda::start(COUNTER, &variables(&endpoint, &keys))
}

pub(crate) fn endpoints(table: &StandIn, parameters: &StandIn) -> (String, String) {
    (format!("http://{}", table.address), format!("http://{}", parameters.address))
}

pub(crate) fn variables<'a>(endpoint: &'a str, keys: &'a str) -> [(&'static str, &'a str); 12] {
    [
        ("DYNAMODB_TABLE", "visits"),
        ("ALLOWED_ORIGIN", "https://a.example"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "a-secret-key"),
        ("AWS_SESSION_TOKEN", "a-session-token"),
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ENDPOINT_URL_SSM", keys),
        ("ADDRESS_KEY_PARAMETER", "/test/key"),
        // Nothing listens there: what goes through a proxy fails.
        ("HTTP_PROXY", "http://127.0.0.1:9"),
        ("http_proxy", "http://127.0.0.1:9"),
        ("ALL_PROXY", "http://127.0.0.1:9"),
    ]
}

pub(crate) fn event(method: &str, path: &str) -> Value {
    json!({
        "resource": path, "path": path, "httpMethod": method, "body": null,
        "headers": {"User-Agent": AGENT, "Host": "not a host", "X-Forwarded-For": FORGED},
        "requestContext": {"identity": {"sourceIp": ADDRESS, "userAgent": AGENT}},
        "stageVariables": {"deployment": "d4e5"},
    })
}

#[test]
fn a_visit_makes_a_put_and_an_update_at_the_same_time() {
    let (table, asked) = dynamodb();
    let response = counter(&table).invoke(&event("GET", "/count"));
    let body = r#"{"count":42,"message":"Visitor count updated successfully"}"#;
    assert_eq!((&response["statusCode"], &response["body"]), (&json!(200), &json!(body)));

    let asked = asked.lock().unwrap();
    let input = |operation: &str| &asked.iter().find(|(name, _)| name == operation).unwrap().1;
    let update = json!({
        "TableName": "visits", "Key": {"visit_id": {"S": "total"}}, "ReturnValues": "UPDATED_NEW",
        "UpdateExpression": "ADD #count :by", "ExpressionAttributeNames": {"#count": "count"},
        "ExpressionAttributeValues": {":by": {"N": "1"}},
    });
    assert_eq!(*input("UpdateItem"), update);
    assert_is_a_visit(input("PutItem"));
}

fn assert_is_a_visit(put: &Value) {
    let item = put["Item"].as_object().unwrap();
    let names: Vec<_> = item.keys().map(String::as_str).collect();
    assert_eq!(names, ["day", "expiration_time", "path", "timestamp", "user_agent", "visit_id", "visitor_ip"]);
    assert_eq!((&put["TableName"], &item["path"]["S"]), (&json!("visits"), &json!("/count")));
    assert_eq!(item["user_agent"]["S"], AGENT);
    let id: uuid::Uuid = item["visit_id"]["S"].as_str().unwrap().parse().unwrap();
    assert_eq!(id.get_version_num(), 5);
    let at: jiff::Timestamp = item["timestamp"]["S"].as_str().unwrap().parse().unwrap();
    let expires: i64 = item["expiration_time"]["N"].as_str().unwrap().parse().unwrap();
    assert_eq!(expires - at.as_second(), 90 * 24 * 60 * 60);
    let visitor = Secret::new(SECRET).unwrap().pseudonym(&Address::read(ADDRESS).unwrap(), at);
    assert_eq!(item["visitor_ip"]["S"], visitor.as_str());
}

/// The `visitor_ip` of every visit that was stored.
fn visitors(asked: &Asked) -> Vec<String> {
    let asked = asked.lock().unwrap();
    let puts = asked.iter().filter(|(name, _)| name == "PutItem");
    puts.map(|(_, input)| input["Item"]["visitor_ip"]["S"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_key_is_asked_for_once_decrypted_and_signed() {
    let ((table, _), (parameters, asked)) = (dynamodb(), ssm(vec![]));
    let function = counter_with(&table, &parameters);
    function.invoke(&event("GET", "/count"));
    function.invoke(&event("GET", "/count"));
    let asked = asked.lock().unwrap();
    let [request] = asked.as_slice() else { panic!("{} requests", asked.len()) };
    assert_eq!(request.line, "POST / HTTP/1.1");
    assert_eq!(request.headers["x-amz-target"], "AmazonSSM.GetParameter");
    assert_eq!(request.headers["content-type"], "application/x-amz-json-1.1");
    assert_eq!(request.headers["x-amz-security-token"], "a-session-token");
    let authorization = &request.headers["authorization"];
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{authorization}");
    assert!(authorization.contains("/eu-west-1/ssm/aws4_request, SignedHeaders="), "{authorization}");
    let body: Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(body, json!({"Name": "/test/key", "WithDecryption": true}));
}

#[test]
fn a_key_that_can_never_be_used_is_named_and_stops_the_start() {
    for (response, said) in [
        (refuses(400, "ParameterNotFound"), "ssm:GetParameter"),
        (refuses(400, "AccessDeniedException"), "SSM returned 400 AccessDeniedException: says SSM"),
        (holds("s3cret"), "it must be at least 32 bytes"),
        (holds(""), "it must be at least 32 bytes"),
    ] {
        let ((table, _), (parameters, _)) = (dynamodb(), ssm(vec![response]));
        let (endpoint, keys) = endpoints(&table, &parameters);
        let (status, log) = run_to_end(COUNTER, &variables(&endpoint, &keys));
        assert_eq!((status.code(), log.lines().count()), (Some(1), 1), "{log}");
        assert!(log.contains("parameter `/test/key` ") && log.contains(said), "{said}: {log}");
        assert!(!log.contains("s3cret"), "{log}");
    }
}

/// Asserts that a function whose SSM fails so during init, and once more, counts the first visit as
/// unknown and the second as it should.
fn assert_gets_over(failure: &Sent) {
    let ((table, asked), (parameters, _)) = (dynamodb(), ssm(vec![failure.clone(); 4]));
    let function = counter_with(&table, &parameters);
    for path in ["/health", "/count", "/count"] {
        assert_eq!(function.invoke(&event("GET", path))["statusCode"], 200);
    }
    let visitors = visitors(&asked);
    assert_eq!((visitors[0].as_str(), visitors[1].len()), ("unknown", 32));

    let log = function.log();
    let errors: Vec<_> = log.iter().filter(|line| line["level"] == "ERROR").collect();
    assert_eq!(errors.len(), 2, "at init, and at the first visit: {log:#?}");
    let cause = errors[1]["cause"].as_str().unwrap();
    assert!(cause.starts_with("failed to read parameter `/test/key`: "), "{cause}");
    assert_eq!((errors[0].get("span"), &errors[1]["span"]["request_id"]), (None, &json!("r-1")));
    let all = format!("{log:?}");
    assert!(![ADDRESS, FORGED, SECRET].iter().any(|private| all.contains(private)), "{all}");
}

#[test]
fn a_throttled_key_stops_no_start_and_is_there_when_ssm_is() {
    assert_gets_over(&refuses(400, "ThrottlingException"));
}

#[test]
fn a_failing_ssm_or_a_malformed_response_allows_a_start() {
    assert_gets_over(&refuses(500, "InternalServerError"));
    assert_gets_over(&(200, vec![], "not JSON".to_owned()));
    assert_gets_over(&(200, vec![], r#"{"Parameter": {}}"#.to_owned()));
}

#[test]
fn the_first_visit_opens_no_connection() {
    let (table, asked) = dynamodb();
    let function = counter(&table);
    function.invoke(&event("GET", "/health"));
    let before = (table.connections(), asked.lock().unwrap().len());
    function.invoke(&event("GET", "/count"));
    assert_eq!(before, (2, 3), "two connections, two reads to warm them and one for health");
    assert_eq!(table.connections(), 2);
}

#[test]
fn connections_closed_during_a_freeze_lose_no_visit() {
    let (table, asked) = dynamodb();
    let function = counter(&table);
    for visits in 1..=5 {
        assert_eq!(function.invoke(&event("GET", "/count"))["statusCode"], 200, "visit {visits}");
        function.frozen(|| table.hang_up());
    }
    let asked = asked.lock().unwrap();
    let updates = asked.iter().filter(|(name, _)| name == "UpdateItem").count();
    assert_eq!(updates, 5, "each visit was added once");
}

#[test]
fn health_reads_consistently_and_writes_nothing() {
    let (table, asked) = dynamodb();
    let response = counter(&table).invoke(&event("GET", "/health"));
    assert_eq!(response["body"], r#"{"count":41,"status":"ok","version":"7"}"#);
    assert_eq!(response["headers"]["x-function-version"], "7");
    assert_eq!(response["headers"]["x-api-deployment"], "d4e5");
    let read = json!({
        "TableName": "visits", "Key": {"visit_id": {"S": "total"}}, "ConsistentRead": true,
    });
    let asked = asked.lock().unwrap();
    assert!(asked.iter().all(|(name, input)| name == "GetItem" && *input == read), "{asked:?}");
}

#[test]
fn no_event_of_any_shape_fails_before_the_handler() {
    let (table, _) = dynamodb();
    let function = counter(&table);
    for event in [json!({}), json!(null), json!([1, 2]), json!({"headers": 1})] {
        assert_eq!(function.invoke(&event)["statusCode"], 404, "{event}");
    }
    let bare = json!({"httpMethod": "GET", "path": "/count"});
    assert_eq!(function.invoke(&bare)["statusCode"], 200);
}

#[test]
fn a_failing_table_allows_a_start_and_shows_in_the_log_only() {
    let function = counter(&refusing_dynamodb());
    let response = function.invoke(&event("GET", "/count"));
    assert_eq!(response["statusCode"], 500);
    assert_eq!(response["headers"]["Access-Control-Allow-Origin"], "https://a.example");
    let body: Value = serde_json::from_str(response["body"].as_str().unwrap()).unwrap();
    assert_eq!((&body["error"], &body["request_id"]), (&json!("Database error"), &json!("r-1")));

    let log = function.log();
    let levels: Vec<_> = log.iter().map(|line| line["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["WARN", "ERROR", "INFO"], "cold, the one cause, responded: {log:#?}");
    let cause = log[1]["cause"].as_str().unwrap();
    assert!(cause.starts_with("failed to add to `total` in table `visits`: "), "{cause}");
    assert!(cause.contains("Requested resource not found"), "{cause}");
    assert!(log[1..].iter().all(|line| line["span"]["request_id"] == "r-1"), "{log:#?}");
}

#[test]
fn a_log_has_a_line_for_each_request_and_nothing_personal() {
    let (table, _) = dynamodb();
    let function = counter(&table);
    function.invoke(&event("GET", "/count"));
    function.invoke(&event("GET", "/nowhere"));
    let log = function.log();
    let statuses: Vec<_> = log.iter().map(|line| line["status"].clone()).collect();
    assert_eq!(statuses, [200, 404]);
    let all = format!("{log:?}");
    for private in [AGENT, ADDRESS, FORGED, SECRET, "a-secret-key", "a-session-token", "AKIDEXAMPLE"] {
        assert!(!all.contains(private), "{all}");
    }
}

#[test]
fn preflight_starts_with_an_origin_alone() {
    let function = Lambda::start(PREFLIGHT, &[("ALLOWED_ORIGIN", "https://a.example")]);
    let response = function.invoke(&event("OPTIONS", "/count"));
    assert_eq!((&response["statusCode"], &response["body"]), (&json!(200), &json!("")));
    assert_eq!(response["headers"]["Access-Control-Allow-Methods"], "GET, OPTIONS");
    assert_eq!(response["headers"]["x-function-version"], "7");
}

#[test]
fn a_function_refuses_to_start_and_names_the_variable() {
    let table = ("DYNAMODB_TABLE", "visits");
    let origin = ("ALLOWED_ORIGIN", "https://a.example");
    let (key, nothing) = (("ADDRESS_KEY_PARAMETER", "/test/key"), ("A", "b"));
    for (binary, variables, said) in [
        (COUNTER, [table, key, nothing], "`ALLOWED_ORIGIN` is not set"),
        (COUNTER, [origin, key, nothing], "`DYNAMODB_TABLE` is not set"),
        (COUNTER, [origin, key, ("DYNAMODB_TABLE", "a b")], "`DYNAMODB_TABLE` is malformed"),
        (COUNTER, [origin, table, nothing], "`ADDRESS_KEY_PARAMETER` is not set"),
        (COUNTER, [origin, table, ("ADDRESS_KEY_PARAMETER", "a b")], "`ADDRESS_KEY_PARAMETER` is malformed"),
        (COUNTER, [origin, table, key], "`AWS_REGION` is not set"),
        (PREFLIGHT, [table, key, nothing], "`ALLOWED_ORIGIN` is not set"),
        (PREFLIGHT, [table, key, ("ALLOWED_ORIGIN", "*")], "`ALLOWED_ORIGIN` is malformed: entry 1"),
    ] {
        let (status, log) = run_to_end(binary, &variables);
        assert_eq!(status.code(), Some(1), "{log}");
        assert_eq!((log.lines().count(), log.contains(said)), (1, true), "{said}: {log}");
    }
}

#[cfg(not(feature = "postgres"))]
#[test]
fn a_store_that_was_not_built_in_is_refused_with_a_hint() {
    let around = [("ALLOWED_ORIGIN", "https://a.example"), ("ADDRESS_KEY_PARAMETER", "/test/key")];
    let (status, log) = run_to_end(COUNTER, &[around[0], around[1], ("VISIT_STORE", "postgres")]);
    assert_eq!((status.code(), log.lines().count()), (Some(1), 1), "{log}");
    assert!(log.contains("`VISIT_STORE` names a store") && log.contains("features = [\\\"postgres\\\"]"), "{log}");
}

#[test]
fn a_store_that_does_not_exist_is_refused() {
    let around = [("ALLOWED_ORIGIN", "https://a.example"), ("ADDRESS_KEY_PARAMETER", "/test/key")];
    let (status, log) = run_to_end(COUNTER, &[around[0], around[1], ("VISIT_STORE", "mysql")]);
    assert_eq!((status.code(), log.lines().count()), (Some(1), 1), "{log}");
    assert!(log.contains("`VISIT_STORE` is malformed: it must be `dynamodb` or `postgres`"), "{log}");
}
