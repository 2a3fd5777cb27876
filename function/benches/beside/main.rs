//! `cargo bench -p function`: the function `counter`, as it would be deployed, beside the same function in Python, in one run.
//! `cargo bench -p function -- --binaries FILE…`: builds of `counter` beside each other ([`binaries`]).
//!
//! In: nothing but this workspace, `python3`, and the packages of `requirements.txt`. Out: a Markdown table on
//! stdout, and an exit code other than 0 where a target is missed. Both functions run as Lambda runs them,
//! between stand-ins on loopback for the runtime's API, DynamoDB and SSM, in alternating rounds, so that
//! what else the machine does meets both. Only ratios are compared: absolute times are the machine's.

mod aws;
mod binaries;
mod figures;
mod function;
mod http;
mod percentile;
mod process;
mod python;
mod rounds;
mod same;
mod soak;
mod targets;
mod zips;

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result};

use crate::{aws::Aws, figures::Figures, function::Function};

/// Where everything goes that is made here.
const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");

fn main() -> Result<ExitCode> {
    let arguments: Vec<_> = std::env::args().collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        return Ok(ExitCode::SUCCESS); // `cargo test --all-targets` runs this too, and it is not a test
    }
    let scratch = PathBuf::from(SCRATCH).join("beside");
    std::fs::create_dir_all(&scratch)?;
    if let Some(at) = arguments.iter().position(|argument| argument == "--binaries") {
        let binaries = arguments.iter().skip(at + 1).filter(|argument| !argument.starts_with("--")).map(Path::new);
        let aws = Aws::start(&scratch, &python::prepare(&scratch)?.roots)?;
        let table = binaries::table(&aws, &binaries.collect::<Vec<_>>(), &scratch)?;
        writeln!(std::io::stdout(), "{table}")?;
        return Ok(ExitCode::SUCCESS);
    }
    compare(&scratch)
}

fn compare(scratch: &Path) -> Result<ExitCode> {
    let zips = zips::build(&scratch.join("artifact"))?;
    let python = python::prepare(scratch)?;
    let aws = Aws::start(scratch, &python.roots)?;
    let python = python.function;
    let counter = counter(zips.get("counter").context("no zip of `counter`")?, &python, scratch)?;
    same::check(&aws, &counter, &python)?;
    let [rust, python] = rounds::run(&aws, [&counter, &python])?.map(|rounds| Figures::of(&rounds));
    let delay = aws.delay();
    let soak = soak::run(&aws, &counter)?;
    let lines = targets::lines(&rust, &python, delay, &soak, &zips::sizes(&zips)?);
    let table = targets::table(&lines, delay);
    writeln!(std::io::stdout(), "{table}")?;
    let met = lines.iter().all(targets::Line::met);
    Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The binary that would be deployed, and not one that cargo built for this benchmark: with other features and flags.
fn counter(zip: &Path, python: &Function, scratch: &Path) -> Result<Function> {
    let interpreter = python.command.first().context("a function without a command")?;
    let bootstrap = zips::unpack(zip, interpreter, &scratch.join("counter"))?;
    Ok(Function { name: "Rust", command: vec![bootstrap.into()], folder: scratch.to_path_buf() })
}
