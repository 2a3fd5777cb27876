//! Records as a release what is live but was not released by the deployer: what was in use before the first release and, with
//! `--adopt`, what was moved behind the deployer's back.

use std::collections::BTreeMap;

use anyhow::Result;

use super::Engine;
use super::moves::stage_to;
use crate::aws::Readiness;
use crate::failure::Failure;
use crate::ledger::{AcquiredLock, ArtifactRecord, Beyond, Release, ReleaseKind, ReleaseState, Timings};
use crate::observe::{Observed, ObservedApi};
use crate::plan::drift;
use crate::verify::{Blame, Expected, Failed, Traffic, Verifier, awake};

/// Records drift as a release. Nothing is moved. Returns whether there was any.
///
/// # Errors
/// What is live cannot be a release: an alias that splits its traffic, or that names `$LATEST`.
pub(super) async fn adopt(engine: &Engine<'_>, observed: &Observed) -> Result<bool> {
    let Some(drift) = drift(observed) else { return Ok(false) };
    refuse_unadoptable(observed)?;
    record(engine, observed, &drift).await.map(|()| true)
}

/// Records what was in use before the deployer came, so that there is a way back to it and the first release can be shifted. A
/// placeholder passes no check and is nothing to go back to. Returns whether there was anything.
///
/// # Errors
/// It could not be recorded.
pub(super) async fn first_contact(engine: &Engine<'_>, observed: &Observed) -> Result<bool> {
    // An adoption that failed moved nothing: it is tried again.
    let untouched = |last: &Release| last.kind == ReleaseKind::Adopt && last.state == ReleaseState::Failed;
    let is_empty = observed.ledger.live.is_none() && observed.ledger.last.as_ref().is_none_or(untouched);
    // A function without a check may be a placeholder.
    let unknown = engine.config.unchecked(engine.environment).next().is_some();
    if !is_empty || unknown || refuse_unadoptable(observed).is_err() {
        return Ok(false);
    }
    let verifier = engine.verifier(observed)?;
    let tries = observed.functions.iter().map(async |(key, function)| {
        let (name, version) = (&function.resource.name, &function.alias.version);
        if function.live.readiness == Readiness::Idle {
            awake(engine.reader(), name, version).await?;
        }
        let checks: Vec<_> =
            engine.config.reading_checks(engine.environment).filter(|check| check.function == *key).collect();
        anyhow::Ok(verifier.invoker().before_traffic(&checks, version).await.err())
    });
    let failed = engine.interrupt().or(async { futures::future::try_join_all(tries).await }).await?;
    if let Some(failed) = failed.into_iter().flatten().next() {
        return placeholder(engine, &failed).map(|()| false);
    }
    in_use(engine, observed).await.map(|()| true)
}

/// Records what was in use before the deployer came.
///
/// # Errors
/// It cannot be a release, or the ledger cannot be written.
pub(super) async fn in_use(engine: &Engine<'_>, observed: &Observed) -> Result<()> {
    refuse_unadoptable(observed)?;
    record(engine, observed, "it was in use before the first release").await
}

/// A function that fails its check was never in use. A failure that is not the code's leaves that open, and is an error.
fn placeholder(engine: &Engine<'_>, failed: &Failed) -> Result<()> {
    let environment = &engine.environment.name;
    match failed.blame {
        Blame::Application | Blame::Exception | Blame::Dependency | Blame::Crash => {
            let what = format!("what is live in `{environment}` is taken for a placeholder: {failed}");
            engine.events.progress("Note", &what);
            Ok(())
        }
        _ => Err(Failure::refused(format!("cannot find out whether `{environment}` is in use already: {failed}"))
            .hint("a first release invokes the live function: fix the cause above (often a missing `lambda:InvokeFunction`), then run again; \
                   nothing was changed")
            .into()),
    }
}

async fn record(engine: &Engine<'_>, observed: &Observed, reason: &str) -> Result<()> {
    let mut release = found(engine, observed, reason).await?;
    let verifier = engine.verifier(observed)?;
    let lock = engine
        .ledger()
        .begin(&engine.aws.table, &observed.ledger, engine.holder(&observed.ledger, "adopt"), &mut release)
        .await?;
    let verified = verify(engine, &lock, observed, &verifier, &mut release).await;
    release.ended_at = Some(engine.now());
    release.state = if verified.is_ok() { ReleaseState::Live } else { ReleaseState::Failed };
    let ended = lock.end_or_free(&release, observed.ledger.live.as_ref()).await;
    verified.and(ended)?;
    let passed = match (release.stable, release.checks.is_empty()) {
        (true, true) => "no check looks at it",
        (true, false) => "its checks pass",
        (false, _) => "its checks do not pass, so it is not stable",
    };
    engine.events.progress("Adopted", &format!("what is live as release {release}: {passed}"));
    Ok(())
}

/// Makes the stage's variable name the deployment that the stage is at, and sends the checks.
async fn verify(
    engine: &Engine<'_>,
    lock: &AcquiredLock,
    observed: &Observed,
    verifier: &Verifier,
    release: &mut Release,
) -> Result<()> {
    if let Some(ObservedApi { resource, stage, .. }) = &observed.api
        && stage.mark.as_ref().is_some_and(|mark| *mark != stage.deployment)
    {
        // The variable belongs to the deployer.
        stage_to(engine.aws, resource, &stage.deployment, &|| lock.still_ours()).await?;
    }
    // A call that moves traffic runs to its end; the checks may be cancelled.
    let checks = async {
        check(engine, observed, verifier, release).await;
        Ok(())
    };
    engine.interrupt().or(checks).await
}

fn refuse_unadoptable(observed: &Observed) -> Result<()> {
    for function in observed.functions.values() {
        let (name, alias) = (&function.resource.name, &function.resource.alias);
        let why = match function.alias.version.as_str() {
            "$LATEST" => "points to `$LATEST`, which changes with every upload",
            _ if !function.alias.weights.is_empty() => "splits its traffic",
            _ => continue,
        };
        return Err(Failure::refused(format!("alias `{alias}` of `{name}` {why}, so it cannot be adopted"))
            .hint("point it at one published version first, then run again")
            .into());
    }
    Ok(())
}

/// What is live, with everything that the history has about it.
async fn found(engine: &Engine<'_>, observed: &Observed, reason: &str) -> Result<Release> {
    let parts = observed.parts();
    let is_frozen = |release: &Release| release.parts.deployment == parts.deployment;
    let is_enough =
        |seen: &[Release]| seen.iter().any(is_frozen) && seen.iter().any(|release| has_code(release, observed));
    let history = engine.ledger().recent(is_enough).await?;
    let deployment = match &observed.api {
        Some(api) => engine.aws.reader.api.deployment(&api.resource.id, &api.stage.deployment).await?,
        None => None,
    };
    let known = deployment.and_then(|found| Some(found.description.split_once(", definition ")?.1.to_owned()));
    let frozen = history.iter().find(|release| is_frozen(release));
    Ok(Release {
        number: 0,
        kind: ReleaseKind::Adopt,
        state: ReleaseState::Pending,
        previous_parts: parts.clone(),
        previous: observed.ledger.live.as_ref().map_or(0, |live| live.number),
        back_to: None,
        from: None,
        stable: false,
        artifact: artifact(&history, observed),
        definition: known.unwrap_or_default(),
        shape: frozen.map(|release| release.shape.clone()).unwrap_or_default(),
        routes: frozen.map(|release| release.routes.clone()).unwrap_or_default(),
        by_role: frozen.map(|release| release.by_role.clone()).unwrap_or_default(),
        checks: Vec::new(),
        publishing: BTreeMap::new(),
        published: BTreeMap::new(),
        steps: Vec::new(),
        timings: Timings::default(),
        reason: Some(reason.to_owned()),
        actor: engine.actor(&observed.ledger),
        run_url: engine.config.process.run_url(),
        started_at: engine.now(),
        ended_at: None,
        fencing_token: 0,
        beyond: Beyond::default(),
        parts,
    })
}

/// Whether a release has the code of every function as it is live.
fn has_code(release: &Release, observed: &Observed) -> bool {
    observed.functions.iter().all(|(key, function)| {
        release.parts.functions.get(key).is_some_and(|part| part.code_sha256 == function.live.code_sha256)
    })
}

/// What the live code was built from, if an earlier release had the same code.
fn artifact(history: &[Release], observed: &Observed) -> ArtifactRecord {
    if let Some(release) = history.iter().find(|release| has_code(release, observed)) {
        return release.artifact.clone();
    }
    let functions = observed.functions.iter().filter_map(|(key, function)| {
        let code = &function.live.code_sha256;
        let of = |release: &&Release| release.parts.functions.get(key).is_some_and(|part| part.code_sha256 == *code);
        Some((key.clone(), history.iter().find(of)?.artifact.functions.get(key)?.clone()))
    });
    ArtifactRecord { functions: functions.collect(), ..ArtifactRecord::default() }
}

/// Sends the read-only checks, through the URL: if they pass, the release counts as stable.
async fn check(engine: &Engine<'_>, observed: &Observed, verifier: &Verifier, release: &mut Release) {
    let versions = observed.functions.iter().map(|(key, function)| (key.clone(), function.alias.version.clone()));
    let expected = Expected { versions: versions.collect(), ..Expected::default() };
    let checks: Vec<_> =
        engine.config.reading_checks(engine.environment).map(|check| (check, expected.clone())).collect();
    let results = verifier.all(&checks, Traffic::Switched, 0, "adopted").await;
    release.stable = results.iter().all(Result::is_ok);
    release.checks = results.into_iter().map(|result| result.unwrap_or_else(|failed| failed.record)).collect();
    engine.events.checked(&release.checks);
}
