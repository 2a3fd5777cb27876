//! Builds of `counter` beside each other, before a change and after it: the instructions and the CPU time of a visit.
//!
//! Valgrind counts the instructions: what else the machine does changes nothing in them. What the kernel does for a visit is not
//! in them, and SHA-256 is in software there. CPU time has both.

use std::{fmt::Write as _, path::Path};

use anyhow::{Context as _, Result};

use crate::{
    aws::Aws,
    figures::Figures,
    function::{Function, Running},
    rounds,
};

const ROUNDS: usize = 10;

/// The visits of the shorter run. The longer one has this number more, so that the difference is without init.
const VISITS: u64 = 200;

/// A table of `binaries`. The profiles of the longer runs stay in `scratch`, for `callgrind_annotate`.
pub(crate) fn table(aws: &Aws, binaries: &[&Path], scratch: &Path) -> Result<String> {
    aws.hurry();
    let mut table = "| | instructions of a visit | CPU of a visit | peak memory |\n|---|---:|---:|---:|\n".to_owned();
    for (binary, figures) in binaries.iter().zip(compared(aws, binaries, scratch)?) {
        let instructions = instructions(aws, binary, scratch)?;
        let cpu = figures.cpu.as_secs_f64() * 1e6;
        let (binary, memory) = (binary.display(), figures.memory as f64 / 1e6);
        writeln!(table, "| `{binary}` | {instructions} | {cpu:.1} µs | {memory:.1} MB |")?;
    }
    Ok(table)
}

/// In alternating rounds.
fn compared(aws: &Aws, binaries: &[&Path], scratch: &Path) -> Result<Vec<Figures>> {
    let mut rounds = vec![vec![]; binaries.len()];
    for _ in 0..ROUNDS {
        for (binary, rounds) in binaries.iter().zip(&mut rounds) {
            let command = vec![binary.as_os_str().to_owned()];
            rounds.push(rounds::round(&Function { name: "Rust", command, folder: scratch.into() }, aws)?);
        }
    }
    Ok(rounds.iter().map(|rounds| Figures::of(rounds)).collect())
}

fn instructions(aws: &Aws, binary: &Path, scratch: &Path) -> Result<u64> {
    let shorter = count(aws, binary, scratch, VISITS)?;
    let longer = count(aws, binary, scratch, 2 * VISITS)?;
    Ok((longer - shorter) / VISITS)
}

fn count(aws: &Aws, binary: &Path, scratch: &Path, visits: u64) -> Result<u64> {
    let name = binary.to_string_lossy().replace('/', "-");
    let profile = scratch.join(format!("callgrind{name}.out"));
    let valgrind = ["valgrind", "--tool=callgrind"].map(Into::into);
    let out = format!("--callgrind-out-file={}", profile.display()).into();
    let command = valgrind.into_iter().chain([out, binary.into()]).collect();
    let running = Running::start(&Function { name: "callgrind", command, folder: scratch.into() }, aws)?;
    for _ in 0..visits {
        rounds::visit(&running)?;
    }
    running.end()?;
    let written = std::fs::read_to_string(&profile).context("valgrind wrote no profile")?;
    let total = written.lines().rev().find_map(|line| line.strip_prefix("totals: "));
    total.and_then(|total| total.trim().parse().ok()).context("valgrind's profile has no total")
}
