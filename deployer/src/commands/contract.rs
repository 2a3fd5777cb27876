//! `contract`: shows the stack contract, and writes the one that `deployer.toml` declares into the ledger.

use anyhow::Result;
use futures::try_join;

use crate::aws::{Reader, Writer};
use crate::config::{Contract, Environment};
use crate::context::Context;
use crate::failure::Failure;
use crate::ledger::Ledger;

/// Where a contract that is to be written was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The ledger had the same one: nothing was written.
    Same,
    /// The ledger had none.
    New,
    /// The ledger had another one.
    Replaced,
}

/// The contract of the ledger, or else the one that `deployer.toml` declares.
///
/// # Errors
/// There is neither, or it cannot be read.
pub async fn show_contract(context: Context<'_>, environment: &Environment) -> Result<Contract> {
    let Context { config, world, .. } = context;
    let reader = Reader::open(environment, world).await;
    let kept = Ledger::new(&reader.table, &config.app).contract().await?;
    kept.or_else(|| environment.stack.clone()).ok_or_else(|| {
        Failure::bad_input(format!("ledger `{}` has no stack contract for app `{}`", environment.ledger, config.app))
            .hint(format!("declare it as `[environments.{}.stack]` in `deployer.toml`", environment.name))
            .into()
    })
}

/// Writes the contract that `deployer.toml` declares. Over another one only with `replace`.
///
/// # Errors
/// Nothing is declared, the credentials are of another account, a run has the lock, or the ledger has another contract.
pub async fn write_contract(context: Context<'_>, environment: &Environment, replace: bool) -> Result<Written> {
    let Context { config, world, .. } = context;
    let name = &environment.name;
    let Some(declared) = &environment.stack else {
        return Err(Failure::bad_input(format!("`deployer.toml` declares no `[environments.{name}.stack]` to write"))
            .hint(format!(
                "add it to `deployer.toml`; if the ledger has a contract already, `deployer contract show {name}` prints it in that \
                 form"
            ))
            .into());
    };
    let aws = Writer::open(environment, world).await;
    let ledger = Ledger::new(&aws.reader.table, &config.app);
    let (caller, kept) = try_join!(async { Ok(aws.reader.sts.caller().await?) }, ledger.contract())?;
    if caller.account != declared.account {
        return Err(Failure::refused(format!(
            "`environments.{name}.stack.account` is `{}`, but the credentials are for account `{}`",
            declared.account, caller.account
        ))
        .hint("use credentials for the account in `deployer.toml`, or fix `account` there; nothing was changed")
        .into());
    }
    let written = match kept.as_ref().map(|kept| kept.difference(declared)) {
        None => Written::New,
        Some(None) => return Ok(Written::Same),
        Some(Some(_)) if replace => Written::Replaced,
        Some(Some(what)) => {
            return Err(Failure::refused(format!(
                "the contract in ledger `{}` differs from `deployer.toml` in `{what}`",
                environment.ledger
            ))
            .hint("if your infrastructure code writes the contract, change it there; otherwise pass `--yes` to replace it")
            .into());
        }
    };
    ledger.refuse_if_locked().await?;
    ledger.write_contract(&aws.table, declared).await?;
    Ok(written)
}
