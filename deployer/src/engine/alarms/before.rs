//! Whether the alarms let a release start.

use std::time::Duration;

use anyhow::Result;

use crate::aws::{Alarm, AlarmState};
use crate::config::{Access, Traffic};
use crate::engine::Engine;
use crate::failure::Failure;
use crate::observe::Observed;

/// How long after its metric an alarm may go into ALARM (CloudWatch: metrics of Lambda and API Gateway arrive within two
/// minutes).
const LAG: u64 = 120;

/// The alarms that are in ALARM already and are to be ignored.
///
/// # Errors
/// One is in ALARM, or their states cannot be read, and that is not to be ignored; or an alarm could not go into ALARM within
/// the time for which it is watched.
pub(in crate::engine) fn may_start(
    engine: &Engine<'_>,
    observed: &Observed,
    traffic: &Traffic,
    ignore: bool,
) -> Result<Vec<String>> {
    let names = &observed.ledger.contract.alarms;
    let alarms = match known(observed) {
        Ok(alarms) => alarms,
        // Any of them may be in ALARM already, so none of them is watched.
        Err(_) if ignore => return Ok(names.clone()),
        Err(why) => return Err(why),
    };
    if !matches!(engine.environment.access, Access::Local(_)) {
        long_enough(alarms, traffic, &engine.environment.name)?;
    }
    for alarm in alarms.iter().filter(|alarm| alarm.state == AlarmState::InsufficientData) {
        engine.events.warn(&format!("alarm `{}` has no data yet: it cannot detect a bad release", alarm.name));
    }
    let in_alarm: Vec<_> =
        alarms.iter().filter(|alarm| alarm.state == AlarmState::InAlarm).map(|alarm| alarm.name.clone()).collect();
    if ignore {
        return Ok(in_alarm);
    }
    refuse_in_alarm(observed, &[]).map(|()| Vec::new())
}

/// # Errors
/// An alarm is in ALARM that is not ignored.
pub(in crate::engine) fn refuse_in_alarm(observed: &Observed, ignored: &[String]) -> Result<()> {
    let in_alarm = |alarm: &&Alarm| alarm.state == AlarmState::InAlarm && !ignored.contains(&alarm.name);
    let alarms = observed.alarms.as_deref().unwrap_or_default();
    let Some(alarm) = alarms.iter().find(in_alarm) else { return Ok(()) };
    let what = format!("alarm `{}` of `{}` is already in ALARM", alarm.name, observed.ledger.contract.environment);
    Err(Failure::refused(what)
        .hint("what is live is in trouble: roll back, or if this release is the fix, release with `--ignore-alarms`")
        .into())
}

/// The alarms, all that the contract names.
fn known(observed: &Observed) -> Result<&[Alarm]> {
    let alarms = observed.alarms.as_deref().map_err(|error| {
        Failure::refused(format!("cannot read whether an alarm is in ALARM: {error}"))
            .hint("give the role `cloudwatch:DescribeAlarms`, or release with `--ignore-alarms`")
    })?;
    let names = &observed.ledger.contract.alarms;
    match names.iter().find(|name| alarms.iter().all(|alarm| alarm.name != **name)) {
        None => Ok(alarms),
        Some(name) => Err(Failure::refused(format!("alarm `{name}`, which the contract names, does not exist"))
            .hint("create the alarm, or remove it from the contract; `--ignore-alarms` releases without alarms")
            .into()),
    }
}

/// An alarm that cannot go into ALARM within the time for which it is watched protects nothing.
fn long_enough(alarms: &[Alarm], traffic: &Traffic, environment: &str) -> Result<()> {
    let times = [("`watch_seconds`", traffic.watch), ("the time of the shift", traffic.shift.lasts())];
    for (name, time) in times.into_iter().filter(|(_, time)| !time.is_zero()) {
        for alarm in alarms {
            let least = Duration::from_secs(alarm.period_seconds * alarm.evaluations + LAG);
            if time < least {
                let (time, least) = (time.as_secs(), least.as_secs());
                return Err(Failure::bad_input(format!(
                    "{name} of `{environment}` is {time} s, but alarm `{}` may need up to {least} s to go into ALARM",
                    alarm.name
                ))
                .hint(format!("set it to {least} or more in `traffic` of `deployer.toml`, or to 0 to watch nothing"))
                .into());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::ending::Ending as _;
    use crate::failure::Exit;

    #[test]
    fn a_watch_that_is_too_short_for_an_alarm_is_refused() {
        let alarm = Alarm {
            children: BTreeSet::new(),
            name: "errors".to_owned(),
            state: AlarmState::Ok,
            reason: String::new(),
            period_seconds: 60,
            evaluations: 2,
            dimensions: BTreeMap::new(),
        };
        let watched = |seconds| Traffic { watch: Duration::from_secs(seconds), ..Traffic::default() };
        assert!(long_enough(std::slice::from_ref(&alarm), &watched(240), "prod").is_ok());
        assert!(long_enough(std::slice::from_ref(&alarm), &watched(0), "prod").is_ok());
        let error = long_enough(&[alarm], &watched(239), "prod").unwrap_err();
        assert_eq!(error.exit(), Exit::BadInput);
        assert!(error.to_string().contains("may need up to 240 s to go into ALARM"), "{error}");
    }
}
