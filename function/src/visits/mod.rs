//! The command `visits`: what was counted, by day, path and agent, and a total that agrees with it.
//!
//! In reading order: [`cli`] is the command line; a [`log`], which is [`dynamodb`]'s or PostgreSQL's, shows visits;
//! [`tally`] counts them, by day, by path and by what [`agent`] makes of an agent; [`chart`] and [`json`]
//! write the figures. [`recount`] corrects the total. What a visitor sent reaches a terminal only
//! through [`plain`].
//!
//! Data goes to stdout, words go to stderr. Only `recount --yes` writes to the table; nothing here ever
//! scans it, reads a visitor's address, or runs in a Lambda.

pub mod agent;
pub mod chart;
pub mod cli;
mod clock;
pub mod dynamodb;
pub mod failure;
pub mod json;
pub mod log;
pub mod pace;
pub mod plain;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod recount;
pub mod tally;

use std::io::{self, ErrorKind, Write};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{
    settings::{self, StoreChoice},
    visits::{
        cli::{Chart, Cli, Command, Output},
        dynamodb::DynamoLog,
        failure::Failed,
        log::VisitLog,
        tally::{Figures, Tally},
    },
};

/// Runs the command: its result goes to `out`, what it has to say meanwhile to `words`.
///
/// # Errors
///
/// When the table is not named, cannot be read or not be corrected; mostly a [`Failed`].
pub async fn run(cli: &Cli, out: &mut impl Write, words: &mut impl Write) -> anyhow::Result<()> {
    let text = match settings::store()? {
        StoreChoice::Postgres if cli.table.is_none() => of_database(cli).await?,
        _ => of_table(cli, words).await?,
    };
    Ok(write(out, &text)?)
}

async fn of_table(cli: &Cli, words: &mut impl Write) -> anyhow::Result<String> {
    let table = cli.table.clone().map_or_else(settings::table, Ok).map_err(|error| unnamed(&error))?;
    let log = DynamoLog::connect(table).await?;
    match &cli.command {
        None => shown(&figures(&log, log.table(), &cli.chart).await?, cli.output),
        Some(Command::Recount(order)) => {
            let recounted = recount::recount(&log, order, words).await?;
            match cli.output {
                Output::Text => Ok(recounted.to_string()),
                Output::Json => json::text(&recounted),
            }
        }
    }
}

#[cfg(feature = "postgres")]
async fn of_database(cli: &Cli) -> anyhow::Result<String> {
    if cli.command.is_some() {
        let why = "in PostgreSQL a visit and its addition are one statement: they cannot be apart";
        return Err(Failed::new("recount", why, None).into());
    }
    let log = postgres::PostgresLog::connect().await?;
    shown(&figures(&log, log.name(), &cli.chart).await?, cli.output)
}

#[cfg(not(feature = "postgres"))]
async fn of_database(_: &Cli) -> anyhow::Result<String> {
    let hint = "install it with both features: `cargo install --path function --bin visits --features visits,postgres`";
    let why = "this binary was built without the feature `postgres`";
    Err(Failed::new("read the visits in PostgreSQL", why, Some(hint.to_owned())).into())
}

fn shown(figures: &Figures, output: Output) -> anyhow::Result<String> {
    match output {
        Output::Text => Ok(chart::text(figures, width())),
        Output::Json => json::text(figures),
    }
}

async fn figures(log: &impl VisitLog, table: &str, chart: &Chart) -> anyhow::Result<Figures> {
    let days = last_days(today(Timestamp::now()), chart.days);
    let mut tally = Tally::of(&days);
    log.each(&days, |seen| tally.see(&seen)).await?;
    Ok(tally.figures(table, &chart.by))
}

/// The date of `now`, UTC, by which visits are kept.
fn today(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
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

/// Who reads no further, as `head`, has seen enough.
fn write(out: &mut impl Write, text: &str) -> io::Result<()> {
    match writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

fn unnamed(error: &settings::SettingsError) -> Failed {
    Failed::new("know which table to read", error.to_string(), Some("name the table: `--table NAME`".to_owned()))
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
