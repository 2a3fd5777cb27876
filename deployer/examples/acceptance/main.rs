//! Acceptance in a real account: makes everything, uses it as a project would, destroys it again, and writes a report.
//!
//! Started by `.ci/acceptance`. Every name that it makes begins with the prefix; it touches nothing else, but for API Gateway's log
//! role of the account where none is set, which it takes away again.

mod account;
mod command;
mod facts;
mod report;
mod run;
mod steps;
mod workspace;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;

/// Tries `deployer`, its Terraform and what both rely on in an AWS account, and removes everything again.
///
/// It takes the credentials that the AWS SDK finds (a profile, SSO, variables). They need an administrator's rights. It costs a few
/// cents, and takes about 25 minutes.
#[derive(Debug, Parser)]
#[command(name = ".ci/acceptance")]
pub(crate) struct Arguments {
    /// What every name begins with: 2 to 23 lower-case letters and digits, in words joined by hyphens.
    #[arg(long)]
    prefix: String,
    /// The AWS region.
    #[arg(long)]
    region: String,
    /// Begin without asking.
    #[arg(long)]
    yes: bool,
    /// Only try the facts about AWS, on a function, an API and a table that are removed again.
    #[arg(long, conflicts_with = "destroy")]
    probe_only: bool,
    /// Only destroy what an earlier run with this prefix left.
    #[arg(long)]
    destroy: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    // Only fails if a provider was installed before, and none was.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match run::run(&Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Words go to stderr.
pub(crate) fn say(line: &str) {
    // If this fails, there is no way left to report it.
    let _ = writeln!(std::io::stderr(), "{line}");
}
