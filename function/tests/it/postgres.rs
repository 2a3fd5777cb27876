//! The store in a real PostgreSQL: alone, and under the real binary.

use std::{
    collections::BTreeSet,
    error::Error as _,
    thread,
    time::{Duration, Instant},
};

use function::{
    privacy::Pseudonym,
    settings::{self, SettingsError},
    store::{Counted, Store as _, StoreError, postgres::PostgresStore, shards::Shards},
    telemetry::{Calls, Service},
    visit::Visit,
};
use futures::future::join_all;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use crate::{
    lambda::{COUNTER, Lambda, run_to_end, ssm},
    memory::{SECRET, request},
    proxy::{Proxy, says},
    server::{ARN, Database, Secrets, Server, store},
    standin::StandIn,
};

/// A part of the password of every [`Database`].
const PASSWORD: &str = "p4ssword";

fn visit() -> Visit {
    visit_at(Timestamp::now())
}

fn visit_at(at: Timestamp) -> Visit {
    Visit::new(&request("GET", "/count"), Pseudonym::unknown(), at)
}

async fn count(store: &PostgresStore) -> u64 {
    store.count(&visit(), &Calls::default()).await.unwrap().total
}

async fn total(store: &PostgresStore) -> Result<u64, StoreError> {
    store.total(&Calls::default()).await
}

/// Why reading the total failed, as a log has it, which never has the password.
async fn refusal(store: &PostgresStore) -> String {
    let error = total(store).await.unwrap_err();
    let mut chain = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        chain += &format!(": {error}");
        cause = error.source();
    }
    assert!(!format!("{chain}{error:?}").contains(PASSWORD), "{error:?}");
    chain
}

/// A database, the secret with its password, and a store in it.
fn all_new() -> (Database<'static>, Secrets, PostgresStore) {
    let database = Database::new(Server::shared());
    let secrets = Secrets::of(&database);
    let store = database.store(&secrets);
    (database, secrets, store)
}

#[tokio::test]
async fn a_cold_start_on_an_empty_database_makes_the_tables_and_counts() {
    let (database, secrets, store) = all_new();
    store.warm().await;
    assert_eq!(database.sql("SELECT version || name FROM schema_migrations"), "1visits");
    let (visit, calls) = (visit(), Calls::default());
    assert_eq!(store.count(&visit, &calls).await.unwrap(), Counted { total: 1, new: true });
    assert_eq!((count(&store).await, total(&store).await.unwrap(), secrets.times_asked()), (2, 2, 1));

    let columns = "visitor_ip, user_agent, path, expiration_time - date_trunc('second', \"timestamp\")";
    let row = database.sql(&format!("SELECT {columns} FROM visits WHERE visit_id = '{}'", visit.id));
    assert_eq!(row, "unknown|unknown|/count|90 days");
    let moment = "SELECT to_char(\"timestamp\" AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') FROM visits";
    assert_eq!(database.sql(&format!("{moment} WHERE visit_id = '{}'", visit.id)), visit.timestamp());
    let service = Service { name: "PostgreSQL", resource: format!("{}@localhost", database.name), region: None };
    assert_eq!((store.service(), calls.into_inner()[0].operation), (&service, "Count"));
}

#[tokio::test]
async fn a_database_whose_server_restarts_counts_the_next_visit() {
    let server = Server::start();
    let database = Database::new(&server);
    let secrets = Secrets::of(&database);
    let store = database.store(&secrets);
    store.warm().await;
    assert_eq!(count(&store).await, 1);
    server.stop();
    let refused = refusal(&store).await;
    assert!(
        refused.starts_with(&format!("failed to read the total from `{}@localhost`: ", database.name)),
        "{refused}"
    );
    server.go_on();
    assert_eq!((count(&store).await, secrets.times_asked()), (2, 1));
    server.stop();
    server.go_on();
    assert_eq!(count(&store).await, 3);
}

#[tokio::test]
async fn of_visits_at_the_same_time_none_is_lost_and_each_has_a_number_of_its_own() {
    let (database, secrets, _) = all_new();
    let stores: Vec<_> = (0..8).map(|_| database.store(&secrets)).collect();
    let counted = join_all(stores.iter().map(async |store| {
        let mut numbers = vec![];
        for _ in 0..50 {
            numbers.push(count(store).await);
        }
        numbers
    }));
    let numbers: BTreeSet<_> = counted.await.into_iter().flatten().collect();
    assert_eq!(numbers, (1..=400).collect());
    assert_eq!(database.sql("SELECT count(*) FROM visits"), "400");
}

#[tokio::test]
async fn a_visit_that_comes_again_is_not_counted_again() {
    let (database, secrets, store) = all_new();
    let (visit, calls) = (visit(), Calls::default());
    for new in [true, false, false] {
        assert_eq!(store.count(&visit, &calls).await.unwrap(), Counted { total: 1, new });
    }
    assert_eq!(count(&store).await, 2);
    assert_eq!(store.count(&visit, &calls).await.unwrap().total, 2, "the total as it is now");

    let (stores, visit) = ((0..8).map(|_| database.store(&secrets)).collect::<Vec<_>>(), visit_at(Timestamp::now()));
    let counted = join_all(stores.iter().map(|store| store.count(&visit, &calls))).await;
    let counted: Vec<_> = counted.into_iter().map(Result::unwrap).collect();
    assert!(counted.iter().all(|counted| counted.total == 3), "{counted:?}");
    assert_eq!(counted.iter().filter(|counted| counted.new).count(), 1, "{counted:?}");
    assert_eq!((total(&store).await.unwrap(), database.sql("SELECT count(*) FROM visits").as_str()), (3, "3"));
}

#[tokio::test]
async fn a_total_in_shards_is_their_sum_and_loses_nothing_when_their_number_changes() {
    let (database, secrets, first) = all_new();
    assert_eq!(count(&first).await, 1);
    let four = store(database.settings(), "4".parse().unwrap(), &secrets);
    for number in 2..=40 {
        assert_eq!(count(&four).await, number);
    }
    assert_eq!(database.sql("SELECT count(*), sum(count) FROM totals"), "4|40");
    assert_eq!((total(&first).await.unwrap(), count(&first).await), (40, 41));
}

#[tokio::test]
async fn visits_at_the_same_time_in_shards_lose_none() {
    let (database, secrets, _) = all_new();
    let shards: Shards = "4".parse().unwrap();
    let stores: Vec<_> = (0..4).map(|_| store(database.settings(), shards, &secrets)).collect();
    join_all(stores.iter().map(async |store| {
        let mut before = 0;
        for _ in 0..25 {
            let now = count(store).await;
            assert!(now > before, "{now} after {before}");
            before = now;
        }
    }))
    .await;
    assert_eq!(total(&stores[0]).await.unwrap(), 100);
}

#[tokio::test]
async fn a_password_that_was_changed_is_read_again_when_the_server_refuses_the_old_one() {
    let (database, secrets, store) = all_new();
    store.warm().await;
    database.sql(&format!("ALTER ROLE {} PASSWORD 'another-p4ssword'", database.name));
    assert_eq!((count(&store).await, secrets.times_asked()), (1, 1), "the connection that there is goes on");
    database.hang_up();
    let refused = refusal(&store).await;
    assert!(refused.contains("the server answered 28P01 password authentication failed"), "{refused}");
    assert_eq!(secrets.times_asked(), 2, "once, since the secret was still the old one");

    secrets.hold(&json!({"username": database.name, "password": "another-p4ssword"}).to_string());
    assert_eq!((count(&store).await, secrets.times_asked()), (2, 3));
    database.hang_up();
    assert_eq!((count(&store).await, secrets.times_asked()), (3, 3), "the new one is kept");
}

#[tokio::test]
async fn a_secret_that_makes_no_sense_is_refused_and_not_shown() {
    let (database, secrets, store) = all_new();
    let sound = json!({"username": database.name, "password": database.password}).to_string();
    for secret in
        ["p4ssword", "\"p4ssword\"", "{\"password\": \"p4ssword\"}", "{\"username\": 1, \"password\": \"p4ssword\"}"]
    {
        secrets.hold(secret);
        let refused = refusal(&store).await;
        assert!(refused.ends_with("is no JSON object with the texts `username` and `password`"), "{refused}");
    }
    secrets.hold(&sound);
    assert_eq!(count(&store).await, 1);
}

#[tokio::test]
async fn a_server_of_another_authority_or_name_is_refused() {
    let (database, secrets, _) = all_new();
    let sound = database.settings();
    let other = Some(database.server.path("other.pem").into());
    for (said, settings) in [
        ("invalid peer certificate: ", settings::Database { authorities: other, ..sound.clone() }),
        ("invalid peer certificate: UnknownIssuer", settings::Database { authorities: None, ..sound.clone() }),
        ("certificate not valid for name \"127.0.0.1\"", settings::Database { host: "127.0.0.1".to_owned(), ..sound }),
    ] {
        let refused = refusal(&store(settings, Shards::ONE, &secrets)).await;
        assert!(refused.contains("error performing TLS handshake: ") && refused.contains(said), "{said}: {refused}");
    }
}

#[tokio::test]
async fn a_server_without_tls_hears_neither_user_nor_password() {
    let (database, secrets, _) = all_new();
    let (port, heard) = says("N");
    let refused = refusal(&store(settings::Database { port, ..database.settings() }, Shards::ONE, &secrets)).await;
    assert!(refused.contains("server does not support TLS"), "{refused}");
    let sent = heard.recv_timeout(Duration::from_secs(9)).unwrap();
    assert_eq!(sent, [0, 0, 0, 8, 4, 210, 22, 47], "the request for TLS, and nothing more");
}

#[tokio::test]
async fn a_connection_that_went_silent_is_given_up_and_its_visit_counted_once() {
    let (database, secrets, _) = all_new();
    let proxy = Proxy::start(database.server.port);
    let store = store(settings::Database { port: proxy.port, ..database.settings() }, Shards::ONE, &secrets);
    assert_eq!((count(&store).await, proxy.connections()), (1, 1));
    proxy.swallow_answers();
    let started = Instant::now();
    // The server gets it, and counts it; only its answer is lost.
    assert_eq!((count(&store).await, proxy.connections()), (2, 2));
    assert!(started.elapsed() < Duration::from_secs(7), "{:?}", started.elapsed());
    assert_eq!(database.sql("SELECT count(*) FROM visits"), "2");
    assert_eq!(count(&store).await, 3);
}

#[tokio::test]
async fn a_row_that_somebody_holds_is_not_waited_for_longer_than_a_visitor_would() {
    let (database, _secrets, store) = all_new();
    assert_eq!(count(&store).await, 1);
    database.hold_totals();
    let started = Instant::now();
    let error = store.count(&visit(), &Calls::default()).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    assert!(format!("{error:?}").contains("statement timeout"), "{error:?}");
    database.hang_up();
    assert_eq!((count(&store).await, database.sql("SELECT count(*) FROM visits").as_str()), (2, "2"));
}

#[tokio::test]
async fn of_many_starts_at_once_one_makes_the_tables() {
    let (database, secrets, _) = all_new();
    let stores: Vec<_> = (0..8).map(|_| database.store(&secrets)).collect();
    let totals = join_all(stores.iter().map(total)).await;
    assert!(totals.iter().all(|total| matches!(total, Ok(0))), "{totals:?}");
    assert_eq!(database.sql("SELECT count(*), min(version) FROM schema_migrations"), "1|1");
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_counted_in_and_left_as_it_is() {
    let (database, secrets, newer) = all_new();
    assert_eq!(count(&newer).await, 1);
    database.sql("INSERT INTO schema_migrations VALUES (999, 'newer', 'x')");
    database.sql("ALTER TABLE visits ADD COLUMN country text");
    let older = database.store(&secrets);
    assert_eq!((count(&older).await, count(&newer).await), (2, 3));
    assert_eq!(database.sql("SELECT version FROM schema_migrations ORDER BY 1"), "1\n999");
}

#[tokio::test]
async fn a_step_that_was_changed_after_it_was_applied_is_refused() {
    let (database, secrets, store) = all_new();
    assert_eq!(count(&store).await, 1);
    database.sql("UPDATE schema_migrations SET checksum = 'another'");
    let refused = refusal(&database.store(&secrets)).await;
    assert!(refused.contains("migration 1 is not the one that the database has"), "{refused}");
}

#[tokio::test]
async fn a_start_deletes_the_visits_that_have_expired_up_to_ten_thousand() {
    let (database, secrets, store) = all_new();
    let now = Timestamp::now();
    for age in [0, 89, 91, 200] {
        store.count(&visit_at(now - (age * 24).hours()), &Calls::default()).await.unwrap();
    }
    database.store(&secrets).warm().await;
    assert_eq!(database.sql("SELECT count(*) FROM visits"), "2");
    assert_eq!(total(&store).await.unwrap(), 4, "they stay counted");

    let many = "SELECT gen_random_uuid(), now(), '', '', '', now() - interval '1 day' FROM generate_series(1, 10500)";
    database.sql(&format!("INSERT INTO visits {many}"));
    database.store(&secrets).warm().await;
    assert_eq!(database.sql("SELECT count(*) FROM visits"), "502");
}

#[tokio::test]
async fn reading_the_total_writes_nothing() {
    let (database, secrets, store) = all_new();
    assert_eq!(count(&store).await, 1);
    database.sql(&format!("ALTER ROLE {} SET default_transaction_read_only = on", database.name));
    let reader = database.store(&secrets);
    assert_eq!(total(&reader).await.unwrap(), 1);
    let refused = reader.count(&visit(), &Calls::default()).await.unwrap_err();
    assert!(format!("{refused:?}").contains("read-only transaction"), "{refused:?}");
}

#[test]
fn a_file_without_certificates_is_no_authority() {
    let database = Database::new(Server::shared());
    let secrets = Secrets::of(&database);
    for file in ["hba", "nowhere.pem"] {
        let authorities = Some(database.server.path(file).into());
        let settings = settings::Database { authorities, ..database.settings() };
        let refused = thread::scope(|scope| scope.spawn(|| drop(store(settings, Shards::ONE, &secrets))).join());
        let message = refused.unwrap_err().downcast::<String>().unwrap();
        assert!(message.contains(&format!("{:?}", SettingsError::Authorities)), "{message}");
    }
}

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
            // Nothing listens there: it is asked for nothing else.
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
fn the_binary_counts_over_postgres_and_tells_of_it() {
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
    assert_eq!(log.iter().map(|line| line["message"].as_str().unwrap()).collect::<Vec<_>>(), ["answered"; 2]);
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
                        event["requestContext"]["requestId"] = json!(uuid::Uuid::new_v4().to_string());
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

/// Asserts that the function starts, answers a visit with the 500 for the store within its 10 s, and logs `said`.
fn assert_answers_500(stage: &Stage, said: &str) {
    let started = Instant::now();
    let function = stage.start();
    let answer = function.invoke(&event("/count"));
    assert!(started.elapsed() < Duration::from_secs(9), "init and visit together: {:?}", started.elapsed());
    assert_eq!(
        (&answer["statusCode"], &answer["headers"]["Access-Control-Allow-Origin"]),
        (&json!(500), &json!("https://a.example"))
    );
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["error"], "Database error");

    let log = function.log();
    let levels: Vec<_> = log.iter().map(|line| line["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["WARN", "ERROR", "INFO"], "cold, the cause, answered: {log:#?}");
    let cause = log[1]["cause"].as_str().unwrap();
    assert!(cause.starts_with(&format!("failed to count a visit in `{}@", stage.database.name)), "{cause}");
    assert!(cause.contains(said), "{said}: {cause}");
    assert!(!format!("{log:?}{answer}").contains(PASSWORD), "{log:#?}");
}

#[test]
fn a_server_that_is_not_the_databases_is_a_500_and_shows_in_the_log_only() {
    let database = Database::new(Server::shared());
    let mut stage = Stage::of(&database);
    stage.database.authorities = None;
    assert_answers_500(&stage, "invalid peer certificate: UnknownIssuer");
}

#[test]
fn a_server_that_is_down_or_does_not_answer_stops_no_start_and_is_a_500_in_time() {
    let database = Database::new(Server::shared());
    let mut stage = Stage::of(&database);
    stage.database.port = says("").0;
    assert_answers_500(&stage, "there was no answer within 2.5s");
    stage.database.port = 9;
    assert_answers_500(&stage, "error connecting to server");
}

#[test]
fn a_setting_that_is_missing_or_malformed_is_named_and_stops_the_start() {
    let database = Database::new(Server::shared());
    let stage = Stage::of(&database);
    for (name, bad, said) in [
        ("VISIT_STORE", "s3cret", "`VISIT_STORE` is malformed: it must be `dynamodb` or `postgres`"),
        ("DATABASE_HOST", "/s3cret", "`DATABASE_HOST` is malformed"),
        ("DATABASE_PORT", "", "`DATABASE_PORT` is not set"),
        ("DATABASE_NAME", "s3cret;", "`DATABASE_NAME` is malformed"),
        ("DATABASE_SECRET", "s3cret", "`DATABASE_SECRET` is malformed"),
        ("DATABASE_CA", "/nowhere/s3cret", "`DATABASE_CA` is malformed"),
        ("COUNTER_SHARDS", "17", "`COUNTER_SHARDS` is malformed"),
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
fn without_a_choice_a_binary_without_dynamodb_says_how_to_build_one() {
    let database = Database::new(Server::shared());
    let stage = Stage::of(&database);
    let variables = stage.variables();
    let chosen = variables.iter().filter(|(name, _)| *name != "VISIT_STORE");
    let variables: Vec<_> = chosen.map(|(name, value)| (*name, value.as_str())).collect();
    let (status, log) = run_to_end(COUNTER, &variables);
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("features = [\\\"dynamodb\\\"]"), "{log}");
}

#[cfg(feature = "visits")]
mod visits {
    //! The command `visits` over PostgreSQL.

    use super::*;
    use crate::visits::{Ran, ended};
    use std::process::{Command, Stdio};

    fn run(database: &Database<'_>, secrets: &Secrets, arguments: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_visits"));
        command.env_clear().args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.envs([
            ("VISIT_STORE", "postgres"),
            ("DATABASE_HOST", "localhost"),
            ("DATABASE_PORT", &database.server.port.to_string()),
            ("DATABASE_NAME", &database.name),
            ("DATABASE_SECRET", ARN),
            ("DATABASE_CA", &database.server.path("authority.pem")),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "AKIDPERSON"),
            ("AWS_SECRET_ACCESS_KEY", "a-secret-key"),
            ("AWS_ENDPOINT_URL", &secrets.endpoint()),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_CONFIG_FILE", "/nowhere"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/nowhere"),
        ]);
        ended(&mut command)
    }

    #[tokio::test]
    async fn visits_in_postgres_are_shown_by_day_path_and_agent() {
        let (database, secrets, store) = all_new();
        let now = Timestamp::now();
        for hours in [0, 24, 24, 24 * 40] {
            store.count(&visit_at(now - hours.hours()), &Calls::default()).await.unwrap();
        }
        let ran = run(&database, &secrets, &["--days", "7", "--output", "json"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let figures: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!((&figures["visits"], figures["days"].as_array().unwrap().len()), (&json!(3), 7));
        let visits: Vec<_> = figures["days"].as_array().unwrap().iter().map(|day| day["visits"].as_u64()).collect();
        assert_eq!((visits.iter().flatten().sum::<u64>(), visits.iter().flatten().max()), (3, Some(&2)), "{figures}");
        assert_eq!(figures["paths"], json!([{"name": "/count", "visits": 3}]));
        assert_eq!(figures["agents"], json!([{"name": "unknown", "visits": 3}]));
        let text = run(&database, &secrets, &["--days", "7"]).stdout;
        assert!(text.starts_with(&format!("3 visits in `{}@localhost` from ", database.name)), "{text}");
    }

    #[test]
    fn what_cannot_be_read_or_recounted_is_said_without_the_password() {
        let database = Database::new(Server::shared());
        let secrets = Secrets::of(&database);
        let recount = run(&database, &secrets, &["recount"]);
        assert_eq!(recount.code, Some(1));
        assert!(recount.stderr.contains("they cannot be apart"), "{recount:?}");
        let empty = run(&database, &secrets, &[]);
        assert!(empty.stderr.contains("the function makes it when it first connects"), "{empty:?}");
        assert!(
            empty.code == Some(1) && empty.stderr.contains("visits_") && empty.stderr.contains("hint: "),
            "{empty:?}"
        );
        assert!(!format!("{empty:?}{recount:?}").contains(PASSWORD), "{empty:?}");
    }
}
