//! The single steps. Each ends by looking at what it did: that a call answered well is not enough.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures::future::join_all;

use super::{Outcome, Run};
use crate::aws::{AwsError, Code, Kind, Readiness, Routing, VersionState};
use crate::config::Check;
use crate::failure::Failure;
use crate::ledger::{CheckRecord, FunctionPart, Release};
use crate::observe::ObservedFunction;
use crate::plan::{FunctionPlan, Moment, Step};
use crate::verify::{self, Blame, Expected, Failed, Mark};

/// The first pause of a poll; each further one is half as long again, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// The longest that Lambda may take to make a version ready; functions in a VPC take minutes.
const READY_WITHIN: Duration = Duration::from_secs(300);
/// The longest that a write may be refused; CreateDeployment alone is admitted once in 5 s.
const ADMITTED_WITHIN: Duration = Duration::from_secs(60);

/// Carries out one step.
pub(super) async fn carry_out(run: &Run<'_>, step: &Step, release: &Release) -> Outcome {
    let result = match step {
        Step::Prepare(key) => return prepare(run, key, release).await,
        Step::Verify(moment) => return verify_url(run, *moment, release).await,
        Step::CreateDeployment => {
            create_deployment(run, release).await.map(|id| Outcome { deployment: Some(id), ..Outcome::default() })
        }
        Step::MoveAlias(key) => move_alias(run, key, release).await.map(|()| Outcome::default()),
        Step::MoveStage => move_stage(run, &release.parts.deployment).await.map(|()| Outcome::default()),
    };
    result.unwrap_or_else(|error| Outcome { error: Some(error), ..Outcome::default() })
}

/// Publishes a version and sends it its checks.
async fn prepare(run: &Run<'_>, key: &str, release: &Release) -> Outcome {
    let part = match publish(run, key, release).await {
        Ok(part) => part,
        Err(error) => return Outcome { error: Some(error), ..Outcome::default() },
    };
    let checks: Vec<&Check> = run.config.checks_of(key).collect();
    let mark = Mark { header: &run.config.marks.version, deployment: run.observed.stage.mark.as_deref() };
    let checked =
        verify::before_traffic(&run.session.lambda, &run.observed.ledger.contract, &checks, &part.version, mark).await;
    let (checks, error) = match checked {
        Ok(records) => (records, None),
        Err(failed) => (vec![failed.record.clone()], Some(failed.explain())),
    };
    Outcome { part: Some((key.to_owned(), part)), checks, error, ..Outcome::default() }
}

/// Code into `$LATEST` if it is not there, then a version of it, ready to be invoked.
async fn publish(run: &Run<'_>, key: &str, release: &Release) -> Result<FunctionPart> {
    let function = run.observed.functions.get(key).with_context(|| format!("function `{key}` was not observed"))?;
    let name = &function.resource.name;
    let latest = with_code(run, key, function).await?;
    let description = format!("deployer: release {}, {}", release.number, commit_of(release));
    let version = patiently(|| run.session.lambda.publish(name, &latest, &description)).await;
    let version = version.with_context(|| format!("failed to publish a version of `{name}`"))?;
    // The version itself, not `$LATEST` and not the alias: an alias that is moved to a pending version is refused.
    let ready = until_ready(run, name, &version).await?;
    if ready.code_sha256 != latest.code_sha256 {
        return Err(Failure::error(format!("version {version} of `{name}` has other code than was uploaded"))
            .hint("somebody else changes this function at the same time: find out who, then run again")
            .into());
    }
    Ok(FunctionPart { version, code_sha256: ready.code_sha256 })
}

/// `$LATEST` with the wanted code in it, settled.
async fn with_code(run: &Run<'_>, key: &str, function: &ObservedFunction) -> Result<VersionState> {
    let name = &function.resource.name;
    // Where only settings changed, the live bytes are published again: what was tested stays what runs.
    let needs_code = run.plan.functions.get(key).is_some_and(FunctionPlan::needs_code);
    let built = run
        .artifact
        .filter(|_| needs_code)
        .and_then(|artifact| Some((artifact, artifact.manifest.functions.get(key)?)));
    let wanted = built.map_or(&function.live.code_sha256, |(_, packed)| &packed.sha256);
    // While Terraform's own update is in progress, an upload would be refused.
    let latest = match function.latest.readiness {
        Readiness::Ready => function.latest.clone(),
        _ => until_ready(run, name, "$LATEST").await?,
    };
    if latest.code_sha256 == *wanted {
        return Ok(latest);
    }
    let zip = match built {
        Some((artifact, packed)) => artifact.zip(packed)?,
        None => run.session.lambda.code(name, &function.live.version).await?,
    };
    let code = Code::Zip(&zip);
    let uploaded = patiently(|| run.session.lambda.upload(name, &code, &latest.revision)).await;
    // Where the reply was lost, what lies there in the end tells.
    let uploaded = uploaded.or_else(|error| if error.kind == Kind::Unknown { Ok(()) } else { Err(error) });
    uploaded.with_context(|| format!("failed to upload code to `{name}`"))?;
    // The revision moves again when the update is done: it is read once more, never chained.
    let settled = until_ready(run, name, "$LATEST").await?;
    if settled.code_sha256 != *wanted {
        return Err(Failure::error(format!("`$LATEST` of `{name}` has other code than was uploaded"))
            .hint("somebody else changes this function at the same time: find out who, then run again")
            .into());
    }
    Ok(settled)
}

/// Polls until a version can be invoked.
async fn until_ready(run: &Run<'_>, name: &str, qualifier: &str) -> Result<VersionState> {
    let (started, mut pause) = (Instant::now(), FIRST_PAUSE);
    loop {
        let state = run.session.lambda.version(name, qualifier).await?;
        match &state.readiness {
            Readiness::Ready => return Ok(state),
            Readiness::Failed(reason) => {
                return Err(Failure::error(format!("Lambda could not make `{name}:{qualifier}` ready: {reason}"))
                    .hint("mend what the reason names, then deploy again")
                    .into());
            }
            Readiness::Pending if started.elapsed() > READY_WITHIN => {
                return Err(Failure::error(format!(
                    "`{name}:{qualifier}` was not ready within {} s",
                    READY_WITHIN.as_secs()
                ))
                .hint("look at the function's state in the console, then deploy again")
                .into());
            }
            Readiness::Pending => tokio::time::sleep(pause).await,
        }
        pause = pause.mul_f32(1.5).min(LONGEST_PAUSE);
    }
}

/// Repeats a write that was refused before it did anything: too many calls, or another update in progress. Only such
/// a refusal may be answered blindly; whatever may have had an effect is judged by reading back.
async fn patiently<T>(call: impl AsyncFn() -> Result<T, AwsError>) -> Result<T, AwsError> {
    let (started, mut pause) = (Instant::now(), FIRST_PAUSE);
    loop {
        let error = match call().await {
            Err(error) if matches!(error.kind, Kind::Throttled | Kind::Conflict) => error,
            ended => return ended,
        };
        pause = error.retry_after.unwrap_or(pause.mul_f32(1.5)).min(ADMITTED_WITHIN);
        if started.elapsed() + pause > ADMITTED_WITHIN {
            return Err(error);
        }
        tokio::time::sleep(pause).await;
    }
}

async fn create_deployment(run: &Run<'_>, release: &Release) -> Result<String> {
    let api = &run.observed.ledger.contract.api.rest_api_id;
    // The fingerprint stays with what it describes; by the release's number an orphan is told.
    let description = format!("deployer: release {}, definition {}", release.number, run.observed.definition);
    let created = patiently(|| run.session.api.create_deployment(api, &description)).await;
    created.context("failed to create an API deployment")
}

async fn move_alias(run: &Run<'_>, key: &str, release: &Release) -> Result<()> {
    let function = run.observed.functions.get(key).with_context(|| format!("function `{key}` was not observed"))?;
    let part = release.parts.functions.get(key).with_context(|| format!("function `{key}` has no new version"))?;
    alias_to(run, function, &part.version, &function.alias.revision).await
}

/// Moves an alias and makes sure that it is there. A refused or lost call is judged by what it brought about.
pub(super) async fn alias_to(run: &Run<'_>, function: &ObservedFunction, version: &str, revision: &str) -> Result<()> {
    let (name, alias) = (&function.resource.name, &function.resource.alias);
    let to = Routing { version, weight: None, description: "" };
    let moved = patiently(|| run.session.lambda.move_alias(name, alias, &to, revision)).await;
    let Err(error) = moved else { return Ok(()) };
    if matches!(error.kind, Kind::Precondition | Kind::Unknown) && is_at(run, function, version).await? {
        return Ok(());
    }
    Err(anyhow::Error::from(error).context(format!("failed to move alias `{alias}` of `{name}` to version {version}")))
}

async fn is_at(run: &Run<'_>, function: &ObservedFunction, version: &str) -> Result<bool, AwsError> {
    let found = run.session.lambda.alias(&function.resource.name, &function.resource.alias).await?;
    Ok(found.version == version && found.weights.is_empty())
}

/// Moves the stage and reads it back: a stage has no compare-and-swap.
pub(super) async fn move_stage(run: &Run<'_>, deployment: &str) -> Result<()> {
    let api = &run.observed.ledger.contract.api;
    let moved = patiently(|| run.session.api.move_stage(&api.rest_api_id, &api.stage, deployment)).await;
    let found = run.session.api.stage(&api.rest_api_id, &api.stage).await?;
    if found.deployment == deployment && found.mark.as_deref() == Some(deployment) {
        return Ok(());
    }
    let lost = || {
        Failure::error(format!(
            "stage `{}` serves deployment `{}` after a move to `{deployment}`",
            api.stage, found.deployment
        ))
    };
    let error =
        moved.map_or_else(anyhow::Error::from, |()| lost().hint("somebody else moves this stage: find out who").into());
    Err(error.context(format!("failed to move stage `{}` to deployment `{deployment}`", api.stage)))
}

/// Sends the checks through the URL: those of the functions that moved, or all of them once the stage has.
async fn verify_url(run: &Run<'_>, moment: Moment, release: &Release) -> Outcome {
    let versions = release.parts.functions.iter().map(|(key, part)| (key.clone(), part.version.clone()));
    let deployment = (moment == Moment::AfterStage).then(|| release.parts.deployment.clone());
    let older_definition = moment == Moment::AfterAliases && run.plan.api.change.is_some();
    let expected = Expected { versions: versions.collect(), deployment, older_definition };
    let moved = |check: &&Check| {
        release.parts.functions.get(&check.function) != release.previous_parts.functions.get(&check.function)
    };
    let due: Vec<&Check> =
        run.config.checks.iter().filter(|check| moment == Moment::AfterStage || moved(check)).collect();
    let phase = moment.to_string();
    let reading = due.iter().filter(|check| !check.writes).map(|check| run.url.settle(check, &expected, &phase));
    let mut results = join_all(reading).await;
    // Nothing moves after the last moment: then the checks that write have their one turn.
    let last = moment == Moment::AfterStage || run.plan.api.change.is_none();
    if last && run.environment.writing_checks && results.iter().all(Result::is_ok) {
        for check in due.iter().filter(|check| check.writes) {
            results.push(match run.url.once(check, &expected, &phase).await {
                // It may not be repeated, so only the new version's own wrong answer speaks against the release.
                Err(failed) if failed.blame != Blame::Application => {
                    run.report.warn(&format!("check `{}` told nothing: {}", check.name, failed.record.answer));
                    Ok(failed.record)
                }
                told => told,
            });
        }
    }
    collect(results)
}

fn collect(results: Vec<Result<CheckRecord, Failed>>) -> Outcome {
    let mut outcome = Outcome::default();
    for result in results {
        match result {
            Ok(record) => outcome.checks.push(record),
            Err(failed) => {
                outcome.checks.push(failed.record.clone());
                outcome.error.get_or_insert_with(|| failed.explain());
            }
        }
    }
    outcome
}

fn commit_of(release: &Release) -> String {
    match (&release.artifact.commit, release.artifact.dirty) {
        (Some(commit), false) => format!("commit {}", crate::plan::short(commit)),
        (Some(commit), true) => format!("commit {} and changes", crate::plan::short(commit)),
        (None, _) => "no commit".to_owned(),
    }
}
