//! The stack contract in the ledger: read, compared with what `deployer.toml` declares, and written.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::config::{Contract, RestApi, in_contract};
use crate::failure::Failure;

use super::schema::{SCHEMA, refuse_newer, signature};

impl Contract {
    /// The item `stack` of `ledger`, or what `deployer.toml` declares.
    ///
    /// # Errors
    /// There is neither, or they differ; or [`Self::of_item`] refuses the item.
    pub(super) fn read(item: Option<Value>, declared: Option<&Self>, ledger: &str, app: &str) -> Result<Self> {
        match (item, declared) {
            (Some(item), None) => Self::of_item(item, ledger),
            (None, Some(declared)) => Ok(declared.clone()),
            (Some(item), Some(declared)) => {
                let kept = Self::of_item(item, ledger)?;
                let Some(what) = kept.difference(declared) else { return Ok(kept) };
                let environment = &declared.environment;
                Err(Failure::refused(format!(
                    "the stack contract in ledger `{ledger}` and `[environments.{environment}.stack]` in `deployer.toml` differ in `{what}`"
                ))
                .hint(format!(
                    "if `deployer.toml` is right, run `deployer contract write {environment} --yes`; if the ledger is right \
                     (`deployer contract show {environment}`), remove `[environments.{environment}.stack]` from \
                     `deployer.toml`"
                ))
                .into())
            }
            (None, None) => Err(Failure::bad_input(format!("ledger `{ledger}` has no stack contract for app `{app}`"))
                .hint(
                    "apply the infrastructure code that writes it, declare it as `[environments.NAME.stack]` in `deployer.toml` (for the \
                     local AWS, leave out `api` and `url`), or fix `app` in `deployer.toml`",
                )
                .into()),
        }
    }

    /// The first thing in which two contracts differ.
    pub(crate) fn difference(&self, other: &Self) -> Option<&'static str> {
        let differ = [
            ("account", self.account != other.account),
            ("region", self.region != other.region),
            ("functions", self.functions != other.functions),
            ("api", self.api != other.api),
            ("alarms", self.alarms != other.alarms),
            ("artifact_bucket", self.artifact_bucket != other.artifact_bucket),
            ("environment", self.environment != other.environment),
        ];
        differ.into_iter().find(|(_, differ)| *differ).map(|(what, _)| what)
    }

    /// The item of `app` that contains it.
    pub(super) fn item(&self, app: &str) -> Result<Value> {
        let mut item = serde_json::to_value(self).context("failed to serialize the stack contract")?;
        item["pk"] = json!(app);
        item["sk"] = json!(super::STACK);
        signature().into_iter().for_each(|(name, signed)| item[name] = signed);
        Ok(item)
    }

    /// Reads the item `stack` of `ledger`.
    ///
    /// # Errors
    /// It is of another schema, it is incomplete, or it contains an invalid name.
    pub(super) fn of_item(item: Value, ledger: &str) -> Result<Self> {
        refuse_newer(ledger, super::STACK, &item)?;
        match item["schema"].as_u64() {
            Some(SCHEMA) => {}
            older => {
                let has = older.map_or_else(|| "no schema".to_owned(), |older| format!("schema {older}"));
                return Err(Failure::refused(format!(
                    "the stack contract in ledger `{ledger}` has {has}: it is too old for this deployer"
                ))
                .hint("write it again with your infrastructure code or `deployer contract write`, or use an older version of the deployer")
                .into());
            }
        }
        let broken = |what: String| {
            Failure::refused(format!("the stack contract in ledger `{ledger}` {what}"))
                .hint("write it again with your infrastructure code or `deployer contract write`")
        };
        let renamed = in_contract(&item).map(|renamed| format!(": {renamed}")).unwrap_or_default();
        let contract: Self =
            serde_json::from_value(item).with_context(|| broken(format!("is incomplete or malformed{renamed}")))?;
        if let Some((what, name)) = contract.odd_name() {
            return Err(broken(format!("has {name:?} for {what}, which is not a valid name")).into());
        }
        Ok(contract)
    }

    /// The API whose stage a release moves.
    ///
    /// # Errors
    /// There is none: no plan moves a stage then.
    pub fn rest_api(&self) -> Result<&RestApi> {
        self.rest().with_context(|| format!("the stack contract of `{}` names no REST API", self.environment))
    }
}

#[cfg(test)]
mod tests {
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
        let contract = Contract::read(Some(item()), None, "l", "a").unwrap();
        assert_eq!(contract.functions["counter"].alias, "live");
        assert_eq!((contract.alarms.len(), &contract.rest().unwrap().custom_url), (0, &None));
    }

    #[test]
    fn a_stack_may_have_no_api_but_not_one_of_an_unknown_kind() {
        let mut without = item();
        without.as_object_mut().unwrap().remove("api");
        let contract = Contract::read(Some(without), None, "l", "a").unwrap();
        assert!(contract.api.is_none() && contract.rest_api().is_err());
        let mut other = item();
        other["api"]["kind"] = json!("websocket");
        let error = format!("{:#}", Contract::read(Some(other), None, "l", "a").unwrap_err());
        assert!(error.contains("unknown variant `websocket`"), "{error}");
    }

    #[test]
    fn without_an_api_the_function_url_is_shown() {
        let mut item = item();
        item["functions"]["counter"]["url"] = json!("http://f");
        let mut contract = Contract::read(Some(item), None, "l", "a").unwrap();
        assert_eq!(contract.front(), Some("http://x"));
        contract.api = None;
        assert_eq!((contract.front(), contract.url()), (Some("http://f"), None));
    }

    #[test]
    fn a_declared_contract_replaces_and_must_match_the_ledgers() {
        let kept = Contract::read(Some(item()), None, "l", "a").unwrap();
        assert_eq!(Contract::read(None, Some(&kept), "l", "a").unwrap(), kept);
        assert_eq!(Contract::read(Some(item()), Some(&kept), "l", "a").unwrap(), kept);
        let other = Contract { alarms: vec!["errors".to_owned()], ..kept };
        let error = Contract::read(Some(item()), Some(&other), "l", "a").unwrap_err();
        assert_eq!(error.exit(), Exit::Refused);
        assert!(error.to_string().contains("in `deployer.toml` differ in `alarms`"), "{error}");
        assert!(error.hint().unwrap().contains("`deployer contract write dev --yes`"));
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let kept = Contract::read(Some(item()), None, "l", "a").unwrap();
        let written = kept.item("a").unwrap();
        assert_eq!((&written["pk"], &written["sk"]), (&json!("a"), &json!("stack")));
        assert_eq!(Contract::read(Some(written), None, "l", "a").unwrap(), kept);
    }

    #[test]
    fn no_contract_a_newer_one_and_a_broken_one_differ() {
        let mut newer = item();
        newer["schema"] = json!(3);
        let mut broken = item();
        broken["api"].as_object_mut().unwrap().remove("stage");
        let mut leads_out = item();
        leads_out["api"]["id"] = json!("../../\u{1b}[2J");
        let cases = [
            (None, Exit::BadInput, "has no stack contract"),
            (Some(newer), Exit::Refused, "has schema 3"),
            (Some(json!({})), Exit::Refused, "has no schema: it is too old"),
            (Some(json!({"schema": 1})), Exit::Refused, "has schema 1: it is too old"),
            (Some(broken), Exit::Refused, "is incomplete or malformed"),
            (Some(leads_out), Exit::Refused, "has \"../../\\u{1b}[2J\" for its API"),
        ];
        for (item, exit, message) in cases {
            let error = Contract::read(item, None, "l", "a").unwrap_err();
            assert_eq!(error.exit(), exit);
            assert!(error.to_string().contains(message), "{error}");
        }
    }
}
