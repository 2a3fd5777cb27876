//! `deploy` and `plan`: what is in this checkout, released to an environment.

use anyhow::Result;
use futures::try_join;

use super::carry_out;
use crate::apply::Run;
use crate::artifact::{self, Artifact, Sources};
use crate::aws::Session;
use crate::config::{Config, Environment};
use crate::ledger::{ArtifactRecord, FunctionPart, Holder, Ledger, Parts, Release, ReleaseKind, ReleaseState};
use crate::observe::{Observed, observe};
use crate::plan::{Plan, Wanted, plan};
use crate::report::{DeployView, PlanView, Report};
use crate::verify::Url;

/// Shows what [`deploy`] would do. Makes no write, and needs no build.
pub async fn show_plan(config: &Config, environment: &Environment) -> Result<PlanView> {
    let session = Session::open(environment).await;
    let (sources, observed) = try_join!(Sources::read(config), observe(config, environment, &session))?;
    let plan = plan(Wanted { sources: &sources, built: None }, &observed)?;
    Ok(PlanView::new(&environment.name, plan, &session.calls))
}

/// Releases what is in this checkout.
///
/// # Errors
/// See [`super::carry_out`]; and everything that ends a run before it has changed anything.
pub async fn deploy(config: &Config, environment: &Environment, report: &Report) -> Result<DeployView> {
    let session = Session::open(environment).await;
    let (sources, observed) = try_join!(Sources::read(config), observe(config, environment, &session))?;
    let url = Url::open(config, environment, &observed.ledger.contract)?;
    let first = plan(Wanted { sources: &sources, built: None }, &observed)?;
    if first.is_empty() {
        return Ok(DeployView::unchanged(&environment.name, &observed, &url, &session.calls));
    }
    // Asked for early too, so that nobody builds for minutes only to be refused.
    observed.ledger.refuse_if_held(&environment.ledger)?;
    let artifact = if first.needs_build() { Some(artifact::build(config, &sources, report).await?) } else { None };
    let wanted = Wanted { sources: &sources, built: artifact.as_ref().map(|artifact| &artifact.manifest) };
    let planned = plan(wanted, &observed)?;
    if planned.is_empty() {
        return Ok(DeployView::unchanged(&environment.name, &observed, &url, &session.calls));
    }
    let ledger = Ledger::new(&session.table, &config.app);
    let mut release = intent(config, &observed, &planned, &sources, artifact.as_ref());
    let hold = ledger.begin(&observed.ledger, holder(config, environment), &mut release).await?;
    report.release_begins(&environment.name, &release, &planned);
    let run = Run {
        config,
        environment,
        session: &session,
        ledger: &ledger,
        hold: &hold,
        observed: &observed,
        plan: &planned,
        artifact: artifact.as_ref(),
        url: &url,
        report,
    };
    carry_out(&run, wanted, &mut release).await?;
    Ok(DeployView::released(&environment.name, &release, &url, &session.calls))
}

/// The release as it is meant, before anything is done.
fn intent(
    config: &Config,
    observed: &Observed,
    planned: &Plan,
    sources: &Sources,
    artifact: Option<&Artifact>,
) -> Release {
    let functions = observed.functions.iter().map(|(key, function)| {
        let part =
            FunctionPart { version: function.alias.version.clone(), code_sha256: function.live.code_sha256.clone() };
        (key.clone(), part)
    });
    let before = Parts { functions: functions.collect(), deployment: observed.stage.deployment.clone() };
    Release {
        number: planned.release,
        kind: ReleaseKind::Deploy,
        state: ReleaseState::Pending,
        parts: before.clone(),
        previous_parts: before,
        previous: planned.live,
        artifact: record(observed, sources, artifact),
        definition: observed.definition.clone(),
        checks: Vec::new(),
        steps: Vec::new(),
        reason: None,
        actor: config.process.actor(),
        run_url: config.process.run_url(),
        started_at: jiff::Timestamp::now().to_string(),
        ended_at: None,
        fence: 0,
    }
}

/// What the release is built from: this build, or what the live release was built from.
fn record(observed: &Observed, sources: &Sources, artifact: Option<&Artifact>) -> ArtifactRecord {
    let live = observed.ledger.live.as_ref().map(|release| release.artifact.clone());
    let built = artifact.map(|artifact| ArtifactRecord {
        source_hash: sources.hash.clone(),
        functions: sources.functions.clone(),
        commit: artifact.manifest.commit.clone(),
        dirty: artifact.manifest.dirty,
    });
    built.or(live).unwrap_or_default()
}

fn holder(config: &Config, environment: &Environment) -> Holder {
    Holder {
        id: uuid::Uuid::new_v4().to_string(),
        actor: config.process.actor(),
        run_url: config.process.run_url(),
        command: format!("deploy {}", environment.name),
        since: jiff::Timestamp::now().to_string(),
    }
}
