//! The engine: from what was observed and what is wanted to a release that is live, or to what was live before.
//!
//! [`Engine::prepare`] ends what a dead run left; [`Engine::release`] takes the lock with the intent, plans again under it,
//! carries out the plan phase by phase, verifies, and records the end. A release that fails after traffic began to move is
//! reverted.
//!
//! | file | what happens there |
//! |---|---|
//! | `attempt.rs` | lock and intent, the plan made again, the end: live, failed or reverted |
//! | `phases.rs`, `step.rs` | the phases of a plan, and what each step does |
//! | `publish.rs` | versions and deployments, made and checked before any traffic moves |
//! | `upload.rs` | uploads of code, and what became of one whose reply was lost |
//! | `moves.rs` | aliases and the stage, moved |
//! | `alarms` | alarms, before a release and during it |
//! | `expiry.rs` | whether the credentials last |
//! | `revert.rs` | the way back |
//! | `recovery.rs` | what a dead run left |
//! | `adopt.rs`, `stable.rs` | what is live, recorded as a release, or as stable |
//! | `outcome.rs` | what a command that releases returns |
//! | `prune.rs` | what no release needs any more |

mod adopt;
mod alarms;
mod attempt;
mod expiry;
mod moves;
mod outcome;
mod phases;
mod prune;
mod publish;
mod recovery;
mod revert;
mod stable;
mod step;
mod upload;

use anyhow::Result;

use crate::aws::{Reader, Writer};
use crate::config::{Config, Environment};
use crate::context::Context;
use crate::events::Events;
use crate::interrupt::Interrupt;
use crate::ledger::{ArtifactRecord, Holder, Ledger, LedgerState};
use crate::observe::{Observed, observe};

use crate::retention;
use crate::verify::Verifier;
use crate::world::World;

use attempt::Attempt;
pub use attempt::{Intended, millis_since};
pub use outcome::{Done, Outcome};
pub use prune::{Dispensable, dispensable, sweep};
pub use recovery::Recovered;

/// The engine of one command on one environment.
#[derive(Clone, Copy)]
pub struct Engine<'a> {
    /// The configuration, with flags and environment variables applied.
    pub config: &'a Config,
    /// The environment that it is about.
    pub environment: &'a Environment,
    /// Its AWS.
    pub aws: &'a Writer,
    /// Where events go.
    pub events: &'a dyn Events,
}

impl<'a> Engine<'a> {
    /// An engine for an environment that was opened. From here on signals are noted, and end the run where it is safe.
    pub fn start(context: Context<'a>, environment: &'a Environment, aws: &'a Writer) -> Self {
        context.world.interrupt.listen();
        Self { config: context.config, environment, aws, events: context.events }
    }

    /// Makes sure that the lock is free and no release is unfinished: what a dead run left is ended. What was in use before the
    /// first release becomes release 1; with `adopt` drift is recorded as a release. Returns the state after that.
    ///
    /// # Errors
    /// [`crate::failure::Exit::Locked`] if a run that is alive has the lock; or what a dead one left could not be ended.
    pub async fn prepare(&self, mut observed: Observed, adopt: bool) -> Result<Observed> {
        if self.recover(&observed.ledger).await? != Recovered::Nothing {
            observed = self.observe().await?;
        }
        if adopt::first_contact(self, &observed).await? || (adopt && self.adopt(&observed).await?) {
            observed = self.observe().await?;
        }
        Ok(observed)
    }

    /// Ends what a dead run left, if one did.
    ///
    /// # Errors
    /// See [`Engine::prepare`].
    pub async fn recover(&self, state: &LedgerState) -> Result<Recovered> {
        recovery::end_unfinished(self, state).await
    }

    /// Records what is live as a release, if it is not the one that the ledger names. Whether it did.
    ///
    /// # Errors
    /// What is live cannot be a release.
    pub async fn adopt(&self, observed: &Observed) -> Result<bool> {
        adopt::adopt(self, observed).await
    }

    /// Records what is live as release 1: a person has confirmed that it is in use.
    ///
    /// # Errors
    /// It cannot be a release, or the ledger cannot be written.
    pub async fn adopt_in_use(&self, observed: &Observed) -> Result<()> {
        adopt::in_use(self, observed).await
    }

    /// The alarms that are in ALARM already and are to be ignored.
    ///
    /// # Errors
    /// One is, or their states cannot be read, and that is not to be ignored.
    pub fn alarms_allow(
        &self,
        observed: &Observed,
        traffic: &crate::config::Traffic,
        ignore: bool,
    ) -> Result<Vec<String>> {
        alarms::before::may_start(self, observed, traffic, ignore)
    }

    /// Makes sure that the credentials last as long as a release moves and watches traffic.
    ///
    /// # Errors
    /// They end too early, and that is not to be ignored.
    pub async fn credentials_outlast(&self, traffic: &crate::config::Traffic, ignore: bool) -> Result<()> {
        expiry::outlasts(self, traffic, ignore).await
    }

    /// Makes the release, and then removes what it made dispensable. If it fails, the outcome has the error, whose class shows
    /// whether it was reverted.
    ///
    /// # Errors
    /// It was not begun.
    pub async fn release(&self, intended: &Intended<'_>) -> Result<Outcome> {
        let changed =
            |key: &&String| intended.plan.functions.get(*key).is_some_and(|function| !function.changes.is_empty());
        for key in self.config.unchecked(self.environment).filter(changed) {
            self.events.warn(&format!("function `{key}` has no check: its new version takes traffic untested"));
        }
        let Attempt { release, ended, left } = Box::pin(self.make(intended)).await?;
        if let (Ok(()), Some(left)) = (&ended, &left) {
            prune::after(self, &intended.observed.ledger.contract, &release, left).await;
        }
        let done = Done::Release(Box::new(intended.plan.clone()), Box::new(release));
        Ok(Outcome { failed: ended.err(), ..self.outcome(intended.observed, intended.verifier, done) })
    }

    /// What came of a command that had nothing to release.
    pub fn outcome(&self, observed: &Observed, verifier: &Verifier, done: Done) -> Outcome {
        Outcome {
            environment: self.environment.clone(),
            observed: observed.clone(),
            url: verifier.base().map(str::to_owned),
            calls: self.reader().calls.clone(),
            done,
            failed: None,
        }
    }

    /// Nothing is to be done. A live release that could not be verified when it was made is verified now.
    ///
    /// # Errors
    /// A check fails.
    pub async fn unchanged(&self, observed: &Observed, verifier: &Verifier) -> Result<Outcome> {
        let confirmed = stable::confirm(self, observed, verifier).await?;
        let done = confirmed.map_or(Done::Nothing, |(release, checks)| Done::Confirmed(Box::new(release), checks));
        Ok(self.outcome(observed, verifier, done))
    }

    /// Records that other sources than those of the live release were built to the very same code. Returns whether they are
    /// others.
    ///
    /// # Errors
    /// Another run has the lock, or the ledger cannot be written.
    pub async fn same_code(&self, observed: &Observed, artifact: ArtifactRecord) -> Result<bool> {
        stable::same_code(self, observed, artifact).await
    }

    /// Looks at the environment.
    ///
    /// # Errors
    /// See [`observe`].
    pub async fn observe(&self) -> Result<Observed> {
        observe(self.config, self.environment, self.reader()).await
    }

    /// What sends the checks of the environment.
    ///
    /// # Errors
    /// See [`Verifier::new`].
    pub fn verifier(&self, observed: &Observed) -> Result<Verifier> {
        Verifier::new(self.config, self.environment, observed, self.reader())
    }

    /// The environment's AWS, to look at.
    pub fn reader(&self) -> &'a Reader {
        &self.aws.reader
    }

    /// The outside world.
    pub fn world(&self) -> &'a World {
        &self.aws.reader.world
    }

    /// Whether the run was interrupted.
    pub fn interrupt(&self) -> &'a Interrupt {
        &self.world().interrupt
    }

    /// The environment's ledger.
    pub fn ledger(&self) -> Ledger {
        Ledger::new(&self.aws.reader.table, &self.config.app).with(self.environment.stack.as_ref())
    }

    /// The beginning of the description of everything that a release of the environment makes.
    fn mark(&self) -> String {
        retention::mark(&self.config.app, &self.environment.name)
    }

    /// The time, RFC 3339.
    fn now(&self) -> String {
        self.world().now().to_string()
    }

    /// Who makes the release: as GitHub, git or the system names them, else the name of the credentials.
    fn actor(&self, state: &LedgerState) -> String {
        let of_credentials = || state.caller.as_deref().and_then(session).map(str::to_owned);
        self.config.actor().or_else(of_credentials).unwrap_or_else(|| "unknown".to_owned())
    }

    /// This run, as the lock holder.
    fn holder(&self, state: &LedgerState, verb: &str) -> Holder {
        Holder {
            id: self.world().unique(),
            actor: self.actor(state),
            run_url: self.config.process.run_url(),
            command: format!("{verb} {}", self.environment.name),
            since: self.now(),
            lease_seconds: self.config.lock.lease.as_secs(),
        }
    }
}

/// The last part of an ARN: the name of a role's session, or of a user. A user's may have a path.
fn session(arn: &str) -> Option<&str> {
    arn.rsplit(['/', ':']).next().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::session;

    #[test]
    fn credentials_are_named_by_their_session_or_user() {
        let cases = [
            ("arn:aws:sts::111111111111:assumed-role/app-deploy/grace@example.com", Some("grace@example.com")),
            ("arn:aws:iam::111111111111:user/teams/ada", Some("ada")),
            ("arn:aws:iam::111111111111:root", Some("root")),
            ("", None),
        ];
        for (arn, expected) in cases {
            assert_eq!(session(arn), expected, "{arn}");
        }
    }
}
