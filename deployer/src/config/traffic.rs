//! How traffic moves to new versions, how long a run keeps its lock without a heartbeat, and what is kept.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The longest lease that a run may have.
pub const LONGEST_LEASE: Duration = Duration::from_secs(300);

/// The longest that one part of a shift lasts, or that alarms are watched, in seconds: a day.
const LONGEST_TIME: u64 = 24 * 3600;
/// The longest that things are kept, in hours: ten years.
const LONGEST_GRACE: u64 = 10 * 365 * 24;

/// How traffic moves to a new release, and how long its alarms are watched afterwards.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Declared")]
pub struct Traffic {
    /// How the aliases get from the old version to the new one.
    pub shift: Shift,
    /// How long the alarms are watched once everything has switched; zero: they are not.
    pub watch: Duration,
}

/// How the aliases get from the old version to the new one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shift {
    /// In one step.
    #[default]
    AllAtOnce,
    /// A part of the traffic first, for a while, then all of it.
    Canary {
        /// The part, 1 to 99.
        percent: u8,
        /// For how long.
        bake: Duration,
    },
    /// In equal steps.
    Linear {
        /// How much more of the traffic each step moves, 1 to 99 percent.
        step: u8,
        /// How long each step lasts.
        interval: Duration,
    },
}

impl Traffic {
    /// The same, but all of the traffic in one step.
    pub fn at_once(&self) -> Self {
        Self { watch: self.watch, ..Self::default() }
    }
}

impl Shift {
    /// The parts of the traffic that the new version gets before it gets all of it, in percent, and how long each
    /// lasts.
    pub fn stages(&self) -> Vec<(u8, Duration)> {
        match *self {
            Self::AllAtOnce => Vec::new(),
            Self::Canary { percent, bake } => vec![(percent, bake)],
            Self::Linear { step, interval } => {
                (step..100).step_by(usize::from(step)).map(|percent| (percent, interval)).collect()
            }
        }
    }

    /// How long the traffic is split.
    pub fn lasts(&self) -> Duration {
        self.stages().iter().map(|(_, pause)| *pause).sum()
    }
}

/// `[traffic]` as the file declares it.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Declared {
    /// How the aliases move to the new versions: in one step, one part of the traffic first, or in equal steps.
    strategy: Strategy,
    /// Required with `canary`: the percentage of the traffic that the new versions get first, 1 to 99.
    percent: Option<u8>,
    /// Required with `canary`: how long the new versions keep that share, in seconds. With alarms in the stack contract, at least the
    /// longest alarm's period times its evaluation periods, plus 120.
    bake_seconds: Option<u64>,
    /// Required with `linear`: how much more of the traffic each step moves, in percent, 1 to 99.
    step_percent: Option<u8>,
    /// Required with `linear`: how long each step lasts, in seconds. The same minimum as for `bake_seconds` applies.
    interval_seconds: Option<u64>,
    /// How long the alarms are watched after the release has all of the traffic, in seconds. With 0 they are not watched then.
    #[serde(default)]
    watch_seconds: u64,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
enum Strategy {
    AllAtOnce,
    Canary,
    Linear,
}

impl TryFrom<Declared> for Traffic {
    type Error = String;

    fn try_from(declared: Declared) -> Result<Self, String> {
        let canary = (declared.percent, declared.bake_seconds);
        let linear = (declared.step_percent, declared.interval_seconds);
        let shift = match (declared.strategy, canary, linear) {
            (Strategy::AllAtOnce, (None, None), (None, None)) => Shift::AllAtOnce,
            (Strategy::Canary, (Some(percent), Some(bake)), (None, None)) => {
                Shift::Canary { percent: part("percent", percent)?, bake: time("bake_seconds", bake)? }
            }
            (Strategy::Linear, (None, None), (Some(step), Some(interval))) => {
                Shift::Linear { step: part("step_percent", step)?, interval: time("interval_seconds", interval)? }
            }
            (Strategy::AllAtOnce, ..) => {
                return Err(
                    "`all-at-once` allows none of `percent`, `bake_seconds`, `step_percent` and `interval_seconds`"
                        .to_owned(),
                );
            }
            (Strategy::Canary, ..) => {
                return Err("`canary` needs `percent` and `bake_seconds`, and allows neither `step_percent` nor `interval_seconds`".to_owned());
            }
            (Strategy::Linear, ..) => {
                return Err("`linear` needs `step_percent` and `interval_seconds`, and allows neither `percent` nor `bake_seconds`".to_owned());
            }
        };
        Ok(Self { shift, watch: time("watch_seconds", declared.watch_seconds)? })
    }
}

fn part(name: &str, percent: u8) -> Result<u8, String> {
    if (1..=99).contains(&percent) { Ok(percent) } else { Err(format!("`{name}` must be from 1 to 99")) }
}

fn time(name: &str, seconds: u64) -> Result<Duration, String> {
    if seconds <= LONGEST_TIME {
        Ok(Duration::from_secs(seconds))
    } else {
        Err(format!("`{name}` must be at most {LONGEST_TIME} (a day)"))
    }
}

/// How long a run keeps its lock without a heartbeat.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "DeclaredLock")]
pub struct Lock {
    /// The lease. The lock holder sends four heartbeats within it; after a whole lease without one, it counts as dead.
    pub lease: Duration,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct DeclaredLock {
    /// After how many seconds without a heartbeat a run counts as dead, 2 to 300; outside of the local AWS at least 15. Required in
    /// the table; without the table, it is 20.
    lease_seconds: u64,
}

impl Default for Lock {
    fn default() -> Self {
        Self { lease: Duration::from_secs(20) }
    }
}

impl TryFrom<DeclaredLock> for Lock {
    type Error = String;

    fn try_from(declared: DeclaredLock) -> Result<Self, String> {
        let longest = LONGEST_LEASE.as_secs();
        if (2..=longest).contains(&declared.lease_seconds) {
            Ok(Self { lease: Duration::from_secs(declared.lease_seconds) })
        } else {
            Err(format!("`lease_seconds` must be from 2 to {longest}"))
        }
    }
}

/// What is kept of the past.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "DeclaredRetention")]
pub struct Retention {
    /// How many of the newest stable releases.
    pub releases: usize,
    /// Everything younger than this.
    pub grace: Duration,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct DeclaredRetention {
    /// How many of the newest stable releases are kept, so that a rollback to them is possible. Required in the table;
    /// without the table, it is 10.
    releases: usize,
    /// Versions and deployments that are younger than this many hours are kept, too. Required in the table; without the
    /// table, it is 24.
    grace_hours: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { releases: 10, grace: Duration::from_hours(24) }
    }
}

impl TryFrom<DeclaredRetention> for Retention {
    type Error = String;

    fn try_from(declared: DeclaredRetention) -> Result<Self, String> {
        if declared.releases == 0 {
            return Err("`releases` must be at least 1".to_owned());
        }
        if declared.grace_hours > LONGEST_GRACE {
            return Err(format!("`grace_hours` must be at most {LONGEST_GRACE} (ten years)"));
        }
        Ok(Self { releases: declared.releases, grace: Duration::from_hours(declared.grace_hours) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percents(shift: &Shift) -> Vec<u8> {
        shift.stages().iter().map(|(percent, _)| *percent).collect()
    }

    #[test]
    fn a_shift_goes_through_its_steps_but_never_reaches_all() {
        let second = Duration::from_secs(1);
        assert_eq!(percents(&Shift::AllAtOnce), [0; 0]);
        assert_eq!(percents(&Shift::Canary { percent: 10, bake: second }), [10]);
        assert_eq!(percents(&Shift::Linear { step: 30, interval: second }), [30, 60, 90]);
        assert_eq!(percents(&Shift::Linear { step: 50, interval: second }), [50]);
        assert_eq!(Shift::Linear { step: 25, interval: second }.lasts(), second * 3);
    }
}
