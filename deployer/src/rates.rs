//! The rates at which AWS admits calls. Each call waits for its turn here, so that none is throttled for coming too early.
//! Everything that runs side by side in one run shares the rates, as it shares the account. Calls of other runs and other tools
//! are not counted here: a call that is throttled all the same is sent again (`aws/retry.rs`).
//!
//! Invocations have no such rate, and take as long as the function does: only a number of them are under way at once.
//!
//! AWS admits a burst, then a number of calls each second. Our rates are a little lower: calls that leave evenly do not arrive
//! evenly.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::duration::spoken;

/// A wait that is shorter is not worth a line.
const NOTICED: Duration = Duration::from_secs(1);

/// Each has a connection of its own. Together with the bursts below it is less than the 256 files that macOS lets a process open.
const INVOCATIONS: usize = 100;

/// The rates of one account and region. By default there is no limit for calls, as in the local AWS.
#[derive(Debug, Clone, Default)]
pub struct Rates {
    /// Lambda's GetFunction.
    pub get_function: Rate,
    /// All other calls of Lambda's control plane together, without Invoke.
    pub lambda: Rate,
    /// All calls of API Gateway together.
    pub api_gateway: Rate,
    /// Lambda's Invoke.
    pub invocations: AtOnce,
}

impl Rates {
    /// Those of AWS: GetFunction 100 a second, the rest of Lambda's control plane 15
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>), API Gateway 10 and a burst of 40
    /// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>).
    pub fn of_aws() -> Self {
        let crowded = Arc::default();
        let rate = |what, admitted, (burst, each_second)| Rate::new(what, admitted, (burst, each_second), &crowded);
        Self {
            get_function: rate("GetFunction", 100, (50, 90)),
            lambda: rate("calls of Lambda", 15, (10, 14)),
            api_gateway: rate("calls of API Gateway", 10, (30, 9)),
            invocations: AtOnce::default(),
        }
    }

    /// Waits until calls have to wait for more than a second. Returns what they wait for, and how long.
    pub async fn crowded(&self) -> Queue {
        loop {
            let rates = [&self.get_function, &self.lambda, &self.api_gateway].map(|rate| rate.0.as_deref());
            let Some(bucket) = rates[0] else { return std::future::pending().await };
            bucket.crowded.notified().await;
            // Whatever runs side by side joins the queue first.
            tokio::task::yield_now().await;
            let queues = rates.into_iter().flatten().map(Bucket::queue);
            if let Some(queue) = queues.max_by_key(|queue| queue.wait).filter(|queue| queue.wait > NOTICED) {
                return queue;
            }
        }
    }
}

/// How much may be under way at once, for all clones together.
#[derive(Debug, Clone)]
pub struct AtOnce(Arc<Semaphore>);

impl Default for AtOnce {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(INVOCATIONS)))
    }
}

impl AtOnce {
    /// Waits for a place, which is free again when it is dropped.
    pub async fn place(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.0.acquire().await.ok()
    }
}

/// One rate, shared by its clones.
#[derive(Debug, Clone, Default)]
pub struct Rate(Option<Arc<Bucket>>);

#[derive(Debug)]
struct Bucket {
    what: &'static str,
    /// How many calls AWS admits in a second.
    admitted: u32,
    /// The time between two calls, once the burst is used up.
    interval: Duration,
    burst: u32,
    /// When the bucket is full again, if nothing more is sent.
    full: Mutex<Option<Instant>>,
    /// Notified when a call has to wait for long.
    crowded: Arc<Notify>,
}

/// Calls that wait for their turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    what: &'static str,
    admitted: u32,
    calls: u128,
    wait: Duration,
}

impl Queue {
    /// How long until it is empty.
    pub fn wait(&self) -> Duration {
        self.wait
    }
}

impl fmt::Display for Queue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, admitted, calls, wait } = self;
        let left = spoken(Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)));
        write!(formatter, "for AWS's rate of {admitted} {what} a second: {calls} are left, about {left}")
    }
}

impl Rate {
    fn new(what: &'static str, admitted: u32, (burst, each_second): (u32, u32), crowded: &Arc<Notify>) -> Self {
        let interval = Duration::from_secs(1) / each_second;
        let crowded = Arc::clone(crowded);
        Self(Some(Arc::new(Bucket { what, admitted, interval, burst, full: Mutex::default(), crowded })))
    }

    /// Waits until one call may go out.
    pub async fn turn(&self) {
        let Some(bucket) = &self.0 else { return };
        let wait = bucket.take(Instant::now());
        if wait > NOTICED {
            bucket.crowded.notify_one();
        }
        if !wait.is_zero() {
            let place = Place(bucket);
            tokio::time::sleep(wait).await;
            std::mem::forget(place);
        }
    }
}

/// A place in the queue, given back when a call stops waiting for it.
struct Place<'a>(&'a Bucket);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut full = self.0.full.lock().unwrap_or_else(PoisonError::into_inner);
        *full = full.and_then(|full| full.checked_sub(self.0.interval));
    }
}

impl Bucket {
    /// Takes a place in the queue. Returns how long it is until this call's turn.
    fn take(&self, now: Instant) -> Duration {
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        let next = full.map_or(now, |full| full.max(now)) + self.interval;
        *full = Some(next);
        next.saturating_duration_since(now + self.interval * self.burst)
    }

    fn queue(&self) -> Queue {
        let full = *self.full.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = full
            .map_or(Duration::ZERO, |full| full.saturating_duration_since(Instant::now() + self.interval * self.burst));
        let calls = wait.as_nanos().div_ceil(self.interval.as_nanos());
        Queue { what: self.what, admitted: self.admitted, calls, wait }
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn after_the_burst_calls_go_out_evenly() {
        let (rates, began) = (Rates::of_aws(), Instant::now());
        let calls = (0..24).map(async |_| {
            rates.lambda.turn().await;
            began.elapsed().as_millis()
        });
        let at = join_all(calls).await;
        assert_eq!(at.iter().filter(|at| **at == 0).count(), 10);
        assert!((990..=1_010).contains(at.last().unwrap()), "{at:?}");
        // The other rates are not affected.
        rates.get_function.turn().await;
        assert!(began.elapsed() < Duration::from_millis(1_100));
        // A second later there is a burst again, and no more than one.
        tokio::time::sleep(Duration::from_secs(60)).await;
        let began = Instant::now();
        join_all((0..11).map(|_| rates.lambda.turn())).await;
        assert!((50..100).contains(&began.elapsed().as_millis()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_queue_is_reported_and_a_short_one_is_not() {
        let rates = Rates::of_aws();
        let waiting = join_all((0..100).map(|_| rates.lambda.turn()));
        let (_, queue) = tokio::join!(waiting, rates.crowded());
        assert_eq!(queue.to_string(), "for AWS's rate of 15 calls of Lambda a second: 90 are left, about 7 s");
        tokio::time::sleep(Duration::from_secs(60)).await;
        let waiting = join_all((0..20).map(|_| rates.lambda.turn()));
        tokio::select! { biased; _ = waiting => {}, queue = rates.crowded() => panic!("{queue}") }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_stops_waiting_gives_its_place_back() {
        let (rates, began) = (Rates::of_aws(), Instant::now());
        let many = join_all((0..100).map(|_| rates.lambda.turn()));
        tokio::select! { biased; _ = many => panic!("too soon"), () = tokio::time::sleep(Duration::from_millis(1)) => {} }
        rates.lambda.turn().await;
        assert!(began.elapsed() < Duration::from_millis(200), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn invocations_beyond_the_most_at_once_wait_for_a_place() {
        for rates in [Rates::of_aws(), Rates::default()] {
            let began = Instant::now();
            let shared = [rates.invocations.clone(), rates.invocations];
            let calls = (0..=INVOCATIONS).map(async |call| {
                let _place = shared[call % 2].place().await;
                tokio::time::sleep(Duration::from_secs(1)).await;
                began.elapsed().as_secs()
            });
            let at = join_all(calls).await;
            assert_eq!(at.iter().filter(|at| **at == 1).count(), INVOCATIONS);
            assert_eq!(at.last(), Some(&2));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_local_aws_is_not_paced() {
        let (rates, began) = (Rates::default(), Instant::now());
        join_all((0..1000).map(|_| rates.lambda.turn())).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
