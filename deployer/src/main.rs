//! The front door: parse, run, print the error and one hint, exit.

use std::process::ExitCode;

use clap::Parser as _;
use deployer::cli::Cli;
use deployer::config::ProcessEnvironment;
use deployer::failure::{Exit, Failure};
use deployer::report::Report;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => {
            let wrong = message.use_stderr();
            // Where even this cannot be printed, the exit code still tells.
            let _ = message.print();
            return if wrong { Exit::Usage.into() } else { Exit::Done.into() };
        }
    };
    let process = ProcessEnvironment::capture();
    let report = Report::new(cli.global.output, process.allows_color(), process.github());
    report.hide_secrets();
    // Only fails if a provider was installed before, and none was.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match deployer::run(cli, process, &report).await {
        Ok(exit) => exit.into(),
        Err(error) => {
            report.error(&error);
            Failure::exit_of(&error).into()
        }
    }
}
