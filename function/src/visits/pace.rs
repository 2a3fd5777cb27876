//! How long a recount waits for visits that are on their way.

use std::{fmt, str::FromStr, time::Duration};

/// The times by which a visit that is on its way is told from one that has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// A visit this long before the total was read may have been added after it.
    pub before: Duration,
    /// A visit this long after the total was read may have been added before it.
    pub after: Duration,
    /// After this, the index shows every visit that came before `after` was over.
    pub settle: Duration,
}

impl Default for Pace {
    /// The function ends after 10 s, and clocks may differ by 2 s; the index mostly takes less than a second.
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { before: seconds(12), after: seconds(2), settle: seconds(15) }
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{}", self.before.as_millis(), self.after.as_millis(), self.settle.as_millis())
    }
}

impl FromStr for Pace {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let times: Result<Vec<u64>, _> = text.split(',').map(str::parse).collect();
        match times.map_err(|_| "not a number of milliseconds")?.as_slice() {
            &[before, after, settle] => {
                let time = Duration::from_millis;
                Ok(Self { before: time(before), after: time(after), settle: time(settle) })
            }
            _ => Err("not three numbers"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_reads_as_it_is_shown() {
        assert_eq!(Pace::default().to_string(), "12000,2000,15000");
        assert_eq!("12000,2000,15000".parse(), Ok(Pace::default()));
        assert!("1,2".parse::<Pace>().is_err() && "1,2,x".parse::<Pace>().is_err());
    }
}
