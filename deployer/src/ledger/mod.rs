//! The ledger: what the deployer knows of an environment, as typed items of one DynamoDB partition.
//!
//! `stack` is the contract that Terraform writes; `lock`, `live` and `release#NNNNNNNN` are the deployer's own.
//! Every write of a run depends on the lock: one that lost it can write nothing any more.

mod contract;
mod lock;
mod release;

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use futures::try_join;
use serde_json::{Value, json};

use crate::aws::{Change, Condition, Kind, Table};
use crate::failure::{Exit, Failure};

pub use contract::{Api, Contract, FunctionResource};
pub use lock::{Holder, Lock};
pub use release::{ArtifactRecord, CheckRecord, FunctionPart, Parts, Release, ReleaseKind, ReleaseState, StepRecord};

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
    /// The highest number given so far; 0 until the first release.
    pub last_number: u32,
}

/// A run's hold on an environment: the right to write, as long as nobody takes it away.
#[derive(Debug, Clone)]
pub struct Hold {
    holder: Holder,
    fence: u64,
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
        let last = last.into_iter().next().map(|item| self.release(item)).transpose()?;
        Ok(LedgerState {
            contract,
            lock: lock.map(|item| self.typed("lock", item)).transpose()?.unwrap_or_default(),
            live: live.map(|item| self.release(item["release"].clone())).transpose()?,
            last_number: last.map_or(0, |release| release.number),
        })
    }

    /// Takes the lock and writes the intent, both or neither. The release gets its number here.
    ///
    /// # Errors
    /// [`Exit::LockHeld`] naming the holder.
    pub async fn begin(&self, state: &LedgerState, holder: Holder, release: &mut Release) -> Result<Hold> {
        state.refuse_if_held(self.table.name())?;
        let hold = Hold { holder, fence: state.lock.fence + 1 };
        release.number = state.last_number + 1;
        release.fence = hold.fence;
        let seen = match state.lock.fence {
            0 => Value::Null,
            fence => json!(fence),
        };
        let lock = Lock { holder: Some(hold.holder.clone()), fence: hold.fence };
        let changes = vec![
            Change::Put(self.keyed(LOCK, &lock)?, Condition::equals([("fence", seen), ("holder", Value::Null)])),
            Change::Put(self.keyed(&sort_key(release.number), release)?, Condition::Absent),
        ];
        match self.table.transact(changes).await {
            Ok(()) => Ok(hold),
            Err(error) if error.kind == Kind::Precondition => Err(self.lost_race().await),
            Err(error) => Err(self.explain(error)),
        }
    }

    /// Writes the release as it is now, on condition that the lock still is ours: the fence before every move.
    ///
    /// # Errors
    /// [`Exit::LockHeld`] if it is not.
    pub async fn progress(&self, hold: &Hold, release: &Release) -> Result<()> {
        let changes = vec![Change::Check(self.at(LOCK), hold.condition()), self.put(release)?];
        self.fenced(changes).await
    }

    /// Writes the end of a release and frees the lock. A release that is live becomes what `live` names.
    pub async fn end(&self, hold: &Hold, release: &Release, superseded: Option<&Release>) -> Result<()> {
        let mut changes =
            vec![Change::Remove(self.at(LOCK), vec!["holder".to_owned()], hold.condition()), self.put(release)?];
        if release.state == ReleaseState::Live {
            changes.push(Change::Put(self.keyed(LIVE, &json!({ "release": release }))?, Condition::Any));
            if let Some(before) = superseded {
                let state = BTreeMap::from([("state".to_owned(), json!(ReleaseState::Superseded))]);
                let there = Condition::equals([("number", json!(before.number))]);
                changes.push(Change::Set(self.at(&sort_key(before.number)), state, there));
            }
        }
        self.fenced(changes).await
    }

    async fn fenced(&self, changes: Vec<Change>) -> Result<()> {
        match self.table.transact(changes).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind == Kind::Precondition => {
                Err(self.lost_race().await.context("this run has lost the lock"))
            }
            Err(error) => Err(self.explain(error)),
        }
    }

    /// Somebody else was quicker: says who.
    async fn lost_race(&self) -> anyhow::Error {
        let lock = self.table.get(&self.app, LOCK).await.ok().flatten();
        let holder = lock.and_then(|item| serde_json::from_value::<Lock>(item).ok()).and_then(|lock| lock.holder);
        match holder {
            Some(other) => held_by(self.table.name(), &other),
            None => Failure::new(
                Exit::LockHeld,
                format!("another run was quicker on ledger `{}`, and is done", self.table.name()),
            )
            .hint("run again: it starts from what that run left")
            .into(),
        }
    }

    fn release(&self, item: Value) -> Result<Release> {
        self.typed("release", item)
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
    /// # Errors
    /// [`Exit::LockHeld`] naming the holder.
    pub fn refuse_if_held(&self, ledger: &str) -> Result<()> {
        self.lock.holder.as_ref().map_or(Ok(()), |other| Err(held_by(ledger, other)))
    }
}

impl Hold {
    fn condition(&self) -> Condition {
        Condition::equals([("fence", json!(self.fence)), ("holder", json!(self.holder))])
    }
}

fn held_by(ledger: &str, other: &Holder) -> anyhow::Error {
    Failure::new(Exit::LockHeld, format!("the lock of ledger `{ledger}` is held by {other}"))
        .hint("wait for that run to end, then run again; nothing was changed by this one")
        .into()
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
