//! The outside world as one value: the network, the clocks, chance and the signals. Nothing of it is taken from the
//! process anywhere else, so that a test can put a simulated world in its place.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpClient, SharedHttpConnector};
use jiff::{SignedDuration, Timestamp};

use crate::interrupt::Interrupt;
use crate::rates::Rates;

/// Whether requests go through the proxy that the user's environment names. Nothing local ever does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proxy {
    /// As `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say.
    OfTheUser,
    /// Straight to the host.
    None,
}

/// What a run cannot decide by itself. Durations are measured by `tokio`'s clock, which a test can pause.
pub trait Outside: fmt::Debug + Send + Sync {
    /// The HTTP client of the AWS SDK.
    fn http_client(&self, proxy: Proxy) -> SharedHttpClient;

    /// A connector for requests that are not the SDK's: to a stage's URL, for a package's download.
    fn connector(&self, settings: &HttpConnectorSettings, proxy: Proxy) -> SharedHttpConnector;

    /// The credentials to use with the given profile. `None`: those that the SDK's usual chain finds.
    fn credentials(&self, profile: Option<&str>) -> Option<SharedCredentialsProvider>;

    /// What the wall clock shows.
    fn now(&self) -> Timestamp;

    /// A clock that never goes back, and goes on while the machine is suspended. Only differences mean anything.
    fn uptime(&self) -> Duration;

    /// 128 bits that nobody can guess.
    fn random(&self) -> u128;
}

/// The outside world of one run.
#[derive(Debug, Clone)]
pub struct World {
    outside: Arc<dyn Outside>,
    /// Whether the run was asked to stop.
    pub interrupt: Interrupt,
    /// By how many seconds the wall clock is slow, as far as AWS has said.
    slow: Arc<AtomicI64>,
    rates: Rates,
}

/// A clock that is wrong by less is right: a response takes a while, and AWS takes 5 minutes.
const WRONG: i64 = 60;

impl World {
    /// A world that is made of these.
    pub fn new(outside: Arc<dyn Outside>, interrupt: Interrupt) -> Self {
        Self { outside, interrupt, slow: Arc::default(), rates: Rates::of_aws() }
    }

    /// What the wall clock shows, set right by what AWS has said.
    pub fn now(&self) -> Timestamp {
        self.outside
            .now()
            .saturating_add(SignedDuration::from_secs(self.slow.load(Ordering::Relaxed)))
            .unwrap_or_default()
    }

    /// Somebody who knows says that it is `now`.
    pub(crate) fn set_clock(&self, now: Timestamp) {
        let slow = now.duration_since(self.outside.now()).as_secs();
        self.slow.store(if slow.abs() > WRONG { slow } else { 0 }, Ordering::Relaxed);
    }

    /// A clock that never goes back, and goes on while the machine is suspended.
    pub fn uptime(&self) -> Duration {
        self.outside.uptime()
    }

    /// The rates at which AWS admits calls, for everything that the run does side by side.
    pub fn rates(&self) -> &Rates {
        &self.rates
    }

    /// A name that nothing else has: a random UUID.
    pub fn unique(&self) -> String {
        uuid::Builder::from_random_bytes(self.outside.random().to_be_bytes()).into_uuid().to_string()
    }

    /// Letters and digits that nobody can guess.
    pub fn secret(&self) -> String {
        let half = || format!("{:032x}", self.outside.random());
        half() + &half()
    }

    /// A random time, `longest` at most.
    pub(crate) fn up_to(&self, longest: Duration) -> Duration {
        let nanos = self.outside.random() % (longest.as_nanos() + 1);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    pub(crate) fn outside(&self) -> &dyn Outside {
        &*self.outside
    }
}

/// The SDK signs by this clock what it may repeat: there it corrects it by itself.
impl TimeSource for World {
    fn now(&self) -> SystemTime {
        let now = self.outside.now();
        UNIX_EPOCH + Duration::try_from(now.as_duration()).unwrap_or_default()
    }
}
