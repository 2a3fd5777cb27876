//! A stage: its deployment, its history, and what reads show before its last change has reached all of AWS.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::super::wire::{Moment, Reply};
use super::rates::Buckets;

/// The settings of all methods that have none of their own.
pub(super) const ALL_METHODS: &str = "*/*";

/// A stage with everything that it ever was.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(super) name: String,
    pub(super) created: Duration,
    /// When each state began; the last one is what UpdateStage made of it. Never empty.
    states: Vec<(Duration, State)>,
    /// When a call named a deployment for it, and which.
    pub(super) moves: Vec<(Duration, String)>,
    pub(crate) knobs: Knobs,
    pub(crate) buckets: Buckets,
    /// Responses of the stage's cache, each until when.
    pub(crate) cached: BTreeMap<String, (Duration, Reply)>,
}

/// What happens to visits by chance: the share of them, from 0 to 1.
#[derive(Clone, Debug, Copy, Default, PartialEq)]
pub(crate) struct Knobs {
    /// Blocked by the web application firewall.
    pub(crate) firewall: f64,
    /// Refused for the stage's or the account's limits.
    pub(crate) throttled: f64,
}

/// What UpdateStage changes: all of it moves at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    pub(crate) deployment: String,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) canary: Option<Canary>,
    pub(crate) description: Option<String>,
    pub(crate) documentation_version: Option<String>,
    pub(crate) client_certificate: Option<String>,
    pub(crate) tracing: bool,
    /// The size of the cache in GB, as `0.5`; `None` where it is off.
    pub(crate) cache_cluster: Option<String>,
    /// `destinationArn` and `format`.
    pub(crate) access_log: BTreeMap<String, String>,
    /// `throttlingBurstLimit`, `cachingEnabled`, … by `*/*` or `visits/GET`.
    pub(crate) methods: BTreeMap<String, Map<String, Value>>,
}

/// A part of the traffic that another deployment gets.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Canary {
    pub(crate) deployment: String,
    /// From 0 to 100.
    pub(crate) percent: f64,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) use_cache: bool,
}

impl State {
    /// Limits the stage's requests: the burst, and the rate per second.
    pub(crate) fn limit(&mut self, burst: i32, rate: f64) {
        let settings = self.settings_of(ALL_METHODS);
        settings.insert("throttlingBurstLimit".to_owned(), json!(burst));
        settings.insert("throttlingRateLimit".to_owned(), json!(rate));
    }

    /// Switches the cache on.
    pub(crate) fn cache(&mut self, seconds: u32) {
        self.cache_cluster = Some("0.5".to_owned());
        let settings = self.settings_of(ALL_METHODS);
        settings.insert("cachingEnabled".to_owned(), json!(true));
        settings.insert("cacheTtlInSeconds".to_owned(), json!(seconds));
    }

    /// The settings of a method: where it has none yet, it begins with those of all methods.
    pub(super) fn settings_of(&mut self, method: &str) -> &mut Map<String, Value> {
        let all = self.methods.get(ALL_METHODS).cloned().unwrap_or_else(default_settings);
        self.methods.entry(method.to_owned()).or_insert(all)
    }

    /// Whether the deployment gets any traffic of the stage: then it may not be deleted.
    pub(super) fn needs(&self, deployment: &str) -> bool {
        self.deployment == deployment || self.canary.as_ref().is_some_and(|canary| canary.deployment == deployment)
    }
}

fn default_settings() -> Map<String, Value> {
    let settings = json!({
        "cacheDataEncrypted": false,
        "cacheTtlInSeconds": 300,
        "cachingEnabled": false,
        "dataTraceEnabled": false,
        "metricsEnabled": false,
        "requireAuthorizationForCacheControl": true,
        "throttlingBurstLimit": 5000,
        "throttlingRateLimit": 10000.0,
        "unauthorizedCacheControlHeaderStrategy": "SUCCEED_WITH_RESPONSE_HEADER",
    });
    settings.as_object().cloned().unwrap_or_default()
}

impl Stage {
    pub(super) fn new(name: &str, state: State, now: Duration) -> Self {
        Self {
            name: name.to_owned(),
            created: now,
            states: vec![(now, state)],
            moves: Vec::new(),
            knobs: Knobs::default(),
            buckets: Buckets::default(),
            cached: BTreeMap::new(),
        }
    }

    /// What the last change made of it.
    pub(crate) fn state(&self) -> &State {
        &self.states[self.states.len() - 1].1
    }

    /// Changes it. A call that names a deployment is a move, even if it is the same one.
    pub(super) fn change(&mut self, state: State, moved: bool, now: Duration) {
        if moved {
            self.moves.push((now, state.deployment.clone()));
        }
        self.states.push((now, state));
    }

    /// A state as some part of AWS sees it, and since when it is so. For as long as `lag` after a change that is by
    /// chance the new one or one before it: what was seen once may be gone the next time (localstack#12199).
    pub(crate) fn seen(&self, lag: Duration, moment: &mut Moment) -> (Duration, &State) {
        let last = self.states.len() - 1;
        let everywhere = self.states.iter().rposition(|(at, _)| *at + lag <= moment.now).unwrap_or(0);
        let index = if everywhere == last { last } else { moment.chance.usize(everywhere..=last) };
        let (at, state) = &self.states[index];
        (*at, state)
    }

    /// As GetStage shows a state of it that began at `updated`.
    pub(super) fn json(&self, (updated, state): (Duration, &State), moment: &Moment) -> Value {
        let cached = state.cache_cluster.is_some();
        let mut shown = json!({
            "deploymentId": state.deployment,
            "stageName": self.name,
            "cacheClusterEnabled": cached,
            "cacheClusterStatus": if cached { "AVAILABLE" } else { "NOT_AVAILABLE" },
            "methodSettings": state.methods,
            "tracingEnabled": state.tracing,
            "createdDate": seconds(moment, self.created),
            "lastUpdatedDate": seconds(moment, updated),
        });
        let texts = [
            ("description", &state.description),
            ("documentationVersion", &state.documentation_version),
            ("clientCertificateId", &state.client_certificate),
            ("cacheClusterSize", &state.cache_cluster),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                shown[name] = json!(text);
            }
        }
        for (name, texts) in [("variables", &state.variables), ("accessLogSettings", &state.access_log)] {
            if !texts.is_empty() {
                shown[name] = json!(texts);
            }
        }
        if let Some(canary) = &state.canary {
            shown["canarySettings"] = canary.json();
        }
        shown
    }

    /// UpdateStage's response: the stage after the change, even if reads still show the old one.
    pub(super) fn newest(&self, moment: &Moment) -> Value {
        let (at, state) = &self.states[self.states.len() - 1];
        self.json((*at, state), moment)
    }
}

impl Canary {
    fn json(&self) -> Value {
        let mut shown = json!({
            "percentTraffic": self.percent,
            "deploymentId": self.deployment,
            "useStageCache": self.use_cache,
        });
        if !self.variables.is_empty() {
            shown["stageVariableOverrides"] = json!(self.variables);
        }
        shown
    }
}

/// A time as API Gateway writes it: whole seconds since 1970.
pub(super) fn seconds(moment: &Moment, at: Duration) -> Value {
    json!((moment.epoch + at).as_second())
}
