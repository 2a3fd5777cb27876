//! Everything that is made before traffic moves: versions, checked by Invoke, and deployments that no stage is at yet.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::phases::{Apply, Outcome};
use super::upload::{Bytes, on_latest, upload, upload_and_publish};
use crate::aws::{Kind, Readiness, Settings, VersionState, certainly};
use crate::backoff::{Backoff, Pace};
use crate::config::Check;
use crate::failure::Failure;
use crate::ledger::{FunctionPart, FunctionResource, Publishing, Release};
use crate::observe::{Listed, ListedVersion, Observed, ObservedFunction, list};
use crate::plan::{After, Plan, short};
use crate::retention::is_of_another;
use crate::verify;

/// Lambda is never done with an upload at once: the first poll comes after a pause, too.
const AFTER_UPLOAD: Duration = Pace::READY.first;

/// The versions that a release may make in the calls that upload their code. Such a version has the description of `$LATEST`, so that
/// only the ledger can name it: the intent does before the call is made.
pub(super) fn intended(plan: &Plan, observed: &Observed) -> BTreeMap<String, Publishing> {
    let ledger = &observed.ledger;
    let publishing = plan.functions.iter().filter_map(|(key, planned)| {
        let After::NewCode(Some(wanted)) = &planned.after else { return None };
        let function = observed.functions.get(key).filter(|function| function.latest.code_sha256 != *wanted)?;
        let has_room = ledger.made.takes_another(key, ledger.contract.functions.len());
        let after = function.alias.version.parse().ok().filter(|_| has_room)?;
        Some((key.clone(), Publishing { after, code_sha256: wanted.clone() }))
    });
    publishing.collect()
}

/// Whether the upload may publish too. A function that has other aliases may belong to several environments, which recognise what is
/// theirs by its description. And where there is a newer version with that code already, one more could not be distinguished from it.
fn may_publish_at_once(publishing: &Publishing, listed: &Listed) -> bool {
    listed.aliases.len() <= 1 && publishing.among(listed.versions.iter().map(ListedVersion::candidate)).is_none()
}

/// A version of a function, and the responses to its checks.
pub(super) async fn function(run: &Apply<'_>, key: &str, release: &Release) -> Outcome {
    let (made, asked) = tokio::join!(wanted_version(run, key, release), look_for_provisioned(run, key));
    let (part, published) = match asked.and(made) {
        Ok(made) => made,
        Err(error) => return Outcome { error: Some(error), ..Outcome::default() },
    };
    let checks: Vec<&Check> = run.engine.config.checks_of(key).collect();
    let (checks, error) = match run.verifier.invoker().before_traffic(&checks, &part.version).await {
        Ok(records) => (records, None),
        Err(failed) => {
            run.engine.events.check_failed(&failed);
            (vec![failed.record.clone()], Some(failed.explain()))
        }
    };
    Outcome { part: Some((key.to_owned(), part)), published, checks, error, ..Outcome::default() }
}

/// Makes a read now that is needed after the alias has moved: if the role lacks the permission, its release would be reverted
/// then. Where traffic moves at once, what is read now is still true by then, and is not read again. Where it is shifted, one
/// function is enough: the permission covers all of them.
async fn look_for_provisioned(run: &Apply<'_>, key: &str) -> Result<()> {
    let at_once = run.plan.traffic.shift.stages().is_empty();
    let is_first = run.plan.moved().next().is_some_and(|first| first == key);
    let Some(function) = run.observed.functions.get(key).filter(|_| at_once || is_first) else { return Ok(()) };
    let FunctionResource { name, alias, .. } = &function.resource;
    if run.engine.aws.reader.lambda.provisioned(name, alias).await?.is_none() && at_once {
        run.without_provisioned.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned());
    }
    Ok(())
}

/// The code that a function is to have.
fn wanted<'a>(run: &Apply<'a>, key: &str, function: &'a ObservedFunction) -> &'a str {
    match run.plan.functions.get(key).map(|planned| &planned.after) {
        Some(After::NewCode(Some(sha256))) => sha256,
        // Where only settings changed, the live bytes are published again: what was tested stays what runs.
        _ => &function.live.code_sha256,
    }
}

/// A version with the wanted code and the settings of now: one that exists, or a new one. Whether it is one that only the ledger can
/// name.
async fn wanted_version(run: &Apply<'_>, key: &str, release: &Release) -> Result<(FunctionPart, bool)> {
    let function = run.observed.functions.get(key).with_context(|| {
        format!("the state of function `{key}` was not read: this is a bug of `deployer`, please report it")
    })?;
    let (name, wanted) = (&function.resource.name, wanted(run, key, function));
    let part = |version: String| FunctionPart { version, code_sha256: wanted.to_owned() };
    let latest = latest(run, function, wanted).await?;
    // Publishing again after an upload makes a new version of the same bytes: an existing one is looked for first.
    let now;
    let listed = match run.listed.get(key) {
        Some(listed) => listed,
        None => {
            now = list(&run.engine.aws.reader, &function.resource, wanted).await?.1;
            &now
        }
    };
    let has_code = |found: &VersionState| found.code_sha256 == wanted;
    let mut passed_over = false;
    for found in same(&listed.same, &latest.settings) {
        // A listing does not have the state: a pending version is waited for, a failed one is passed over.
        if may_use(run, key, listed, found) && until_ready(run, name, &found.version, has_code).await.is_ok() {
            return Ok((part(found.version.clone()), false));
        }
        passed_over = true;
    }
    let (version, published) = match release.publishing.get(key) {
        Some(publishing) if !passed_over && latest.code_sha256 != wanted && may_publish_at_once(publishing, listed) => {
            let version = upload_and_publish(run, key, &latest, publishing).await?;
            tokio::time::sleep(AFTER_UPLOAD).await;
            (version, true)
        }
        _ => {
            // Published again as it is, it would be the version that failed: an upload in between makes a new one.
            let latest = with_code(run, key, function, latest, wanted, passed_over).await?;
            let description = format!("{}{}, {}", run.engine.mark(), release.number, commit_of(release));
            (publish(run, name, &latest, &description).await?, false)
        }
    };
    // The version itself, not `$LATEST` and not the alias: an alias that is moved to a pending version is refused.
    until_ready(run, name, &version, has_code).await?;
    Ok((part(version), published))
}

/// Whether a version that exists may be used. One that another environment of the same function made may not, since that environment
/// may remove it: where others have aliases, it may be any that does not show that it is ours.
fn may_use(run: &Apply<'_>, key: &str, listed: &Listed, found: &VersionState) -> bool {
    let mark = run.engine.mark();
    let is_own =
        found.description.starts_with(&mark) || run.observed.ledger.made.has(key, &found.version, &found.code_sha256);
    is_own || (listed.aliases.len() <= 1 && !is_of_another(&found.description, &mark))
}

/// `$LATEST`, once no update is in progress: during one of Terraform's, an upload would be refused. A failed update does not
/// matter where other code is uploaded anyway.
async fn latest(run: &Apply<'_>, function: &ObservedFunction, wanted: &str) -> Result<VersionState> {
    let latest = &function.latest;
    match &latest.readiness {
        Readiness::Ready | Readiness::Idle => Ok(latest.clone()),
        Readiness::Failed(_) if latest.code_sha256 != wanted => Ok(latest.clone()),
        _ => {
            let same = |found: &VersionState| found.code_sha256 == latest.code_sha256;
            until_ready(run, &function.resource.name, "$LATEST", same).await
        }
    }
}

/// Those of the versions that have these settings, the newest first.
fn same<'a>(versions: &'a [VersionState], settings: &Settings) -> impl Iterator<Item = &'a VersionState> {
    versions.iter().rev().filter(move |version| version.settings.differences(settings).is_empty())
}

/// `$LATEST` with the wanted code in it, once the update is done.
async fn with_code(
    run: &Apply<'_>,
    key: &str,
    function: &ObservedFunction,
    latest: VersionState,
    wanted: &str,
    again: bool,
) -> Result<VersionState> {
    let name = &function.resource.name;
    if latest.code_sha256 == wanted && !again {
        return Ok(latest);
    }
    let bytes = Bytes::of(run, key, function, wanted).await?;
    let latest = upload(run, name, &bytes, &latest).await?;
    // The revision moves again when the update is done: it is read once more, never chained. Where the same bytes were
    // uploaded again, it alone shows that a read is not of before.
    let is_new = |found: &VersionState| found.code_sha256 == wanted && found.revision != latest.revision;
    tokio::time::sleep(AFTER_UPLOAD).await;
    until_ready(run, name, "$LATEST", is_new).await
}

/// Publishes `$LATEST`. If the reply is lost, the version is found by its code and its description.
async fn publish(run: &Apply<'_>, name: &str, latest: &VersionState, description: &str) -> Result<String> {
    let aws = run.engine.aws;
    let ours = |version: &VersionState| version.code_sha256 == latest.code_sha256 && version.description == description;
    let look = async || {
        let versions = aws.reader.lambda.versions(name).await?;
        Ok(versions.into_iter().rev().find(ours).map(|version| version.version))
    };
    let publish = async |latest: &VersionState| {
        certainly(&aws.reader.world, async || aws.lambda.publish(name, latest, description).await, look).await
    };
    let published = on_latest(run, name, latest, &latest.code_sha256, publish).await;
    Ok(published.with_context(|| format!("failed to publish a version of `{name}`"))?.0)
}

/// Polls until a version that is as expected can be invoked. For a moment GetFunction may not find what was just made, or
/// show it as it was before (terraform-provider-aws#14210, #14578).
async fn until_ready(
    run: &Apply<'_>,
    name: &str,
    qualifier: &str,
    expected: impl Fn(&VersionState) -> bool,
) -> Result<VersionState> {
    let (mut backoff, mut lag) = (Backoff::new(run.engine.world(), Pace::READY), None);
    loop {
        let found = run.engine.aws.reader.lambda.version(name, qualifier).await;
        let late = match &found {
            Ok(state) => !expected(state),
            Err(error) => error.kind == Kind::NotFound,
        };
        let again =
            || Backoff::new(run.engine.world(), Pace::READ).waiting_for(format!("`{name}:{qualifier}` to be seen"));
        if !late {
            lag = None;
        } else if lag.get_or_insert_with(again).wait().await {
            continue;
        }
        let state = found?;
        if late {
            return Err(other_code(name, qualifier));
        }
        match &state.readiness {
            Readiness::Ready => return Ok(state),
            Readiness::Failed(reason) => {
                return Err(Failure::error(format!("Lambda could not make `{name}:{qualifier}` ready: {reason}"))
                    .hint("fix what the reason names, then deploy again")
                    .into());
            }
            Readiness::Idle if qualifier == "$LATEST" => return Ok(state),
            Readiness::Idle => {
                verify::wake(&run.engine.aws.reader, name, qualifier).await;
                backoff.wait_until(|| format!("`{name}:{qualifier}` to wake")).await?;
            }
            Readiness::Pending => backoff.wait_until(|| format!("`{name}:{qualifier}` to become active")).await?,
        }
    }
}

fn other_code(name: &str, qualifier: &str) -> anyhow::Error {
    Failure::error(format!("`{name}:{qualifier}` does not have the code that was uploaded"))
        .hint("another program changes this function at the same time: CloudTrail shows which; then run again")
        .into()
}

/// A deployment of the definition as it is now. If the reply is lost, it is found by its description.
pub(super) async fn deployment(run: &Apply<'_>, release: &Release) -> Outcome {
    match create_deployment(run, release).await {
        Ok(id) => Outcome { deployment: Some(id), ..Outcome::default() },
        Err(error) => Outcome { error: Some(error), ..Outcome::default() },
    }
}

async fn create_deployment(run: &Apply<'_>, release: &Release) -> Result<String> {
    let (aws, id) = (run.engine.aws, &run.observed.ledger.contract.rest_api()?.id);
    // The fingerprint stays with what it describes; by the release's number an orphan is recognised.
    let description = format!("{}{}, definition {}", run.engine.mark(), release.number, release.definition);
    let look = async || {
        let deployments = aws.reader.api.deployments(id).await?;
        Ok(deployments.into_iter().find(|found| found.description == description).map(|found| found.id))
    };
    let created = certainly(&aws.reader.world, async || aws.api.create_deployment(id, &description).await, look).await;
    created.context("failed to create an API deployment")
}

fn commit_of(release: &Release) -> String {
    match (&release.artifact.commit, release.artifact.dirty) {
        (Some(commit), false) => format!("commit {}", short(commit)),
        (Some(commit), true) => format!("commit {} and changes", short(commit)),
        (None, _) => "no commit".to_owned(),
    }
}
