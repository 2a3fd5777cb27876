//! The stack contract: what infrastructure code made for an environment. It comes from the ledger, or from
//! `[environments.NAME.stack]` in `deployer.toml`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::file::is_plain;

/// The contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
pub struct FunctionResource {
    /// Its name in Lambda.
    pub name: String,
    /// The alias that callers use: the API, or an event source.
    pub alias: String,
    /// `x86_64` or `arm64`, where it was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
}

/// The API of the stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Api {
    /// What kind of API it is.
    pub kind: ApiKind,
    /// Its id.
    pub id: String,
    /// Its stage.
    pub stage: String,
    /// Where the stage responds, without a slash at the end.
    pub url: String,
    /// Where it responds under a name of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_url: Option<String>,
    /// The deployment that was made with the stack, before the first release: never pruned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_deployment: Option<String>,
}

/// The kinds of API that a release can move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApiKind {
    /// API Gateway REST: deployments, and a stage that names one.
    Rest,
}

/// The contract as `deployer.toml` declares it: the environment's name and region stand beside it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeclaredStack {
    account: String,
    functions: BTreeMap<String, FunctionResource>,
    api: Option<Api>,
    #[serde(default)]
    alarms: Vec<String>,
    artifact_bucket: Option<String>,
}

impl DeclaredStack {
    pub(super) fn contract(&self, environment: &str, region: &str) -> Contract {
        let Self { account, functions, api, alarms, artifact_bucket } = self.clone();
        let (environment, region) = (environment.to_owned(), region.to_owned());
        Contract { environment, account, region, functions, api, alarms, artifact_bucket }
    }

    /// What parsed but cannot be meant.
    pub(super) fn contradiction(&self, environment: &str) -> Option<String> {
        let at = format!("environments.{environment}.stack");
        if self.account.len() != 12 || !self.account.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(format!("`{at}.account` must have 12 digits"));
        }
        let contract = self.contract(environment, "region");
        if let Some((what, name)) = contract.odd_name() {
            return Some(format!("`{at}` has {name:?} for {what}, which cannot be one"));
        }
        let mut seen = BTreeMap::new();
        self.functions.iter().find_map(|(key, FunctionResource { name, alias, .. })| {
            let other = seen.insert((name, alias), key)?;
            Some(format!("`{at}`: the functions `{other}` and `{key}` are both the alias `{alias}` of `{name}`"))
        })
    }
}

impl Contract {
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
        let api = self.api.iter().flat_map(|api| {
            let initial = api.initial_deployment.iter().map(|id| ("its first deployment", id));
            [("its API", &api.id), ("its stage", &api.stage)].into_iter().chain(initial)
        });
        functions.chain(own).chain(api)
    }
}
