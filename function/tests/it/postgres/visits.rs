//! The command `visits` over PostgreSQL.

use std::process::{Command, Stdio};

use function::{store::Store as _, telemetry::Calls};
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use super::{PASSWORD, all_new, visit_at};
use crate::{
    server::{ARN, Database, Secrets, Server},
    visits::{Ran, ended},
};

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
fn a_database_without_tables_is_an_error_without_the_password() {
    let database = Database::new(Server::shared());
    let secrets = Secrets::of(&database);
    let empty = run(&database, &secrets, &[]);
    assert!(empty.stderr.contains("the function creates it when it first connects"), "{empty:?}");
    assert!(empty.code == Some(1) && empty.stderr.contains("visits_") && empty.stderr.contains("hint: "), "{empty:?}");
    assert!(!format!("{empty:?}").contains(PASSWORD), "{empty:?}");
}
