//! `deploy` and `plan`: what is in this checkout, or in an artifact, released to an environment.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use futures::try_join;
use serde::Serialize;

use super::clock::Clock;
use super::order::{Order, order};
use crate::artifact::{self, Artifact, Checked, Checkout, Manifest, Package, Sources};
use crate::aws::{Calls, Reader, Writer};
use crate::config::{Check, Config, Environment};
use crate::context::Context;
use crate::engine::{Engine, Intended, Outcome};
use crate::failure::Failure;
use crate::ledger::ArtifactRecord;
use crate::observe::{Observed, observe};
use crate::plan::{Goal, Plan, Wanted, plan};

/// The options of `deploy` and `plan`.
#[derive(Debug, Clone, Default)]
pub struct Deploy {
    /// A folder that `build --out` made, instead of this checkout.
    pub artifact: Option<PathBuf>,
    /// Record drift as a release, then go on.
    pub adopt: bool,
    /// Start although an alarm is in ALARM.
    pub ignore_alarms: bool,
    /// Start although the credentials end before traffic has moved.
    pub ignore_expiry: bool,
    /// Move traffic at once, whatever the environment's strategy.
    pub at_once: bool,
    /// Release although a later commit is live.
    pub downgrade: bool,
}

/// What [`deploy`] would do.
#[derive(Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// The commit of the live release, as far as that is known, and what would be released.
    pub commits: (Option<String>, Checked),
    /// The checks of the environment.
    pub checks: Vec<PlannedCheck>,
    /// Why it would be refused without `--downgrade`.
    pub older: Option<String>,
    /// Every call of AWS.
    pub calls: Calls,
}

/// A check that a release may send.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PlannedCheck {
    /// Its name.
    pub name: String,
    /// The key of its function.
    pub function: String,
    /// Whether it is sent once only, at the end.
    pub writes: bool,
}

/// Shows what [`deploy`] would do. Makes no write, and needs no build.
///
/// # Errors
/// Drift, an unfinished release, or nothing can be read.
pub async fn show_plan(context: Context<'_>, environment: &Environment, options: &Deploy) -> Result<Planned> {
    let Context { config, world, .. } = context;
    config.refuse_unreadable()?;
    let reader = Reader::open(environment, world).await;
    let (given, observed) = try_join!(Given::open(config, options), observe(config, environment, &reader))?;
    observed.refuse_other_functions(config)?;
    observed.refuse_unsendable(config, environment)?;
    if let Some(release) = observed.ledger.unfinished() {
        return Err(Failure::refused(format!("release {release} is under way, or was left unfinished"))
            .hint("wait for its run to end; if that run died, the next `deployer deploy` or `deployer rollback` finishes or reverts the release")
            .into());
    }
    let sources = given.sources(&observed).await;
    let wanted = Wanted { goal: given.goal(&sources, None), traffic: &environment.traffic };
    let planned = plan(wanted, &observed)?;
    let live = observed.ledger.live.as_ref();
    let (checked, order) = match (planned.is_empty(), live) {
        (true, _) => (Checked::default(), Order::Newer),
        (false, None) => (given.commit(config, &observed).await, Order::Newer),
        (false, Some(live)) => {
            let checked = given.commit(config, &observed).await;
            (checked.clone(), order(config, &environment.name, live, checked).await)
        }
    };
    let check = |check: &Check| PlannedCheck {
        name: check.name.clone(),
        function: check.function.clone(),
        writes: check.writes,
    };
    Ok(Planned {
        plan: planned,
        commits: (live.and_then(|live| live.artifact.commit.clone()), checked),
        checks: config
            .checks_in(environment)
            .filter(|check| !check.writes || environment.writing_checks)
            .map(check)
            .collect(),
        older: order.older(),
        calls: reader.calls,
    })
}

/// Releases what is in this checkout, or in the artifact that was named.
///
/// # Errors
/// See [`Engine::release`]; and everything that ends a run before it has changed anything.
pub async fn deploy(context: Context<'_>, environment: &Environment, options: &Deploy) -> Result<Outcome> {
    let Context { config, world, events } = context;
    let mut timings = Clock::start();
    config.refuse_unreadable()?;
    let aws = Writer::open(environment, world).await;
    let engine = Engine::start(context, environment, &aws);
    let read = async { try_join!(Given::open(config, options), observe(config, environment, &aws.reader)) };
    let (given, observed) = engine.interrupt().or(read).await?;
    observed.refuse_other_functions(config)?;
    observed.refuse_unsendable(config, environment)?;
    let observed = engine.prepare(observed, options.adopt).await?;
    let sources = given.sources(&observed).await;
    let verifier = engine.verifier(&observed)?;
    verifier.refuse_unreachable()?;
    let traffic = if options.at_once { &environment.traffic.at_once() } else { &environment.traffic };
    let first = plan(Wanted { goal: given.goal(&sources, None), traffic }, &observed)?;
    if first.is_empty() {
        return engine.unchanged(&observed, &verifier).await;
    }
    given.order(config, &observed).await.allow(events, options.downgrade)?;
    engine.credentials_outlast(&first.traffic, options.ignore_expiry).await?;
    let ignored = engine.alarms_allow(&observed, traffic, options.ignore_alarms)?;
    timings.read();
    let built = given.built(&engine, &first).await?;
    timings.built(built.is_some());
    let wanted = Wanted { goal: given.goal(&sources, built.as_ref().map(|built| &built.manifest)), traffic };
    let planned = plan(wanted, &observed)?;
    let artifact = given.record(config, &observed, sources.clone(), built.as_ref()).await;
    if planned.is_empty() {
        let now = if engine.same_code(&observed, artifact).await? { &engine.observe().await? } else { &observed };
        return engine.unchanged(now, &verifier).await;
    }
    let packages = packages(built.as_ref(), &planned, &observed)?;
    let intended = Intended {
        observed: &observed,
        wanted,
        plan: &planned,
        packages: &packages,
        artifact,
        from: None,
        timings: timings.so_far(),
        ignored: &ignored,
        verifier: &verifier,
    };
    Box::pin(engine.release(&intended)).await
}

/// Where the code comes from.
enum Given {
    Checkout(Box<Checkout>),
    Artifact(Artifact),
}

impl Given {
    async fn open(config: &Config, options: &Deploy) -> Result<Self> {
        Ok(match &options.artifact {
            Some(folder) => Self::Artifact(Artifact::open(config, folder)?),
            None => Self::Checkout(Box::new(Checkout::read(config).await?)),
        })
    }

    /// The source hashes: of a checkout with what the build of the live release read beyond it.
    async fn sources(&self, observed: &Observed) -> Sources {
        match self {
            Self::Checkout(checkout) => {
                checkout.sources(observed.ledger.live.as_ref().and_then(|live| live.artifact.reads.as_ref())).await
            }
            Self::Artifact(artifact) => artifact.manifest.sources(),
        }
    }

    fn goal<'a>(&'a self, sources: &'a Sources, built: Option<&'a Manifest>) -> Goal<'a> {
        match self {
            Self::Checkout(_) => Goal::Sources(sources, built),
            Self::Artifact(artifact) => Goal::Sources(sources, Some(&artifact.manifest)),
        }
    }

    /// The packages, if the plan needs any.
    async fn built(&self, engine: &Engine<'_>, plan: &Plan) -> Result<Option<Artifact>> {
        Ok(match self {
            _ if !plan.needs_code() => None,
            Self::Artifact(artifact) => Some(artifact.clone()),
            Self::Checkout(checkout) => {
                let folder = artifact::folder(engine.config);
                let _group = engine.events.building(engine.config.functions.keys());
                Some(engine.interrupt().or(artifact::build(engine.config, checkout, &folder)).await?.0)
            }
        })
    }

    /// The commit that it is of, as far as that is known.
    async fn commit(&self, config: &Config, observed: &Observed) -> Checked {
        match self {
            Self::Checkout(checkout) => {
                let reads = observed.ledger.live.as_ref().and_then(|live| live.artifact.reads.as_ref());
                artifact::commit(config, Some(checkout), reads).await
            }
            Self::Artifact(Artifact { manifest, .. }) => {
                Checked { commit: manifest.commit(), dirty: manifest.dirty, warning: None }
            }
        }
    }

    /// Whether it is older than what is live.
    async fn order(&self, config: &Config, observed: &Observed) -> Order {
        let Some(live) = &observed.ledger.live else { return Order::Newer };
        let checked = self.commit(config, observed).await;
        order(config, &observed.ledger.contract.environment, live, checked).await
    }

    /// What the release is built from: this build, or what the live release was built from, seen again in this commit.
    async fn record(
        &self,
        config: &Config,
        observed: &Observed,
        sources: Sources,
        built: Option<&Artifact>,
    ) -> ArtifactRecord {
        let of = |manifest: &Manifest| ArtifactRecord {
            source_hash: manifest.source_hash.clone(),
            functions: manifest.sources().functions,
            commit: manifest.commit.clone(),
            committed_at: manifest.committed_at,
            dirty: manifest.dirty,
            reads: manifest.reads.clone(),
        };
        match (self, built) {
            (_, Some(built)) => of(&built.manifest),
            (Self::Artifact(artifact), None) => of(&artifact.manifest),
            (Self::Checkout(_), None) => {
                let Checked { commit, dirty, .. } = self.commit(config, observed).await;
                let reads = observed.ledger.live.as_ref().and_then(|live| live.artifact.reads.clone());
                let (id, at) = commit.map_or((None, None), |commit| (Some(commit.id), commit.at));
                let Sources { hash: source_hash, functions } = sources;
                ArtifactRecord { source_hash, functions, commit: id, committed_at: at, dirty, reads }
            }
        }
    }
}

/// The packages of the functions that get new code.
fn packages(built: Option<&Artifact>, plan: &Plan, observed: &Observed) -> Result<BTreeMap<String, Package>> {
    let Some(built) = built else { return Ok(BTreeMap::new()) };
    let mut packages = BTreeMap::new();
    for (key, packed) in &built.manifest.functions {
        if plan.functions.get(key).is_some_and(|function| !function.changes.is_empty()) {
            let package = built.package(packed)?;
            observed.refuse_unfit(key, &package)?;
            packages.insert(key.clone(), package);
        }
    }
    Ok(packages)
}
