//! The counter's real binary over PostgreSQL.

use std::{
    collections::BTreeSet,
    thread,
    time::{Duration, Instant},
};

use function::settings;
use serde_json::{Value, json};

use super::PASSWORD;
use crate::{
    lambda::{COUNTER, Lambda, run_to_end, ssm},
    memory::SECRET,
    proxy::says,
    server::{ARN, Database, Secrets, Server},
    standin::StandIn,
};

/// The counter's real binary, with all that it talks to.
struct Stage {
    database: settings::Database,
    secrets: Secrets,
    keys: StandIn,
}

impl Stage {
    fn of(database: &Database<'_>) -> Self {
        Self { database: database.settings(), secrets: Secrets::of(database), keys: ssm(vec![]).0 }
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        let text = str::to_owned;
        let authority = self.database.authorities.clone().unwrap_or_default();
        vec![
            ("VISIT_STORE", text("postgres")),
            ("DATABASE_HOST", self.database.host.clone()),
            ("DATABASE_PORT", self.database.port.to_string()),
            ("DATABASE_NAME", self.database.name.clone()),
            ("DATABASE_SECRET", text(ARN)),
            ("DATABASE_CA", authority.into_os_string().into_string().unwrap()),
            ("DYNAMODB_TABLE", text("visits")),
            ("ALLOWED_ORIGIN", text("https://a.example")),
            ("ADDRESS_KEY_PARAMETER", text("/test/key")),
            ("AWS_REGION", text("eu-west-1")),
            ("AWS_ACCESS_KEY_ID", text("AKIDEXAMPLE")),
            ("AWS_SECRET_ACCESS_KEY", text("a-secret-key")),
            ("AWS_SESSION_TOKEN", text("a-session-token")),
            ("AWS_ENDPOINT_URL_SSM", format!("http://{}", self.keys.address)),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", self.secrets.endpoint()),
            // Nothing listens there: it is used for nothing else.
            ("AWS_ENDPOINT_URL", text("http://127.0.0.1:9")),
        ]
    }

    fn start(&self) -> Lambda {
        let variables = self.variables();
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Lambda::start(COUNTER, &variables)
    }
}

fn event(path: &str) -> Value {
    json!({
        "resource": path, "path": path, "httpMethod": "GET",
        "headers": {"User-Agent": "Mozilla/5.0 (a visitor's browser)"},
        "requestContext": {"identity": {"sourceIp": "203.0.113.77"}},
    })
}

#[test]
fn the_binary_counts_over_postgres_and_logs_it() {
    let database = Database::new(Server::shared());
    let stage = Stage::of(&database);
    let function = stage.start();
    assert_eq!(function.invoke(&event("/health"))["body"], r#"{"count":0,"status":"ok","version":"7"}"#);
    assert_eq!(database.sql("SELECT count(*) FROM visits"), "0");
    let counted = function.invoke(&event("/count"));
    assert_eq!(counted["body"], r#"{"count":1,"message":"Visitor count updated successfully"}"#);
    let row = database.sql("SELECT length(visitor_ip), user_agent, path FROM visits");
    assert_eq!(row, "32|Mozilla/5.0 (a visitor's browser)|/count");

    let asked = stage.secrets.asked.lock().unwrap();
    let [request] = asked.as_slice() else { panic!("{} requests", asked.len()) };
    assert_eq!(request.headers["x-amz-target"], "secretsmanager.GetSecretValue");
    assert_eq!(serde_json::from_str::<Value>(&request.body).unwrap(), json!({"SecretId": ARN}));
    assert!(request.headers["authorization"].contains("/eu-west-1/secretsmanager/aws4_request, "));

    let (log, metrics) = function.lines();
    assert_eq!(log.iter().map(|line| line["message"].as_str().unwrap()).collect::<Vec<_>>(), ["responded"; 2]);
    assert!(metrics[0]["TotalLatency"].is_array() && metrics[1]["CountLatency"].is_array(), "{metrics:?}");
    let all = format!("{log:?}{metrics:?}");
    assert!(![PASSWORD, SECRET, "203.0.113.77", "a-secret-key"].iter().any(|text| all.contains(text)), "{all}");
}

#[test]
fn visits_to_several_containers_at_once_are_all_counted() {
    let database = Database::new(Server::shared());
    let stage = Stage::of(&database);
    let numbers = thread::scope(|scope| {
        let containers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let function = stage.start();
                    let number = |event| {
                        let body = function.invoke(&event)["body"].as_str().unwrap().to_owned();
                        serde_json::from_str::<Value>(&body).unwrap()["count"].as_u64().unwrap()
                    };
                    let visit = || {
                        let mut event = event("/count");
                        event["requestContext"]["extendedRequestId"] = json!(uuid::Uuid::new_v4().to_string());
                        event
                    };
                    (0..20).map(|_| number(visit())).collect::<Vec<_>>()
                })
            })
            .collect();
        containers.into_iter().flat_map(|container| container.join().unwrap()).collect::<BTreeSet<_>>()
    });
    assert_eq!(numbers, (1..=60).collect());
}

/// Asserts that the function starts, responds to a visit with the 500 for the store within its 10 s, and logs `said`.
fn assert_responds_500(stage: &Stage, said: &str) {
    let started = Instant::now();
    let function = stage.start();
    let response = function.invoke(&event("/count"));
    assert!(started.elapsed() < Duration::from_secs(9), "init and visit together: {:?}", started.elapsed());
    assert_eq!(
        (&response["statusCode"], &response["headers"]["Access-Control-Allow-Origin"]),
        (&json!(500), &json!("https://a.example"))
    );
    let body: Value = serde_json::from_str(response["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["error"], "Database error");

    let log = function.log();
    let levels: Vec<_> = log.iter().map(|line| line["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["WARN", "ERROR", "INFO"], "cold, the cause, responded: {log:#?}");
    let cause = log[1]["cause"].as_str().unwrap();
    assert!(cause.starts_with(&format!("failed to count a visit in `{}@", stage.database.name)), "{cause}");
    assert!(cause.contains(said), "{said}: {cause}");
    assert!(!format!("{log:?}{response}").contains(PASSWORD), "{log:#?}");
}

#[test]
fn a_foreign_server_is_a_500_with_its_cause_in_the_log_only() {
    let database = Database::new(Server::shared());
    let mut stage = Stage::of(&database);
    stage.database.authorities = None;
    assert_responds_500(&stage, "invalid peer certificate: UnknownIssuer");
}

#[test]
fn an_unreachable_server_allows_a_start_and_is_a_500_in_time() {
    let database = Database::new(Server::shared());
    let mut stage = Stage::of(&database);
    stage.database.port = says("").0;
    assert_responds_500(&stage, "there was no response within 2.5s");
    stage.database.port = 9;
    assert_responds_500(&stage, "error connecting to server");
}

#[test]
fn a_missing_or_malformed_setting_is_named_and_stops_the_start() {
    let database = Database::new(Server::shared());
    let stage = Stage::of(&database);
    for (name, bad, said) in [
        ("VISIT_STORE", "s3cret", "`VISIT_STORE` is malformed: it must be `dynamodb` or `postgres`"),
        ("DATABASE_HOST", "/s3cret", "`DATABASE_HOST` is malformed"),
        ("DATABASE_PORT", "", "`DATABASE_PORT` is not set"),
        ("DATABASE_NAME", "s3cret;", "`DATABASE_NAME` is malformed"),
        ("DATABASE_SECRET", "s3cret", "`DATABASE_SECRET` is malformed"),
        ("DATABASE_CA", "/nowhere/s3cret", "`DATABASE_CA` is malformed"),
    ] {
        let mut variables = stage.variables();
        variables.retain(|(variable, _)| *variable != name);
        let mut variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        variables.push((name, bad));
        let (status, log) = run_to_end(COUNTER, &variables);
        assert_eq!((status.code(), log.lines().count()), (Some(1), 1), "{log}");
        assert!(log.contains(said) && !log.contains("s3cret"), "{said}: {log}");
    }
}

#[cfg(not(feature = "dynamodb"))]
#[test]
fn without_a_choice_a_binary_without_dynamodb_names_the_feature() {
    let database = Database::new(Server::shared());
    let stage = Stage::of(&database);
    let variables = stage.variables();
    let chosen = variables.iter().filter(|(name, _)| *name != "VISIT_STORE");
    let variables: Vec<_> = chosen.map(|(name, value)| (*name, value.as_str())).collect();
    let (status, log) = run_to_end(COUNTER, &variables);
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("features = [\\\"dynamodb\\\"]"), "{log}");
}
