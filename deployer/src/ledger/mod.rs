//! The ledger: what the deployer knows of an environment, as typed items of one DynamoDB partition.
//!
//! `stack` is the contract that Terraform writes; `lock`, `live` and `release#NNNNNNNN` are the deployer's own.
//! Every write goes through a [`Hold`] on the lock: a run that lost it can write nothing any more.

mod contract;
mod hold;
mod lock;
mod release;

use anyhow::{Context as _, Result};
use futures::try_join;
use serde_json::{Value, json};

use crate::aws::{Change, Condition, Kind, Table};
use crate::failure::Failure;

pub use contract::{Api, Contract, FunctionResource};
pub use hold::Hold;
pub use lock::{Holder, Lock};
pub use release::{
    ArtifactRecord, CheckRecord, FunctionPart, Origin, Parts, Release, ReleaseKind, ReleaseState, StepRecord,
};

/// The sort keys.
const STACK: &str = "stack";
const LOCK: &str = "lock";
const LIVE: &str = "live";
const RELEASE: &str = "release#";

/// The ledger of one environment.
#[derive(Debug, Clone)]
pub struct Ledger {
    table: Table,
    app: String,
}

/// What the ledger says, in one round trip.
#[derive(Debug, Clone)]
pub struct LedgerState {
    /// What Terraform made.
    pub contract: Contract,
    /// Who holds the lock, and how often it changed hands.
    pub lock: Lock,
    /// The release that takes the traffic; none until the first one.
    pub live: Option<Release>,
    /// The release with the highest number, whatever became of it; none until the first one.
    pub last: Option<Release>,
}

impl Ledger {
    /// The items of `app` in `table`.
    pub fn new(table: &Table, app: &str) -> Self {
        Self { table: table.clone(), app: app.to_owned() }
    }

    /// Reads everything that a run starts from, in one round trip.
    ///
    /// # Errors
    /// No contract, or one that this version cannot read.
    pub async fn read(&self) -> Result<LedgerState> {
        let (stack, lock, live, last) = try_join!(
            self.table.get(&self.app, STACK),
            self.table.get(&self.app, LOCK),
            self.table.get(&self.app, LIVE),
            self.table.last(&self.app, RELEASE, 1),
        )
        .map_err(|error| self.explain(error))?;
        let contract = Contract::read(stack, self.table.name(), &self.app)?;
        let last = last.into_iter().next().map(|item| self.typed("release", item)).transpose()?;
        Ok(LedgerState {
            contract,
            lock: lock.map(|item| self.typed("lock", item)).transpose()?.unwrap_or_default(),
            live: live.map(|item| self.typed("release", item["release"].clone())).transpose()?,
            last,
        })
    }

    /// One release.
    pub async fn release(&self, number: u32) -> Result<Option<Release>> {
        let item = self.table.get(&self.app, &sort_key(number)).await.map_err(|error| self.explain(error))?;
        item.map(|item| self.typed("release", item)).transpose()
    }

    /// Every release, the newest first.
    pub async fn history(&self) -> Result<Vec<Release>> {
        let items = self.table.all(&self.app, RELEASE).await.map_err(|error| self.explain(error))?;
        items.into_iter().map(|item| self.typed("release", item)).collect()
    }

    /// The lock as it is now.
    async fn lock(&self) -> Result<Lock> {
        let item = self.table.get(&self.app, LOCK).await.map_err(|error| self.explain(error))?;
        Ok(item.map(|item| self.typed("lock", item)).transpose()?.unwrap_or_default())
    }

    fn typed<T: serde::de::DeserializeOwned>(&self, what: &str, item: Value) -> Result<T> {
        serde_json::from_value(item).with_context(|| {
            Failure::refused(format!("the {what} in ledger `{}` cannot be read", self.table.name()))
                .hint("it was written by another version of the deployer: use that one, or a newer one")
        })
    }

    fn put(&self, release: &Release) -> Result<Change> {
        Ok(Change::Put(self.keyed(&sort_key(release.number), release)?, Condition::Any))
    }

    fn keyed(&self, sort_key: &str, item: &impl serde::Serialize) -> Result<Value> {
        let mut value = serde_json::to_value(item).context("an item of the ledger cannot be written")?;
        value["pk"] = json!(self.app);
        value["sk"] = json!(sort_key);
        Ok(value)
    }

    fn at(&self, sort_key: &str) -> (String, String) {
        (self.app.clone(), sort_key.to_owned())
    }

    fn explain(&self, error: crate::aws::AwsError) -> anyhow::Error {
        let kind = error.kind;
        let error = anyhow::Error::from(error);
        match kind {
            Kind::NotFound => error.context(
                Failure::bad_input(format!("there is no ledger `{}` in this account and region", self.table.name()))
                    .hint(
                        "apply Terraform for this environment first, or mend `ledger` and `region` in `deployer.toml`",
                    ),
            ),
            _ => error,
        }
    }
}

impl LedgerState {
    /// The highest number given so far; 0 until the first release.
    pub fn last_number(&self) -> u32 {
        self.last.as_ref().map_or(0, |release| release.number)
    }

    /// A release that was begun and not ended: by a run under way, or by one that is dead.
    pub fn unfinished(&self) -> Option<&Release> {
        self.last.as_ref().filter(|release| matches!(release.state, ReleaseState::Pending | ReleaseState::Shifting))
    }
}

/// Eight digits: sort keys are compared as text.
fn sort_key(number: u32) -> String {
    format!("{RELEASE}{number:08}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_sort_keys_is_the_order_of_numbers() {
        assert_eq!(sort_key(7), "release#00000007");
        assert!(sort_key(9) < sort_key(10) && sort_key(99_999) < sort_key(100_000));
    }
}
