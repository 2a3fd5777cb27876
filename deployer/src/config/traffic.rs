//! How traffic moves to new versions, how long a run may hold an environment, and what is kept.

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
    /// How long the alarms are watched once everything has switched; zero: not at all.
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
    /// So much more at a time.
    Linear {
        /// So much more of the traffic with each step, 1 to 99 percent.
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

/// `[traffic]` as it stands in the file.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Declared {
    /// How the aliases get from the old versions to the new ones.
    strategy: Strategy,
    /// Of `canary`: the part of the traffic that goes first, 1 to 99.
    percent: Option<u8>,
    /// Of `canary`: how long it stays so. On AWS at least an alarm's period x evaluations + 120 s.
    bake_seconds: Option<u64>,
    /// Of `linear`: so much more of the traffic with each step, 1 to 99.
    step_percent: Option<u8>,
    /// Of `linear`: how long each step lasts.
    interval_seconds: Option<u64>,
    /// For so long alarms are watched once everything has switched; 0: they are not.
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
            (Strategy::AllAtOnce, ..) => return Err("`all-at-once` takes no percent and no time of a shift".to_owned()),
            (Strategy::Canary, ..) => {
                return Err("`canary` needs `percent` and `bake_seconds`, and takes nothing else".to_owned());
            }
            (Strategy::Linear, ..) => {
                return Err("`linear` needs `step_percent` and `interval_seconds`, and takes nothing else".to_owned());
            }
        };
        Ok(Self { shift, watch: time("watch_seconds", declared.watch_seconds)? })
    }
}

fn part(name: &str, percent: u8) -> Result<u8, String> {
    if (1..=99).contains(&percent) { Ok(percent) } else { Err(format!("`{name}` must be 1 to 99")) }
}

fn time(name: &str, seconds: u64) -> Result<Duration, String> {
    if seconds <= LONGEST_TIME {
        Ok(Duration::from_secs(seconds))
    } else {
        Err(format!("`{name}` must be at most {LONGEST_TIME}, a day"))
    }
}

/// How long a run may hold an environment without a heartbeat.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "DeclaredLock")]
pub struct Lock {
    /// The lease. A holder shows itself four times within it; one that did not for a whole lease counts as dead.
    pub lease: Duration,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct DeclaredLock {
    /// After so long without a heartbeat a run counts as dead, 2 to 300. 20 where the table is left out.
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
            Err(format!("`lease_seconds` must be 2 to {longest}"))
        }
    }
}

/// What is kept of the past.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "DeclaredRetention")]
pub struct Retention {
    /// So many of the newest stable releases.
    pub releases: usize,
    /// Whatever is younger than this.
    pub grace: Duration,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct DeclaredRetention {
    /// So many of the newest stable releases are kept. 10 where the table is left out.
    releases: usize,
    /// Whatever is younger is kept too. 24 where the table is left out.
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
            return Err(format!("`grace_hours` must be at most {LONGEST_GRACE}, ten years"));
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
    fn a_shift_goes_through_its_parts_and_never_through_all_of_it() {
        let second = Duration::from_secs(1);
        assert_eq!(percents(&Shift::AllAtOnce), [0; 0]);
        assert_eq!(percents(&Shift::Canary { percent: 10, bake: second }), [10]);
        assert_eq!(percents(&Shift::Linear { step: 30, interval: second }), [30, 60, 90]);
        assert_eq!(percents(&Shift::Linear { step: 50, interval: second }), [50]);
        assert_eq!(Shift::Linear { step: 25, interval: second }.lasts(), second * 3);
    }
}
