//! Uploads of code. What became of one whose reply was lost is decided by what is there.

use std::borrow::Cow;

use anyhow::{Context as _, Result};

use super::phases::Apply;
use crate::artifact::{DIRECT_UPLOAD_LIMIT, Package};
use crate::aws::{AwsError, Code, Kind, TRIES, VersionState, certainly, patiently};
use crate::backoff::{Backoff, Pace};
use crate::failure::Failure;
use crate::ledger::{Candidate, Publishing};
use crate::observe::ObservedFunction;

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

/// The bytes of a version, where Lambda gets them.
pub(super) struct Bytes<'a> {
    package: Cow<'a, Package>,
    /// Bucket, key and version of the object, if the zip is too big for the call itself.
    object: Option<(&'a str, String, String)>,
}

impl<'a> Bytes<'a> {
    /// The release's own package, or where the code stays the same, that of the live version.
    pub(super) async fn of(run: &Apply<'a>, key: &str, function: &ObservedFunction, wanted: &str) -> Result<Self> {
        let (aws, name) = (run.engine.aws, &function.resource.name);
        let package = match run.packages.get(key).filter(|_| wanted != function.live.code_sha256) {
            Some(package) => Cow::Borrowed(package),
            None => {
                let fetched = aws.reader.lambda.code(name, &function.live.version).await?;
                refuse_other_code(name, function, &fetched)?;
                Cow::Owned(fetched)
            }
        };
        let bucket = run.observed.ledger.contract.artifact_bucket.as_deref();
        let object = match (&*package, bucket) {
            (Package::Zip(zip), Some(bucket)) if zip.size() > DIRECT_UPLOAD_LIMIT => {
                let place = format!("{}/{}/{key}.zip", run.engine.config.app, run.engine.environment.name);
                let put = aws.s3.put(bucket, &place, zip).await;
                let version = of_upload(put, name, &package)?;
                Some((bucket, place, version))
            }
            _ => None,
        };
        Ok(Self { package, object })
    }

    fn code(&self) -> Code<'_> {
        match (&*self.package, &self.object) {
            (_, Some((bucket, key, version))) => Code::Object { bucket, key, version },
            (Package::Image(image), None) => Code::Image(image),
            (Package::Zip(zip), None) => Code::Zip(zip),
        }
    }
}

/// Names the upload in its error.
fn of_upload<T, E: Into<anyhow::Error>>(sent: Result<T, E>, name: &str, package: &Package) -> Result<T> {
    sent.map_err(Into::into).with_context(|| match package {
        Package::Zip(_) => format!("failed to upload code to `{name}`"),
        Package::Image(image) => format!("failed to give `{name}` the image `{image}`"),
    })
}

/// Uploads code. Returns `$LATEST` as it was before.
pub(super) async fn upload(
    run: &Apply<'_>,
    name: &str,
    bytes: &Bytes<'_>,
    latest: &VersionState,
) -> Result<VersionState> {
    let aws = run.engine.aws;
    let sha256 = bytes.package.code_sha256();
    let look = async || {
        let found = aws.reader.lambda.version(name, "$LATEST").await?;
        Ok((found.code_sha256 == sha256).then_some(()))
    };
    let upload = async |latest: &VersionState| {
        let (world, code) = (&aws.reader.world, bytes.code());
        certainly(world, async || aws.lambda.upload(name, &code, &latest.revision).await, look).await
    };
    let uploaded = on_latest(run, name, latest, &sha256, upload).await;
    of_upload(uploaded.map(|(_, before)| before), name, &bytes.package)
}

/// Uploads code and publishes it in the same call. Returns the number of the version.
///
/// Whether a call whose reply was lost made one is decided by the versions that there are: it is sent again only while the revision
/// of `$LATEST` shows that none did, and on condition of that revision.
pub(super) async fn upload_and_publish(
    run: &Apply<'_>,
    key: &str,
    latest: &VersionState,
    publishing: &Publishing,
) -> Result<String> {
    let aws = run.engine.aws;
    let function = run.observed.functions.get(key).context("the function was not read")?;
    let name = &function.resource.name;
    let bytes = Bytes::of(run, key, function, &publishing.code_sha256).await?;
    let (mut latest, mut tries, code) = (latest.clone(), 1, bytes.code());
    loop {
        let sent =
            patiently(&aws.reader.world, async || aws.lambda.upload_and_publish(name, &code, &latest.revision).await);
        let error = match sent.await {
            Ok(version) => return Ok(version),
            Err(error) if matches!(error.kind, Kind::Unknown | Kind::Malformed | Kind::Precondition) => error,
            Err(error) => return of_upload(Err(error), name, &bytes.package),
        };
        let refused = error.kind == Kind::Precondition;
        match effect(run, name, (&latest, refused), publishing).await {
            Some(Effect::Published(version)) => return Ok(version),
            Some(Effect::None(newer)) if tries < TRIES => (latest, tries) = (*newer, tries + 1),
            _ => return of_upload(Err(error), name, &bytes.package),
        }
    }
}

/// What became of an upload whose reply does not show it.
enum Effect {
    /// It made this version.
    Published(String),
    /// It did nothing: `$LATEST` as it is now, whose revision the next try may name.
    None(Box<VersionState>),
}

/// A version as what a run may have made.
pub(super) fn candidate(version: &VersionState) -> Candidate<'_> {
    Candidate { version: &version.version, code_sha256: &version.code_sha256, description: &version.description }
}

/// Looks for the version that an upload may have made, as long as reads may be older than it. `None` if `$LATEST` was changed by
/// something else, or if that cannot be known.
async fn effect(
    run: &Apply<'_>,
    name: &str,
    (latest, refused): (&VersionState, bool),
    publishing: &Publishing,
) -> Option<Effect> {
    let lambda = &run.engine.aws.reader.lambda;
    let mut lag = Backoff::new(run.engine.world(), Pace::READ).waiting_for(format!("what became of `{name}:$LATEST`"));
    loop {
        let (now, versions) = lambda.listed(name).await.ok()?;
        if let Some(version) = publishing.among(versions.iter().map(candidate)) {
            return Some(Effect::Published(version.to_owned()));
        }
        // With the wanted code in it, the version has been made, and will be seen.
        let now = now.filter(|now| now.code_sha256 != publishing.code_sha256);
        let changed = now.as_ref().filter(|now| now.revision != latest.revision);
        if let Some(changed) = changed
            && (changed.code_sha256 != latest.code_sha256 || !changed.settings.differences(&latest.settings).is_empty())
        {
            return None;
        }
        if let Some(changed) = changed.filter(|_| refused) {
            return Some(Effect::None(Box::new(changed.clone())));
        }
        if !lag.wait().await {
            // A call that was refused has met another revision than the one that is seen.
            let now = now.filter(|now| !refused || now.revision != latest.revision)?;
            return Some(Effect::None(Box::new(now)));
        }
    }
}

/// A write on condition of the revision of `$LATEST`. It may have been read before the last change of an earlier run, or of
/// Terraform, was seen everywhere: where nothing else differs, or the `wanted` code is there already, the write is sent again with
/// the newer one. Returns also `$LATEST` as it was before the write.
pub(super) async fn on_latest<T>(
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
