//! The command line, as clap types. Parsing only: nothing here decides or prints.

mod help;
#[cfg(test)]
mod reference;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue};
use clap::{ArgAction, CommandFactory as _, Parser, Subcommand, ValueEnum, ValueHint};

/// The version, the commit where it is known, and the target: `0.2.0 (0123456789ab x86_64-unknown-linux-musl)`. `build.rs` makes it.
pub const VERSION: &str = env!("DEPLOYER_VERSION");

/// Release AWS Lambda functions, safely and fast.
#[derive(Debug, Parser)]
#[command(
    version = VERSION,
    about = "Release AWS Lambda functions, safely and fast",
    disable_help_subcommand = true,
    disable_help_flag = true,
    disable_version_flag = true
)]
#[command(after_help = help::SHORT, after_long_help = help::LONG)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// Print help (`-h` on one screen, `--help` with all details)
    #[arg(short, long, global = true, action = ArgAction::Help, help_heading = help::GLOBAL, display_order = 1006)]
    help: Option<bool>,
    /// Print the version
    #[arg(short = 'V', long, action = ArgAction::Version, help_heading = help::GLOBAL, display_order = 1007)]
    version: Option<bool>,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Of a command line. `help` and `version` are the options of these names; in the list of commands they would only be noise.
    ///
    /// # Errors
    /// The command line is wrong, or it is one of help or version. The usage of the command is then as in its help.
    pub fn of(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let mut words: Vec<_> = arguments.into_iter().collect();
        match words.get(1).and_then(|word| word.to_str()) {
            Some("help") => {
                words.remove(1);
                words.push("--help".into());
            }
            Some("version") if words.len() == 2 => words[1] = "--version".into(),
            _ => {}
        }
        Self::try_parse_from(&words).map_err(|mut error| {
            // The library's shows as required what was given.
            if error.get(ContextKind::Usage).is_some() {
                error.insert(ContextKind::Usage, ContextValue::StyledStr(usage(&words)));
            }
            error
        })
    }

    /// Of a command line without a command: its options. `None`: there is a command, or an option is wrong.
    pub fn without_command(arguments: impl IntoIterator<Item = OsString>) -> Option<Global> {
        WithoutCommand::try_parse_from(arguments).ok().map(|line| line.global)
    }
}

/// What a command line gives that has no command.
#[derive(Parser)]
#[command(disable_help_flag = true)]
struct WithoutCommand {
    #[command(flatten)]
    global: Global,
}

/// The usage of the command that a command line names.
fn usage(words: &[OsString]) -> StyledStr {
    let mut command = Cli::command();
    command.build();
    for word in words.iter().skip(1) {
        if let Some(below) = command.find_subcommand(word) {
            command = below.clone();
        }
    }
    command.render_usage()
}

/// The flags of every command. They come last where a page has no groups.
#[derive(Debug, clap::Args)]
pub struct Global {
    /// Use the environments of the local AWS [env: DEPLOYER_LOCAL=1]
    #[arg(long, global = true, help_heading = help::GLOBAL, display_order = 1001)]
    pub local: bool,
    /// Format of the result on stdout
    #[arg(long, global = true, value_enum, default_value_t = Output::Text, value_name = "FORMAT", help_heading = help::GLOBAL)]
    #[arg(
        display_order = 1002,
        hide_possible_values = true,
        long_help = "Format of the result on stdout: `text` or `json`"
    )]
    pub output: Output,
    /// Configuration file [default: the nearest `deployer.toml`]
    #[arg(display_order = 1003)]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = help::GLOBAL)]
    pub config: Option<PathBuf>,
    /// Print only warnings, errors and the result
    #[arg(long, short, global = true, conflicts_with = "verbose", help_heading = help::GLOBAL, display_order = 1004)]
    pub quiet: bool,
    /// Print each call to AWS with its duration
    #[arg(long, short, global = true, help_heading = help::GLOBAL, display_order = 1005)]
    pub verbose: bool,
}

impl Global {
    /// How much is printed besides the result.
    pub fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, true) => Verbosity::Verbose,
            (false, false) => Verbosity::Usual,
        }
    }
}

/// How much is printed besides the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Verbosity {
    /// Only warnings and errors.
    Quiet,
    /// Progress too.
    #[default]
    Usual,
    /// Each call to AWS too.
    Verbose,
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
    /// Write a first `deployer.toml` for functions that already exist in AWS
    ///
    /// Finds the functions, their alias and their API in the account, and writes `deployer.toml`. Before it makes a ledger or
    /// records what is live as release 1, it shows what it would do and waits for a yes.
    #[command(after_help = help::INIT)]
    Init(InitArguments),
    /// Something with what `deployer.toml` describes.
    #[command(flatten)]
    Configured(Configured),
    /// Refuse a Terraform plan that would interrupt live traffic
    ///
    /// Reads a plan as JSON and fails with exit code 4 if applying it would remove, replace or cut off something that takes
    /// traffic. Needs no credentials and changes nothing.
    #[command(after_help = help::GUARD)]
    Guard {
        /// File with the output of `terraform show -json PLAN`
        #[arg(value_hint = ValueHint::FilePath)]
        plan: PathBuf,
        /// File with the output of `terraform show -no-color PLAN`, for the summary of a GitHub Actions run
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        text: Option<PathBuf>,
        /// Confirm that nothing live, and no release that is kept, needs what the plan removes or lowers
        #[arg(long, help_heading = help::SAFETY)]
        retired: bool,
    },
    /// Print the script that sets up completions in a shell
    ///
    /// The completions include the environments of `deployer.toml` and the releases in the ledger.
    #[command(after_help = help::COMPLETIONS)]
    Completions {
        /// Shell to set up
        #[arg(hide_possible_values = true)]
        #[arg(help = "Shell to set up: bash, zsh, fish, elvish or powershell")]
        shell: clap_complete::Shell,
    },
    /// Print the man page, or write one for each command
    #[command(after_help = help::MAN)]
    Man {
        /// Folder for a page of each command [default: print the main page]
        #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
        folder: Option<PathBuf>,
    },
}

/// What `init` looks for.
#[derive(Debug, clap::Args)]
pub struct InitArguments {
    /// First environment of the file
    #[arg(default_value = "dev")]
    pub environment: String,
    /// Name of the application [default: as in the ledger, or the name of the folder]
    #[arg(long, value_name = "NAME")]
    pub app: Option<String>,
    /// Take functions whose name contains this [default: the name of the application]
    #[arg(long, value_name = "PART", help_heading = help::WHICH_FUNCTIONS, conflicts_with_all = ["tag", "cloudformation"])]
    pub name: Option<String>,
    /// Take functions with this tag
    #[arg(long, value_name = "KEY=VALUE", help_heading = help::WHICH_FUNCTIONS, value_parser = tag, conflicts_with = "cloudformation")]
    pub tag: Option<(String, String)>,
    /// Take functions of this CloudFormation stack
    #[arg(long, value_name = "STACK", help_heading = help::WHICH_FUNCTIONS)]
    pub cloudformation: Option<String>,
    /// Alias that callers use [default: the only one, `live`, or the name of the environment]
    #[arg(long, value_name = "NAME")]
    pub alias: Option<String>,
    /// DynamoDB table of the ledger [default: `APP-ledger-ENVIRONMENT`]
    #[arg(long, value_name = "TABLE")]
    pub ledger: Option<String>,
    /// AWS region [default: as in the AWS settings]
    #[arg(long)]
    pub region: Option<String>,
    /// Profile of the AWS configuration files
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Reply yes to every question
    #[arg(long)]
    pub yes: bool,
}

fn tag(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| "write a whole number, at least 1".to_owned())
}

/// What is done with what `deployer.toml` describes.
#[derive(Debug, Subcommand)]
pub enum Configured {
    /// Build and package the functions, and check that they can start on Lambda
    #[command(after_help = help::BUILD)]
    Build {
        /// Folder for the packages and their manifest [default: `.deployer/artifact`]
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        out: Option<PathBuf>,
    },
    /// Show what a deploy would change, and why
    ///
    /// Compares this checkout with what is live. Builds nothing and changes nothing.
    #[command(after_help = help::PLAN)]
    Plan {
        /// Environment to compare with [default: `default_environment` of deployer.toml]
        environment: Option<String>,
        /// Plan the release of a folder made by `build --out`, not of this checkout
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        artifact: Option<PathBuf>,
        /// Exit with code 2 if there are changes
        #[arg(long)]
        detailed_exitcode: bool,
    },
    /// Build this checkout and release it to an environment
    ///
    /// Builds what changed, checks the new versions before they take traffic, moves the traffic, checks again, and goes back by
    /// itself if a check fails or an alarm goes off. With no changes it does nothing.
    #[command(after_help = help::DEPLOY)]
    Deploy {
        /// Environment to release to [default: `default_environment` of deployer.toml]
        environment: Option<String>,
        /// Release a folder made by `build --out`, not this checkout
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        artifact: Option<PathBuf>,
        /// Move all traffic at once, ignoring the traffic strategy of deployer.toml
        #[arg(long)]
        at_once: bool,
        /// Replace a release of a later commit
        #[arg(long, help_heading = help::SAFETY)]
        downgrade: bool,
        /// Show where the time went, step by step
        #[arg(long)]
        timings: bool,
        /// What else may be overridden
        #[command(flatten)]
        start: Start,
    },
    /// Release to one environment the same bytes that run in another
    ///
    /// Takes the packages of a stable release of FROM, byte for byte, with the settings of TO. Builds nothing.
    #[command(after_help = help::PROMOTE)]
    Promote {
        /// Environment to promote from, or one of its releases [default release: the live one]
        #[arg(value_name = "FROM[@RELEASE]")]
        from: String,
        /// Environment to release to
        to: String,
        /// Promote only if the packages are those of this folder made by `build --out`
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = help::SAFETY)]
        artifact: Option<PathBuf>,
        /// Move all traffic at once, ignoring the traffic strategy of TO
        #[arg(long)]
        at_once: bool,
        /// Replace a release of a later commit
        #[arg(long, help_heading = help::SAFETY)]
        downgrade: bool,
        /// Promote even if the two API definitions differ
        #[arg(long, help_heading = help::SAFETY)]
        allow_definition_diff: bool,
        /// Show where the time went, step by step
        #[arg(long)]
        timings: bool,
        /// What else may be overridden
        #[command(flatten)]
        start: Start,
    },
    /// Go back to an earlier release
    ///
    /// Restores all parts of the release together. Builds nothing, and needs nothing of this checkout but deployer.toml.
    #[command(after_help = help::ROLLBACK)]
    Rollback {
        /// Environment to roll back [default: `default_environment` of deployer.toml]
        environment: Option<String>,
        /// Release to go back to: a number, `previous`, or the start of a commit hash
        #[arg(long, value_name = "RELEASE", help_heading = help::WHICH_RELEASE)]
        to: String,
        /// Allow a release that was never stable
        #[arg(long, help_heading = help::SAFETY)]
        force: bool,
        /// Record changes made outside the deployer as a release, then continue
        #[arg(long, help_heading = help::SAFETY)]
        adopt: bool,
        /// Show where the time went, step by step
        #[arg(long)]
        timings: bool,
    },
    /// Run the checks of deployer.toml against what is live
    #[command(after_help = help::CHECK)]
    Check {
        /// Environment to check [default: `default_environment` of deployer.toml]
        environment: Option<String>,
    },
    /// Show what is live, with drift, alarms and locks
    #[command(after_help = help::STATUS)]
    Status {
        /// Environment to show [default: all]
        environment: Option<String>,
        /// Fail with code 5 if another run has the lock, and show nothing else
        #[arg(long, requires = "environment", help_heading = help::FOR_CI)]
        idle: bool,
        /// With --idle, fail with code 4 if the live commit is later than that of this build
        #[arg(long, value_name = "DIR", requires = "idle", value_hint = ValueHint::DirPath, help_heading = help::FOR_CI)]
        artifact: Option<PathBuf>,
        /// With --artifact, warn about a later commit instead of failing
        #[arg(long, requires = "artifact", help_heading = help::FOR_CI)]
        downgrade: bool,
        /// Show the functions and addresses of each environment too
        #[arg(long, conflicts_with = "idle")]
        wide: bool,
    },
    /// Compare two environments: commits, code, settings and API definition
    ///
    /// Shows which commits a promotion from FROM to TO would bring. Changes nothing; differences are not an error.
    #[command(after_help = help::DIFF)]
    Diff {
        /// Environment whose live release is compared, or one of its releases
        #[arg(value_name = "FROM[@RELEASE]")]
        from: String,
        /// Environment to compare it with
        to: String,
        /// List what is the same, too
        #[arg(long)]
        wide: bool,
    },
    /// List the releases of an environment, newest first
    #[command(after_help = help::HISTORY)]
    History {
        /// Environment to list [default: `default_environment` of deployer.toml; with --html, all]
        environment: Option<String>,
        /// Number of releases to show
        #[arg(long, short = 'n', default_value_t = 20, value_name = "COUNT", value_parser = at_least_one)]
        limit: usize,
        /// Write a self-contained web page with a timeline to FILE, `-` for stdout
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        html: Option<PathBuf>,
        /// Show the run, versions and deployment of each release too
        #[arg(long)]
        wide: bool,
    },
    /// List versions and deployments that are no longer needed, or remove them
    #[command(after_help = help::PRUNE)]
    Prune {
        /// Environment to prune [default: `default_environment` of deployer.toml]
        environment: Option<String>,
        /// Remove them instead of listing them
        #[arg(long)]
        yes: bool,
    },
    /// Free the lock of a run that has died
    #[command(after_help = help::UNLOCK)]
    Unlock {
        /// Environment to unlock [default: `default_environment` of deployer.toml]
        environment: Option<String>,
        /// Do not ask for confirmation
        #[arg(long)]
        force: bool,
    },
    /// Look for problems in AWS that would break a release, and show how to fix them
    #[command(after_help = help::DOCTOR)]
    Doctor {
        /// Environment to examine [default: `default_environment` of deployer.toml]
        environment: Option<String>,
        /// List everything that was checked, and each that was not
        #[arg(long)]
        wide: bool,
    },
    /// Show or write the stack contract, which names the resources of an environment
    #[command(after_help = help::CONTRACT)]
    Contract {
        /// What to do with it
        #[command(subcommand)]
        command: ContractCommand,
    },
    /// Start and stop the local AWS
    #[command(after_help = help::LOCAL)]
    Local {
        /// What to do with it
        #[command(subcommand)]
        command: LocalCommand,
    },
}

impl Command {
    /// Whether it sends requests: the others work with files alone.
    pub fn sends_requests(&self) -> bool {
        matches!(self, Self::Init(_) | Self::Configured(_))
    }
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
    /// Record changes made outside the deployer as a release, then continue
    #[arg(long, help_heading = help::SAFETY)]
    pub adopt: bool,
    /// Start even if an alarm is in ALARM
    #[arg(long, help_heading = help::SAFETY)]
    pub ignore_alarms: bool,
    /// Start even if the credentials expire before all traffic has moved
    #[arg(long, help_heading = help::SAFETY)]
    pub ignore_expiry: bool,
}

/// What to do with the stack contract.
#[derive(Debug, Clone, Subcommand)]
pub enum ContractCommand {
    /// Print the contract as a table for deployer.toml
    #[command(after_help = help::CONTRACT_SHOW)]
    Show {
        /// Environment to show [default: `default_environment` of deployer.toml]
        environment: Option<String>,
    },
    /// Write the contract of deployer.toml to the ledger
    #[command(after_help = help::CONTRACT_WRITE)]
    Write {
        /// Environment to write [default: `default_environment` of deployer.toml]
        environment: Option<String>,
        /// Replace a contract that differs
        #[arg(long)]
        yes: bool,
    },
}

/// What to do with the local AWS.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum LocalCommand {
    /// Start the local AWS, create the stacks, and deploy to every environment
    ///
    /// If it already runs, only what changed is created and deployed.
    #[command(after_help = help::LOCAL_UP)]
    Up,
    /// Stop the local AWS and delete its data
    #[command(after_help = help::LOCAL_DOWN)]
    Down,
    /// Show which environments run, and their URLs
    #[command(after_help = help::LOCAL_STATUS)]
    Status,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_options_come_last_in_one_order() {
        let mut command = Cli::command();
        command.build();
        for command in command.get_subcommands() {
            let (global, own): (Vec<_>, Vec<_>) =
                command.get_opts().partition(|option| option.get_help_heading() == Some(help::GLOBAL));
            let last = own.iter().map(|option| option.get_display_order()).max().unwrap_or_default();
            assert!(!global.is_empty() && global.iter().all(|option| option.get_display_order() > last), "{command}");
        }
    }

    fn refused(line: &str) -> clap::Error {
        Cli::of(line.split(' ').map(OsString::from)).unwrap_err()
    }

    #[test]
    fn help_and_version_are_also_taken_as_words() {
        for (words, option) in [
            ("deployer help", "deployer --help"),
            ("deployer help local up", "deployer local up --help"),
            ("deployer version", "deployer --version"),
        ] {
            assert_eq!(refused(words).to_string(), refused(option).to_string());
        }
        assert!(refused("deployer help frobnicate").use_stderr());
    }

    #[test]
    fn the_version_comes_second_and_names_the_target() {
        let printed = refused("deployer --version").to_string();
        let words: Vec<&str> = printed.split_whitespace().collect();
        assert_eq!(words[..2], ["deployer", env!("CARGO_PKG_VERSION")], "{printed}");
        let target = words.last().unwrap().trim_matches(['(', ')']);
        assert!(target.starts_with(std::env::consts::ARCH) && target.matches('-').count() >= 2, "{printed}");
        // Without optimisation there is no commit unless it is given.
        assert_eq!(words.len(), if cfg!(debug_assertions) && option_env!("DEPLOYER_COMMIT").is_none() { 3 } else { 4 });
    }

    #[test]
    fn a_line_without_a_command_has_its_options() {
        let options = |line: &str| Cli::without_command(line.split(' ').map(OsString::from));
        assert!(options("deployer").is_some());
        let json = options("deployer --output json --local").unwrap();
        assert!(json.output == Output::Json && json.local);
        for line in ["deployer deploy", "deployer local", "deployer --frobnicate", "deployer --help"] {
            assert!(options(line).is_none(), "{line}");
        }
    }

    #[test]
    fn the_usage_of_an_error_shows_what_is_optional() {
        let error = refused("deployer deploy dev --frobnicate").to_string();
        assert!(error.contains("Usage: deployer deploy [OPTIONS] [ENVIRONMENT]\n"), "{error}");
    }

    #[test]
    fn a_history_of_no_releases_is_refused() {
        let error = Cli::try_parse_from(["deployer", "history", "-n", "0"]).unwrap_err().to_string();
        assert!(error.contains("at least 1"), "{error}");
        assert!(Cli::try_parse_from(["deployer", "history", "-n", "1"]).is_ok());
    }

    #[test]
    fn flags_of_every_command_may_come_before_or_after_it() {
        for line in [["deployer", "--local", "deploy", "dev"], ["deployer", "deploy", "dev", "--local"]] {
            assert!(Cli::try_parse_from(line).unwrap().global.local);
        }
    }
}
