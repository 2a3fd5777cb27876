//! Lambda: code, versions, aliases, and what stands around them.

mod alias;
mod around;
mod settings;
mod version;

use aws_config::SdkConfig;
use aws_sdk_lambda::primitives::Blob;
use serde_json::Value;

use super::{AwsError, Calls, Http, clients};

pub use alias::{Alias, Routing};
pub use around::Provisioned;
pub use settings::Settings;
pub use version::{Code, Readiness, VersionState};

/// The functions of one account and region.
#[derive(Debug, Clone)]
pub struct Lambda {
    read: aws_sdk_lambda::Client,
    write: aws_sdk_lambda::Client,
    downloads: Http,
}

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

impl Lambda {
    pub(super) fn new(shared: &SdkConfig, calls: &Calls, downloads: Http) -> Self {
        let (read, write) = clients!(aws_sdk_lambda, shared, calls);
        Self { read, write, downloads }
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

fn bare(function: &str) -> String {
    format!("function `{function}`")
}
