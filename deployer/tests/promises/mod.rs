//! The promises as figures: each promise, how it was tested, in how many cases, how often it was broken, and how long it took.
//!
//! Part of each test binary that measures. Every row is a file in the build folder, and each new one rewrites the table of all rows:
//! `target/tmp/promises.md`. A binary's first row removes the rows of its earlier runs.

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
    seconds: f64,
}

/// The number of rows that this process has written. The mutex lets one be written at a time.
static ROWS: Mutex<usize> = Mutex::new(0);

/// Records the result of a promise's cases, and fails the test if the promise was broken.
#[track_caller]
pub(crate) fn kept(promise: &str, how: &str, cases: usize, violations: &[String], began: Instant) {
    measured(promise, how, cases, violations.len(), began);
    assert!(cases > 0, "{promise}: no case was tested");
    let broken = violations.join("\n");
    assert!(violations.is_empty(), "{promise}: {} violations in {cases} cases\n{broken}", violations.len());
}

/// Records the result of a promise's cases.
#[expect(clippy::print_stdout, reason = "the figures are what the command is for")]
pub(crate) fn measured(promise: &str, how: &str, cases: usize, violations: usize, began: Instant) {
    let (promise, how, seconds) = (promise.to_owned(), how.to_owned(), began.elapsed().as_secs_f64());
    println!("{promise}: {cases} cases, {violations} violations, {seconds:.1} s");
    let mut rows = ROWS.lock().unwrap();
    std::fs::create_dir_all(folder()).unwrap();
    let binary = env!("CARGO_CRATE_NAME");
    if *rows == 0 {
        let own = format!("{binary}-");
        let earlier = files().filter(|file| file.file_name().unwrap().to_str().unwrap().starts_with(&own));
        // Another run of the same binary may have removed it already.
        earlier.for_each(|file| drop(std::fs::remove_file(file)));
    }
    *rows += 1;
    let row = Row { promise, how, cases, violations, seconds };
    write(&folder().join(format!("{binary}-{rows:03}.json")), &serde_json::to_vec(&row).unwrap());
    write(&folder().with_extension("md"), table().as_bytes());
}

/// Replaces the file in one step, so that no reader gets half of it.
fn write(file: &Path, bytes: &[u8]) {
    let new = file.with_extension(format!("{}.new", std::process::id()));
    std::fs::write(&new, bytes).unwrap();
    std::fs::rename(new, file).unwrap();
}

fn table() -> String {
    let mut files: Vec<PathBuf> = files().filter(|file| file.extension().is_some_and(|end| end == "json")).collect();
    files.sort();
    let rows = files.iter().filter_map(|file| serde_json::from_slice::<Row>(&std::fs::read(file).ok()?).ok());
    let line = |Row { promise, how, cases, violations, seconds }| {
        format!("| {promise} | {how} | {cases} | {violations} | {seconds:.0} |\n")
    };
    let head = "| promise | how it was tested | cases | violations | seconds |\n|---|---|---:|---:|---:|\n".to_owned();
    rows.map(line).fold(head, |table, line| table + &line)
}

fn files() -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path())
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("promises")
}
