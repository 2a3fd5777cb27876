//! The promises as figures: what was promised, how it was tried, in how many cases, and how often it was broken.
//!
//! Each trial that measures a promise leaves a row in the build folder; when the run ends, all rows that lie there are
//! made into one table, `target/tmp/promises.md`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// One row of the table.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    promise: String,
    how: String,
    cases: usize,
    violations: usize,
}

/// Leaves a row under `name`, which also orders them, and fails the test if the promise was broken.
#[track_caller]
pub(crate) fn measured(name: &str, promise: &str, how: &str, cases: usize, violations: &[String]) {
    let row = Row { promise: promise.to_owned(), how: how.to_owned(), cases, violations: violations.len() };
    std::fs::create_dir_all(folder()).unwrap();
    std::fs::write(folder().join(format!("{name}.json")), serde_json::to_vec(&row).unwrap()).unwrap();
    assert!(cases > 0, "{promise}: nothing was tried");
    assert!(
        violations.is_empty(),
        "{promise}: {} violations in {cases} cases\n{}",
        violations.len(),
        violations.join("\n")
    );
}

/// Writes the table of all rows that there are; nothing if there are none.
#[expect(clippy::print_stdout, reason = "the figures are what the command is for")]
pub(crate) fn write_table() {
    let Ok(entries) = std::fs::read_dir(folder()) else { return };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut table = String::from("| promise | how it was tried | cases | violations |\n|---|---|---:|---:|\n");
    for file in files {
        let row: Row = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        table += &format!("| {} | {} | {} | {} |\n", row.promise, row.how, row.cases, row.violations);
    }
    std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("promises.md"), &table).unwrap();
    println!("\n{table}");
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("promises")
}
