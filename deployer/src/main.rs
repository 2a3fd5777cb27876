//! The binary: parse, run, print the error and one hint, exit.

use std::process::ExitCode;

use clap::Parser as _;
use deployer::cli::{Cli, Output};
use deployer::config::ProcessEnvironment;
use deployer::ending::Ending as _;
use deployer::report::Report;
use deployer::world::World;

#[tokio::main]
async fn main() -> ExitCode {
    let process = ProcessEnvironment::capture();
    let certificates = process.certificates();
    let world = World::trusting(certificates.as_deref().unwrap_or_default());
    let report =
        |output| Report::new(output, (process.allows_color(), process.allows_unicode()), process.github(), &world);
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => return report(Output::Text).usage(&message).into(),
    };
    let report =
        report(cli.global.output).with_detail(cli.global.detail()).with_live_lines(process.allows_live_lines());
    // Only fails if a provider was installed before, and none was.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ended = match certificates {
        Ok(_) => deployer::run(cli, process, &world, &report).await,
        Err(error) => Err(error),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(error) => {
            report.error(&error);
            error.exit().into()
        }
    }
}
