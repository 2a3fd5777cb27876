//! The state of a stage for one visit: one deployment, with the variables that moved together with it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::super::apigateway::{Definition, Limit, Stage, State};
use super::super::wire::{Moment, Reply};

/// What one visit is served by.
#[derive(Clone, Debug)]
pub(super) struct Served {
    pub(super) deployment: String,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) definition: Arc<Definition>,
    /// The settings of methods, and whether there is a cache.
    methods: BTreeMap<String, Map<String, Value>>,
    has_cache: bool,
}

impl Served {
    /// As one part of AWS sees the stage now: for a while after a change, by chance as it was before. A canary gets its
    /// part of the visits, with its own variables over the stage's.
    pub(super) fn by(
        stage: &Stage,
        snapshots: &BTreeMap<String, Arc<Definition>>,
        lag: Duration,
        moment: &mut Moment,
    ) -> Option<Self> {
        let (_, state) = stage.seen(lag, moment);
        let State { canary, methods, cache_cluster, .. } = state;
        let canary = canary.as_ref().filter(|canary| moment.chance.f64() * 100.0 < canary.percent);
        let mut variables = state.variables.clone();
        let mut has_cache = cache_cluster.is_some();
        if let Some(canary) = canary {
            variables.extend(canary.variables.clone());
            has_cache &= canary.use_cache;
        }
        let deployment = canary.map_or(&state.deployment, |canary| &canary.deployment).clone();
        let definition = Arc::clone(snapshots.get(&deployment)?);
        Some(Self { deployment, variables, definition, methods: methods.clone(), has_cache })
    }

    /// A setting of a method: its own, or the one of all methods.
    fn setting(&self, path: &str, method: &str, name: &str) -> Option<&Value> {
        let own = format!("{}/{method}", path.trim_start_matches('/'));
        [own.as_str(), "*/*"].into_iter().find_map(|method| self.methods.get(method)?.get(name))
    }

    /// How many visits a method takes; `None` where only the account's own limits hold.
    pub(super) fn limit(&self, path: &str, method: &str) -> Option<Limit> {
        let number = |name: &str| self.setting(path, method, name)?.as_f64().filter(|number| *number >= 0.0);
        let (holds, each_second) = (number("throttlingBurstLimit")?, number("throttlingRateLimit")?);
        // One bucket a stage: the difference to AWS's one a method is not seen by a deployer.
        Some(Limit { name: "visits", holds, each_second })
    }

    /// How long a response of a method stays in the stage's cache. Only GET is cached, unless a method of its own says
    /// otherwise ("Cache settings for REST APIs in API Gateway").
    pub(super) fn cached_for(&self, path: &str, method: &str) -> Option<Duration> {
        let enabled = self.setting(path, method, "cachingEnabled") == Some(&Value::Bool(true));
        let seconds = self.setting(path, method, "cacheTtlInSeconds").and_then(Value::as_u64).unwrap_or(300);
        (self.has_cache && enabled && method == "GET" && seconds > 0).then(|| Duration::from_secs(seconds))
    }
}

/// A response of the stage's cache, if it is still good.
pub(super) fn cached(stage: &Stage, key: &str, now: Duration) -> Option<Reply> {
    stage.cached.get(key).filter(|(until, _)| now < *until).map(|(_, reply)| reply.clone())
}
