//! Lambda: code, versions and aliases.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{AliasRoutingConfiguration, FunctionConfiguration, LastUpdateStatus, State};
use serde_json::Value;

use super::calls::RawBody;
use super::{AwsError, Calls, Kind, clients, upload_timeouts};

/// The functions of one account and region.
#[derive(Debug, Clone)]
pub struct Lambda {
    read: aws_sdk_lambda::Client,
    write: aws_sdk_lambda::Client,
    downloads: reqwest::Client,
}

/// Where an alias points.
#[derive(Debug, Clone, PartialEq)]
pub struct Alias {
    /// The version that takes the traffic, or most of it.
    pub version: String,
    /// Further versions with their share of the traffic, 0 to 1.
    pub weights: BTreeMap<String, f64>,
    /// Changes with every change of the alias.
    pub revision: String,
}

/// A version, or `$LATEST`.
#[derive(Debug, Clone)]
pub struct VersionState {
    /// The number, or `$LATEST`.
    pub version: String,
    /// SHA-256 of the zip, base64, as Lambda writes it.
    pub code_sha256: String,
    /// Changes with every change of the function.
    pub revision: String,
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
    /// It never will: the reason that Lambda gives.
    Failed(String),
}

/// The settings of a version by path, as `MemorySize` or `Environment.Variables.TABLE`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Settings(BTreeMap<String, String>);

/// The answer to an invocation.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The version that ran.
    pub executed_version: Option<String>,
    /// Set if the function failed rather than answered.
    pub function_error: Option<String>,
    /// What it answered.
    pub payload: Value,
}

impl Settings {
    /// The names of the settings in which the two differ.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let names = self.0.keys().chain(other.0.keys().filter(|name| !self.0.contains_key(*name)));
        names.filter(|name| self.0.get(*name) != other.0.get(*name)).cloned().collect()
    }

    /// One setting, for tests of what compares them.
    #[cfg(test)]
    pub(crate) fn with(name: &str, value: &str) -> Self {
        Self(BTreeMap::from([(name.to_owned(), value.to_owned())]))
    }

    /// Takes the settings out of the answer to GetFunction. What every version has for itself is left out.
    fn of(answer: &Value) -> Self {
        const OWN: [&str; 20] = [
            "SigningJobArn",
            "SigningProfileVersionArn",
            "FunctionArn",
            "Version",
            "RevisionId",
            "LastModified",
            "CodeSize",
            "CodeSha256",
            "Description",
            "State",
            "StateReason",
            "StateReasonCode",
            "LastUpdateStatus",
            "LastUpdateStatusReason",
            "LastUpdateStatusReasonCode",
            "MasterArn",
            "ConfigSha256",
            // Lambda itself moves the runtime's patch version and the state of snapshots.
            "RuntimeVersionConfig",
            "SnapStart.OptimizationStatus",
            "FunctionName",
        ];
        let mut settings = BTreeMap::new();
        flatten("", &answer["Configuration"], &OWN, &mut settings);
        Self(settings)
    }
}

/// Values may be secrets, so they do not even show up in a debug print.
impl std::fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

fn flatten(path: &str, value: &Value, left_out: &[&str], into: &mut BTreeMap<String, String>) {
    let Some(object) = value.as_object() else {
        if !value.is_null() {
            into.insert(path.to_owned(), value.to_string());
        }
        return;
    };
    for (name, value) in object {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        // By the whole path: an environment variable may be called `Version` too.
        if !left_out.contains(&path.as_str()) {
            flatten(&path, value, left_out, into);
        }
    }
}

impl Lambda {
    pub(super) fn new(shared: &SdkConfig, calls: &Calls, downloads: reqwest::Client) -> Self {
        let (read, write) = clients!(aws_sdk_lambda, shared, calls);
        Self { read, write, downloads }
    }

    /// Where the alias points.
    pub async fn alias(&self, function: &str, alias: &str) -> Result<Alias, AwsError> {
        let answer = self.read.get_alias().function_name(function).name(alias).send().await;
        let answer = answer.map_err(|error| AwsError::new("GetAlias", named(function, alias), &error))?;
        let weights = answer.routing_config.and_then(|routing| routing.additional_version_weights).unwrap_or_default();
        Ok(Alias {
            version: answer.function_version.unwrap_or_default(),
            weights: weights.into_iter().filter(|(_, weight)| *weight > 0.0).collect(),
            revision: answer.revision_id.unwrap_or_default(),
        })
    }

    /// The state of a version, of `$LATEST`, or of the version behind an alias.
    ///
    /// By GetFunction: it alone has a rate of its own, 100 a second; all other calls share 15 a second.
    pub async fn version(&self, function: &str, qualifier: &str) -> Result<VersionState, AwsError> {
        let raw = RawBody::default();
        let request = self.read.get_function().function_name(function).qualifier(qualifier);
        let answer = request.customize().interceptor(raw.clone()).send().await;
        let answer = answer.map_err(|error| AwsError::new("GetFunction", named(function, qualifier), &error))?;
        let nothing = || {
            AwsError::found(Kind::Other, "GetFunction", named(function, qualifier), "the answer has no configuration")
        };
        let configuration = answer.configuration.ok_or_else(nothing)?;
        Ok(VersionState {
            readiness: readiness(&configuration),
            version: configuration.version.unwrap_or_default(),
            code_sha256: configuration.code_sha256.unwrap_or_default(),
            revision: configuration.revision_id.unwrap_or_default(),
            settings: Settings::of(&raw.json("GetFunction", named(function, qualifier))?),
        })
    }

    /// The zip of a version.
    pub async fn code(&self, function: &str, version: &str) -> Result<Vec<u8>, AwsError> {
        let object = || named(function, version);
        let answer = self.read.get_function().function_name(function).qualifier(version).send().await;
        let answer = answer.map_err(|error| AwsError::new("GetFunction", object(), &error))?;
        let location = answer.code.and_then(|code| code.location);
        let location =
            location.ok_or_else(|| AwsError::found(Kind::Other, "GetFunction", object(), "the answer names no zip"))?;
        // The address is signed: whoever has it may read the code for 10 minutes. No error may carry it.
        let broken = |_| AwsError::found(Kind::Unknown, "the download", object(), "the zip could not be fetched");
        let answer =
            self.downloads.get(location).send().await.and_then(reqwest::Response::error_for_status).map_err(broken)?;
        Ok(answer.bytes().await.map_err(broken)?.to_vec())
    }

    /// Uploads a zip into `$LATEST`, if that still has the given revision.
    pub async fn upload(&self, function: &str, zip: &[u8], revision: &str) -> Result<(), AwsError> {
        let request =
            self.write.update_function_code().function_name(function).zip_file(Blob::new(zip)).revision_id(revision);
        let patient = aws_sdk_lambda::config::Builder::new().timeout_config(upload_timeouts());
        let answer = request.customize().config_override(patient).send().await;
        answer.map(drop).map_err(|error| AwsError::new("UpdateFunctionCode", named(function, "$LATEST"), &error))
    }

    /// Publishes `$LATEST`, if it still has the given revision and code. Answers the number of the version.
    pub async fn publish(&self, function: &str, latest: &VersionState, description: &str) -> Result<String, AwsError> {
        let request = self.write.publish_version().function_name(function).description(description);
        let answer = request.code_sha256(&latest.code_sha256).revision_id(&latest.revision).send().await;
        let answer = answer.map_err(|error| AwsError::new("PublishVersion", named(function, "$LATEST"), &error))?;
        let nothing = || {
            AwsError::found(Kind::Unknown, "PublishVersion", named(function, "$LATEST"), "the answer names no version")
        };
        answer.version.ok_or_else(nothing)
    }

    /// Points an alias, if it still has the given revision, at one version with all the traffic.
    pub async fn move_alias(&self, function: &str, alias: &str, version: &str, revision: &str) -> Result<(), AwsError> {
        // An empty routing configuration is said, not left out: an old weight would stay otherwise.
        let all_to_one =
            AliasRoutingConfiguration::builder().set_additional_version_weights(Some(Default::default())).build();
        let request = self.write.update_alias().function_name(function).name(alias).function_version(version);
        let answer = request.routing_config(all_to_one).revision_id(revision).send().await;
        answer.map(drop).map_err(|error| AwsError::new("UpdateAlias", named(function, alias), &error))
    }

    /// Invokes a version and waits for its answer.
    pub async fn invoke(&self, function: &str, version: &str, event: &Value) -> Result<Invocation, AwsError> {
        let request = self.write.invoke().function_name(function).qualifier(version);
        let answer = request.payload(Blob::new(event.to_string())).send().await;
        let answer = answer.map_err(|error| AwsError::new("Invoke", named(function, version), &error))?;
        Ok(Invocation {
            executed_version: answer.executed_version,
            function_error: answer.function_error,
            payload: answer
                .payload
                .and_then(|payload| serde_json::from_slice(payload.as_ref()).ok())
                .unwrap_or_default(),
        })
    }
}

fn named(function: &str, qualifier: &str) -> String {
    format!("`{function}:{qualifier}`")
}

/// `LastUpdateStatus` says it for `$LATEST`, `State` for a version: both have to be good.
fn readiness(configuration: &FunctionConfiguration) -> Readiness {
    let reason = |text: Option<&str>| Readiness::Failed(text.unwrap_or("no reason given").to_owned());
    match (configuration.state(), configuration.last_update_status()) {
        (Some(State::Failed), _) => reason(configuration.state_reason()),
        (_, Some(LastUpdateStatus::Failed)) => reason(configuration.last_update_status_reason()),
        (Some(State::Pending), _) | (_, Some(LastUpdateStatus::InProgress)) => Readiness::Pending,
        _ => Readiness::Ready,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(memory: u32, table: &str) -> Settings {
        Settings::of(&json!({"Configuration": {
            "FunctionArn": format!("arn:{memory}"), "RevisionId": table, "MemorySize": memory,
            "Environment": {"Variables": {"TABLE": table}},
            "SnapStart": {"ApplyOn": "None", "OptimizationStatus": table},
        }}))
    }

    #[test]
    fn settings_differ_by_name_and_never_by_what_a_version_has_for_itself() {
        assert_eq!(settings(128, "a").differences(&settings(256, "b")), ["Environment.Variables.TABLE", "MemorySize"]);
        assert!(settings(128, "a").differences(&settings(128, "a")).is_empty());
    }

    #[test]
    fn no_value_of_a_setting_shows_in_a_debug_print() {
        let printed = format!("{:?}", settings(128, "s3cret"));
        assert!(printed.contains("Environment.Variables.TABLE") && !printed.contains("s3cret"), "{printed}");
    }

    #[test]
    fn a_failed_update_is_a_failure_and_not_ready() {
        let failed = FunctionConfiguration::builder()
            .state(State::Active)
            .last_update_status(LastUpdateStatus::Failed)
            .last_update_status_reason("no such key");
        assert_eq!(readiness(&failed.build()), Readiness::Failed("no such key".to_owned()));
    }
}
