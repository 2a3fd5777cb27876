//! The stack contract: what Terraform made for an environment, as the deployer reads it.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::config::is_plain;
use crate::failure::Failure;

/// The newest shape of the contract that this version reads.
const SCHEMA: u64 = 2;

/// The contract.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
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
    #[serde(default)]
    pub api: Option<Api>,
    /// The names of the alarms that detect a bad release.
    #[serde(default)]
    pub alarms: Vec<String>,
    /// The bucket for zips over 50 MB.
    #[serde(default)]
    pub artifact_bucket: Option<String>,
}

/// One function of the stack.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FunctionResource {
    /// Its name in Lambda.
    pub name: String,
    /// The alias that callers use: the API, or an event source.
    pub alias: String,
    /// `x86_64` or `arm64`.
    pub architecture: String,
}

/// The API of the stack.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
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
    #[serde(default)]
    pub custom_url: Option<String>,
    /// The deployment that was made with the stack, before the first release: never pruned.
    #[serde(default)]
    pub initial_deployment: Option<String>,
}

/// The kinds of API that a release can move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApiKind {
    /// API Gateway REST: deployments, and a stage that names one.
    Rest,
}

impl Contract {
    /// Reads the item `stack` of `ledger`.
    ///
    /// # Errors
    /// There is none, it is of a newer schema, it is not whole, or it names what cannot be the name of anything.
    pub(super) fn read(item: Option<Value>, ledger: &str, app: &str) -> Result<Self> {
        let Some(item) = item else {
            return Err(Failure::bad_input(format!("ledger `{ledger}` has no contract for app `{app}`"))
                .hint("apply Terraform for this environment: it writes the contract; or fix `app` in `deployer.toml`")
                .into());
        };
        match item["schema"].as_u64() {
            Some(SCHEMA) => {}
            Some(newer) if newer > SCHEMA => {
                return Err(Failure::refused(format!(
                    "the contract in ledger `{ledger}` has schema {newer}; this deployer reads up to {SCHEMA}"
                ))
                .hint("use a newer deployer")
                .into());
            }
            older => {
                let has = older.map_or_else(|| "no schema".to_owned(), |older| format!("schema {older}"));
                return Err(Failure::refused(format!(
                    "the contract in ledger `{ledger}` has {has}, which is older than this deployer reads"
                ))
                .hint("apply Terraform of this checkout: it writes the contract again; or use the deployer of before")
                .into());
            }
        }
        let broken = |what: String| {
            Failure::refused(format!("the contract in ledger `{ledger}` {what}"))
                .hint("apply Terraform of this checkout: it writes the contract again")
        };
        let contract: Self = serde_json::from_value(item).with_context(|| broken("is not whole".to_owned()))?;
        let odd = contract.names().find(|(_, name)| !is_plain(name));
        if let Some((what, name)) = odd {
            return Err(broken(format!("has {name:?} for {what}, which cannot be one")).into());
        }
        Ok(contract)
    }

    /// The API whose stage a release moves.
    ///
    /// # Errors
    /// There is none: no plan moves a stage then.
    pub fn rest_api(&self) -> Result<&Api> {
        self.api.as_ref().with_context(|| format!("the contract of `{}` names no API", self.environment))
    }

    /// What goes into calls and addresses.
    fn names(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let functions = self.functions.values().flat_map(|function| {
            [("a function", &function.name), ("an alias", &function.alias), ("an architecture", &function.architecture)]
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ending::Ending as _;
    use crate::failure::Exit;

    fn item() -> Value {
        json!({
            "schema": 2, "environment": "dev", "account": "111111111111", "region": "us-east-1",
            "functions": {"counter": {"name": "c", "alias": "live", "architecture": "x86_64"}},
            "api": {"kind": "rest", "id": "a", "stage": "dev", "url": "http://x", "initial_deployment": "d"},
        })
    }

    #[test]
    fn a_contract_of_this_schema_is_read() {
        let contract = Contract::read(Some(item()), "l", "a").unwrap();
        assert_eq!(contract.functions["counter"].alias, "live");
        assert_eq!((contract.alarms.len(), contract.api.unwrap().custom_url), (0, None));
    }

    #[test]
    fn a_stack_may_have_no_api_and_one_of_a_kind_that_is_not_known_is_refused_by_name() {
        let mut without = item();
        without.as_object_mut().unwrap().remove("api");
        let contract = Contract::read(Some(without), "l", "a").unwrap();
        assert!(contract.api.is_none() && contract.rest_api().is_err());
        let mut other = item();
        other["api"]["kind"] = json!("websocket");
        let error = format!("{:#}", Contract::read(Some(other), "l", "a").unwrap_err());
        assert!(error.contains("unknown variant `websocket`"), "{error}");
    }

    #[test]
    fn no_contract_a_newer_one_and_a_broken_one_are_told_apart() {
        let mut newer = item();
        newer["schema"] = json!(3);
        let mut broken = item();
        broken["api"].as_object_mut().unwrap().remove("stage");
        let mut leads_out = item();
        leads_out["api"]["id"] = json!("../../\u{1b}[2J");
        let cases = [
            (None, Exit::BadInput, "has no contract"),
            (Some(newer), Exit::Refused, "has schema 3"),
            (Some(json!({})), Exit::Refused, "has no schema, which is older"),
            (Some(json!({"schema": 1})), Exit::Refused, "has schema 1, which is older"),
            (Some(broken), Exit::Refused, "is not whole"),
            (Some(leads_out), Exit::Refused, "has \"../../\\u{1b}[2J\" for its API"),
        ];
        for (item, exit, message) in cases {
            let error = Contract::read(item, "l", "a").unwrap_err();
            assert_eq!(error.exit(), exit);
            assert!(error.to_string().contains(message), "{error}");
        }
    }
}
