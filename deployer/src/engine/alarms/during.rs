//! Watching alarms: none of them may go into ALARM within the time.

use std::time::Duration;

use tokio::time::Instant;

use anyhow::Result;

use crate::aws::{Alarm, AlarmState, Kind};
use crate::engine::Engine;
use crate::events::{Event, Watching};
use crate::failure::{Exit, Failure};
use crate::verify::Verifier;

/// How often the alarms are read: CloudWatch itself evaluates them no more often than every 10 s.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long after the end of the watch the alarms' state may stay unknown.
const KNOWN_WITHIN: Duration = Duration::from_secs(15);

/// Which alarms are watched, and how.
pub(in crate::engine) struct Watch<'a> {
    /// All alarms of the contract.
    pub(in crate::engine) names: &'a [String],
    /// Those that were in ALARM before the release, and are ignored.
    pub(in crate::engine) ignored: &'a [String],
    /// How long.
    pub(in crate::engine) time: Duration,
    /// How much of the traffic the new versions take, while it is split.
    pub(in crate::engine) percent: Option<u8>,
}

/// Watches the alarms, and reports their states. Where there are none, it only waits.
///
/// # Errors
/// An alarm is in ALARM, or at the end it is not known whether one is.
pub(in crate::engine) async fn watch(engine: &Engine<'_>, watch: &Watch<'_>, verifier: &Verifier) -> Result<()> {
    let Watch { names, ignored, time, percent } = *watch;
    let watched: Vec<String> = names.iter().filter(|name| !ignored.contains(name)).cloned().collect();
    let since = Instant::now();
    let pause = (time / 20).clamp(Duration::from_millis(100), LONGEST_PAUSE);
    loop {
        let left = time.saturating_sub(since.elapsed());
        let states = engine.aws.reader.cloudwatch.states(&watched).await;
        let alarms = seen(&watched, states.as_deref().unwrap_or_default());
        let responses = verifier.responses();
        engine.events.emit(Event::Watching(&Watching { percent, time, since, alarms, responses }));
        let unknown = match states {
            Ok(alarms) => {
                in_alarm(&alarms)?;
                match gone(&watched, &alarms) {
                    None if left.is_zero() => {
                        without_data(engine, &alarms);
                        return Ok(());
                    }
                    gone => gone.map(|name| {
                        let gone = Failure::error(format!("alarm `{name}` no longer exists"))
                            .hint("create the alarm again, or remove it from the contract");
                        anyhow::Error::from(gone)
                    }),
                }
            }
            // Without credentials no later read can succeed.
            Err(error) if error.kind == Kind::NoCredentials => return Err(error.into()),
            Err(error) => Some(error.into()),
        };
        if let Some(why) = unknown.filter(|_| since.elapsed() > time + KNOWN_WITHIN) {
            return Err(why.context("cannot find out whether an alarm is in ALARM"));
        }
        tokio::time::sleep(if left.is_zero() { pause } else { pause.min(left) }).await;
    }
}

/// The watched alarms, each with its state if it was read.
fn seen(watched: &[String], alarms: &[Alarm]) -> Vec<(String, Option<AlarmState>)> {
    let state = |name: &String| alarms.iter().find(|alarm| alarm.name == *name).map(|alarm| alarm.state);
    watched.iter().map(|name| (name.clone(), state(name))).collect()
}

/// A missing alarm does not mean that all is well.
fn gone<'a>(watched: &'a [String], alarms: &[Alarm]) -> Option<&'a String> {
    watched.iter().find(|name| alarms.iter().all(|alarm| alarm.name != **name))
}

fn in_alarm(alarms: &[Alarm]) -> Result<()> {
    let Some(alarm) = alarms.iter().find(|alarm| alarm.state == AlarmState::InAlarm) else { return Ok(()) };
    Err(Failure::new(Exit::Reverted, format!("alarm `{}` is in ALARM: {}", alarm.name, alarm.reason))
        .hint("the alarm's metric and the function's log group show why; fix it and release again")
        .into())
}

/// An alarm without data is not in ALARM, but protects nothing either.
fn without_data(engine: &Engine<'_>, alarms: &[Alarm]) {
    for alarm in alarms.iter().filter(|alarm| alarm.state == AlarmState::InsufficientData) {
        engine.events.warn(&format!("alarm `{}` had no data", alarm.name));
    }
}
