//! The command line, as clap types. Parsing only: nothing here decides or prints.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// Releases AWS Lambda functions behind API Gateway, safely and fast.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true, disable_help_subcommand = true)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The flags of every command.
#[derive(Debug, clap::Args)]
pub struct Global {
    /// Means the environments of the local AWS (also: DEPLOYER_LOCAL=1)
    #[arg(long, global = true)]
    pub local: bool,
    /// How the result is written to stdout
    #[arg(long, global = true, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
    /// The configuration [default: `deployer.toml` here or in a folder above]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// How the result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For programs: one JSON document.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Something with what `deployer.toml` describes.
    #[command(flatten)]
    Configured(Configured),
    /// Refuse a Terraform plan that would cut live traffic, before it is applied; changes nothing
    Guard {
        /// What `terraform show -json PLAN` says, in a file
        plan: PathBuf,
        /// What `terraform show -no-color PLAN` says, in a file: in GitHub Actions the run's page shows it
        #[arg(long, value_name = "FILE")]
        text: Option<PathBuf>,
        /// Nothing that is live, or within retention, needs what the plan removes or lowers
        #[arg(long)]
        retired: bool,
    },
    /// Write a first `deployer.toml` for the functions that an account has already; asks before it makes anything there
    Init(InitArguments),
    /// Write the completions of a shell to stdout
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// What `init` looks for.
#[derive(Debug, clap::Args)]
pub struct InitArguments {
    /// The environment that is released to first
    #[arg(default_value = "dev")]
    pub environment: String,
    /// The application [default: the ledger's, or the name of the folder]
    #[arg(long, value_name = "NAME")]
    pub app: Option<String>,
    /// Functions whose name has this in it [default: the application's name]
    #[arg(long, value_name = "PART", conflicts_with_all = ["tag", "cloudformation"])]
    pub name: Option<String>,
    /// Functions with this tag
    #[arg(long, value_name = "KEY=VALUE", value_parser = tag, conflicts_with = "cloudformation")]
    pub tag: Option<(String, String)>,
    /// Functions of this CloudFormation stack
    #[arg(long, value_name = "STACK")]
    pub cloudformation: Option<String>,
    /// The alias that callers use [default: the only one, `live`, or the environment's name]
    #[arg(long, value_name = "NAME")]
    pub alias: Option<String>,
    /// The ledger's DynamoDB table [default: `APP-ledger-ENVIRONMENT`]
    #[arg(long, value_name = "TABLE")]
    pub ledger: Option<String>,
    /// The region [default: that of the AWS settings]
    #[arg(long)]
    pub region: Option<String>,
    /// A profile of the AWS configuration files
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

fn tag(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// What is done with what `deployer.toml` describes.
#[derive(Debug, Subcommand)]
pub enum Configured {
    /// Build the functions, check that they can start on Lambda, and zip them
    Build {
        /// Where the zips and their manifest go [default: `.deployer/artifact`]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Show what a deploy would do, and why; changes nothing
    Plan {
        /// The environment
        environment: Option<String>,
        /// Plan to release what `build --out` made, instead of this checkout
        #[arg(long, value_name = "DIR")]
        artifact: Option<PathBuf>,
        /// Exit with 2 if there is something to do
        #[arg(long)]
        detailed_exitcode: bool,
    },
    /// Release what is in this checkout to an environment
    Deploy {
        /// The environment
        environment: Option<String>,
        /// Release what `build --out` made, instead of this checkout
        #[arg(long, value_name = "DIR")]
        artifact: Option<PathBuf>,
        /// Move all traffic at once, whatever the environment's strategy
        #[arg(long)]
        at_once: bool,
        /// Release although a later commit is live
        #[arg(long)]
        downgrade: bool,
        /// Show where the time went, step by step
        #[arg(long)]
        timings: bool,
        /// What else may be overridden
        #[command(flatten)]
        start: Start,
    },
    /// Release to one environment what a stable release of another runs, byte for byte
    Promote {
        /// The environment whose live release is promoted, or one of its releases
        #[arg(value_name = "FROM[@RELEASE]")]
        from: String,
        /// The environment that gets it
        to: String,
        /// Promote only bytes that are in what `build --out` made, and maybe somebody attested
        #[arg(long, value_name = "DIR")]
        artifact: Option<PathBuf>,
        /// Move all traffic at once, whatever TO's strategy
        #[arg(long)]
        at_once: bool,
        /// Promote although TO runs a later commit
        #[arg(long)]
        downgrade: bool,
        /// Promote although the two API definitions differ
        #[arg(long)]
        allow_definition_diff: bool,
        /// Show where the time went, step by step
        #[arg(long)]
        timings: bool,
        /// What else may be overridden
        #[command(flatten)]
        start: Start,
    },
    /// Restore the parts of an earlier release
    Rollback {
        /// The environment
        environment: Option<String>,
        /// A release's number, `previous`, or the beginning of a commit
        #[arg(long, value_name = "RELEASE|previous|COMMIT")]
        to: String,
        /// Go back to a release that was never stable, too
        #[arg(long)]
        force: bool,
        /// Record what was moved behind the deployer's back as a release, then go on
        #[arg(long)]
        adopt: bool,
        /// Show where the time went, step by step
        #[arg(long)]
        timings: bool,
    },
    /// Run the declared checks against what is live
    Check {
        /// The environment
        environment: Option<String>,
    },
    /// Show what is live; all environments unless one is named
    Status {
        /// The environment
        environment: Option<String>,
        /// Only fail, with code 5, while a run holds its lock: for jobs that must not run during a release
        #[arg(long, requires = "environment")]
        idle: bool,
        /// With `--idle`: also fail, with code 4, if the live release is of a later commit than what `build --out` made
        #[arg(long, value_name = "DIR", requires = "idle")]
        artifact: Option<PathBuf>,
        /// With `--artifact`: only warn if a later commit is live
        #[arg(long, requires = "artifact")]
        downgrade: bool,
        /// Show the functions and addresses of each environment too
        #[arg(long, conflicts_with = "idle")]
        wide: bool,
    },
    /// Show what differs between two environments, and which commits a promotion would bring; changes nothing
    Diff {
        /// The environment whose live release is compared, or one of its releases
        #[arg(value_name = "FROM[@RELEASE]")]
        from: String,
        /// The environment that it is compared with
        to: String,
        /// Show what is the same too
        #[arg(long)]
        wide: bool,
    },
    /// Show the releases of an environment as a graph, the newest first
    History {
        /// The environment
        environment: Option<String>,
        /// Show at most this many releases
        #[arg(long, short = 'n', default_value_t = 20, value_name = "COUNT")]
        limit: usize,
        /// Show the run of each release too
        #[arg(long)]
        wide: bool,
    },
    /// Show which versions and deployments nothing needs any more
    Prune {
        /// The environment
        environment: Option<String>,
        /// Remove them
        #[arg(long)]
        yes: bool,
    },
    /// Free the lock of a run that is known to be dead
    Unlock {
        /// The environment
        environment: Option<String>,
        /// Do not ask
        #[arg(long)]
        force: bool,
    },
    /// Compare the stack contract with AWS, and say what to fix; changes nothing
    Doctor {
        /// The environment
        environment: Option<String>,
        /// List everything that was checked, and each that was not
        #[arg(long)]
        wide: bool,
    },
    /// The stack contract: what infrastructure code made for an environment
    Contract {
        /// What to do with it
        #[command(subcommand)]
        command: ContractCommand,
    },
    /// The local AWS: the environments on this machine
    Local {
        /// What to do with it
        #[command(subcommand)]
        command: LocalCommand,
    },
}

impl Configured {
    /// Whether the ledger may get the name of who runs it.
    pub fn is_recorded(&self) -> bool {
        matches!(self, Self::Deploy { .. } | Self::Promote { .. } | Self::Rollback { .. } | Self::Local { .. })
    }
}

/// What lets a release start that would be refused.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Start {
    /// Record what was moved behind the deployer's back as a release, then go on
    #[arg(long)]
    pub adopt: bool,
    /// Start although an alarm is in ALARM
    #[arg(long)]
    pub ignore_alarms: bool,
    /// Start although the credentials end before traffic has moved
    #[arg(long)]
    pub ignore_expiry: bool,
}

/// What to do with the stack contract.
#[derive(Debug, Clone, Subcommand)]
pub enum ContractCommand {
    /// Print it as `deployer.toml` would declare it
    Show {
        /// The environment
        environment: Option<String>,
    },
    /// Write the one that `deployer.toml` declares into the ledger
    Write {
        /// The environment
        environment: Option<String>,
        /// Replace another one
        #[arg(long)]
        yes: bool,
    },
}

/// What to do with the local AWS.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum LocalCommand {
    /// Start it, build, make the stacks, deploy every environment; again: only what changed
    Up,
    /// Stop it and remove all that it kept
    Down,
    /// Show what runs, and where
    Status,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_of_every_command_may_stand_on_either_side_of_it() {
        for line in [["deployer", "--local", "deploy", "dev"], ["deployer", "deploy", "dev", "--local"]] {
            assert!(Cli::try_parse_from(line).unwrap().global.local);
        }
    }
}
