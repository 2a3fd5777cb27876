//! The command line, as clap types. Parsing only.

use clap::{Parser, ValueEnum};

use crate::settings;

/// Shows the visits of the last days, by day, path and agent
#[derive(Debug, Parser)]
#[command(name = "visits", version)]
pub struct Cli {
    /// Number of days up to today (UTC), at most 90, which is how long visits are kept
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u8).range(1..=90))]
    pub days: u8,
    /// What to count the visits by, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [By::Day, By::Path, By::Agent])]
    pub by: Vec<By>,
    /// DynamoDB table to read, even if `VISIT_STORE` is `postgres` [default: the environment variable `DYNAMODB_TABLE`]
    #[arg(long, value_name = "NAME", value_parser = table)]
    pub table: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
}

/// What visits are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// The day, UTC.
    Day,
    /// The requested path.
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
}
