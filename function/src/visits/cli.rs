//! The command line, as clap types. Parsing only.

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{settings, visits::pace::Pace};

/// Shows the visits of the last days, by day, path and agent
#[derive(Debug, Parser)]
#[command(name = "visits", version, disable_help_subcommand = true, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What is shown.
    #[command(flatten)]
    pub chart: Chart,
    /// The table, whatever `VISIT_STORE` says [default: the environment variable `DYNAMODB_TABLE`]
    #[arg(long, global = true, value_name = "NAME", value_parser = table)]
    pub table: Option<String>,
    /// How the result is written to stdout
    #[arg(long, global = true, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
    /// Something other than to show visits.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What is shown of which days.
#[derive(Debug, Args)]
pub struct Chart {
    /// So many days up to today, UTC: at most 90, which is how long visits are kept
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u8).range(1..=90))]
    pub days: u8,
    /// What the visits are counted by; several separated by commas
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [By::Day, By::Path, By::Agent])]
    pub by: Vec<By>,
}

/// What visits are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// The day, UTC.
    Day,
    /// The path that was asked for.
    Path,
    /// The kind of browser or program.
    Agent,
}

/// How the result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For programs: one JSON document.
    Json,
}

/// What to do, other than to show visits.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compare the total with the log of visits, and with `--yes` make it agree
    Recount(Order),
}

/// How to recount.
#[derive(Debug, Args)]
pub struct Order {
    /// Write what was found; without it, nothing is written
    #[arg(long)]
    pub yes: bool,
    /// Take the present total for right, and recount from here on
    #[arg(long)]
    pub from_here: bool,
    /// For tests: the milliseconds before, after and until the log is read
    #[arg(long, hide = true, value_name = "BEFORE,AFTER,SETTLE", default_value_t)]
    pub pace: Pace,
}

fn table(name: &str) -> Result<String, &'static str> {
    if settings::is_table(name) { Ok(name.to_owned()) } else { Err(settings::TABLE_RULE) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_table_and_the_output_may_be_named_after_the_command() {
        let cli = Cli::parse_from(["visits", "recount", "--table", "abc", "--output", "json"]);
        assert_eq!((cli.table.as_deref(), cli.output), (Some("abc"), Output::Json));
    }
}
