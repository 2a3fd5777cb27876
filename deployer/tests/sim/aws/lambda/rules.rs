//! What a test may vary: delays, rates and limits.

use std::time::Duration;

use super::model::State;

/// The lags, rates and limits of the service. The defaults are like AWS, only faster: virtual time costs nothing.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// How long `LastUpdateStatus` is InProgress after an update of the code or the configuration.
    pub(crate) update_takes: Duration,
    /// How long a version is Pending that UpdateFunctionCode published (`Publish=true`), and an inactive one that is
    /// invoked.
    pub(crate) pending: Duration,
    /// How long a version of PublishVersion is Pending. The recorded responses show Active at once (a function without a
    /// VPC, without SnapStart); with either of them it is Pending for a while.
    pub(crate) published_pending: Duration,
    /// For so long after a write a read may still show what was before.
    pub(crate) read_lag: Duration,
    /// For so long after a change of an alias its traffic may still go where it went before.
    pub(crate) propagation: Duration,
    /// How long provisioned environments take to be ready, for a new version too.
    pub(crate) warming: Duration,
    /// Whether the alias gets another RevisionId when AWS itself ends the warm-up. Not documented.
    pub(crate) warming_moves_revision: bool,
    /// None: no limit.
    pub(crate) rates: Option<Rates>,
    /// Every update that ends from now on fails so.
    pub(crate) updates_fail: Option<Failure>,
    /// Every Pending version that would become Active fails so.
    pub(crate) versions_fail: Option<Failure>,
    /// Provisioned environments never become ready: the reason that Lambda gives.
    pub(crate) provisioning_fails: Option<String>,
    /// The caller may not decrypt environment variables: an error is shown instead of them.
    pub(crate) hides_variables: bool,
    /// Whether the bytes of an upload have to be a zip.
    pub(crate) checks_zips: bool,
    /// The most bytes of a zip that is sent with the call.
    pub(crate) zipped: usize,
    /// The most bytes of a zip's files.
    pub(crate) unzipped: u64,
    /// The most bytes of a request.
    pub(crate) request: usize,
    /// The most bytes of an invocation's payload.
    pub(crate) payload: usize,
    /// The most bytes of all versions' zips together.
    pub(crate) code_storage: u64,
    /// The most versions and aliases in a page of a listing.
    pub(crate) page: usize,
    /// How many executions at once the account may have.
    pub(crate) concurrency: i32,
}

/// Why an update or a version failed: `InvalidZipFileException`, "…".
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) code: String,
    pub(crate) reason: String,
}

/// Requests in a second.
#[derive(Clone, Debug)]
pub(crate) struct Rates {
    /// GetFunction alone.
    pub(crate) get_function: f64,
    /// All other calls of the control plane together. Invoke has no limit here.
    pub(crate) others: f64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            update_takes: Duration::from_secs(2),
            pending: Duration::from_secs(2),
            published_pending: Duration::from_secs(1),
            read_lag: Duration::from_millis(500),
            propagation: Duration::from_secs(1),
            warming: Duration::from_secs(60),
            warming_moves_revision: false,
            rates: Some(Rates::default()),
            updates_fail: None,
            versions_fail: None,
            provisioning_fails: None,
            hides_variables: false,
            checks_zips: true,
            zipped: 52_428_800,
            unzipped: 262_144_000,
            request: 70_167_211,
            payload: 6_291_456,
            code_storage: 75 * 1024 * 1024 * 1024,
            page: 50,
            concurrency: 1000,
        }
    }
}

impl Default for Rates {
    fn default() -> Self {
        Self { get_function: 100.0, others: 15.0 }
    }
}

impl Rules {
    /// Everything at once and everywhere: for tests of something else.
    pub(crate) fn instant() -> Self {
        Self {
            update_takes: Duration::ZERO,
            pending: Duration::ZERO,
            published_pending: Duration::ZERO,
            read_lag: Duration::ZERO,
            propagation: Duration::ZERO,
            warming: Duration::ZERO,
            rates: None,
            ..Self::default()
        }
    }

    /// The state in which PublishVersion makes a version.
    pub(super) fn published(&self, now: Duration) -> State {
        match self.published_pending {
            Duration::ZERO => State::active(),
            pending => State::creating(now + pending),
        }
    }
}

/// Two token buckets, as AWS throttles: each holds what flows in one second.
#[derive(Clone, Debug, Default)]
pub(super) struct Buckets {
    get_function: Bucket,
    others: Bucket,
}

#[derive(Clone, Debug, Default)]
struct Bucket {
    spent: f64,
    at: Duration,
}

impl Buckets {
    /// Admits a call, or gives the time after which it would be admitted.
    pub(super) fn admit(&mut self, operation: &str, rates: Option<&Rates>, now: Duration) -> Result<(), Duration> {
        match (operation, rates) {
            (_, None) | ("Invoke", _) => Ok(()),
            ("GetFunction", Some(rates)) => self.get_function.take(rates.get_function, now),
            (_, Some(rates)) => self.others.take(rates.others, now),
        }
    }
}

impl Bucket {
    fn take(&mut self, rate: f64, now: Duration) -> Result<(), Duration> {
        self.spent = (self.spent - now.saturating_sub(self.at).as_secs_f64() * rate).max(0.0);
        self.at = now;
        if self.spent + 1.0 > rate {
            return Err(Duration::from_secs_f64((self.spent + 1.0 - rate) / rate));
        }
        self.spent += 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifteen_calls_pass_and_the_sixteenth_waits() {
        let (mut buckets, rates) = (Buckets::default(), Rates::default());
        let now = Duration::from_secs(7);
        assert!((0..15).all(|_| buckets.admit("GetAlias", Some(&rates), now).is_ok()));
        assert!(buckets.admit("UpdateAlias", Some(&rates), now).is_err());
        assert!(buckets.admit("Invoke", Some(&rates), now).is_ok() && buckets.admit("X", None, now).is_ok());
        assert!((0..100).all(|_| buckets.admit("GetFunction", Some(&rates), now).is_ok()));
        assert!(buckets.admit("GetFunction", Some(&rates), now).is_err());
        assert!(buckets.admit("GetAlias", Some(&rates), now + Duration::from_millis(70)).is_ok());
    }
}
