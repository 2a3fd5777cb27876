//! Watching alarms: for so long, none of them may go into ALARM.

use std::time::Duration;

use tokio::time::Instant;

use anyhow::{Result, anyhow};

use crate::aws::{Alarm, AlarmState, Kind};
use crate::engine::Engine;
use crate::failure::{Exit, Failure};

/// How often the alarms are read: CloudWatch itself evaluates them no more often than every 10 s.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long after the end of the watch the alarms' state may stay unknown.
const KNOWN_WITHIN: Duration = Duration::from_secs(15);

/// Watches the alarms called `names`, all but the `ignored` ones. Where there are none, it only waits.
///
/// # Errors
/// One of them is in ALARM, or at the end it is not known whether one is.
pub(in crate::engine) async fn watch(
    engine: &Engine<'_>,
    names: &[String],
    ignored: &[String],
    time: Duration,
) -> Result<()> {
    let watched: Vec<String> = names.iter().filter(|name| !ignored.contains(name)).cloned().collect();
    let started = Instant::now();
    let pause = (time / 20).clamp(Duration::from_millis(100), LONGEST_PAUSE);
    loop {
        let left = time.saturating_sub(started.elapsed());
        let unknown = match engine.aws.reader.cloudwatch.states(&watched).await {
            Ok(alarms) => {
                in_alarm(&alarms)?;
                match gone(&watched, &alarms) {
                    None if left.is_zero() => {
                        without_data(engine, &alarms);
                        return Ok(());
                    }
                    gone => gone.map(|name| anyhow!("alarm `{name}` does not exist any more")),
                }
            }
            // Nothing will be known any more, however long it waits.
            Err(error) if error.kind == Kind::NoCredentials => return Err(error.into()),
            Err(error) => Some(error.into()),
        };
        if let Some(why) = unknown.filter(|_| started.elapsed() > time + KNOWN_WITHIN) {
            return Err(why.context("it is not known whether an alarm is in ALARM"));
        }
        tokio::time::sleep(if left.is_zero() { pause } else { pause.min(left) }).await;
    }
}

/// A missing alarm says nothing; it does not mean that all is well.
fn gone<'a>(watched: &'a [String], alarms: &[Alarm]) -> Option<&'a String> {
    watched.iter().find(|name| alarms.iter().all(|alarm| alarm.name != **name))
}

fn in_alarm(alarms: &[Alarm]) -> Result<()> {
    let Some(alarm) = alarms.iter().find(|alarm| alarm.state == AlarmState::InAlarm) else { return Ok(()) };
    Err(Failure::new(Exit::Reverted, format!("alarm `{}` is in ALARM: {}", alarm.name, alarm.reason))
        .hint("the alarm's metric and the function's log group show why; fix it and release again")
        .into())
}

/// An alarm without data is not in ALARM, and guards nothing either.
fn without_data(engine: &Engine<'_>, alarms: &[Alarm]) {
    for alarm in alarms.iter().filter(|alarm| alarm.state == AlarmState::InsufficientData) {
        engine.events.warn(&format!("alarm `{}` had no data", alarm.name));
    }
}
