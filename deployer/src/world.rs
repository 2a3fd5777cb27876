//! The outside world as one value: the network, the clocks, randomness and the signals. Nothing else takes them from the
//! process, so that a test can put a simulated world in its place.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpClient, SharedHttpConnector};
use jiff::{SignedDuration, Timestamp};

use crate::interrupt::Interrupt;
use crate::notices::{Notices, Until, Waiting};
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

    /// Whether its HTTP client takes a body piece by piece: then uploads are counted as they go.
    fn streams(&self) -> bool {
        false
    }

    /// The credentials to use with the given profile. `None`: those that the SDK's usual chain finds.
    fn credentials(&self, profile: Option<&str>) -> Option<SharedCredentialsProvider>;

    /// What the wall clock shows.
    fn now(&self) -> Timestamp;

    /// A clock that never goes back, and goes on while the machine is suspended. Only differences mean anything.
    fn uptime(&self) -> Duration;

    /// 128 bits that cannot be guessed.
    fn random(&self) -> u128;
}

/// The outside world of one run.
#[derive(Debug, Clone)]
pub struct World {
    outside: Arc<dyn Outside>,
    /// Whether the run was interrupted.
    pub interrupt: Interrupt,
    /// By how many seconds the wall clock is slow, by the date of AWS's last response.
    slow: Arc<AtomicI64>,
    rates: Rates,
    notices: Notices,
}

/// A clock that is wrong by less counts as right: a response takes a while, and AWS allows 5 minutes.
const WRONG: i64 = 60;

impl World {
    /// A world made of these.
    pub fn new(outside: Arc<dyn Outside>, interrupt: Interrupt) -> Self {
        Self { outside, interrupt, slow: Arc::default(), rates: Rates::of_aws(), notices: Notices::default() }
    }

    /// What the wall clock shows, corrected by the dates of AWS's responses.
    pub fn now(&self) -> Timestamp {
        self.outside
            .now()
            .saturating_add(SignedDuration::from_secs(self.slow.load(Ordering::Relaxed)))
            .unwrap_or_default()
    }

    /// Corrects the clock: by AWS's date it is `now`.
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

    /// Where notices of waits and calls go.
    pub fn notices(&self) -> &Notices {
        &self.notices
    }

    /// A pause of `time`, shown as a wait for `what`.
    pub async fn pause(&self, what: impl Into<String>, time: Duration) {
        let _shown = self.waiting(what, Until::Lasts(time));
        tokio::time::sleep(time).await;
    }

    /// A wait for `what`, shown until what is returned is dropped.
    pub fn waiting(&self, what: impl Into<String>, until: Until) -> Waiting {
        self.notices.wait(what, until)
    }

    /// A name that nothing else has: a random UUID.
    pub fn unique(&self) -> String {
        uuid::Builder::from_random_bytes(self.outside.random().to_be_bytes()).into_uuid().to_string()
    }

    /// Letters and digits that cannot be guessed.
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

/// The clock that signs what the SDK may repeat: there the SDK corrects it by itself.
impl TimeSource for World {
    fn now(&self) -> SystemTime {
        let now = self.outside.now();
        UNIX_EPOCH + Duration::try_from(now.as_duration()).unwrap_or_default()
    }
}
