//! Waiting for AWS: one rule for how long, how often, and when it has been long enough.
//!
//! While it may be done any moment, it is looked for at a steady pace. Then pauses double, and each is drawn from the second half
//! of its length: runs that were refused together do not come back together, and none comes back at once.

use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use crate::failure::Failure;
use crate::world::World;

/// How often to try, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The first pause.
    pub first: Duration,
    /// So long the pauses do not grow: what is waited for may be done any moment.
    pub steady: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// The longest to wait in all.
    pub within: Duration,
}

impl Pace {
    /// For what Lambda does in moments as a rule, and in minutes at worst: functions in a VPC. GetFunction, which is what polls
    /// as a rule, is admitted 100 times a second.
    pub const READY: Self = Self {
        first: Duration::from_millis(100),
        steady: Duration::from_secs(2),
        longest: Duration::from_secs(2),
        within: Duration::from_secs(300),
    };
    /// For what is carried out already, and may for a moment be read as it was before. AWS gives no figure; the safe state
    /// after a signal has to be reached within 7 s.
    pub const READ: Self = Self { within: Duration::from_secs(3), ..Self::READY };
    /// For a write that was refused because there were too many, or because of another one in progress; CreateDeployment alone
    /// is admitted once in 5 s.
    pub const ADMITTED: Self = Self {
        steady: Duration::ZERO,
        longest: Duration::from_secs(5),
        within: Duration::from_secs(60),
        ..Self::READY
    };
    /// For another transaction on the same item: it is over in milliseconds as a rule.
    pub const CONFLICT: Self = Self {
        first: Duration::from_millis(10),
        steady: Duration::ZERO,
        longest: Duration::from_millis(200),
        within: Duration::from_secs(3),
    };
    /// For what is sent a few times and no more.
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
}

impl Backoff {
    /// Begins now.
    pub fn new(world: &World, pace: Pace) -> Self {
        Self { world: world.clone(), pace, started: Instant::now(), next: pace.first }
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

    /// Waits once. False if it has been long enough: then it did not wait.
    pub async fn wait(&mut self) -> bool {
        let pause = self.pause();
        self.wait_for(pause, self.pace.within).await
    }

    /// Waits once, so long, unless it would take longer than `within` in all.
    pub async fn wait_for(&self, pause: Duration, within: Duration) -> bool {
        let in_time = self.elapsed() + pause <= within;
        if in_time {
            tokio::time::sleep(pause).await;
        }
        in_time
    }

    /// Waits once.
    ///
    /// # Errors
    /// It has taken too long; `what` says what was waited for.
    pub async fn wait_until(&mut self, what: impl FnOnce() -> String) -> Result<()> {
        if self.wait().await {
            return Ok(());
        }
        Err(Failure::error(format!("waited {} s for {}", self.pace.within.as_secs(), what()))
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
