//! What every step of a command needs: what it was told, and how it reaches AWS and the person who waits.

use crate::aws::{Reader, Writer};
use crate::config::{Config, Environment};
use crate::interrupt::Interrupt;
use crate::ledger::{Holder, Ledger};
use crate::report::Report;
use crate::world::World;

/// What every command starts from.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// What the run was told.
    pub config: &'a Config,
    /// The outside world.
    pub world: &'a World,
    /// Where words go.
    pub report: &'a Report,
}

/// One command on one environment.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// What the run was told.
    pub config: &'a Config,
    /// The environment that it is about.
    pub environment: &'a Environment,
    /// Its AWS.
    pub aws: &'a Writer,
    /// Where words go.
    pub report: &'a Report,
}

impl<'a> Context<'a> {
    /// The command's scope, once its aws is open.
    pub fn scope(self, environment: &'a Environment, aws: &'a Writer) -> Scope<'a> {
        Scope { config: self.config, environment, aws, report: self.report }
    }
}

impl<'a> Scope<'a> {
    /// The outside world.
    pub fn world(&self) -> &'a World {
        &self.aws.reader.world
    }

    /// Whether the run was told to stop.
    pub fn interrupt(&self) -> &'a Interrupt {
        &self.aws.reader.world.interrupt
    }

    /// The time, RFC 3339.
    pub fn now(&self) -> String {
        self.world().now().to_string()
    }

    /// Its AWS, to look at.
    pub fn reader(&self) -> &'a Reader {
        &self.aws.reader
    }

    /// The environment's ledger.
    pub fn ledger(&self) -> Ledger {
        Ledger::new(&self.aws.reader.table, &self.config.app)
    }

    /// This run, as the holder of the lock.
    pub fn holder(&self, verb: &str) -> Holder {
        Holder {
            id: self.world().unique(),
            actor: self.config.process.actor(),
            run_url: self.config.process.run_url(),
            command: format!("{verb} {}", self.environment.name),
            since: self.now(),
            lease_seconds: self.config.lock.lease.as_secs(),
        }
    }
}
