//! The stack contract: what infrastructure code made for an environment. It comes from the ledger, or from
//! `[environments.NAME.stack]` in `deployer.toml`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::file::is_plain;

/// The contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Contract {
    /// The environment that the stack was made for.
    pub environment: String,
    /// Its account, 12 digits.
    pub account: String,
    /// Its region.
    pub region: String,
    /// The functions by key, as `deployer.toml` names them.
    pub functions: BTreeMap<String, FunctionResource>,
    /// The API that the functions are behind, if they are behind one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<Api>,
    /// The names of the alarms that detect a bad release.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<String>,
    /// The bucket for zips over 50 MB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_bucket: Option<String>,
}

/// One function of the stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FunctionResource {
    /// The name of the function in Lambda.
    pub name: String,
    /// The alias that the callers use, such as the API or an event source. A release moves it.
    pub alias: String,
    /// The architecture of the function, `x86_64` or `arm64`. Optional: if given, it is compared with `deployer.toml`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// The Function URL of the alias, if callers use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// The API of the stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Api {
    /// A REST API of API Gateway: a release creates deployments, and moves the stage to them.
    Rest(RestApi),
    /// An HTTP API of API Gateway: its routes call aliases, and a release moves only those.
    Http(HttpApi),
}

/// A REST API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RestApi {
    /// The id of the API.
    pub id: String,
    /// The name of the stage.
    pub stage: String,
    /// The URL of the stage, without a slash at the end.
    pub url: String,
    /// The URL of its custom domain, without a slash at the end, if it has one. Checks use it if the default endpoint is disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_url: Option<String>,
    /// The deployment that the infrastructure code created before the first release. It is never pruned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_deployment: Option<String>,
}

/// An HTTP API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HttpApi {
    /// The id of the API.
    pub id: String,
    /// The name of the stage.
    #[serde(default = "default_stage")]
    pub stage: String,
    /// The URL of the stage, without a slash at the end.
    pub url: String,
}

/// The stage of an HTTP API whose name is not a part of its URL.
pub(crate) const DEFAULT_STAGE: &str = "$default";

fn default_stage() -> String {
    DEFAULT_STAGE.to_owned()
}

/// The contract as `deployer.toml` declares it: without the environment's name and region, which the file has elsewhere.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct DeclaredStack {
    /// The AWS account of the environment, 12 digits.
    account: String,
    /// The Lambda functions, with the same keys as in `functions`.
    functions: BTreeMap<String, FunctionResource>,
    /// The API in front of the functions, if there is one.
    api: Option<Api>,
    /// The names of the CloudWatch alarms that a release watches. One that goes into ALARM reverts it.
    #[serde(default)]
    alarms: Vec<String>,
    /// The S3 bucket for zips over 50 MB, which Lambda does not take directly.
    artifact_bucket: Option<String>,
}

impl DeclaredStack {
    pub(super) fn contract(&self, environment: &str, region: &str) -> Contract {
        let Self { account, functions, api, alarms, artifact_bucket } = self.clone();
        let (environment, region) = (environment.to_owned(), region.to_owned());
        Contract { environment, account, region, functions, api, alarms, artifact_bucket }
    }

    /// The contract in an account of the local AWS. None if it has an address, which is another one there: what makes the stack there
    /// writes its contract into the ledger.
    pub(super) fn local(&self, environment: &str, region: &str, account: &str) -> Option<Contract> {
        let has_address = self.api.is_some() || self.functions.values().any(|function| function.url.is_some());
        let contract = || {
            let mut contract = Contract { account: account.to_owned(), ..self.contract(environment, region) };
            // It runs binaries for this machine.
            contract.functions.values_mut().for_each(|function| function.architecture = None);
            contract
        };
        (!has_address).then(contract)
    }

    /// A contradiction, or a value that is not possible.
    pub(super) fn contradiction(&self, environment: &str) -> Option<String> {
        let at = format!("environments.{environment}.stack");
        if self.account.len() != 12 || !self.account.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(format!("`{at}.account` must have 12 digits"));
        }
        let contract = self.contract(environment, "region");
        if let Some((what, name)) = contract.odd_name() {
            return Some(format!("`{at}` has {name:?} for {what}, which is not a valid name"));
        }
        let mut seen = BTreeMap::new();
        self.functions.iter().find_map(|(key, FunctionResource { name, alias, .. })| {
            let other = seen.insert((name, alias), key)?;
            Some(format!("`{at}`: the functions `{other}` and `{key}` both name alias `{alias}` of `{name}`"))
        })
    }
}

impl Contract {
    /// The contract as `deployer.toml` declares it.
    ///
    /// # Errors
    /// It cannot be written as TOML.
    pub fn declaration(&self) -> anyhow::Result<String> {
        let mut stack = toml::Table::try_from(self)?;
        for beside in ["environment", "region"] {
            stack.remove(beside);
        }
        let mut whole = toml::Value::Table(stack);
        for name in ["stack", &self.environment, "environments"] {
            whole = toml::Value::Table([(name.to_owned(), whole)].into_iter().collect());
        }
        Ok(toml::to_string(&whole)?)
    }

    /// The REST API, whose deployments and stage are the deployer's.
    pub fn rest(&self) -> Option<&RestApi> {
        match self.api.as_ref()? {
            Api::Rest(api) => Some(api),
            Api::Http(_) => None,
        }
    }

    /// The HTTP API.
    pub fn http(&self) -> Option<&HttpApi> {
        match self.api.as_ref()? {
            Api::Http(api) => Some(api),
            Api::Rest(_) => None,
        }
    }

    /// Where requests for a function go, as far as the contract says: to its own URL, else to the API.
    pub fn url_of(&self, function: &str) -> Option<&str> {
        let own = self.functions.get(function).and_then(|function| function.url.as_deref());
        own.or_else(|| self.url())
    }

    /// Where the API responds.
    pub fn url(&self) -> Option<&str> {
        self.api.as_ref().map(|api| match api {
            Api::Rest(RestApi { url, .. }) | Api::Http(HttpApi { url, .. }) => url.as_str(),
        })
    }

    /// Where callers reach the environment: the URL of the API, else the first Function URL.
    pub fn front(&self) -> Option<&str> {
        self.url().or_else(|| self.functions.values().find_map(|function| function.url.as_deref()))
    }

    /// What goes into calls and addresses and has something that leads elsewhere: what it is for, and the name.
    pub(crate) fn odd_name(&self) -> Option<(&'static str, &String)> {
        self.names().find(|(_, name)| !is_plain(name))
    }

    fn names(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let functions = self.functions.values().flat_map(|function| {
            let architecture = function.architecture.iter().map(|name| ("an architecture", name));
            [("a function", &function.name), ("an alias", &function.alias)].into_iter().chain(architecture)
        });
        let own =
            [("its environment", &self.environment), ("its account", &self.account), ("its region", &self.region)];
        let initial = self.rest().and_then(|api| api.initial_deployment.as_ref());
        let api = self.api.iter().flat_map(|api| match api {
            Api::Rest(RestApi { id, stage, .. }) | Api::Http(HttpApi { id, stage, .. }) => {
                let named = (stage != DEFAULT_STAGE).then_some(("its stage", stage));
                [("its API", id)].into_iter().chain(named)
            }
        });
        let api = api.chain(initial.map(|id| ("its first deployment", id)));
        functions.chain(own).chain(api)
    }
}
