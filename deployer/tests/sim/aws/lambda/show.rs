//! Versions and aliases as Lambda writes them.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::model::{Alias, Function, Update, Version};
use super::package::Package;
use super::rules::Rules;

/// How a version is shown.
pub(super) struct Shown<'a> {
    pub(super) function: &'a Function,
    /// The qualifier in `FunctionArn`: the one in the request.
    pub(super) qualifier: &'a str,
    pub(super) epoch: Timestamp,
    pub(super) rules: &'a Rules,
}

/// `2026-01-31T12:00:00.000+0000`.
fn time(epoch: Timestamp, since: Duration) -> String {
    (epoch + since).strftime("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

impl Shown<'_> {
    /// A version in a listing, which leaves out its states and the runtime's version (recorded).
    pub(super) fn listed(&self, version: &Version) -> Value {
        let configuration = &version.configuration;
        let mut shown = json!({
            "FunctionName": self.function.name,
            "FunctionArn": self.function.qualified(self.qualifier),
            "Version": version.version,
            "RevisionId": version.revision,
            "CodeSha256": version.code.sha256,
            "CodeSize": version.code.size(),
            "LastModified": time(self.epoch, version.modified),
            "Description": configuration.description,
            "Role": configuration.role,
            "Architectures": [configuration.architecture],
            "MemorySize": configuration.memory,
            "Timeout": configuration.timeout,
            "PackageType": version.code.package_type(),
            "EphemeralStorage": { "Size": 512 },
            "LoggingConfig": { "LogFormat": "Text", "LogGroup": format!("/aws/lambda/{}", self.function.name) },
            "SnapStart": { "ApplyOn": "None", "OptimizationStatus": "Off" },
            "TracingConfig": { "Mode": "PassThrough" },
        });
        match version.code.package {
            Package::Zip(_) => {
                (shown["Runtime"], shown["Handler"]) = (json!(configuration.runtime), json!(configuration.handler));
            }
            Package::Image(_) => shown["ImageConfigResponse"] = json!({}),
        }
        if let Some(variables) = &configuration.environment {
            // Without kms:Decrypt on a customer key there is an error instead of the variables.
            shown["Environment"] = match self.rules.hides_variables {
                true => json!({ "Error": {
                    "ErrorCode": "AccessDeniedException",
                    "Message": "Lambda was unable to decrypt your environment variables because the KMS access was denied.",
                } }),
                false => json!({ "Variables": variables }),
            };
        }
        if let Some(target) = &configuration.dead_letter {
            shown["DeadLetterConfig"] = json!({ "TargetArn": target });
        }
        for (name, value) in &configuration.further {
            shown[name] = value.clone();
        }
        shown
    }

    /// A version on its own.
    pub(super) fn alone(&self, version: &Version) -> Value {
        let mut shown = self.listed(version);
        if let Package::Zip(_) = version.code.package {
            shown["RuntimeVersionConfig"] =
                json!({ "RuntimeVersionArn": "arn:aws:lambda:us-east-1::runtime:0123456789abcdef" });
        }
        shown["State"] = json!(version.state.name);
        if let Some((code, reason)) = &version.state.reason {
            shown["StateReasonCode"] = json!(code);
            shown["StateReason"] = json!(reason);
        }
        let (status, why) = match &version.update {
            Update::None => return shown,
            Update::Successful => ("Successful", None),
            Update::InProgress { .. } => ("InProgress", Some(("Creating", "The function is being created."))),
            Update::Failed { code, reason } => ("Failed", Some((code.as_str(), reason.as_str()))),
        };
        shown["LastUpdateStatus"] = json!(status);
        if let Some((code, reason)) = why {
            shown["LastUpdateStatusReasonCode"] = json!(code);
            shown["LastUpdateStatusReason"] = json!(reason);
        }
        shown
    }
}

/// An alias. `RoutingConfig` is there only if it has a weight (recorded).
pub(super) fn alias(function: &Function, alias: &Alias) -> Value {
    let routing = alias.effective();
    let mut shown = Map::new();
    shown.insert("AliasArn".to_owned(), json!(function.qualified(&alias.name)));
    shown.insert("Name".to_owned(), json!(alias.name));
    shown.insert("FunctionVersion".to_owned(), json!(routing.version));
    shown.insert("Description".to_owned(), json!(alias.description));
    shown.insert("RevisionId".to_owned(), json!(alias.revision));
    if !routing.weights.is_empty() {
        shown.insert("RoutingConfig".to_owned(), json!({ "AdditionalVersionWeights": routing.weights }));
    }
    Value::Object(shown)
}
