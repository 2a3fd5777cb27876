//! Lambda: code, versions, aliases, and what surrounds them.

mod alias;
mod around;
mod settings;
mod version;

use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::LogType;
use aws_smithy_types::base64;
use serde_json::Value;

use super::paced::Paced;
use super::{AwsError, Calls, Http, clients};
use crate::rates::AtOnce;
use crate::world::World;

pub use alias::{Alias, AliasMove, Routing};
pub use around::{EventSource, FunctionUrl, Provisioned};
pub use settings::Settings;
pub use version::{Code, Readiness, VersionState};

/// Looks at the functions of one account and region.
#[derive(Debug, Clone)]
pub struct LambdaReader {
    /// For GetFunction, which has a rate of its own.
    functions: Paced<Client>,
    /// For all else but invocations.
    control: Paced<Client>,
    /// For invocations, which are not sent twice.
    once: Client,
    /// How many of these are under way at once.
    invocations: AtOnce,
    downloads: Http,
    world: World,
}

/// Changes the functions of one account and region.
#[derive(Debug, Clone)]
pub struct LambdaWriter(Paced<Client>);

/// The response to an invocation.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The version that ran.
    pub executed_version: Option<String>,
    /// Set if the function failed.
    pub function_error: Option<String>,
    /// What it returned.
    pub payload: Value,
    /// The end of what it logged, 4 KB at most.
    pub log: String,
}

/// Both of one service.
pub(super) fn open(shared: &SdkConfig, calls: &Calls, downloads: Http, world: &World) -> (LambdaReader, LambdaWriter) {
    let (client, once) = clients!(aws_sdk_lambda, shared, calls);
    let (functions, control) =
        (Paced::new(client.clone(), &calls.rates().get_function), Paced::new(client, &calls.rates().lambda));
    let writer = LambdaWriter(Paced::new(once.clone(), &calls.rates().lambda));
    let invocations = calls.rates().invocations.clone();
    (LambdaReader { functions, control, once, invocations, downloads, world: world.clone() }, writer)
}

impl LambdaReader {
    /// Invokes a version and waits for its response. It changes nothing of the function; what the function does when it is
    /// invoked is the caller's to know.
    pub async fn invoke(&self, function: &str, version: &str, event: &Value) -> Result<Invocation, AwsError> {
        let _place = self.invocations.place().await;
        let request = self.once.invoke().function_name(function).qualifier(version);
        let response = request.log_type(LogType::Tail).payload(Blob::new(event.to_string())).send().await;
        let response = response.map_err(|error| AwsError::new("Invoke", named(function, version), &error))?;
        let log = response.log_result.and_then(|log| base64::decode(log).ok()).unwrap_or_default();
        Ok(Invocation {
            executed_version: response.executed_version,
            function_error: response.function_error,
            payload: response
                .payload
                .and_then(|payload| serde_json::from_slice(payload.as_ref()).ok())
                .unwrap_or_default(),
            log: String::from_utf8_lossy(&log).into_owned(),
        })
    }
}

fn named(function: &str, qualifier: &str) -> String {
    format!("`{function}:{qualifier}`")
}

fn bare(function: &str) -> String {
    format!("function `{function}`")
}
