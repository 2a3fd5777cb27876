//! Rates of API Gateway for one account and region, as token buckets in virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::wire::Reply;

/// A token that is almost complete counts: a caller that waits for Retry-After is admitted.
const ALMOST: f64 = 1e-6;

/// How many calls are admitted. The defaults are AWS's own figures ("Amazon API Gateway quotas").
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rates {
    /// Whether there are any at all.
    pub(crate) on: bool,
    /// All calls of the control plane: the rate per second, and the burst.
    pub(crate) calls: f64,
    pub(crate) burst: f64,
    /// GetResources: the number in 2 s.
    pub(crate) resources_in_two_seconds: f64,
    /// CreateDeployment: one in this time.
    pub(crate) deployments_every: Duration,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            on: true,
            calls: 10.0,
            burst: 40.0,
            resources_in_two_seconds: 5.0,
            deployments_every: Duration::from_secs(5),
        }
    }
}

impl Rates {
    /// Every call is admitted.
    pub(crate) fn off() -> Self {
        Self { on: false, ..Self::default() }
    }

    fn limits(&self, operation: &str) -> Vec<Limit> {
        let mut limits = vec![Limit { name: "all", holds: self.burst, each_second: self.calls }];
        match operation {
            "GetResources" => {
                let holds = self.resources_in_two_seconds;
                limits.push(Limit { name: "GetResources", holds, each_second: holds / 2.0 });
            }
            "CreateDeployment" if !self.deployments_every.is_zero() => {
                let each_second = 1.0 / self.deployments_every.as_secs_f64();
                limits.push(Limit { name: "CreateDeployment", holds: 1.0, each_second });
            }
            _ => {}
        }
        limits
    }
}

/// How much a bucket holds, and how much flows into it.
#[derive(Clone, Debug, Copy)]
pub(crate) struct Limit {
    pub(crate) name: &'static str,
    pub(crate) holds: f64,
    pub(crate) each_second: f64,
}

/// Token buckets by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buckets(BTreeMap<&'static str, (f64, Duration)>);

impl Buckets {
    /// Admits a call, or refuses it with the time after which it would be admitted.
    pub(super) fn admit(&mut self, operation: &str, rates: &Rates, now: Duration) -> Result<(), Reply> {
        if !rates.on {
            return Ok(());
        }
        for limit in rates.limits(operation) {
            if let Err(wait) = self.take(limit, now) {
                // The header has whole seconds only.
                let seconds = wait.ceil().max(1.0);
                let refused = Reply::error(429, "TooManyRequestsException", "Too Many Requests");
                return Err(refused.with("retry-after", &seconds.to_string()));
            }
        }
        Ok(())
    }

    /// Takes a token, or returns in how many seconds there is one.
    pub(crate) fn take(&mut self, limit: Limit, now: Duration) -> Result<(), f64> {
        let (tokens, at) = self.0.entry(limit.name).or_insert((limit.holds, now));
        *tokens = (*tokens + now.saturating_sub(*at).as_secs_f64() * limit.each_second).min(limit.holds);
        *at = now;
        if *tokens + ALMOST < 1.0 {
            return Err((1.0 - *tokens) / limit.each_second);
        }
        *tokens -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(buckets: &mut Buckets, operation: &str, at: Duration) -> Result<(), Option<String>> {
        buckets
            .admit(operation, &Rates::default(), at)
            .map_err(|reply| reply.headers.into_iter().find(|(name, _)| name == "retry-after").map(|(_, value)| value))
    }

    #[test]
    fn a_second_deployment_is_admitted_after_retry_after() {
        let mut buckets = Buckets::default();
        let at = Duration::from_millis;
        assert_eq!(admitted(&mut buckets, "CreateDeployment", at(0)), Ok(()));
        assert_eq!(admitted(&mut buckets, "CreateDeployment", at(1300)), Err(Some("4".to_owned())));
        assert_eq!(admitted(&mut buckets, "CreateDeployment", at(5300)), Ok(()));
    }

    #[test]
    fn forty_calls_at_once_and_ten_a_second() {
        let mut buckets = Buckets::default();
        let admitted_at =
            |buckets: &mut Buckets, at| (0..60).filter(|_| admitted(buckets, "GetStage", at).is_ok()).count();
        assert_eq!(admitted_at(&mut buckets, Duration::ZERO), 40);
        assert_eq!(admitted_at(&mut buckets, Duration::from_secs(1)), 10);
        let resources =
            |buckets: &mut Buckets, at| (0..9).filter(|_| admitted(buckets, "GetResources", at).is_ok()).count();
        assert_eq!(resources(&mut buckets, Duration::from_secs(20)), 5);
        assert_eq!(resources(&mut buckets, Duration::from_secs(22)), 5);
    }
}
