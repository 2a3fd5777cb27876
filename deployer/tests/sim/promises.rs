//! The promises as figures: what was tried, in how many cases, how often a promise was broken, and how long it took.
//!
//! Every row lies in the build folder by itself; each new one makes the table anew, `target/tmp/promises.md`.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// One row of the table.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    promise: String,
    how: String,
    cases: usize,
    violations: usize,
    #[serde(default)]
    seconds: f64,
}

/// One row at a time.
static TABLE: Mutex<()> = Mutex::new(());

/// Notes what came of the cases of `what` that began then.
pub(crate) fn measured(what: &str, how: &str, cases: usize, violations: usize, began: Instant) {
    let (promise, how, seconds) = (what.to_owned(), how.to_owned(), began.elapsed().as_secs_f64());
    println!("{what}: {cases} cases, {violations} violations, {seconds:.1} s");
    let row = Row { promise, how, cases, violations, seconds };
    let _one = TABLE.lock();
    std::fs::create_dir_all(folder()).unwrap();
    let name = format!("sim-{}.json", what.replace(|letter: char| !letter.is_alphanumeric(), "-"));
    std::fs::write(folder().join(name), serde_json::to_vec(&row).unwrap()).unwrap();
    write_table();
}

fn write_table() {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut table = String::from("| what | how | cases | violations | seconds |\n|---|---|---:|---:|---:|\n");
    for file in files {
        let row: Row = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let Row { promise, how, cases, violations, seconds } = row;
        table += &format!("| {promise} | {how} | {cases} | {violations} | {seconds:.0} |\n");
    }
    std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("promises.md"), table).unwrap();
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("promises")
}
