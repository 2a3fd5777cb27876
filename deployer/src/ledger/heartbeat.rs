//! The lease of a run, and the heartbeat that renews it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;

use super::{Holder, LOCK, Ledger};
use crate::aws::{AwsError, Change, Condition, Kind, TableWriter};
use crate::world::World;

/// How many times the holder renews the lock within one lease.
pub(super) const BEATS: u32 = 4;

/// What the run and its heartbeat share.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) holder: Holder,
    pub(super) fencing_token: u64,
    beat: AtomicU64,
    /// When the last write that renewed the lease was sent, by a clock that goes on while the machine is suspended: a run
    /// that slept past its lease has lost it.
    renewed: Mutex<Duration>,
    world: World,
    lost: AtomicBool,
}

impl Lease {
    /// Of a lock whose request was sent at `sent`.
    pub(super) fn new(holder: Holder, fencing_token: u64, sent: Duration, world: &World) -> Self {
        let (renewed, lost) = (Mutex::new(sent), AtomicBool::new(false));
        Self { holder, fencing_token, beat: AtomicU64::new(0), renewed, world: world.clone(), lost }
    }

    /// Whether the lease is still this run's, as far as it can know without asking.
    pub(super) fn is_alive(&self) -> bool {
        let renewed = *self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        let age = self.world.uptime().saturating_sub(renewed);
        !self.lost.load(Ordering::SeqCst) && age < self.holder.lease()
    }

    /// Notes that another run has the lock.
    pub(super) fn lose(&self) {
        self.lost.store(true, Ordering::SeqCst);
    }

    /// That the lock is this run's.
    pub(super) fn condition(&self) -> Condition {
        Condition::equals([("fencing_token", json!(self.fencing_token)), ("holder", json!(self.holder))])
    }

    /// The next heartbeat.
    pub(super) fn renewal(&self, ledger: &Ledger) -> Change {
        let beat = self.beat.fetch_add(1, Ordering::SeqCst) + 1;
        Change::Set(ledger.at(LOCK), BTreeMap::from([("beat".to_owned(), json!(beat))]), self.condition())
    }

    /// Notes that a write which was sent then has renewed the lease.
    pub(super) fn renewed_at(&self, sent: Duration) {
        let mut renewed = self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        *renewed = sent.max(*renewed);
    }
}

/// Renews the lease until the lock is freed or lost. One failed call does not lose it: the lease outlasts several.
pub(super) async fn heartbeat(ledger: Ledger, table: TableWriter, lease: Arc<Lease>) {
    loop {
        tokio::time::sleep(lease.holder.lease() / BEATS).await;
        let sent = lease.world.uptime();
        let renewal = table.transact(vec![lease.renewal(&ledger)]);
        match tokio::time::timeout(lease.holder.lease() / BEATS, renewal).await {
            Ok(Ok(())) => lease.renewed_at(sent),
            Ok(Err(AwsError { kind: Kind::Precondition, .. })) => {
                lease.lose();
                return;
            }
            Ok(Err(_)) | Err(_) => {}
        }
    }
}
