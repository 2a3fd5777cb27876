//! `visits recount`: the real binary over a DynamoDB in memory.

use std::{
    process::Child,
    sync::atomic::{AtomicBool, Ordering},
    thread::{scope, sleep},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    table::{Fault, Table},
    visits::{Ran, command, json_of, visits},
};

/// Before, after, settle: in milliseconds.
const QUICK: &str = "40,10,20";
/// Long enough for a test to do something between the total and the log.
const SLOW: &str = "40,10,1000";

fn recount(table: &Table, arguments: &[&str]) -> Ran {
    visits(table, &[&["recount", "--pace", QUICK], arguments].concat())
}

pub(crate) fn recounted(table: &Table, arguments: &[&str]) -> Value {
    json_of(table, &[&["recount", "--pace", QUICK], arguments].concat())
}

fn ago(seconds: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_secs(seconds)
}

const DAY: i64 = 24 * 60 * 60;

/// A table with three visits of which only one was added, in another shard, where there is one addition
/// without a visit.
fn drifted() -> Table {
    let table = Table::start();
    table.with(|state| state.created = ago(10 * DAY));
    for seconds in [9 * DAY, DAY, 60] {
        table.visit(ago(seconds), "/count", "curl/8");
    }
    table.add("total", -1);
    table.add("total#3", 3);
    table
}

#[test]
fn without_yes_the_difference_is_shown_and_nothing_is_written() {
    let table = drifted();
    let ran = recount(&table, &[]);
    assert_eq!((ran.code, table.asked("UpdateItem"), table.total()), (Some(0), 0, 2), "{ran:?}");
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert!(lines[0].starts_with("total        2  in `visits` at 2"), "{}", lines[0]);
    assert_eq!(lines[1], "visits       3  all that there were");
    assert_eq!(lines[2], "difference  +1  nothing was written; `--yes` adds it to the total");
}

#[test]
fn with_yes_the_total_agrees_and_the_next_recount_starts_there() {
    let table = drifted();
    let first = recounted(&table, &["--yes"]);
    let shown = json!({
        "table": "visits", "at": first["at"], "total": 2, "visits": 3, "difference": 1, "checkpoint": null,
        "from_here": false, "written": true,
    });
    assert_eq!((first, table.total()), (shown, 3));
    let left = table.left().unwrap();
    assert_eq!(left.total, 3);
    // What was before the checkpoint may leave the log: only what came since is counted.
    table.visit(ago(5 * DAY), "/count", "curl/8");
    table.visit(left.at, "/count", "curl/8");
    sleep(Duration::from_millis(60));
    let second = recounted(&table, &["--yes"]);
    assert_eq!((&second["visits"], &second["checkpoint"]["total"]), (&json!(4), &json!(3)));
    assert_eq!((table.total(), table.left().unwrap().total), (4, 4));
    assert_eq!(table.asked("DescribeTable"), 1, "a table's age plays no role once there is a checkpoint");
}

#[test]
fn a_log_that_does_not_reach_back_is_refused_unless_it_counts_from_here() {
    let old = || {
        let table = drifted();
        table.with(|state| state.created = ago(100 * DAY));
        table
    };
    let restored = drifted();
    restored.with(|state| state.restored = true);
    let stale = drifted();
    stale.checkpoint(7, ago(89 * DAY + 5));
    let future = drifted();
    future.checkpoint(7, ago(-60));
    for (table, why) in [
        (old(), "there is no checkpoint, the table is of "),
        (restored, "made from a backup, may have lost visits"),
        (stale, "and visits leave the log after 90 days"),
        (future, "which is in the future"),
    ] {
        let ran = recount(&table, &["--yes"]);
        assert_eq!((ran.code, table.asked("UpdateItem")), (Some(1), 0), "{ran:?}");
        assert!(ran.stderr.contains(why) && ran.stderr.contains("hint: `visits recount --from-here"), "{}", ran.stderr);
        let from_here = recounted(&table, &["--from-here", "--yes"]);
        assert_eq!((&from_here["difference"], &from_here["written"]), (&json!(0), &json!(true)));
        assert_eq!((&from_here["from_here"], &from_here["checkpoint"]), (&json!(true), &json!(null)));
        assert_eq!((table.total(), table.left().unwrap().total), (2, 2));
    }
}

#[test]
fn visits_that_keep_coming_are_refused() {
    let (table, done) = (drifted(), AtomicBool::new(false));
    let ran = scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                table.visit(Timestamp::now(), "/count", "curl/8");
                sleep(Duration::from_millis(5));
            }
        });
        // So long that there is a visit within it, however busy this machine is.
        let ran = visits(&table, &["recount", "--yes", "--pace", "3000,10,5"]);
        done.store(true, Ordering::SeqCst);
        ran
    });
    assert_eq!((ran.code, table.asked("UpdateItem")), (Some(1), 0), "{ran:?}");
    assert!(ran.stderr.contains("(10 of 10)") && ran.stderr.contains("visits keep coming"), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: come back when it is quiet"), "{}", ran.stderr);
}

#[test]
fn a_recount_waits_for_a_visit_that_the_index_does_not_show_yet() {
    let table = drifted();
    table.with(|state| state.lag = Duration::from_secs(1));
    table.visit(Timestamp::now(), "/count", "curl/8");
    let found = json_of(&table, &["recount", "--pace", "1400,10,1200"]);
    assert_eq!(found["visits"], 4);
}

/// Starts a slow recount, and does `meanwhile` when it has read the total.
fn interrupted(table: &Table, meanwhile: impl FnOnce()) -> Ran {
    let child: Child = command(table, &["recount", "--yes", "--pace", SLOW]).spawn().unwrap();
    let started = Instant::now();
    // Twice: the stand-in leaves some of the keys for a second call.
    while table.asked("BatchGetItem") < 2 && started.elapsed() < Duration::from_secs(20) {
        sleep(Duration::from_millis(2));
    }
    meanwhile();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn of_two_recounts_at_once_one_is_refused() {
    let table = drifted();
    let ran = interrupted(&table, || {
        table.add("total", 1);
        table.checkpoint(3, Timestamp::now());
    });
    assert_eq!((ran.code, table.total()), (Some(1), 3), "{ran:?}");
    assert!(ran.stderr.contains("another recount has written its checkpoint meanwhile"), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: run it again"), "{}", ran.stderr);
}

#[test]
fn what_is_counted_during_a_recount_is_kept() {
    let table = drifted();
    let ran = interrupted(&table, || table.add("total", 5));
    assert_eq!((ran.code, table.total()), (Some(0), 3 + 5), "{ran:?}");
}

#[test]
fn a_clock_that_is_wrong_is_refused() {
    for seconds in [-60, 60] {
        let table = drifted();
        table.with(|state| state.clock = seconds);
        let ran = recount(&table, &["--yes"]);
        assert_eq!((ran.code, table.asked("UpdateItem")), (Some(1), 0), "{ran:?}");
        assert!(ran.stderr.contains("this machine's clock is off by "), "{}", ran.stderr);
    }
}

#[test]
fn a_lost_answer_is_not_asked_for_again_and_the_next_recount_knows() {
    let table = drifted();
    table.faults("AKIDPERSON", "UpdateItem", [Some(Fault::Lost)]);
    let ran = recount(&table, &["--yes"]);
    assert_eq!((ran.code, table.asked("UpdateItem"), table.total()), (Some(1), 1, 3), "{ran:?}");
    assert!(ran.stderr.contains("hint: whether it was written is not known: run it again"), "{}", ran.stderr);
    assert_eq!(recounted(&table, &["--yes"])["difference"], 0);
    assert_eq!(table.total(), 3);
}
