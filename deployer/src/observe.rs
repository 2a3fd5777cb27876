//! What is: the ledger and the live state, read in two round trips. Writes nothing.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use futures::{TryFutureExt as _, join, try_join};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::aws::{Alias, AwsError, Kind, Session, Stage, VersionState};
use crate::config::{Config, Environment};
use crate::failure::Failure;
use crate::ledger::{Contract, FunctionResource, Ledger, LedgerState};

/// What is, at one moment.
#[derive(Debug, Clone)]
pub struct Observed {
    /// What the ledger says.
    pub ledger: LedgerState,
    /// The functions by key.
    pub functions: BTreeMap<String, ObservedFunction>,
    /// What the stage serves.
    pub stage: Stage,
    /// The fingerprint of the API's definition as it is now.
    pub definition: String,
}

/// One function as it is.
#[derive(Debug, Clone)]
pub struct ObservedFunction {
    /// What the contract says of it.
    pub resource: FunctionResource,
    /// Where its alias points.
    pub alias: Alias,
    /// The version behind the alias.
    pub live: VersionState,
    /// `$LATEST`: scratch, but for its settings, which Terraform owns.
    pub latest: VersionState,
}

/// Reads everything that a release of `environment` starts from.
///
/// # Errors
/// Nothing can be read, or it is not what `deployer.toml` speaks of: another account, region, environment,
/// functions that do not fit, an alias that does not exist.
pub async fn observe(config: &Config, environment: &Environment, session: &Session) -> Result<Observed> {
    let ledger = Ledger::new(&session.table, &config.app);
    let (ledger, caller) = join!(ledger.read(), session.identity.caller());
    let account = caller?.account;
    let ledger = ledger.with_context(|| format!("with the credentials of account `{account}`"))?;
    fits(config, environment, &ledger.contract, &account)?;
    let contract = &ledger.contract;
    let (functions, stage, definition) = try_join!(
        try_join_all(contract.functions.iter().map(|(key, resource)| function(session, key, resource))),
        session.api.stage(&contract.api.rest_api_id, &contract.api.stage).err_into(),
        session.api.definition(&contract.api.rest_api_id).err_into(),
    )?;
    Ok(Observed { functions: functions.into_iter().collect(), stage, definition: fingerprint(definition), ledger })
}

/// One function: its alias, the version behind it and `$LATEST`, side by side.
async fn function(session: &Session, key: &str, resource: &FunctionResource) -> Result<(String, ObservedFunction)> {
    let (name, alias) = (&resource.name, &resource.alias);
    let (alias, live, latest) = try_join!(
        session.lambda.alias(name, alias),
        session.lambda.version(name, alias),
        session.lambda.version(name, "$LATEST")
    )
    .map_err(|error| missing(error, resource))?;
    Ok((key.to_owned(), ObservedFunction { resource: resource.clone(), alias, live, latest }))
}

fn missing(error: AwsError, resource: &FunctionResource) -> anyhow::Error {
    let kind = error.kind;
    let error = anyhow::Error::from(error);
    match kind {
        Kind::NotFound => error.context(
            Failure::refused(format!("function `{}` or its alias `{}` does not exist", resource.name, resource.alias))
                .hint("apply Terraform for this environment: it makes both; nothing was changed"),
        ),
        _ => error,
    }
}

/// Whether the contract is the one that `deployer.toml` and the credentials mean.
fn fits(config: &Config, environment: &Environment, contract: &Contract, account: &str) -> Result<()> {
    let compared = [
        ("environment", environment.name.as_str(), contract.environment.as_str()),
        ("account", account, &contract.account),
        ("region", &environment.region, &contract.region),
    ];
    for (what, ours, theirs) in compared {
        if ours != theirs {
            return Err(Failure::refused(format!(
                "ledger `{}` belongs to {what} `{theirs}`, this run is for `{ours}`",
                environment.ledger
            ))
            .hint("check the credentials, and `ledger` and `region` in `deployer.toml`; nothing was changed")
            .into());
        }
    }
    let (declared, made): (Vec<_>, Vec<_>) = (config.functions.keys().collect(), contract.functions.keys().collect());
    if declared != made {
        return Err(Failure::refused(format!(
            "`deployer.toml` has the functions {declared:?}, the stack of `{}` has {made:?}",
            environment.name
        ))
        .hint("apply Terraform, or mend `functions` in `deployer.toml`")
        .into());
    }
    let architecture = config.build.architecture();
    match contract.functions.values().find(|resource| resource.architecture != architecture) {
        None => Ok(()),
        Some(resource) => Err(Failure::refused(format!(
            "function `{}` is `{}`, `build.target` in `deployer.toml` is for `{architecture}`",
            resource.name, resource.architecture
        ))
        .hint("set `architecture` in Terraform and `build.target` to the same processor")
        .into()),
    }
}

/// SHA-256 over the canonical form of a definition, the first 32 hexadecimal digits: a deployment's description
/// has to hold it.
fn fingerprint(definition: BTreeMap<String, Value>) -> String {
    let canonical: Value =
        definition.into_iter().map(|(name, part)| (name, canonical(part))).collect::<serde_json::Map<_, _>>().into();
    let digest = Sha256::digest(canonical.to_string());
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Sorted names, no links, and lists of objects in an order of their own: AWS promises none.
fn canonical(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<_> =
                object.into_iter().filter(|(name, value)| name != "_links" && !value.is_null()).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            entries.into_iter().map(|(name, value)| (name, canonical(value))).collect::<serde_json::Map<_, _>>().into()
        }
        Value::Array(items) => {
            let mut items: Vec<_> = items.into_iter().map(canonical).collect();
            if items.iter().all(Value::is_object) {
                items.sort_by_cached_key(Value::to_string);
            }
            items.into()
        }
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn print(resources: Value) -> String {
        fingerprint(BTreeMap::from([("resources".to_owned(), resources)]))
    }

    #[test]
    fn the_fingerprint_sees_content_and_neither_order_nor_links() {
        let first = print(json!([{"id": "a", "path": "/"}, {"id": "b", "path": "/count", "_links": {"self": 1}}]));
        let second = print(json!([{"path": "/count", "id": "b"}, {"id": "a", "path": "/", "parentId": null}]));
        assert_eq!(first, second);
        assert_ne!(first, print(json!([{"id": "a", "path": "/"}, {"id": "b", "path": "/counts"}])));
    }

    #[test]
    fn the_order_of_plain_values_counts() {
        assert_ne!(print(json!([{"list": ["a", "b"]}])), print(json!([{"list": ["b", "a"]}])));
    }
}
