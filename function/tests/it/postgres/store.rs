//! The store alone.

use std::{
    collections::BTreeSet,
    thread,
    time::{Duration, Instant},
};

use function::{
    settings::{self, SettingsError},
    store::{Counted, Store as _},
    telemetry::{Calls, Service},
};
use futures::future::join_all;
use jiff::{Timestamp, ToSpan as _};
use serde_json::json;

use super::{all_new, count, refusal, total, visit, visit_at};
use crate::{
    proxy::{Proxy, says},
    server::{Database, Secrets, Server, store},
};

#[tokio::test]
async fn a_cold_start_on_an_empty_database_creates_the_tables() {
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
async fn the_server_ends_an_idle_session_and_no_visit_is_lost() {
    let (database, secrets, store) = all_new();
    store.warm().await;
    // The settings of the session that counts, written by itself.
    database.sql("ALTER TABLE visits ADD COLUMN idle text DEFAULT current_setting('idle_session_timeout')");
    assert_eq!(count(&store).await, 1);
    assert_eq!(database.sql("SELECT idle FROM visits"), "2min");
    // As the server does it after those 2 minutes: it closes the connection.
    let mine =
        format!("FROM pg_stat_activity WHERE datname = '{}' AND application_name = 'visitor-counter'", database.name);
    assert_eq!(database.sql(&format!("SELECT count(pg_terminate_backend(pid, 5000)) {mine}")), "1");
    assert_eq!((count(&store).await, secrets.times_asked()), (2, 1));
    assert_eq!(database.sql(&format!("SELECT count(*) {mine}")), "1");
}

#[tokio::test]
async fn simultaneous_visits_are_all_counted_with_distinct_totals() {
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
async fn a_refused_password_is_read_again() {
    let (database, secrets, store) = all_new();
    store.warm().await;
    database.sql(&format!("ALTER ROLE {} PASSWORD 'another-p4ssword'", database.name));
    assert_eq!((count(&store).await, secrets.times_asked()), (1, 1), "the connection that there is goes on");
    database.hang_up();
    let refused = refusal(&store).await;
    assert!(refused.contains("the server returned 28P01 password authentication failed"), "{refused}");
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
        assert!(refused.ends_with("is not a JSON object with the texts `username` and `password`"), "{refused}");
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
        let refused = refusal(&store(settings, &secrets)).await;
        assert!(refused.contains("error performing TLS handshake: ") && refused.contains(said), "{said}: {refused}");
    }
}

#[tokio::test]
async fn a_server_without_tls_hears_neither_user_nor_password() {
    let (database, secrets, _) = all_new();
    let (port, heard) = says("N");
    let refused = refusal(&store(settings::Database { port, ..database.settings() }, &secrets)).await;
    assert!(refused.contains("server does not support TLS"), "{refused}");
    let sent = heard.recv_timeout(Duration::from_secs(9)).unwrap();
    assert_eq!(sent, [0, 0, 0, 8, 4, 210, 22, 47], "the request for TLS, and nothing more");
}

#[tokio::test]
async fn a_visit_over_a_silent_connection_is_counted_once() {
    let (database, secrets, _) = all_new();
    let proxy = Proxy::start(database.server.port);
    let store = store(settings::Database { port: proxy.port, ..database.settings() }, &secrets);
    assert_eq!((count(&store).await, proxy.connections()), (1, 1));
    proxy.swallow_responses();
    let started = Instant::now();
    // The server gets it and counts it; only its response is lost.
    assert_eq!((count(&store).await, proxy.connections()), (2, 2));
    assert!(started.elapsed() < Duration::from_secs(7), "{:?}", started.elapsed());
    assert_eq!(database.sql("SELECT count(*) FROM visits"), "2");
    assert_eq!(count(&store).await, 3);
}

#[tokio::test]
async fn a_locked_row_is_a_timeout_before_the_visitor_gives_up() {
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
async fn a_newer_database_is_used_and_left_unchanged() {
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
async fn a_start_deletes_up_to_ten_thousand_expired_visits() {
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
fn a_file_without_certificates_is_refused() {
    let database = Database::new(Server::shared());
    let secrets = Secrets::of(&database);
    for file in ["hba", "nowhere.pem"] {
        let authorities = Some(database.server.path(file).into());
        let settings = settings::Database { authorities, ..database.settings() };
        let refused = thread::scope(|scope| scope.spawn(|| drop(store(settings, &secrets))).join());
        let message = refused.unwrap_err().downcast::<String>().unwrap();
        assert!(message.contains(&format!("{:?}", SettingsError::Authorities)), "{message}");
    }
}
