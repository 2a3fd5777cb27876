//! The command `visits`: a chart of the visits by day, path and agent.
//!
//! In reading order: [`cli`] is the command line; a [`log`], DynamoDB's ([`dynamodb`]) or PostgreSQL's, yields visits;
//! [`tally`] counts them by day, by path and by [`agent`] family; [`chart`] and [`json`] write the figures. Text
//! from a visitor reaches a terminal only through [`plain`].
//!
//! It only reads. It never scans the table, reads a visitor's address, or runs in a Lambda.

pub mod agent;
pub mod chart;
pub mod cli;
pub mod dynamodb;
pub mod failure;
pub mod json;
pub mod log;
pub mod plain;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod tally;

use std::io::{self, ErrorKind, Write};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{
    settings::{self, StoreChoice},
    visits::{
        cli::{Cli, Output},
        dynamodb::DynamoLog,
        failure::Failed,
        log::VisitLog,
        tally::{Figures, Tally},
    },
};

/// Runs the command, and writes its result to `out`.
///
/// # Errors
///
/// When the table is not named or cannot be read; mostly a [`Failed`].
pub async fn run(cli: &Cli, out: &mut impl Write) -> anyhow::Result<()> {
    let figures = match settings::store()? {
        StoreChoice::Postgres if cli.table.is_none() => of_database(cli).await?,
        _ => of_table(cli).await?,
    };
    let text = match cli.output {
        Output::Text => chart::text(&figures, width()),
        Output::Json => json::text(&figures)?,
    };
    Ok(write(out, &text)?)
}

async fn of_table(cli: &Cli) -> anyhow::Result<Figures> {
    let table = cli.table.clone().map_or_else(settings::table, Ok).map_err(|error| unnamed(&error))?;
    let log = DynamoLog::connect(table).await?;
    figures(&log, log.table(), cli).await
}

#[cfg(feature = "postgres")]
async fn of_database(cli: &Cli) -> anyhow::Result<Figures> {
    let log = postgres::PostgresLog::connect().await?;
    figures(&log, log.name(), cli).await
}

#[cfg(not(feature = "postgres"))]
async fn of_database(_: &Cli) -> anyhow::Result<Figures> {
    let hint = "install it with both features: `cargo install --path function --bin visits --features visits,postgres`";
    let why = "this binary was built without the feature `postgres`";
    Err(Failed::new("read the visits in PostgreSQL", why, Some(hint.to_owned())).into())
}

async fn figures(log: &impl VisitLog, table: &str, cli: &Cli) -> anyhow::Result<Figures> {
    let days = last_days(Timestamp::now().to_zoned(TimeZone::UTC).date(), cli.days);
    let mut tally = Tally::of(&days);
    log.each(&days, |seen| tally.see(&seen)).await?;
    Ok(tally.figures(table, &cli.by))
}

/// The `number` days up to `today`, in order.
fn last_days(today: Date, number: u8) -> Vec<Date> {
    let back = |days: u8| today.saturating_sub(jiff::Span::new().days(i64::from(days)));
    (0..number).rev().map(back).collect()
}

/// The terminal's width in columns, or 80.
fn width() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
    size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0).unwrap_or(80)
}

/// A reader that closes the pipe early, as `head` does, is not a failure.
fn write(out: &mut impl Write, text: &str) -> io::Result<()> {
    match writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

fn unnamed(error: &settings::SettingsError) -> Failed {
    Failed::new("find the table to read", error.to_string(), Some("name the table: `--table NAME`".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_days_end_today_and_are_in_order() {
        let days = last_days("2026-03-01".parse().unwrap(), 3);
        assert_eq!(
            days.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["2026-02-27", "2026-02-28", "2026-03-01"]
        );
    }
}
