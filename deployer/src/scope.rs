//! What every step of a command needs: what it was told, and how it reaches AWS and the person who waits.

use crate::aws::Session;
use crate::config::{Config, Environment};
use crate::interrupt::Interrupt;
use crate::ledger::{Holder, Ledger};
use crate::report::Report;

/// One command on one environment.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// What the run was told.
    pub config: &'a Config,
    /// The environment that it is about.
    pub environment: &'a Environment,
    /// Its AWS.
    pub session: &'a Session,
    /// Where words go.
    pub report: &'a Report,
    /// Whether the run was told to stop.
    pub interrupt: &'a Interrupt,
}

impl Scope<'_> {
    /// The environment's ledger.
    pub fn ledger(&self) -> Ledger {
        Ledger::new(&self.session.table, &self.config.app)
    }

    /// This run, as the holder of the lock.
    pub fn holder(&self, verb: &str) -> Holder {
        Holder {
            id: uuid::Uuid::new_v4().to_string(),
            actor: self.config.process.actor(),
            run_url: self.config.process.run_url(),
            command: format!("{verb} {}", self.environment.name),
            since: jiff::Timestamp::now().to_string(),
            lease_seconds: self.config.lock.lease.as_secs(),
        }
    }
}
