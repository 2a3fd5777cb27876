//! The account's ledgers. If infrastructure code has written a contract into one, that contract is all that `init` needs.

use std::collections::BTreeMap;

use anyhow::Result;
use futures::future::join_all;

use super::account::Found;
use super::{Init, environment};
use crate::aws::Reader;
use crate::config::is_plain;
use crate::failure::Failure;
use crate::ledger::Ledger;
use crate::world::World;

/// The part of a ledger's name between the application's and the environment's.
const LEDGER: &str = "-ledger-";

/// The default name of an environment's ledger.
pub(super) fn usual(app: &str, environment: &str) -> String {
    format!("{app}{LEDGER}{environment}")
}

/// The contract that infrastructure code has written into a ledger, and the application's other ledgers.
pub(super) async fn written(options: &Init, region: &str, reader: &Reader, world: &World) -> Result<Option<Found>> {
    let name = &options.environment;
    let tables = match &options.ledger {
        Some(ledger) => vec![ledger.clone()],
        // Without the permission to list tables, and without a named one, there is no ledger.
        None => reader.table.all().await.unwrap_or_default(),
    };
    let app_of = |table: &str, environment: &str| {
        let by_convention = table.strip_suffix(environment)?.strip_suffix(LEDGER).map(str::to_owned);
        options
            .app
            .clone()
            .or_else(|| by_convention.clone())
            .filter(|app| by_convention.as_ref().is_none_or(|known| known == app))
    };
    let candidates = tables.iter().filter_map(|table| Some((table, app_of(table, name)?)));
    let read = candidates.map(async |(table, app)| {
        let place = environment(options, region.to_owned(), table.clone());
        let contract = Ledger::new(&Reader::open(&place, world).await.table, &app).contract().await;
        (table.clone(), app, contract)
    });
    let mut found = Vec::new();
    for (table, app, contract) in join_all(read).await {
        match contract {
            Ok(Some(contract)) if contract.environment == *name => found.push((table, app, contract)),
            Err(error)
                if options.ledger.is_some() && tables.len() == 1 && exists(options, region, &table, world).await =>
            {
                return Err(error);
            }
            _ => {}
        }
    }
    match found.as_slice() {
        [] => Ok(None),
        [(_, app, contract)] => {
            let others = tables.iter().filter_map(|table| {
                let environment = table.strip_prefix(&format!("{app}{LEDGER}"))?;
                is_plain(environment).then_some((environment, table))
            });
            let mut ledgers: BTreeMap<_, _> = others.map(|(name, table)| (name.to_owned(), table.clone())).collect();
            ledgers.insert(name.clone(), found[0].0.clone());
            let (app, contract) = (app.clone(), contract.clone());
            Ok(Some(Found::new(app, contract, ledgers, true)))
        }
        several => {
            let names: Vec<_> = several.iter().map(|(table, ..)| format!("`{table}`")).collect();
            Err(Failure::bad_input(format!("there are several ledgers for environment `{name}`: {}", names.join(", ")))
                .hint("choose one with `--ledger NAME`")
                .into())
        }
    }
}

async fn exists(options: &Init, region: &str, table: &str, world: &World) -> bool {
    let place = environment(options, region.to_owned(), table.to_owned());
    !matches!(Reader::open(&place, world).await.table.is_ready().await, Ok(None))
}
