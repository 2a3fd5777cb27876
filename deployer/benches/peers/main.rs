//! `cargo bench -p deployer`: releases by `deployer` beside the AWS CLI, cargo-lambda, Terraform and SAM, in one run.
//!
//! In: nothing but this workspace, `python3`, `rustc`, the packages of `requirements`, and Terraform if it is on the PATH. Out: Markdown
//! on stdout, and with `--write` the same in `docs/benchmark.md` and a chart in `docs/benchmark.svg`. All of them release the same
//! function to the same local AWS, through a proxy that counts, and take turns, so that what else the machine does meets all. A peer that
//! is missing is listed as missing.

mod aws;
mod calls;
mod cases;
mod chart;
mod code;
mod figures;
mod measure;
mod page;
mod proxy;
mod rounds;
mod table;
mod tools;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use tokio::signal::unix::{SignalKind, signal};

use crate::figures::Figures;

/// Where everything goes that is made here.
const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");

/// Rounds without a delay, and as many with it. `--rounds N` changes it.
const ROUNDS: usize = 3;

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        return Ok(ExitCode::SUCCESS); // `cargo test --all-targets` runs this too, and it is not a test
    }
    let named = arguments.iter().position(|argument| argument == "--rounds").and_then(|at| arguments.get(at + 1));
    let rounds = named.map_or(Ok(ROUNDS), |number| number.parse()).context("`--rounds` needs a number")?;
    let write = arguments.iter().any(|argument| argument == "--write");
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let [mut interrupted, mut terminated] = [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?];
        // What is dropped stops its processes.
        let figures = tokio::select! {
            figures = run(rounds) => figures?,
            _ = interrupted.recv() => return Ok(ExitCode::from(130)),
            _ = terminated.recv() => return Ok(ExitCode::from(143)),
        };
        let text = table::text(&figures);
        writeln!(std::io::stdout(), "{text}")?;
        if write {
            page::write(&text, &chart::svg(&figures))?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Makes the local AWS and the projects, and lets all cases take turns.
async fn run(rounds: usize) -> Result<Figures> {
    let scratch = Path::new(SCRATCH).join("peers");
    let tools = tools::Tools::find(&scratch).await?;
    let proxy = proxy::Proxy::start().await?;
    let aws = aws::Aws::start(&scratch, &tools, &proxy).await?;
    let code = code::Code::compile(&scratch).await?;
    let setting = cases::Setting { folder: scratch.join("projects"), tools: &tools, aws: &aws, proxy: &proxy };
    let cases = cases::prepare(&setting, &code).await?;
    let rounds = rounds::run(&setting, &code, &cases, rounds).await?;
    Figures::of(&tools, &cases, &rounds)
}
