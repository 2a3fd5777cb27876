//! Versions: what they are made of, how they are made, and how they go away.

use std::collections::BTreeMap;

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{FunctionConfiguration, LastUpdateStatus, S3ObjectStorageMode, State};
use serde_json::Value;

use super::{LambdaReader, LambdaWriter, Settings, bare, named};
use crate::artifact::{Package, Zip};
use crate::aws::body::InJson;
use crate::aws::calls::RawBody;
use crate::aws::{AwsError, Kind, NoResponse, upload_timeouts};
use crate::backoff::{Backoff, Pace};
use crate::config::Image;

/// The most versions of a page.
const PAGE: i32 = 50;
/// A download is tried so often.
const DOWNLOADS: u32 = 5;

/// A version, or `$LATEST`.
#[derive(Debug, Clone)]
pub struct VersionState {
    /// The number, or `$LATEST`.
    pub version: String,
    /// SHA-256 of the zip, base64, as Lambda writes it; of a container image its digest, in hexadecimal.
    pub code_sha256: String,
    /// Changes with every change of the function.
    pub revision: String,
    /// What was said of it when it was published; empty if nothing was.
    pub description: String,
    /// When it was changed last, as AWS writes it: `2026-01-31T12:00:00.000+0000`.
    pub modified: String,
    /// Whether it can be invoked and changed.
    pub readiness: Readiness,
    /// Every setting that Terraform owns. Values may be secret: compare them, never print them.
    pub settings: Settings,
}

/// Whether a version can be invoked and changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// It can.
    Ready,
    /// Not yet.
    Pending,
    /// It was not invoked for weeks: the first invocation fails, and wakes it.
    Idle,
    /// It never will: the reason that Lambda gives.
    Failed(String),
}

/// Where code comes from.
#[derive(Debug, Clone, Copy)]
pub enum Code<'a> {
    /// A zip of at most 50 MB.
    Zip(&'a Zip),
    /// An object of a bucket in the function's region.
    Object {
        /// The bucket.
        bucket: &'a str,
        /// The object's key.
        key: &'a str,
        /// The object's version: not whatever lies under the key by then.
        version: &'a str,
    },
    /// A container image.
    Image(&'a Image),
}

/// What follows an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Nothing,
    Publish,
}

impl LambdaReader {
    /// The state of a version, of `$LATEST`, or of the version behind an alias.
    ///
    /// By GetFunction: it alone has a rate of its own, 100 a second; all other calls share 15 a second.
    pub async fn version(&self, function: &str, qualifier: &str) -> Result<VersionState, AwsError> {
        let raw = RawBody::default();
        let request = self.functions.turn().await.get_function().function_name(function).qualifier(qualifier);
        let response = request.customize().interceptor(raw.clone()).send().await;
        let response = response.map_err(|error| AwsError::new("GetFunction", named(function, qualifier), &error))?;
        let nothing = || {
            AwsError::found(Kind::Other, "GetFunction", named(function, qualifier), "the response has no configuration")
        };
        let configuration = response.configuration.ok_or_else(nothing)?;
        Ok(state(configuration, &raw.json("GetFunction", named(function, qualifier))?["Configuration"]))
    }

    /// The names of all functions of the account and region.
    pub async fn names(&self) -> Result<Vec<String>, AwsError> {
        let (mut names, mut marker) = (Vec::new(), None);
        loop {
            // Each page waits for its turn: an account may have thousands of functions.
            let request = self.control.turn().await.list_functions().set_marker(marker).send().await;
            let page = request
                .map_err(|error| AwsError::new("ListFunctions", "the account's functions".to_owned(), &error))?;
            names.extend(page.functions.unwrap_or_default().into_iter().filter_map(|found| found.function_name));
            marker = page.next_marker.filter(|marker| !marker.is_empty());
            if marker.is_none() {
                return Ok(names);
            }
        }
    }

    /// The tags of a function.
    pub async fn tags(&self, function: &str) -> Result<BTreeMap<String, String>, AwsError> {
        let response = self.functions.turn().await.get_function().function_name(function).send().await;
        let response = response.map_err(|error| AwsError::new("GetFunction", bare(function), &error))?;
        // Who may not list tags gets a response without them.
        if let Some(error) = response.tags_error {
            return Err(AwsError::found(Kind::Denied, "ListTags", bare(function), error.message));
        }
        Ok(response.tags.unwrap_or_default().into_iter().collect())
    }

    /// All published versions, the oldest first; `$LATEST` is none.
    ///
    /// A listing leaves out the state (<https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html> says so of
    /// functions, and versions do too): where there is none, the version counts as ready.
    pub async fn versions(&self, function: &str) -> Result<Vec<VersionState>, AwsError> {
        Ok(self.listed(function).await?.1)
    }

    /// `$LATEST` and all published versions, the oldest first.
    ///
    /// # Errors
    /// See [`Self::versions`].
    pub async fn listed(&self, function: &str) -> Result<(Option<VersionState>, Vec<VersionState>), AwsError> {
        let (operation, object) = ("ListVersionsByFunction", || bare(function));
        let (mut versions, mut marker) = (Vec::new(), None);
        loop {
            let raw = RawBody::default();
            let request = self.control.turn().await.list_versions_by_function().function_name(function).max_items(PAGE);
            let response = request.set_marker(marker).customize().interceptor(raw.clone()).send().await;
            let response = response.map_err(|error| AwsError::new(operation, object(), &error))?;
            let mut raw = raw.json(operation, object())?;
            let listed = response.versions.unwrap_or_default().into_iter().enumerate();
            versions.extend(listed.map(|(index, version)| state(version, &raw["Versions"][index].take())));
            marker = response.next_marker.filter(|marker| !marker.is_empty());
            if marker.is_none() {
                break;
            }
        }
        let latest = versions.iter().position(|version| version.version == "$LATEST").map(|at| versions.remove(at));
        // As numbers: 10 comes after 9.
        versions.sort_by_key(|version| version.version.parse::<u64>().unwrap_or(u64::MAX));
        Ok((latest, versions))
    }

    /// What a version was made of: its zip, or its image by digest. A download is tried again as any read is.
    pub async fn code(&self, function: &str, version: &str) -> Result<Package, AwsError> {
        let mut backoff = Backoff::new(&self.world, Pace::RETRY);
        for _ in 1..DOWNLOADS {
            match self.download(function, version).await {
                Err(error) if error.kind == Kind::Unknown && backoff.wait().await => {}
                ended => return ended,
            }
        }
        self.download(function, version).await
    }

    async fn download(&self, function: &str, version: &str) -> Result<Package, AwsError> {
        let object = || named(function, version);
        let response =
            self.functions.turn().await.get_function().function_name(function).qualifier(version).send().await;
        let response = response.map_err(|error| AwsError::new("GetFunction", object(), &error))?;
        let nothing = |why: &str| AwsError::found(Kind::Other, "GetFunction", object(), why);
        let code = response.code.ok_or_else(|| nothing("the response names no code"))?;
        if let Some(image) = code.resolved_image_uri {
            return Image::try_from(image).map(Package::Image).map_err(|why| nothing(&why));
        }
        let location = code.location.ok_or_else(|| nothing("the response names no zip"))?;
        // The address is signed: anybody who has it may read the code for 10 minutes. No error may carry it.
        let broken = |kind, why: String| {
            AwsError::found(kind, "the download", object(), format!("the zip could not be fetched: {why}"))
        };
        match self.downloads.download(&location).await {
            Ok((_, Some(zip))) => Ok(Package::Zip(zip)),
            // Also a 403: an address that was signed by a session which has ended since. The next try asks for another one.
            Ok((status, None)) => Err(broken(Kind::Unknown, format!("HTTP {status}"))),
            Err(NoResponse::NoConnection) => Err(broken(Kind::Unreachable, NoResponse::NoConnection.to_string())),
            Err(NoResponse::Unwritable) => Err(broken(Kind::Other, NoResponse::Unwritable.to_string())),
            Err(why) => Err(broken(Kind::Unknown, why.to_string())),
        }
    }
}

impl LambdaWriter {
    /// Puts code into `$LATEST`, if that still has the given revision.
    pub async fn upload(&self, function: &str, code: &Code<'_>, revision: &str) -> Result<(), AwsError> {
        self.update(function, code, revision, Then::Nothing).await.map(drop)
    }

    /// The same, and publishes it in the same call, with the description of `$LATEST`. Returns the number of the version.
    pub async fn upload_and_publish(
        &self,
        function: &str,
        code: &Code<'_>,
        revision: &str,
    ) -> Result<String, AwsError> {
        let nothing = || {
            let object = named(function, "$LATEST");
            AwsError::found(Kind::Unknown, "UpdateFunctionCode", object, "the response names no version")
        };
        let version = self.update(function, code, revision, Then::Publish).await?;
        version.filter(|version| version != "$LATEST").ok_or_else(nothing)
    }

    async fn update(
        &self,
        function: &str,
        code: &Code<'_>,
        revision: &str,
        then: Then,
    ) -> Result<Option<String>, AwsError> {
        let request = self.0.turn().await.update_function_code().function_name(function).revision_id(revision);
        let request = match *code {
            // Its content is put in while it is sent.
            Code::Zip(_) => request.zip_file(Blob::new(Vec::new())),
            // A copy: a reference would make every cold start depend on the bucket.
            Code::Object { bucket, key, version } => request
                .s3_bucket(bucket)
                .s3_key(key)
                .s3_object_version(version)
                .s3_object_storage_mode(S3ObjectStorageMode::Copy),
            Code::Image(image) => request.image_uri(image.to_string()),
        };
        let request = request.set_publish((then == Then::Publish).then_some(true));
        let patient = aws_sdk_lambda::config::Builder::new().timeout_config(upload_timeouts());
        let mut request = request.customize().config_override(patient);
        if let Code::Zip(zip) = *code {
            request = request.interceptor(InJson(zip.clone()));
        }
        let response = request.send().await;
        let failed = |error| {
            let error = AwsError::new("UpdateFunctionCode", named(function, "$LATEST"), &error);
            match code {
                // Lambda hands on that S3 refused, without the action that it tried in the caller's name.
                Code::Object { .. } if error.to_string().contains("denied by S3") => {
                    error.for_lack_of("s3:GetObjectVersion")
                }
                _ => error,
            }
        };
        response.map(|response| response.version).map_err(failed)
    }

    /// Publishes `$LATEST`, if it still has the given revision and code. Returns the number of the version.
    pub async fn publish(&self, function: &str, latest: &VersionState, description: &str) -> Result<String, AwsError> {
        let request = self.0.turn().await.publish_version().function_name(function).description(description);
        let response = request.code_sha256(&latest.code_sha256).revision_id(&latest.revision).send().await;
        let response = response.map_err(|error| AwsError::new("PublishVersion", named(function, "$LATEST"), &error))?;
        let nothing = || {
            AwsError::found(
                Kind::Unknown,
                "PublishVersion",
                named(function, "$LATEST"),
                "the response names no version",
            )
        };
        response.version.ok_or_else(nothing)
    }

    /// Deletes one published version.
    ///
    /// # Errors
    /// Without any call, if `version` is not a number: DeleteFunction without a version deletes the whole function.
    pub async fn delete_version(&self, function: &str, version: &str) -> Result<(), AwsError> {
        if version.is_empty() || !version.bytes().all(|byte| byte.is_ascii_digit()) {
            let reason = "only a version by its number may be deleted";
            return Err(AwsError::found(Kind::Other, "DeleteFunction", named(function, version), reason));
        }
        let response = self.0.turn().await.delete_function().function_name(function).qualifier(version).send().await;
        response.map(drop).map_err(|error| AwsError::new("DeleteFunction", named(function, version), &error))
    }
}

/// A configuration in our words. `raw` is the same one as AWS sent it.
fn state(configuration: FunctionConfiguration, raw: &Value) -> VersionState {
    VersionState {
        readiness: readiness(&configuration),
        version: configuration.version.unwrap_or_default(),
        code_sha256: configuration.code_sha256.unwrap_or_default(),
        revision: configuration.revision_id.unwrap_or_default(),
        description: configuration.description.unwrap_or_default(),
        modified: configuration.last_modified.unwrap_or_default(),
        settings: Settings::of(raw),
    }
}

/// `LastUpdateStatus` says it for `$LATEST`, `State` for a version: both have to be good.
fn readiness(configuration: &FunctionConfiguration) -> Readiness {
    let reason = |text: Option<&str>| Readiness::Failed(text.unwrap_or("no reason given").to_owned());
    match (configuration.state(), configuration.last_update_status()) {
        (Some(State::Failed), _) => reason(configuration.state_reason()),
        (_, Some(LastUpdateStatus::Failed)) => reason(configuration.last_update_status_reason()),
        (Some(State::Pending), _) | (_, Some(LastUpdateStatus::InProgress)) => Readiness::Pending,
        (Some(State::Inactive), _) => Readiness::Idle,
        (None | Some(State::Active), _) => Readiness::Ready,
        // Deactivating, Deleting, or a state of tomorrow: nothing says that it can be invoked.
        (Some(other), _) => Readiness::Failed(format!("its state is {}", other.as_str())),
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::aws::Http;
    use crate::aws::{Calls, SdkConfig};
    use crate::world::{Proxy, World};

    #[test]
    fn a_failed_update_is_a_failure_and_not_ready() {
        let failed = FunctionConfiguration::builder()
            .state(State::Active)
            .last_update_status(LastUpdateStatus::Failed)
            .last_update_status_reason("no such key");
        assert_eq!(readiness(&failed.build()), Readiness::Failed("no such key".to_owned()));
    }

    #[test]
    fn a_version_without_a_state_is_ready() {
        assert_eq!(readiness(&FunctionConfiguration::builder().version("3").build()), Readiness::Ready);
    }

    #[test]
    fn no_other_state_than_active_is_ready() {
        let of = |state: &str| readiness(&FunctionConfiguration::builder().state(State::from(state)).build());
        assert_eq!(of("Active"), Readiness::Ready);
        assert_eq!(of("Pending"), Readiness::Pending);
        assert_eq!(of("Inactive"), Readiness::Idle);
        for state in ["Deactivating", "Deactivated", "ActiveNonInvocable", "Deleting", "StateOfTomorrow"] {
            assert_eq!(of(state), Readiness::Failed(format!("its state is {state}")));
        }
    }

    #[test]
    fn nothing_but_a_number_is_ever_deleted_and_no_call_is_made_for_it() {
        // Another test of this process may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let calls = Calls::default();
        let http = Http::new(&World::real(), Proxy::None, std::time::Duration::from_secs(1));
        let shared = SdkConfig::builder().behavior_version(aws_config::BehaviorVersion::latest()).build();
        let (_, lambda) = crate::aws::lambda::open(&shared, &calls, http, &World::real());
        for version in ["", "$LATEST", "live", "3a", "-1", " 3", "٣"] {
            let refused = block_on(lambda.delete_version("f", version)).unwrap_err();
            assert_eq!(refused.kind, Kind::Other, "{version}");
            assert!(refused.to_string().contains("only a version by its number"), "{refused}");
        }
        assert_eq!(calls.total(), 0);
    }
}
