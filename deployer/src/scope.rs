//! What every step of a command needs: what it was told, and how it reaches AWS and the person who waits.

use crate::aws::Session;
use crate::config::{Config, Environment};
use crate::interrupt::Interrupt;
use crate::ledger::{Holder, Ledger};
use crate::report::Report;
use crate::retention;
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
    pub session: &'a Session,
    /// Where words go.
    pub report: &'a Report,
}

impl<'a> Context<'a> {
    /// The command's scope, once its session is open.
    pub fn scope(self, environment: &'a Environment, session: &'a Session) -> Scope<'a> {
        Scope { config: self.config, environment, session, report: self.report }
    }
}

impl<'a> Scope<'a> {
    /// The outside world.
    pub fn world(&self) -> &'a World {
        &self.session.world
    }

    /// Whether the run was told to stop.
    pub fn interrupt(&self) -> &'a Interrupt {
        &self.session.world.interrupt
    }

    /// The time, RFC 3339.
    pub fn now(&self) -> String {
        self.world().now().to_string()
    }

    /// The environment's ledger.
    pub fn ledger(&self) -> Ledger {
        Ledger::new(&self.session.table, &self.config.app)
    }

    /// How the description begins of whatever a release of the environment makes.
    pub fn mark(&self) -> String {
        retention::mark(&self.config.app, &self.environment.name)
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
