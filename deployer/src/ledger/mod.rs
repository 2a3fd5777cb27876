//! The ledger: what the deployer records about an environment, as typed items of one DynamoDB partition.
//!
//! `stack` is the contract that infrastructure code or `contract write` writes; `lock`, `live`, `made` and `release#NNNNNNNN` are the
//! deployer's own.
//! Every write goes through a [`AcquiredLock`] on the lock: a run that lost it can write nothing any more.

mod acquired;
mod beyond;
mod contract;
mod heartbeat;
mod lock;
mod made;
mod packed;
mod previous;
mod release;
mod schema;

use anyhow::{Context as _, Result};
use futures::try_join;
use serde_json::{Value, json};

use crate::aws::{AwsError, Change, Condition, Kind, TableReader, TableWriter};
use crate::failure::Failure;
use schema::{refuse_newer, signature};

pub use crate::config::{Contract, FunctionResource, HttpApi, RestApi};
pub use acquired::AcquiredLock;
pub use beyond::Beyond;
pub use lock::{Holder, Lock};
pub use made::{Candidate, MadeVersions, Publishing};
pub use previous::previous;
pub use release::{
    ArtifactRecord, CheckRecord, FunctionPart, Origin, Parts, Release, ReleaseKind, ReleaseState, StepRecord, Timings,
};

/// The sort keys.
const STACK: &str = "stack";
const LOCK: &str = "lock";
const MADE: &str = "made";
const LIVE: &str = "live";
const RELEASE: &str = "release#";

/// How many items the end of the partition is read with: the contract, and before it the last release.
const NEWEST: usize = 2;

/// What a sort key has digits for.
const HIGHEST_NUMBER: u32 = 99_999_999;

/// The hint for an item that this version did not write.
const FOREIGN: &str = "if another version of the deployer wrote it, use that version or a newer one; if it was changed \
                       by hand, restore the table (docs/operations.md, \"Restore the ledger\")";

/// The ledger of one environment.
#[derive(Debug, Clone)]
pub struct Ledger {
    table: TableReader,
    app: String,
    /// The contract of `deployer.toml`.
    declared: Option<Contract>,
}

/// What the ledger says, in one round trip.
#[derive(Debug, Clone)]
pub struct LedgerState {
    /// What Terraform made.
    pub contract: Contract,
    /// The run that has the lock, and how often it changed hands.
    pub lock: Lock,
    /// The release that takes the traffic; none until the first one.
    pub live: Option<Release>,
    /// The release with the highest number, in any state; none until the first one.
    pub last: Option<Release>,
    /// The versions that releases made, where their description does not show it.
    pub made: MadeVersions,
    /// The ARN of the credentials that it was read with, where they were looked at.
    pub caller: Option<String>,
}

/// The items that a run starts from, as they were read.
#[derive(Debug, Clone, Default)]
pub struct Items {
    /// The contract.
    pub stack: Option<Value>,
    /// The lock.
    pub lock: Option<Value>,
    /// What names the live release.
    pub live: Option<Value>,
    /// The last of the releases.
    pub last: Option<Value>,
    /// The versions that releases made.
    pub made: Option<Value>,
}

impl Ledger {
    /// The items of `app` in `table`.
    pub fn new(table: &TableReader, app: &str) -> Self {
        Self { table: table.clone(), app: app.to_owned(), declared: None }
    }

    /// The same with the contract that `deployer.toml` declares, if it does.
    #[must_use]
    pub fn with(self, declared: Option<&Contract>) -> Self {
        Self { declared: declared.cloned(), ..self }
    }

    /// Reads everything that a run starts from, in one round trip of two calls: sort keys put `live`, `lock` and `made`
    /// side by side, and the last release beside `stack`.
    ///
    /// # Errors
    /// No contract, or one that this version cannot read.
    pub async fn read(&self) -> Result<LedgerState> {
        let (newest, mut own) = try_join!(
            self.table.between(&self.app, (RELEASE, STACK), NEWEST),
            self.table.between(&self.app, (LIVE, MADE), usize::MAX),
        )
        .map_err(|error| self.explain(error))?;
        let is_full = newest.len() == NEWEST;
        let (mut stack, mut last) = (None, None);
        for item in newest {
            match item["sk"].as_str() {
                Some(STACK) => stack = Some(item),
                Some(key) if key.starts_with(RELEASE) => last = last.or(Some(item)),
                _ => {}
            }
        }
        if last.is_none() && is_full {
            // An item that is not ours lies between the last release and the contract.
            last = self.newest_items(1).await?.into_iter().next();
        }
        let mut take = |key: &str| own.iter().position(|item| item["sk"] == key).map(|at| own.swap_remove(at));
        let items = Items { stack, lock: take(LOCK), live: take(LIVE), last, made: take(MADE) };
        LedgerState::of(items, self.declared.as_ref(), self.table.name(), &self.app)
    }

    /// The contract in the ledger. What `deployer.toml` declares is not used.
    ///
    /// # Errors
    /// This version cannot read it.
    pub async fn contract(&self) -> Result<Option<Contract>> {
        let item = self.table.get(&self.app, STACK).await.map_err(|error| self.explain(error))?;
        item.map(|item| Contract::of_item(item, self.table.name())).transpose()
    }

    /// Writes the contract, and replaces the one that was there.
    pub async fn write_contract(&self, table: &TableWriter, contract: &Contract) -> Result<()> {
        let change = Change::Put(contract.item(&self.app)?, Condition::Any);
        table.transact(vec![change]).await.map_err(|error| self.explain(error))
    }

    /// One release.
    pub async fn release(&self, number: u32) -> Result<Option<Release>> {
        let item = self.table.get(&self.app, &sort_key(number)).await.map_err(|error| self.explain(error))?;
        item.map(|item| numbered(self.table.name(), item)).transpose()
    }

    /// The live release, if there is one. Needs no contract.
    pub async fn live(&self) -> Result<Option<Release>> {
        let item = self.table.get(&self.app, LIVE).await.map_err(|error| self.explain(error))?;
        item.map(|item| live(self.table.name(), &item)).transpose()
    }

    /// The newest releases, at most `limit`, the newest first. Reads no more than these.
    pub async fn newest(&self, limit: usize) -> Result<Vec<Release>> {
        let items = self.newest_items(limit).await?;
        items.into_iter().map(|item| numbered(self.table.name(), item)).collect()
    }

    async fn newest_items(&self, limit: usize) -> Result<Vec<Value>> {
        self.table.last(&self.app, RELEASE, limit).await.map_err(|error| self.explain(error))
    }

    /// Every release, the newest first: thousands, in an old environment. Only for what cannot be known otherwise.
    pub async fn history(&self) -> Result<Vec<Release>> {
        self.recent(|_| false).await
    }

    /// The newest releases, the newest first, as far back as it takes.
    pub async fn recent(&self, is_enough: impl Fn(&[Release]) -> bool) -> Result<Vec<Release>> {
        let read = |items: &[Value]| -> Result<Vec<Release>> {
            items.iter().map(|item| numbered(self.table.name(), item.clone())).collect()
        };
        // What cannot be read ends it too: the error is made of what came back.
        let ends = |items: &[Value]| read(items).map_or(true, |seen| is_enough(&seen));
        let items = self.table.pages(&self.app, RELEASE, ends).await.map_err(|error| self.explain(error))?;
        read(&items)
    }

    /// The lock as it is now.
    async fn lock(&self) -> Result<Lock> {
        let item = self.table.get(&self.app, LOCK).await.map_err(|error| self.explain(error))?;
        Ok(item.map(|item| locked(self.table.name(), item)).transpose()?.unwrap_or_default())
    }

    fn put(&self, release: &Release) -> Result<Change> {
        Ok(Change::Put(self.keyed(&sort_key(release.number), &packed::fitting(release)?)?, Condition::Any))
    }

    fn keyed(&self, sort_key: &str, item: &impl serde::Serialize) -> Result<Value> {
        let mut value = serde_json::to_value(item).context("failed to serialize an item of the ledger")?;
        value["pk"] = json!(self.app);
        value["sk"] = json!(sort_key);
        signature().into_iter().for_each(|(name, signed)| value[name] = signed);
        if let Some(schema) = packed::schema_of(&value) {
            value["schema"] = json!(schema);
        }
        Ok(value)
    }

    fn at(&self, sort_key: &str) -> (String, String) {
        (self.app.clone(), sort_key.to_owned())
    }

    fn explain(&self, error: AwsError) -> anyhow::Error {
        let kind = error.kind;
        let error = anyhow::Error::from(error);
        match kind {
            Kind::NotFound => error.context(
                Failure::bad_input(format!("table `{}`, the ledger, does not exist in this account and region", self.table.name()))
                    .hint(
                        "create the table (apply your infrastructure code for this environment), or fix `ledger` and `region` in `deployer.toml`",
                    ),
            ),
            Kind::Other if error.to_string().contains("does not match the schema") => error.context(
                Failure::bad_input(format!("table `{}` is not a ledger: it has other keys", self.table.name()))
                    .hint("fix `ledger` in `deployer.toml`, or create a table with the partition key `pk` and the sort key `sk`, both strings"),
            ),
            Kind::Malformed => {
                error.context(Failure::refused(format!("ledger `{}` has an item in an unexpected form", self.table.name())).hint(FOREIGN))
            }
            _ => error,
        }
    }
}

impl LedgerState {
    /// Of the items of `app` in `ledger`.
    ///
    /// # Errors
    /// There is no contract, or this version would not write an item like that: the error names it.
    pub fn of(items: Items, declared: Option<&Contract>, ledger: &str, app: &str) -> Result<Self> {
        Ok(Self {
            contract: Contract::read(items.stack, declared, ledger, app)?,
            lock: items.lock.map(|item| locked(ledger, item)).transpose()?.unwrap_or_default(),
            live: items.live.map(|item| live(ledger, &item)).transpose()?,
            last: items.last.map(|item| numbered(ledger, item)).transpose()?,
            made: items.made.map(|item| MadeVersions::of(ledger, item)).transpose()?.unwrap_or_default(),
            caller: None,
        })
    }

    /// The highest number given so far; 0 until the first release. That of the live one counts too, should its own item
    /// be gone.
    pub fn last_number(&self) -> u32 {
        self.last.iter().chain(&self.live).map(|release| release.number).max().unwrap_or(0)
    }

    /// The number of the next release.
    ///
    /// # Errors
    /// There is none left: beyond eight digits the last release could not be distinguished from others any more.
    pub fn next_number(&self) -> Result<u32> {
        let last = self.last_number();
        if last < HIGHEST_NUMBER {
            return Ok(last + 1);
        }
        Err(Failure::refused(format!(
            "release {last} of `{}` has the highest possible number, so no release can follow",
            self.contract.environment
        ))
        .hint("the ledger was changed by hand: restore the table (docs/operations.md, \"Restore the ledger\")")
        .into())
    }

    /// A release that was begun and not ended: by a run under way, or by one that is dead.
    pub fn unfinished(&self) -> Option<&Release> {
        self.last.as_ref().filter(|release| matches!(release.state, ReleaseState::Pending | ReleaseState::Shifting))
    }
}

/// A release as it is written: with what a newer version added to it.
fn written(release: &Release) -> Result<Value> {
    let mut value = serde_json::to_value(release).context("failed to serialize a release")?;
    release.beyond.add_to(&mut value);
    Ok(value)
}

/// An item, or what is in one; `key` is its sort key.
fn typed<T: serde::de::DeserializeOwned>(ledger: &str, key: &str, item: Value) -> Result<T> {
    serde_json::from_value(item).with_context(|| foreign(ledger, key, "is not in the expected form"))
}

fn locked(ledger: &str, item: Value) -> Result<Lock> {
    refuse_newer(ledger, LOCK, &item)?;
    let mut lock: Lock = typed(ledger, LOCK, item.clone())?;
    lock.beyond = Beyond::of(item, &lock);
    // No run ever had it: it would be taken for an absent lock, and could never be taken.
    if lock.fencing_token == 0 {
        return Err(foreign(ledger, LOCK, "has the fencing token 0, which no run ever wrote").into());
    }
    Ok(lock)
}

/// The release that the item `live` names.
fn live(ledger: &str, item: &Value) -> Result<Release> {
    refuse_newer(ledger, LIVE, item)?;
    release(ledger, LIVE, item["release"].clone())
}

fn release(ledger: &str, key: &str, item: Value) -> Result<Release> {
    let item = packed::opened(item).with_context(|| foreign(ledger, key, "is not in the expected form"))?;
    let mut release: Release = typed(ledger, key, item.clone())?;
    release.beyond = Beyond::of(item, &release);
    Ok(release)
}

/// A release whose number matches its key: a lookup by number must return that release.
fn numbered(ledger: &str, item: Value) -> Result<Release> {
    let key = item["sk"].as_str().unwrap_or(RELEASE).to_owned();
    refuse_newer(ledger, &key, &item)?;
    let release = release(ledger, &key, item)?;
    if release.number == 0 || sort_key(release.number) != key {
        return Err(
            foreign(ledger, &key, &format!("is of release {}, which does not match its key", release.number)).into()
        );
    }
    Ok(release)
}

fn foreign(ledger: &str, key: &str, what: &str) -> Failure {
    Failure::refused(format!("item `{key}` of ledger `{ledger}` {what}")).hint(FOREIGN)
}

/// Eight digits: sort keys are compared as text.
fn sort_key(number: u32) -> String {
    format!("{RELEASE}{number:08}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ending::Ending as _;
    use crate::failure::Exit;

    fn release(number: u64, key: &str) -> Result<Release> {
        let parts = json!({"functions": {}, "deployment": "d"});
        let item = json!({
            "pk": "a", "sk": key, "number": number, "kind": "deploy", "state": "live", "parts": parts,
            "previous_parts": parts, "previous": 0, "artifact": {"source_hash": "s", "functions": {}},
            "definition": "x", "actor": "a", "started_at": "now", "fencing_token": 1,
        });
        numbered("l", item)
    }

    #[track_caller]
    fn refused(error: &anyhow::Error, words: &str) {
        assert!(format!("{error:#}").contains(words), "{error:#}");
        assert_eq!(error.exit(), Exit::Refused);
        assert!(error.hint().is_some());
    }

    #[test]
    fn a_release_whose_number_does_not_match_its_key_is_refused() {
        assert_eq!(release(7, "release#00000007").unwrap().number, 7);
        let lies = "item `release#00000009` of ledger `l` is of release 7, which does not match its key";
        refused(&release(7, "release#00000009").unwrap_err(), lies);
        refused(&release(0, "release#00000000").unwrap_err(), "is of release 0, which");
        refused(
            &release(u64::MAX, "release#1").unwrap_err(),
            "item `release#1` of ledger `l` is not in the expected form",
        );
    }

    #[test]
    fn a_lock_that_could_never_be_taken_is_refused() {
        let without_holder = json!({"fencing_token": 3, "beat": 0, "holder": null});
        refused(&locked("l", without_holder).unwrap_err(), "item `lock` of ledger `l` is not in the expected form");
        refused(
            &locked("l", json!({"fencing_token": 0})).unwrap_err(),
            "has the fencing token 0, which no run ever wrote",
        );
        assert_eq!(locked("l", json!({"fencing_token": u64::MAX})).unwrap().fencing_token, u64::MAX);
    }

    #[test]
    fn the_highest_number_is_the_last_one_even_if_only_live_has_it() {
        let api = json!({"kind": "rest", "id": "a", "stage": "dev", "url": "http://x"});
        let stack = json!({
            "schema": 2, "environment": "dev", "account": "1", "region": "r", "functions": {}, "api": api,
        });
        let items = Items { stack: Some(stack), ..Items::default() };
        let mut state = LedgerState::of(items, None, "l", "a").unwrap();
        assert_eq!(state.next_number().unwrap(), 1);
        state.live = Some(release(9, "release#00000009").unwrap());
        state.last = Some(release(3, "release#00000003").unwrap());
        assert_eq!(state.next_number().unwrap(), 10);
        for highest in [HIGHEST_NUMBER, u32::MAX] {
            state.last = Some(Release { number: highest, ..state.last.unwrap() });
            refused(&state.next_number().unwrap_err(), "of `dev` has the highest possible number");
        }
    }

    #[test]
    fn the_order_of_sort_keys_is_the_order_of_numbers() {
        assert_eq!(sort_key(7), "release#00000007");
        assert!(sort_key(9) < sort_key(10) && sort_key(99_999) < sort_key(100_000));
    }
}
