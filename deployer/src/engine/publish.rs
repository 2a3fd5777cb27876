//! Everything that is made before traffic moves: versions, checked by Invoke, and deployments that no stage is at yet.

use anyhow::{Context as _, Result};

use super::phases::{Apply, Outcome};
use crate::artifact::{DIRECT_UPLOAD_LIMIT, Package};
use crate::aws::{AwsError, Code, Kind, Readiness, Settings, TRIES, VersionState, certainly};
use crate::backoff::{Backoff, Pace};
use crate::config::Check;
use crate::failure::Failure;
use crate::ledger::{FunctionPart, FunctionResource, Release};
use crate::observe::ObservedFunction;
use crate::plan::{After, short};
use crate::retention::is_of_another;
use crate::verify;

/// A version of a function, and the responses to its checks.
pub(super) async fn function(run: &Apply<'_>, key: &str, release: &Release) -> Outcome {
    let (part, asked) = tokio::join!(wanted_version(run, key, release), may_ask_for_provisioned(run, key));
    let part = match asked.and(part) {
        Ok(part) => part,
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
    Outcome { part: Some((key.to_owned(), part)), checks, error, ..Outcome::default() }
}

/// Makes a read now that is needed after the alias has moved: if the role lacks the permission, its release would be reverted
/// then. One function is enough: the permission covers all of them.
async fn may_ask_for_provisioned(run: &Apply<'_>, key: &str) -> Result<()> {
    let is_first = run.plan.moved().next().is_some_and(|first| first == key);
    let Some(function) = run.observed.functions.get(key).filter(|_| is_first) else { return Ok(()) };
    let FunctionResource { name, alias, .. } = &function.resource;
    Ok(run.engine.aws.reader.lambda.provisioned(name, alias).await.map(drop)?)
}

/// A version with the wanted code and the settings of now: one that exists, or a new one.
async fn wanted_version(run: &Apply<'_>, key: &str, release: &Release) -> Result<FunctionPart> {
    let function = run.observed.functions.get(key).with_context(|| {
        format!("the state of function `{key}` was not read: this is a bug of `deployer`, please report it")
    })?;
    let after = run.plan.functions.get(key).map(|planned| &planned.after);
    let wanted = match after {
        Some(After::NewCode(Some(sha256))) => sha256.clone(),
        // Where only settings changed, the live bytes are published again: what was tested stays what runs.
        _ => function.live.code_sha256.clone(),
    };
    let name = &function.resource.name;
    let latest = latest(run, function, &wanted).await?;
    // Publishing again after an upload makes a new version of the same bytes: an existing one is looked for first.
    let versions = run.engine.aws.reader.lambda.versions(name).await?;
    let has_code = |found: &VersionState| found.code_sha256 == wanted;
    let mut passed_over = false;
    for found in same(&versions, &wanted, &latest.settings) {
        // A listing does not have the state: a pending version is waited for, a failed one is passed over. A version of another
        // environment of the same function is not used: that environment may remove it.
        if !is_of_another(&found.description, &run.engine.mark())
            && until_ready(run, name, &found.version, has_code).await.is_ok()
        {
            return Ok(FunctionPart { version: found.version.clone(), code_sha256: wanted.clone() });
        }
        passed_over = true;
    }
    // Published again as it is, it would be the version that failed: an upload in between makes a new one.
    let latest = with_code(run, key, function, latest, &wanted, passed_over).await?;
    let description = format!("{}{}, {}", run.engine.mark(), release.number, commit_of(release));
    let version = publish(run, name, &latest, &description).await?;
    // The version itself, not `$LATEST` and not the alias: an alias that is moved to a pending version is refused.
    until_ready(run, name, &version, has_code).await?;
    Ok(FunctionPart { version, code_sha256: wanted })
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

/// The versions with that code and those settings, the newest first.
fn same<'a>(versions: &'a [VersionState], wanted: &str, settings: &Settings) -> impl Iterator<Item = &'a VersionState> {
    versions
        .iter()
        .rev()
        .filter(move |version| version.code_sha256 == wanted && version.settings.differences(settings).is_empty())
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
    let fetched;
    let package = match run.packages.get(key).filter(|_| wanted != function.live.code_sha256) {
        Some(package) => package,
        None => {
            fetched = run.engine.aws.reader.lambda.code(name, &function.live.version).await?;
            refuse_other_code(name, function, &fetched)?;
            &fetched
        }
    };
    let uploaded = upload(run, (key, name), package, &latest).await;
    let latest = uploaded.with_context(|| match package {
        Package::Zip(_) => format!("failed to upload code to `{name}`"),
        Package::Image(image) => format!("failed to give `{name}` the image `{image}`"),
    })?;
    // The revision moves again when the update is done: it is read once more, never chained. Where the same bytes were
    // uploaded again, it alone shows that a read is not of before.
    let is_new = |found: &VersionState| found.code_sha256 == wanted && found.revision != latest.revision;
    until_ready(run, name, "$LATEST", is_new).await
}

/// The code that is published again must be the code that runs.
fn refuse_other_code(name: &str, function: &ObservedFunction, fetched: &Package) -> Result<()> {
    if fetched.code_sha256() == function.live.code_sha256 {
        return Ok(());
    }
    let version = &function.live.version;
    Err(Failure::error(format!("the zip that was fetched for version {version} of `{name}` is not the code that runs there"))
        .hint("the local AWS returns the zip of `$LATEST` for every version: change a source file and deploy, so that the zip is built again")
        .into())
}

/// Directly, or where the zip is too big for that, through the contract's bucket. Returns `$LATEST` as it was before.
async fn upload(
    run: &Apply<'_>,
    (key, name): (&str, &str),
    package: &Package,
    latest: &VersionState,
) -> Result<VersionState> {
    let aws = run.engine.aws;
    let bucket = run.observed.ledger.contract.artifact_bucket.as_deref();
    let object;
    let code = match (package, bucket) {
        (Package::Image(image), _) => Code::Image(image),
        (Package::Zip(zip), Some(bucket)) if zip.size() > DIRECT_UPLOAD_LIMIT => {
            let place = format!("{}/{}/{key}.zip", run.engine.config.app, run.engine.environment.name);
            object = (place.clone(), aws.s3.put(bucket, &place, zip).await?);
            Code::Object { bucket, key: &object.0, version: &object.1 }
        }
        (Package::Zip(zip), _) => Code::Zip(zip),
    };
    let sha256 = package.code_sha256();
    let look = async || {
        let found = aws.reader.lambda.version(name, "$LATEST").await?;
        Ok((found.code_sha256 == sha256).then_some(()))
    };
    let upload = async |latest: &VersionState| {
        certainly(&aws.reader.world, async || aws.lambda.upload(name, &code, &latest.revision).await, look).await
    };
    Ok(on_latest(run, name, latest, &sha256, upload).await?.1)
}

/// A write on condition of the revision of `$LATEST`. It may have been read before the last change of an earlier run, or of
/// Terraform, was seen everywhere: where nothing else differs, or the `wanted` code is there already, the write is sent again with
/// the newer one. Returns also `$LATEST` as it was before the write.
async fn on_latest<T>(
    run: &Apply<'_>,
    name: &str,
    latest: &VersionState,
    wanted: &str,
    write: impl AsyncFn(&VersionState) -> Result<T, AwsError>,
) -> Result<(T, VersionState)> {
    let (mut latest, mut tries) = (latest.clone(), 1);
    loop {
        let error = match write(&latest).await {
            Err(error) if error.kind == Kind::Precondition && tries < TRIES => error,
            ended => return Ok((ended?, latest)),
        };
        latest = newer(run, name, &latest, wanted).await.ok_or(error)?;
        tries += 1;
    }
}

/// `$LATEST` by a newer revision, if that is all that differs, or it has the `wanted` code.
async fn newer(run: &Apply<'_>, name: &str, latest: &VersionState, wanted: &str) -> Option<VersionState> {
    let what = format!("the last change of `{name}:$LATEST` to be seen");
    let mut lag = Backoff::new(run.engine.world(), Pace::READ).waiting_for(what);
    loop {
        let found = run.engine.aws.reader.lambda.version(name, "$LATEST").await.ok()?;
        if found.revision != latest.revision {
            let is_known = [latest.code_sha256.as_str(), wanted].contains(&found.code_sha256.as_str());
            return (is_known && found.settings.differences(&latest.settings).is_empty()).then_some(found);
        }
        if !lag.wait().await {
            return None;
        }
    }
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
