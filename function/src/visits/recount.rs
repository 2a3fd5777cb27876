//! A total that agrees with the log of visits.
//!
//! A visit and its addition are two writes, of which one may fail: then the log is right and the total is
//! not. Visits leave the log after 90 days, so a recount starts from the checkpoint that the one before it
//! left behind: total = checkpoint + visits since then. Nothing is written without `--yes`, and then in
//! one conditional addition, so that neither a visit nor another recount is lost.
//!
//! The total is read at one moment and the log after it. They can be compared only if no visit was on its
//! way at that moment; so the log must have none about it, and must have had the time to show it.

use std::{fmt, io::Write, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::time::sleep;

use crate::visits::{
    cli::Order,
    dynamodb::{Age, Checkpoint, DynamoLog},
    failure::Failed,
    pace::Pace,
};

/// How long visits stay in the log.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How old a checkpoint may be: a day less, because the recount itself takes its time.
const USABLE: SignedDuration = SignedDuration::from_hours(89 * 24);
/// How often a moment without a visit is looked for.
const ATTEMPTS: u32 = 10;

/// What a recount found, and whether it was written. This is the JSON that the README describes: names stay.
#[derive(Debug, Serialize)]
pub struct Recounted {
    /// The table.
    pub table: String,
    /// When the total was read.
    pub at: Timestamp,
    /// The total that was read.
    pub total: i64,
    /// The visits that there were: those of the checkpoint, and those in the log since then.
    pub visits: i64,
    /// `visits` - `total`: what was, or with `--yes` would be, added.
    pub difference: i64,
    /// What it started from; none where there was none, and from here on.
    pub checkpoint: Option<Checkpoint>,
    /// Whether the total was taken for right, and no visit looked at.
    pub from_here: bool,
    /// Whether the total was corrected, and a new checkpoint left behind.
    pub written: bool,
}

/// Compares the total of `log` with its visits, and corrects it if `order` says so.
///
/// # Errors
///
/// When the log does not reach back far enough, visits keep coming, this machine's clock is wrong, another
/// recount was faster, or the table fails.
pub async fn recount(log: &DynamoLog, order: &Order, words: &mut impl Write) -> anyhow::Result<Recounted> {
    let Pace { before, after, settle } = order.pace;
    for attempt in 1..=ATTEMPTS {
        let began = now();
        let totals = log.totals().await?;
        let ended = now();
        trust(log)?;
        let base = base(log, order, totals.checkpoint.as_ref(), began).await?;
        // Words are a courtesy: a stderr that is closed stops nothing.
        let _ = writeln!(words, "read the total; waiting {settle:?} for visits on their way ({attempt} of {ATTEMPTS})");
        sleep(settle).await;
        if log.visits(earlier(began, before), later(ended, after)).await? > 0 {
            continue;
        }
        let visits = match base {
            Some(base) => base.total.saturating_add(i64::try_from(log.visits(base.at, began).await?)?),
            None => totals.total,
        };
        let difference = visits.saturating_sub(totals.total);
        if order.yes {
            let new = Checkpoint { total: visits, at: began };
            log.correct(difference, &new, totals.checkpoint.as_ref()).await?;
        }
        return Ok(Recounted {
            table: log.table().to_owned(),
            at: began,
            total: totals.total,
            visits,
            difference,
            checkpoint: totals.checkpoint.filter(|_| !order.from_here),
            from_here: order.from_here,
            written: order.yes,
        });
    }
    Err(busy(log, before + after).into())
}

/// Where the recount starts; none where the present total is to be taken for right.
async fn base(
    log: &DynamoLog,
    order: &Order,
    checkpoint: Option<&Checkpoint>,
    now: Timestamp,
) -> Result<Option<Checkpoint>, Failed> {
    match checkpoint {
        _ if order.from_here => Ok(None),
        Some(Checkpoint { at, .. }) if *at > now => {
            Err(unknown(log, &format!("the checkpoint is of {at}, which is in the future")))
        }
        Some(Checkpoint { at, .. }) if now.duration_since(*at) > USABLE => {
            Err(unknown(log, &format!("the checkpoint is of {at}, and visits leave the log after 90 days")))
        }
        Some(checkpoint) => Ok(Some(checkpoint.clone())),
        None => {
            let Age { created, restored } = log.age().await?;
            if restored {
                return Err(unknown(
                    log,
                    "there is no checkpoint, and the table, made from a backup, may have lost visits",
                ));
            }
            if now.duration_since(created) >= KEPT {
                return Err(unknown(
                    log,
                    &format!(
                        "there is no checkpoint, the table is of {created}, and visits leave the log after 90 days"
                    ),
                ));
            }
            // A day before there was a table, there was no visit: whatever the clocks say.
            Ok(Some(Checkpoint { total: 0, at: created - SignedDuration::from_hours(24) }))
        }
    }
}

fn unknown(log: &DynamoLog, why: &str) -> Failed {
    let hint = "`visits recount --from-here --yes` takes the present total for right; then recount every 80 days at the latest";
    Failed::new(format!("recount table `{}`", log.table()), why, Some(hint.to_owned()))
}

fn busy(log: &DynamoLog, calm: Duration) -> Failed {
    let why = format!("visits keep coming: within {ATTEMPTS} attempts there was no {calm:?} without one");
    let hint = "come back when it is quiet, or throttle the stage to 0 requests for a minute while this runs";
    Failed::new(format!("recount table `{}`", log.table()), why, Some(hint.to_owned()))
}

/// Refuses where this machine's clock is not that of the table. Its responses tell the time in whole seconds.
fn trust(log: &DynamoLog) -> Result<(), Failed> {
    let right = SignedDuration::from_secs(-1)..=SignedDuration::from_secs(3);
    match log.ahead() {
        Some(ahead) if !right.contains(&ahead) => {
            let why = format!("this machine's clock is off by {} s", ahead.as_secs());
            Err(Failed::new(format!("recount table `{}`", log.table()), why, Some("set the clock".to_owned())))
        }
        _ => Ok(()),
    }
}

/// Now, in milliseconds, as visits are written.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

fn earlier(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_sub(by).unwrap_or(at)
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_add(by).unwrap_or(at)
}

impl fmt::Display for Recounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, at, total, visits, difference, checkpoint, from_here, written } = self;
        let figures = [*total, *visits, *difference].map(|figure| figure.to_string().len() + 1);
        let width = figures.into_iter().max().unwrap_or(0);
        let origin = match checkpoint {
            Some(Checkpoint { total, at }) => format!("{total} up to {at}, {} since then", visits - total),
            None if *from_here => "the total is taken for right".to_owned(),
            None => "all that there were".to_owned(),
        };
        let done = match (written, difference) {
            (true, _) => "added to the total; the next recount starts from here",
            (false, _) if *from_here => "nothing was written; with `--yes` the next recount starts from here",
            (false, 0) => "nothing was written",
            (false, _) => "nothing was written; `--yes` adds it to the total",
        };
        writeln!(f, "total       {total:>width$}  in `{table}` at {at}")?;
        writeln!(f, "visits      {visits:>width$}  {origin}")?;
        write!(f, "difference  {difference:>+width$}  {done}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_looks_like_this() {
        let at: Timestamp = "2026-01-02T03:04:05.678Z".parse().unwrap();
        let checkpoint = Some(Checkpoint { total: 1100, at: "2026-01-01T00:00:00Z".parse().unwrap() });
        let table = "visits".to_owned();
        let (from_here, written) = (false, false);
        let found = Recounted { table, at, total: 1204, visits: 1203, difference: -1, checkpoint, from_here, written };
        let expected = "\
total        1204  in `visits` at 2026-01-02T03:04:05.678Z
visits       1203  1100 up to 2026-01-01T00:00:00Z, 103 since then
difference     -1  nothing was written; `--yes` adds it to the total";
        assert_eq!(found.to_string(), expected);
    }
}
