//! `deploy` and `plan`: what is in this checkout, or in an artifact, released to an environment.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use futures::try_join;

use super::attempt::Attempt;
use super::{adopt, alarms, confirm, converge, prune};
use crate::artifact::{self, Artifact, Manifest, Sources};
use crate::aws::Session;
use crate::config::{Config, Environment, Traffic};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::ledger::ArtifactRecord;
use crate::observe::{Observed, observe};
use crate::plan::{Goal, Plan, Wanted, plan};
use crate::report::{PlanView, ReleaseView, Report};
use crate::scope::Scope;
use crate::verify::Url;

/// What a deploy was told.
#[derive(Debug, Clone, Default)]
pub struct Deploy {
    /// A folder that `build --out` made, instead of this checkout.
    pub artifact: Option<PathBuf>,
    /// Record drift as a release, then go on.
    pub adopt: bool,
    /// Start although an alarm rings.
    pub ignore_alarms: bool,
    /// Move traffic at once, whatever the environment's strategy.
    pub at_once: bool,
}

/// Shows what [`deploy`] would do. Makes no write, and needs no build.
///
/// # Errors
/// Drift, an unfinished release, or nothing can be read.
pub async fn show_plan(config: &Config, environment: &Environment, told: &Deploy) -> Result<PlanView> {
    let session = Session::open(environment).await;
    let given = Given::open(config, told)?;
    let (sources, observed) = try_join!(given.sources(config), observe(config, environment, &session))?;
    if let Some(release) = observed.ledger.unfinished() {
        return Err(Failure::refused(format!("release {release} is under way, or was left unfinished"))
            .hint("wait for its run to end; the next deploy or rollback ends what a dead run left")
            .into());
    }
    let wanted = Wanted { goal: given.goal(&sources, None), traffic: &environment.traffic };
    Ok(PlanView::new(&environment.name, plan(wanted, &observed)?, &session.calls))
}

/// Releases what is in this checkout, or in the artifact that was named.
///
/// # Errors
/// See [`Attempt::make`]; and everything that ends a run before it has changed anything.
pub async fn deploy(config: &Config, environment: &Environment, told: &Deploy, report: &Report) -> Result<ReleaseView> {
    let (session, interrupt) = (Session::open(environment).await, Interrupt::listen());
    let scope = Scope { config, environment, session: &session, report, interrupt: &interrupt };
    let given = Given::open(config, told)?;
    let (sources, observed) =
        interrupt.or(async { try_join!(given.sources(config), observe(config, environment, &session)) }).await?;
    let observed = ready(&scope, observed, told.adopt).await?;
    let url = Url::open(config, environment, &observed.ledger.contract)?;
    let at_once = Traffic { watch: environment.traffic.watch, ..Traffic::default() };
    let traffic = if told.at_once { &at_once } else { &environment.traffic };
    let first = plan(Wanted { goal: given.goal(&sources, None), traffic }, &observed)?;
    if first.is_empty() {
        return confirm::unchanged(&scope, &observed, &url).await;
    }
    let ignored = alarms::may_start(&scope, &observed, traffic, told.ignore_alarms)?;
    let built = given.built(&scope, &first, &sources).await?;
    let wanted = Wanted { goal: given.goal(&sources, built.as_ref().map(|built| &built.manifest)), traffic };
    let planned = plan(wanted, &observed)?;
    if planned.is_empty() {
        return confirm::unchanged(&scope, &observed, &url).await;
    }
    let zips = zips(built.as_ref(), &planned, &observed)?;
    let artifact = record(&observed, &sources, built.as_ref());
    let attempt = Attempt {
        scope,
        observed: &observed,
        wanted,
        plan: &planned,
        zips: &zips,
        artifact,
        from: None,
        ignored: &ignored,
        url: &url,
    };
    let release = attempt.make().await?;
    prune::after(&scope, &release).await;
    Ok(attempt.view(&release))
}

/// What a writing command starts from: nobody else's lock, nothing unfinished, and if so told, no drift.
pub(super) async fn ready(scope: &Scope<'_>, mut observed: Observed, adopt_drift: bool) -> Result<Observed> {
    let Scope { config, environment, session, .. } = *scope;
    if converge::settle(scope, &observed.ledger).await? {
        observed = observe(config, environment, session).await?;
    }
    if adopt_drift && adopt::adopt(scope, &observed).await? {
        observed = observe(config, environment, session).await?;
    }
    Ok(observed)
}

/// Where the code comes from.
enum Given {
    Checkout,
    Artifact(Artifact),
}

impl Given {
    fn open(config: &Config, told: &Deploy) -> Result<Self> {
        let artifact = told.artifact.as_deref().map(|folder| Artifact::open(config, folder)).transpose()?;
        Ok(artifact.map_or(Self::Checkout, Self::Artifact))
    }

    async fn sources(&self, config: &Config) -> Result<Sources> {
        match self {
            Self::Checkout => Sources::read(config).await,
            Self::Artifact(artifact) => Ok(artifact.manifest.sources()),
        }
    }

    fn goal<'a>(&'a self, sources: &'a Sources, built: Option<&'a Manifest>) -> Goal<'a> {
        match self {
            Self::Checkout => Goal::Sources(sources, built),
            Self::Artifact(artifact) => Goal::Sources(sources, Some(&artifact.manifest)),
        }
    }

    /// The zips, if the plan needs any.
    async fn built(&self, scope: &Scope<'_>, plan: &Plan, sources: &Sources) -> Result<Option<Artifact>> {
        Ok(match self {
            _ if !plan.needs_code() => None,
            Self::Artifact(artifact) => Some(artifact.clone()),
            Self::Checkout => {
                let folder = artifact::folder(scope.config);
                let _group = scope.report.building(scope.config.functions.keys());
                Some(scope.interrupt.or(artifact::build(scope.config, sources, &folder)).await?)
            }
        })
    }
}

/// The zips of the functions that get new code.
fn zips(built: Option<&Artifact>, plan: &Plan, observed: &Observed) -> Result<BTreeMap<String, Vec<u8>>> {
    let Some(built) = built else { return Ok(BTreeMap::new()) };
    let mut zips = BTreeMap::new();
    for (key, packed) in &built.manifest.functions {
        if plan.functions.get(key).is_some_and(|function| !function.changes.is_empty()) {
            artifact::refuse_if_too_big(key, packed.size, observed.ledger.contract.artifact_bucket.is_some())?;
            zips.insert(key.clone(), built.zip(packed)?);
        }
    }
    Ok(zips)
}

/// What the release is built from: this build, or what the live release was built from.
fn record(observed: &Observed, sources: &Sources, built: Option<&Artifact>) -> ArtifactRecord {
    let live = observed.ledger.live.as_ref().map(|release| release.artifact.clone());
    let built = built.map(|built| ArtifactRecord {
        source_hash: sources.hash.clone(),
        functions: sources.functions.clone(),
        commit: built.manifest.commit.clone(),
        committed_at: built.manifest.committed_at,
        dirty: built.manifest.dirty,
    });
    built.or(live).unwrap_or_default()
}
