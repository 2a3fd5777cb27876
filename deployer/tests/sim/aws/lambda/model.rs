//! The service's state: functions with their versions and aliases.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::package::Code;
use super::refusal::Refusal;
use super::rules::Rules;
use crate::aws::wire::Moment;

/// The version that can be changed.
pub(crate) const LATEST: &str = "$LATEST";

/// The settings of a version: what Terraform owns.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Configuration {
    pub(crate) role: String,
    pub(crate) runtime: String,
    pub(crate) handler: String,
    pub(crate) architecture: String,
    pub(crate) memory: u32,
    pub(crate) timeout: u32,
    pub(crate) description: String,
    /// None: no `Environment` at all.
    pub(crate) environment: Option<BTreeMap<String, String>>,
    /// The ARN of a queue or a topic.
    pub(crate) dead_letter: Option<String>,
    /// Further fields as AWS has them: `Layers`, `VpcConfig`, …
    pub(crate) further: BTreeMap<String, Value>,
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            role: "arn:aws:iam::111111111111:role/function".to_owned(),
            runtime: "provided.al2023".to_owned(),
            handler: "bootstrap".to_owned(),
            architecture: "arm64".to_owned(),
            memory: 128,
            timeout: 3,
            description: String::new(),
            environment: None,
            dead_letter: None,
            further: BTreeMap::new(),
        }
    }
}

/// `State`, with its reason.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct State {
    pub(super) name: String,
    /// `StateReasonCode` and `StateReason`.
    pub(super) reason: Option<(String, String)>,
    /// When it becomes Active by itself.
    pub(super) until: Option<Duration>,
}

impl State {
    pub(super) fn active() -> Self {
        Self { name: "Active".to_owned(), reason: None, until: None }
    }

    pub(super) fn pending(until: Duration, code: &str, reason: &str) -> Self {
        Self { name: "Pending".to_owned(), reason: Some((code.to_owned(), reason.to_owned())), until: Some(until) }
    }

    pub(super) fn creating(until: Duration) -> Self {
        Self::pending(until, "Creating", "The function is being created.")
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.name == name
    }
}

/// `LastUpdateStatus`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Update {
    /// It is not shown: a version that is still Pending has none.
    None,
    Successful,
    InProgress {
        until: Duration,
    },
    Failed {
        code: String,
        reason: String,
    },
}

/// A published version, or `$LATEST`.
#[derive(Clone, Debug)]
pub(super) struct Version {
    /// The number, or `$LATEST`.
    pub(super) version: String,
    pub(super) configuration: Configuration,
    pub(super) code: Code,
    pub(super) revision: String,
    /// When it was changed, since the simulation began.
    pub(super) modified: Duration,
    pub(super) state: State,
    pub(super) update: Update,
    /// What runs until the update is done: invocations go on with the old code.
    pub(super) before: Option<Box<(Configuration, Code)>>,
}

impl Version {
    /// What an invocation runs.
    pub(super) fn running(&self) -> (&Configuration, &Code) {
        match &self.before {
            Some(before) => (&before.0, &before.1),
            None => (&self.configuration, &self.code),
        }
    }
}

/// Where an alias sends its traffic.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Routing {
    pub(super) version: String,
    pub(super) weights: BTreeMap<String, f64>,
}

impl Routing {
    /// Every version that gets traffic.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        let weighted = self.weights.iter().filter(|(_, weight)| **weight > 0.0).map(|(version, _)| version);
        weighted.chain([&self.version])
    }
}

#[derive(Clone, Debug)]
pub(super) struct Alias {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) revision: String,
    /// As the caller stated it.
    pub(super) routing: Routing,
    /// The version that AWS itself keeps all traffic on, and until when: the new one has no warm environment yet.
    pub(super) warming: Option<(String, Duration)>,
    /// Where the traffic went before, and until when.
    pub(super) earlier: Vec<(Duration, Routing)>,
}

impl Alias {
    /// Where the traffic goes, AWS's own share included.
    pub(super) fn effective(&self) -> Routing {
        let mut routing = self.routing.clone();
        if let Some((old, _)) = &self.warming {
            routing.weights = BTreeMap::from([(old.clone(), 1.0)]);
        }
        routing
    }

    pub(super) fn names(&self, version: &str) -> bool {
        let routing = self.effective();
        routing.version == version || routing.weights.contains_key(version)
    }
}

/// What reads show of a function.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) latest: Version,
    pub(super) versions: BTreeMap<u64, Version>,
    pub(super) aliases: BTreeMap<String, Alias>,
}

impl Facts {
    /// A version by its number or `$LATEST`, or the main one of an alias.
    pub(super) fn version(&self, qualifier: &str) -> Option<&Version> {
        if qualifier == LATEST || qualifier.is_empty() {
            return Some(&self.latest);
        }
        match self.aliases.get(qualifier) {
            Some(alias) if alias.routing.version == LATEST => Some(&self.latest),
            Some(alias) => self.versions.get(&alias.routing.version.parse().ok()?),
            None => self.versions.get(&qualifier.parse().ok()?),
        }
    }

    pub(super) fn version_mut(&mut self, version: &str) -> Option<&mut Version> {
        match version {
            LATEST | "" => Some(&mut self.latest),
            number => self.versions.get_mut(&number.parse().ok()?),
        }
    }
}

/// Environments that are kept warm for an alias.
#[derive(Clone, Debug)]
pub(super) struct Provisioned {
    pub(super) count: i32,
    pub(super) ready_at: Duration,
    /// How many there are before that: those of the version that the alias named before.
    pub(super) meanwhile: i32,
    pub(super) modified: Duration,
}

#[derive(Clone, Debug)]
pub(super) struct Function {
    pub(super) name: String,
    /// `arn:aws:lambda:…:function:NAME`.
    pub(super) arn: String,
    pub(super) facts: Facts,
    /// What was, each until when: late reads show it.
    pub(super) earlier: VecDeque<(Duration, Arc<Facts>)>,
    /// The highest number given so far: none is given twice.
    pub(super) newest: u64,
    /// The version that PublishVersion returns again while no update came between.
    pub(super) published: Option<u64>,
    /// Terraform publishes as soon as its update is done.
    pub(super) publishes_next: bool,
    /// Resource policies by qualifier; the function's own under the empty text.
    pub(super) policies: BTreeMap<String, Value>,
    pub(super) reserved: Option<i32>,
    pub(super) provisioned: BTreeMap<String, Provisioned>,
    pub(super) tags: BTreeMap<String, String>,
    /// The mappings of queues and streams: each one's source, and the qualifier that it calls.
    pub(super) event_sources: Vec<(String, String)>,
}

impl Function {
    pub(super) fn qualified(&self, qualifier: &str) -> String {
        if qualifier.is_empty() { self.arn.clone() } else { format!("{}:{qualifier}", self.arn) }
    }

    /// To be called before a write: what is now may be read for a while afterwards.
    pub(super) fn keep(&mut self, now: Duration, rules: &Rules) {
        self.earlier.retain(|(until, _)| *until + rules.read_lag > now);
        if !rules.read_lag.is_zero() {
            self.earlier.push_back((now, Arc::new(self.facts.clone())));
        }
    }

    /// What a read sees: GetFunction is eventually consistent after UpdateFunctionCode and PublishVersion
    /// (terraform-provider-aws#14210, #14578), and nothing promises more of the other reads.
    pub(super) fn seen(&self, rules: &Rules, moment: &mut Moment) -> &Facts {
        let late: Vec<_> = self.earlier.iter().filter(|(until, _)| *until + rules.read_lag > moment.now).collect();
        if late.is_empty() || moment.chance.bool() {
            return &self.facts;
        }
        &late[moment.chance.usize(..late.len())].1
    }

    /// Refuses a change of `$LATEST` while another one is in progress, or one that was meant for another revision.
    pub(super) fn admit(&self, revision: Option<&str>) -> Result<(), Refusal> {
        let latest = &self.facts.latest;
        if matches!(latest.update, Update::InProgress { .. }) {
            return Err(Refusal::conflict(&format!(
                "The operation cannot be performed at this time. An update is in progress for resource: {}",
                self.arn
            )));
        }
        if latest.state.is("Pending") {
            return Err(Refusal::not_in_state("Pending"));
        }
        match revision {
            Some(given) if given != latest.revision => Err(Refusal::precondition()),
            _ => Ok(()),
        }
    }
}
