//! Rates, as token buckets: what API Gateway and Lambda admit for one account and region.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::super::answer::Answer;
use super::super::name::Service;

/// The buckets of one account.
#[derive(Debug, Default)]
pub(crate) struct Buckets(HashMap<&'static str, Bucket>);

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

/// A bucket's name, how much it holds, and how much flows in each second.
type Rate = (&'static str, f64, f64);

impl Buckets {
    /// Admits a call, or refuses it with the time after which it would be admitted.
    pub(crate) fn admit(&mut self, service: Service, name: &str, deployments_every: Duration) -> Result<(), Answer> {
        for rate in rates(service, name, deployments_every) {
            if let Err(wait) = self.take(rate) {
                // Whole seconds, as the header knows no others.
                let seconds = wait.as_secs_f64().ceil().max(1.0);
                let refused = Answer::error(service, 429, "TooManyRequestsException", "Too Many Requests");
                return Err(refused.with("retry-after", &seconds.to_string()));
            }
        }
        Ok(())
    }

    fn take(&mut self, (name, holds, each_second): Rate) -> Result<(), Duration> {
        let bucket = self.0.entry(name).or_insert_with(|| Bucket { tokens: holds, at: Instant::now() });
        let flowed = bucket.at.elapsed().as_secs_f64() * each_second;
        (bucket.tokens, bucket.at) = ((bucket.tokens + flowed).min(holds), Instant::now());
        if bucket.tokens < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - bucket.tokens) / each_second));
        }
        bucket.tokens -= 1.0;
        Ok(())
    }
}

/// Lambda: GetFunction 100 requests a second, Invoke by other limits, the whole rest of the control plane 15 together.
/// API Gateway: 10 a second with a burst of 40, of these GetResources 5 in 2 s and CreateDeployment 1 in 5 s.
fn rates(service: Service, name: &str, deployments_every: Duration) -> Vec<Rate> {
    match (service, name) {
        (Service::Lambda, "Invoke") => vec![],
        (Service::Lambda, "GetFunction") => vec![("GetFunction", 100.0, 100.0)],
        (Service::Lambda, _) => vec![("Lambda", 15.0, 15.0)],
        (Service::ApiGateway, _) => {
            let mut rates = vec![("API Gateway", 40.0, 10.0)];
            match name {
                "GetResources" => rates.push(("GetResources", 5.0, 2.5)),
                "CreateDeployment" if !deployments_every.is_zero() => {
                    rates.push(("CreateDeployment", 1.0, 1.0 / deployments_every.as_secs_f64()));
                }
                _ => {}
            }
            rates
        }
        _ => vec![],
    }
}
