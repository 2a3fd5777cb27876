//! Waiting for AWS: one rule for how long, how often, and when to give up.
//!
//! Polls begin at a steady pace, while the result may be there at any moment. Then pauses double, and each is drawn from the
//! second half of its length: runs that were refused together do not come back together, and none comes back at once.

use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use crate::duration::spoken;
use crate::failure::Failure;
use crate::notices::{Until, Waiting};
use crate::world::World;

/// How often to try, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The first pause.
    pub first: Duration,
    /// How long the pauses stay as short as the first one.
    pub steady: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// The longest to wait in all.
    pub within: Duration,
}

impl Pace {
    /// For what Lambda usually does in moments, and in minutes at worst: functions in a VPC. GetFunction, the usual poll, is
    /// admitted 100 times a second.
    pub const READY: Self = Self {
        first: Duration::from_millis(100),
        steady: Duration::from_secs(2),
        longest: Duration::from_secs(2),
        within: Duration::from_secs(300),
    };
    /// For a change that AWS has made already, while a read may still return the state before it. AWS gives no figure; the safe
    /// state after a signal has to be reached within 7 s.
    pub const READ: Self = Self { within: Duration::from_secs(3), ..Self::READY };
    /// For a write that was throttled, or refused because another one is in progress; CreateDeployment alone is admitted once
    /// in 5 s.
    pub const ADMITTED: Self = Self {
        steady: Duration::ZERO,
        longest: Duration::from_secs(5),
        within: Duration::from_secs(60),
        ..Self::READY
    };
    /// For another transaction on the same item: it usually takes milliseconds.
    pub const CONFLICT: Self = Self {
        first: Duration::from_millis(10),
        steady: Duration::ZERO,
        longest: Duration::from_millis(200),
        within: Duration::from_secs(3),
    };
    /// For what is sent only a few times.
    pub const RETRY: Self = Self {
        first: Duration::from_millis(200),
        steady: Duration::ZERO,
        longest: Duration::from_secs(2),
        within: Duration::from_secs(60),
    };
}

/// A bounded series of pauses.
#[derive(Debug)]
pub struct Backoff {
    world: World,
    pace: Pace,
    started: Instant,
    next: Duration,
    what: Option<String>,
    /// The wait as it is shown, from the first pause on.
    shown: Option<Waiting>,
}

impl Backoff {
    /// Begins now.
    pub fn new(world: &World, pace: Pace) -> Self {
        Self { world: world.clone(), pace, started: Instant::now(), next: pace.first, what: None, shown: None }
    }

    /// The same, shown as a wait for `what` from the first pause on.
    #[must_use]
    pub fn waiting_for(mut self, what: impl Into<String>) -> Self {
        self.what = Some(what.into());
        self
    }

    /// How long ago it began.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The next pause, for a caller that waits by itself.
    pub fn pause(&mut self) -> Duration {
        if self.elapsed() < self.pace.steady {
            return self.pace.first;
        }
        let half = self.next / 2;
        self.next = (self.next * 2).min(self.pace.longest);
        half + self.world.up_to(half)
    }

    /// Waits once. False, without a pause, if the time is up.
    pub async fn wait(&mut self) -> bool {
        let pause = self.pause();
        self.wait_for(pause, self.pace.within).await
    }

    /// Waits once, for `pause`, unless that would take longer than `within` in all.
    pub async fn wait_for(&mut self, pause: Duration, within: Duration) -> bool {
        let in_time = self.elapsed() + pause <= within;
        if in_time {
            if let Some(what) = self.what.take() {
                self.shown = Some(self.world.waiting(what, Until::AtMost(within)));
            }
            tokio::time::sleep(pause).await;
        }
        in_time
    }

    /// Waits once.
    ///
    /// # Errors
    /// It has taken too long. `what` completes the sentence "waited 5 min for …".
    pub async fn wait_until(&mut self, what: impl FnOnce() -> String) -> Result<()> {
        let what = what();
        if self.shown.is_none() {
            self.what = Some(what.clone());
        }
        if self.wait().await {
            return Ok(());
        }
        Err(Failure::error(format!("waited {} for {what}", spoken(self.pace.within)))
            .hint("look at its state in the console, then run again")
            .into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_after_a_while_vary_and_end() {
        let mut backoff = Backoff::new(&World::real(), Pace::READ);
        let (mut waits, began) = (0, Instant::now());
        while backoff.wait().await {
            waits += 1;
        }
        assert!((20..=50).contains(&waits), "{waits}");
        assert!(began.elapsed() <= Pace::READ.within);
        assert!(backoff.wait_until(|| "a thing".to_owned()).await.unwrap_err().to_string().contains("3 s for a thing"));
    }
}
