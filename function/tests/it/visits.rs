//! The command `visits`: its real binary over a DynamoDB in memory.

use std::process::{Command, Stdio};

use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use serde_json::{Value, json};

use crate::table::Table;

const CHROME: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36";

/// What a run of the command came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Nothing in the environment but what is given.
pub(crate) fn command(table: &Table, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_visits"));
    command.env_clear().args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.envs([
        ("DYNAMODB_TABLE", "visits"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDPERSON"),
        ("AWS_SECRET_ACCESS_KEY", "a-secret-key"),
        ("AWS_ENDPOINT_URL", table.endpoint.as_str()),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/nowhere"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/nowhere"),
    ]);
    command
}

pub(crate) fn ended(command: &mut Command) -> Ran {
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

pub(crate) fn visits(table: &Table, arguments: &[&str]) -> Ran {
    ended(&mut command(table, arguments))
}

pub(crate) fn json_of(table: &Table, arguments: &[&str]) -> Value {
    let ran = visits(table, &[arguments, &["--output", "json"]].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    serde_json::from_str(&ran.stdout).unwrap()
}

fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

/// Noon, the given number of days ago.
fn noon(today: Date, ago: i64) -> Timestamp {
    (today - ago.days()).at(12, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp()
}

/// Runs `check` with the date; once more if it was just changing.
fn on_one_day(check: impl Fn(Date) -> Ran, verify: impl Fn(Date, &Ran)) {
    let before = today();
    let ran = check(before);
    match today() {
        same if same == before => verify(before, &ran),
        next => verify(next, &check(next)),
    }
}

/// Five visits today and two the day before yesterday, and one that is out of three days.
fn table(today: Date) -> Table {
    let table = Table::start();
    for minute in 0..5 {
        table.visit(noon(today, 0) + SignedDuration::from_mins(minute), "/count", CHROME);
    }
    table.visit(noon(today, 2), "/dev/count", "curl/8.5.0");
    table.visit(noon(today, 2), "/dev/count", "Googlebot/2.1");
    table.visit(noon(today, 3), "/old", "old/1.0");
    table
}

#[test]
fn visits_are_charted_by_day_path_and_agent() {
    let chart = |today| visits(&table(today), &["--days", "3"]);
    on_one_day(chart, |today, ran| {
        let [first, middle] = [2, 1].map(|ago: i64| today - ago.days());
        let bar = |columns| "█".repeat(columns);
        // 2 of 5 in 66 columns are 26.4: three eighths of the last one.
        let expected = format!(
            "7 visits in `visits` from {first} to {today} (UTC)\n\
             \nby day\n{first}  2 {0}▍\n{middle}  0\n{today}  5 {1}\n\
             \nby path\n/count      5 {1}\n/dev/count  2 {0}▍\n\
             \nby agent\nChrome  5 {2}\nbots    1 {3}\ncurl    1 {3}\n",
            bar(26),
            bar(66),
            bar(70),
            bar(14),
        );
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), expected.as_str(), ""));
    });
}

#[test]
fn the_figures_are_json_too() {
    let chart = |today| visits(&table(today), &["--days", "3", "--output", "json"]);
    on_one_day(chart, |today, ran| {
        let [first, middle] = [2, 1].map(|ago: i64| today - ago.days());
        let expected = json!({
            "table": "visits", "from": first, "to": today, "visits": 7,
            "days": [
                {"name": first, "visits": 2}, {"name": middle, "visits": 0}, {"name": today, "visits": 5},
            ],
            "paths": [{"name": "/count", "visits": 5}, {"name": "/dev/count", "visits": 2}],
            "agents": [
                {"name": "Chrome", "visits": 5}, {"name": "bots", "visits": 1}, {"name": "curl", "visits": 1},
            ],
        });
        assert_eq!(serde_json::from_str::<Value>(&ran.stdout).unwrap(), expected);
    });
}

#[test]
fn only_what_is_asked_for_is_shown_and_thirty_days_by_default() {
    let table = table(today());
    let figures = json_of(&table, &["--by", "path,agent"]);
    let names: Vec<_> = figures.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["agents", "from", "paths", "table", "to", "visits"]);
    let figures = json_of(&table, &["--by", "day"]);
    assert_eq!((figures["days"].as_array().unwrap().len(), &figures["visits"]), (30, &json!(8)));
    assert!(table.asked("Query") >= 2 * 30, "one for each day");
}

#[test]
fn what_is_stored_does_nothing_to_the_terminal() {
    let table = Table::start();
    table.visit(Timestamp::now(), "/\u{1b}[2J\u{202e}\u{9b}31m", "\u{1b}]0;owned\u{7}/1");
    let shown = visits(&table, &["--days", "2"]).stdout;
    assert!(shown.contains("/\\u{1b}[2J\\u{202e}\\u{9b}31m  1 ") && shown.contains("\\u{1b}]0;owned\\u{7}"), "{shown}");
    assert!(!shown.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{7}']), "{shown:?}");
    let json = visits(&table, &["--days", "2", "--output", "json"]).stdout;
    assert!(json.is_ascii() && !json.contains('\u{1b}'), "{json}");
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["paths"][0]["name"], "/\u{1b}[2J\u{202e}\u{9b}31m");
}

#[test]
fn a_table_that_cannot_be_read_is_named_with_what_to_do() {
    let table = Table::start();
    for (code, message, hint) in [
        ("ResourceNotFoundException", "Requested resource not found", "hint: there is no such table in this account"),
        (
            "ValidationException",
            "The table does not have the specified index: by-day",
            "hint: Terraform makes the index",
        ),
        ("AccessDeniedException", "not authorized to perform: dynamodb:Query", "hint: allow the action"),
        ("UnrecognizedClientException", "The security token is invalid", "hint: log in"),
    ] {
        table.with(|state| state.refusal = Some((code, message)));
        let ran = visits(&table, &["--days", "1"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
        let said = format!("error: failed to query index `by-day` of table `visits`: {code}: {message}\n{hint}");
        assert!(ran.stderr.starts_with(&said), "{}", ran.stderr);
    }
}

#[test]
fn without_credentials_region_or_table_it_says_so() {
    let table = Table::start();
    for (lacks, error, hint) in [
        ("AWS_ACCESS_KEY_ID", "failed to query index `by-day` of table `visits`: ", "hint: log in (`aws sso login`)"),
        ("AWS_REGION", "failed to reach table `visits`: no region is set", "hint: set `AWS_REGION`"),
        ("DYNAMODB_TABLE", "`DYNAMODB_TABLE` is not set", "hint: name the table: `--table NAME`"),
    ] {
        let ran = ended(command(&table, &["--days", "1"]).env_remove(lacks));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{lacks}");
        assert!(ran.stderr.contains(error) && ran.stderr.contains(hint), "{lacks}: {}", ran.stderr);
    }
    let ran = ended(command(&table, &["--days", "1", "--table", "visits"]).env_remove("DYNAMODB_TABLE"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn a_command_line_that_makes_no_sense_is_a_usage_error() {
    let table = Table::start();
    for arguments in [&["--days", "0"][..], &["--days", "91"], &["--by", "hour"], &["--table", "a b"], &["count"]] {
        assert_eq!(visits(&table, arguments).code, Some(2), "{arguments:?}");
    }
    assert_eq!(table.asked("Query"), 0);
}
