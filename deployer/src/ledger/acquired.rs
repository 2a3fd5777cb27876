//! A lock that a run has acquired: the right to write to an environment, as long as the lease is renewed.
//!
//! Every write of a run depends on the lock and renews its lease: a run that lost it can write nothing any more. In
//! between a heartbeat renews it. The next write detects that the lock was taken over; the run's own monotonic clock detects that it
//! may have been, because the last renewal is a lease ago.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use anyhow::Result;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::heartbeat::{BEATS, Lease, heartbeat};
use super::packed::{first, fitting};
use super::schema::signature;
use super::{Holder, Lock, MadeVersions, Release, ReleaseState};
use super::{LIVE, LOCK, Ledger, LedgerState, MADE, foreign, sort_key};
use crate::aws::{AwsError, Change, Condition, Kind, MOVE, TableWriter};
use crate::config::LONGEST_LEASE;
use crate::failure::{Exit, Failure};

/// The lock of an environment, acquired by this run. Dropping it ends the heartbeat; the lock stays until it is freed or taken over.
#[derive(Debug)]
pub struct AcquiredLock {
    ledger: Ledger,
    table: TableWriter,
    lease: Arc<Lease>,
    heartbeat: JoinHandle<()>,
    /// What is written beside the end of the release, if it has changed.
    made: Mutex<Option<MadeVersions>>,
}

impl Ledger {
    /// Takes the lock and writes the intent, both or neither. The release gets its number here.
    ///
    /// # Errors
    /// [`Exit::Locked`] naming the holder.
    pub async fn begin(
        &self,
        table: &TableWriter,
        state: &LedgerState,
        holder: Holder,
        release: &mut Release,
    ) -> Result<AcquiredLock> {
        if let Some(other) = &state.lock.holder {
            return Err(self.locked_by(other));
        }
        release.number = state.next_number()?;
        release.fencing_token = self.next_fencing_token(&state.lock)?;
        let intent = Change::Put(self.keyed(&sort_key(release.number), &first(release)?)?, Condition::Absent);
        self.take(table, state, holder, vec![intent]).await
    }

    /// Takes the lock as it was seen, also away from a holder that is dead.
    ///
    /// # Errors
    /// [`Exit::Locked`] if it has changed since it was read.
    pub async fn take_over(&self, table: &TableWriter, state: &LedgerState, holder: Holder) -> Result<AcquiredLock> {
        self.take(table, state, holder, Vec::new()).await
    }

    async fn take(
        &self,
        table: &TableWriter,
        state: &LedgerState,
        holder: Holder,
        mut changes: Vec<Change>,
    ) -> Result<AcquiredLock> {
        let (sent, token) = (table.world().uptime(), self.next_fencing_token(&state.lock)?);
        let lock = [("holder", json!(holder)), ("fencing_token", json!(token)), ("beat", json!(0))];
        let lock = lock.into_iter().chain(signature()).map(|(name, value)| (name.to_owned(), value)).collect();
        // An update, as what frees it will be: a role that may not free the lock does not get it.
        changes.insert(0, Change::Set(self.at(LOCK), lock, as_seen(&state.lock)));
        match table.transact(changes).await {
            Ok(()) => {
                let lease = Lease::new(holder, token, sent, table.world());
                Ok(AcquiredLock::new(self.clone(), table.clone(), lease))
            }
            Err(error) if error.kind == Kind::Precondition => Err(self.lost_race().await),
            Err(error) => Err(self.explain(error)),
        }
    }

    /// Frees a lock as it was read, no matter which run has it. The fencing token grows, so that the holder can no longer write.
    ///
    /// # Errors
    /// [`Exit::Locked`] if it has changed since it was read.
    pub async fn unlock(&self, table: &TableWriter, lock: &Lock) -> Result<()> {
        let beyond = lock.beyond.clone().without("holder");
        let mut free = json!({ "fencing_token": self.next_fencing_token(lock)?, "beat": 0 });
        beyond.add_to(&mut free);
        match table.transact(vec![Change::Put(self.keyed(LOCK, &free)?, unchanged(lock))]).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind == Kind::Precondition => Err(self.lost_race().await),
            Err(error) => Err(self.explain(error)),
        }
    }

    /// Checks that no run has the lock, dead or alive. Before the first apply of the infrastructure there is no ledger, and no holder.
    ///
    /// # Errors
    /// [`Exit::Locked`] naming the holder.
    pub async fn refuse_if_locked(&self) -> Result<()> {
        let lock = match self.lock().await {
            Err(error) if error.downcast_ref::<AwsError>().is_some_and(|error| error.kind == Kind::NotFound) => {
                Lock::default()
            }
            lock => lock?,
        };
        let Some(holder) = lock.holder else { return Ok(()) };
        let what = format!("a release is in progress: {holder} has the lock of ledger `{}`", self.table.name());
        Err(Failure::new(Exit::Locked, what)
            .hint("wait for that run to end; if it died, the next `deployer deploy` or `deployer rollback` finishes or reverts its release")
            .into())
    }

    /// Watches a lock until the holder sends a heartbeat, or is dead: no heartbeat for a whole lease, and for as
    /// long as a call of it may still be on its way.
    ///
    /// # Errors
    /// [`Exit::Locked`] as soon as there is a heartbeat. [`Exit::Refused`] if the lease is one that no run of this
    /// version has: that a holder is dead would be a guess.
    pub async fn watch(&self, lock: &Lock, holder: &Holder) -> Result<()> {
        if holder.lease() > LONGEST_LEASE {
            let (ledger, seconds) = (self.table.name(), holder.lease_seconds);
            let what = format!(
                "{holder} has the lock of ledger `{ledger}`, with a lease of {seconds} s: longer than this version of the deployer allows"
            );
            return Err(Failure::refused(what)
                .hint(
                    "use the version of the deployer that took the lock; if that run died, free the lock with `deployer unlock`",
                )
                .into());
        }
        let (started, enough) = (Instant::now(), holder.lease() + MOVE);
        let pause = (holder.lease() / (BEATS * 2)).clamp(Duration::from_millis(50), Duration::from_secs(1));
        while started.elapsed() < enough {
            tokio::time::sleep(pause).await;
            if self.lock().await? != *lock {
                return Err(self.locked_by(holder));
            }
        }
        Ok(())
    }

    fn next_fencing_token(&self, lock: &Lock) -> Result<u64> {
        let next = lock.fencing_token.checked_add(1);
        next.ok_or_else(|| {
            foreign(
                self.table.name(),
                LOCK,
                "has the highest possible fencing token, so the lock cannot be taken any more",
            )
            .into()
        })
    }

    /// Another run was quicker: names it.
    async fn lost_race(&self) -> anyhow::Error {
        match self.lock().await.ok().and_then(|lock| lock.holder) {
            Some(other) => self.locked_by(&other),
            None => {
                let what = format!("another run took the lock of ledger `{}` first, and has ended", self.table.name());
                Failure::new(Exit::Locked, what).hint("run again: it starts from what is live now").into()
            }
        }
    }

    fn locked_by(&self, other: &Holder) -> anyhow::Error {
        Failure::new(Exit::Locked, format!("{other} has the lock of ledger `{}`", self.table.name()))
            .hint("wait for that run to end, then run again; this run changed nothing")
            .into()
    }
}

/// Requires the lock to be as it was read, or still to be missing if it was.
fn as_seen(lock: &Lock) -> Condition {
    match (lock.fencing_token, &lock.holder) {
        (0, _) => Condition::Absent,
        (token, None) => Condition::equals([("fencing_token", json!(token)), ("holder", Value::Null)]),
        (_, Some(_)) => unchanged(lock),
    }
}

fn unchanged(lock: &Lock) -> Condition {
    let mut holder = json!(lock.holder);
    lock.beyond.within("holder").add_to(&mut holder);
    Condition::equals([("fencing_token", json!(lock.fencing_token)), ("beat", json!(lock.beat)), ("holder", holder)])
}

impl AcquiredLock {
    fn new(ledger: Ledger, table: TableWriter, lease: Lease) -> Self {
        let lease = Arc::new(lease);
        let heartbeat = tokio::spawn(heartbeat(ledger.clone(), table.clone(), Arc::clone(&lease)));
        Self { ledger, table, lease, heartbeat, made: Mutex::default() }
    }

    /// The fencing token: greater than that of every holder before.
    pub fn token(&self) -> u64 {
        self.lease.fencing_token
    }

    /// The ledger that it locks.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Whether the lock still is this run's, as far as it can be known without a call. Checked right before every move.
    ///
    /// # Errors
    /// [`Exit::Locked`]: another run has it, or may have it by now.
    pub fn still_ours(&self) -> Result<()> {
        if self.lease.is_alive() {
            return Ok(());
        }
        let what = format!(
            "this run lost the lock of ledger `{}`: it could not renew it for a whole lease",
            self.ledger.table.name()
        );
        Err(Failure::new(Exit::Locked, what)
            .hint("`deployer status` shows which run has the lock now, and what is live")
            .into())
    }

    /// Writes the current release, which renews the lease. Done before every move.
    ///
    /// # Errors
    /// [`Exit::Locked`] if the lock is no longer this run's.
    pub async fn progress(&self, release: &Release) -> Result<()> {
        self.fenced(vec![self.lease.renewal(&self.ledger), self.ledger.put(release)?]).await
    }

    /// Writes the end of a release and frees the lock. A release that is live becomes what `live` names.
    ///
    /// # Errors
    /// [`Exit::Locked`] if the lock is no longer this run's.
    pub async fn end(&self, release: &Release, superseded: Option<&Release>) -> Result<()> {
        self.fenced(self.last_changes(release, superseded)?).await
    }

    /// The same for a release that has moved nothing: the lock is freed even if the end of the release cannot be written, so that the next
    /// run need not wait for a lease.
    ///
    /// # Errors
    /// See [`Self::end`].
    pub async fn end_or_free(&self, release: &Release, superseded: Option<&Release>) -> Result<()> {
        let ended = self.end(release, superseded).await;
        if ended.is_err() {
            let _ = self.free().await;
        }
        ended
    }

    /// Frees the lock.
    ///
    /// # Errors
    /// [`Exit::Locked`] if it is no longer this run's.
    pub async fn free(&self) -> Result<()> {
        self.fenced(vec![self.freeing()]).await
    }

    fn freeing(&self) -> Change {
        self.heartbeat.abort();
        Change::Remove(self.ledger.at(LOCK), vec!["holder".to_owned()], self.lease.condition())
    }

    /// Notes which versions releases have made by now: written together with the end of this one.
    pub fn note_made(&self, made: MadeVersions) {
        *self.made.lock().unwrap_or_else(PoisonError::into_inner) = Some(made);
    }

    fn last_changes(&self, release: &Release, superseded: Option<&Release>) -> Result<Vec<Change>> {
        let mut changes = vec![self.freeing(), self.ledger.put(release)?];
        if let Some(made) = &*self.made.lock().unwrap_or_else(PoisonError::into_inner) {
            changes.push(Change::Put(self.ledger.keyed(MADE, &made.written())?, Condition::Any));
        }
        if release.state == ReleaseState::Live {
            let live = self.ledger.keyed(LIVE, &json!({ "release": fitting(release)? }))?;
            changes.push(Change::Put(live, Condition::Any));
            if let Some(before) = superseded {
                // Written whole: if its item is gone, this record must not fail for it. `live` has its content.
                changes.push(self.ledger.put(&Release { state: ReleaseState::Superseded, ..before.clone() })?);
            }
        }
        Ok(changes)
    }

    async fn fenced(&self, changes: Vec<Change>) -> Result<()> {
        let sent = self.table.world().uptime();
        match self.table.transact(changes).await {
            Ok(()) => {
                self.lease.renewed_at(sent);
                Ok(())
            }
            Err(error) if error.kind == Kind::Precondition => {
                self.lease.lose();
                Err(self.ledger.lost_race().await.context("this run lost the lock"))
            }
            Err(error) => Err(self.ledger.explain(error)),
        }
    }
}

impl Drop for AcquiredLock {
    fn drop(&mut self) {
        self.heartbeat.abort();
    }
}
