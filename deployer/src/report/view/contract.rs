//! The stack contract, and whether it was written.

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::View;
use crate::commands::Written;
use crate::config::Contract;
use crate::report::screen::Screen;

/// `contract show`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "ContractShow"))]
pub struct ContractView {
    #[serde(flatten)]
    contract: Contract,
    #[serde(skip)]
    declaration: String,
}

impl ContractView {
    /// Of a contract.
    ///
    /// # Errors
    /// It cannot be written as TOML.
    pub fn new(contract: Contract) -> Result<Self> {
        let declaration = contract.declaration().context("the contract cannot be written as TOML")?;
        Ok(Self { contract, declaration })
    }
}

impl View for ContractView {
    fn text(&self, _: &Screen) -> String {
        self.declaration.clone()
    }
}

/// `contract write`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "ContractWrite"))]
pub struct WrittenView {
    /// The environment.
    environment: String,
    /// Whether the ledger was changed.
    written: bool,
    /// Whether another contract was in the ledger before.
    replaced: bool,
}

impl WrittenView {
    /// Of what happened to the contract of an environment.
    pub fn new(environment: &str, written: Written) -> Self {
        let environment = environment.to_owned();
        Self { environment, written: written != Written::Same, replaced: written == Written::Replaced }
    }
}

impl View for WrittenView {
    fn text(&self, _: &Screen) -> String {
        let what = match (self.written, self.replaced) {
            (false, _) => "the ledger has this contract already: nothing was written",
            (true, false) => "the contract was written",
            (true, true) => "the contract was replaced",
        };
        format!("{}: {what}\n", self.environment)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_contract_is_shown_as_deployer_toml_declares_it() {
        let contract = json!({
            "environment": "dev", "account": "111111111111", "region": "us-east-1", "alarms": ["errors"],
            "functions": {"api": {"name": "shop-api", "alias": "live"}},
            "api": {"kind": "rest", "id": "a1", "stage": "dev", "url": "https://x.example/dev"},
        });
        let view = ContractView::new(serde_json::from_value(contract.clone()).unwrap()).unwrap();
        let expected = "[environments.dev.stack]\naccount = \"111111111111\"\nalarms = [\"errors\"]\n\n\
             [environments.dev.stack.api]\nid = \"a1\"\nkind = \"rest\"\nstage = \"dev\"\nurl = \"https://x.example/dev\"\n\n\
             [environments.dev.stack.functions.api]\nalias = \"live\"\nname = \"shop-api\"\n";
        assert_eq!(view.text(&Screen::plain(jiff::Timestamp::UNIX_EPOCH)), expected);
        assert_eq!(serde_json::to_value(&view).unwrap(), contract);
    }
}
