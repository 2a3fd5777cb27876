//! One attempt at a release: lock and intent, the plan applied, and an end whatever happens: live, failed or
//! reverted.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use super::phases::{Apply, apply};
use super::revert::revert;
use super::{Engine, alarms};
use crate::artifact::Package;
use crate::aws::{AwsError, Kind};
use crate::backoff::{Backoff, Pace};
use crate::ending::Ending as _;
use crate::events::Event;
use crate::failure::{Exit, Failure};
use crate::ledger::{AcquiredLock, ArtifactRecord, Origin, Release, ReleaseState, StepRecord};
use crate::observe::{Observed, live_again, recall};
use crate::plan::{Goal, MOVE_STAGE, Plan, Wanted, plan};
use crate::verify::Verifier;

/// What a release is to bring about, from what.
pub struct Intended<'a> {
    /// What was observed when the plan was made.
    pub observed: &'a Observed,
    /// What is wanted.
    pub wanted: Wanted<'a>,
    /// What is to be done.
    pub plan: &'a Plan,
    /// The packages of new code, by function.
    pub packages: &'a BTreeMap<String, Package>,
    /// What the release is built from.
    pub artifact: ArtifactRecord,
    /// Where a promotion got its bytes from.
    pub from: Option<Origin>,
    /// Alarms that are in ALARM already, and are ignored.
    pub ignored: &'a [String],
    /// Where the stage responds.
    pub verifier: &'a Verifier,
}

impl Engine<'_> {
    /// Makes the release. Returns it as it ended, with why it is not live: of a class that says whether it was reverted.
    ///
    /// # Errors
    /// It was not begun.
    pub(super) async fn make(&self, intended: &Intended<'_>) -> Result<(Release, Result<()>)> {
        let Engine { environment, events, .. } = *self;
        self.interrupt().check()?;
        let mut release = self.intent(intended);
        let holder = self.holder(&intended.plan.kind.to_string());
        let lock = self.ledger().begin(&self.aws.table, &intended.observed.ledger, holder, &mut release).await?;
        events.emit(Event::ReleaseBegins(&environment.name, &release, intended.plan));
        let applied = self.apply_if_still_true(intended, &lock, &mut release).await;
        release.ended_at = Some(self.now());
        let ended = match applied {
            Ok(()) => self.end_live(intended, &lock, &mut release).await,
            Err(error) => Err(self.end_failed(intended, &lock, &mut release, error).await),
        };
        Ok((release, ended))
    }

    /// The release as it is meant, before anything is done.
    fn intent(&self, intended: &Intended<'_>) -> Release {
        let (before, definition) = (intended.observed.parts(), intended.observed.definition());
        let back = matches!(intended.wanted.goal, Goal::Parts(_));
        let mut release = Release {
            number: intended.plan.release,
            kind: intended.plan.kind,
            // The first thing that a rollback does is to move traffic: nothing is written in between.
            state: if back { ReleaseState::Shifting } else { ReleaseState::Pending },
            parts: before.clone(),
            previous_parts: before,
            previous: intended.plan.live,
            back_to: intended.plan.back_to,
            from: intended.from.clone(),
            stable: false,
            artifact: intended.artifact.clone(),
            definition: definition.fingerprint,
            shape: definition.shape,
            routes: definition.routes,
            by_role: definition.by_role,
            checks: Vec::new(),
            steps: intended.plan.phases().iter().flatten().map(StepRecord::planned).collect(),
            reason: None,
            actor: self.config.process.actor(),
            run_url: self.config.process.run_url(),
            started_at: self.now(),
            ended_at: None,
            fencing_token: 0,
        };
        // A rollback restores a release whole: what its deployment froze too.
        if let Goal::Parts(target) = intended.wanted.goal {
            release.parts = target.parts.clone();
            release.definition = target.definition.clone();
            release.shape = target.shape.clone();
            release.routes = target.routes.clone();
            release.by_role = target.by_role.clone();
        }
        release
    }

    /// Between the plan and the lock somebody else may have moved something, in the minutes of a build for one. What a
    /// rollback observed is a moment old: the fencing token says that no run came in between, the revisions of the aliases the
    /// rest, and a rollback is not to wait.
    async fn apply_if_still_true(
        &self,
        intended: &Intended<'_>,
        lock: &AcquiredLock,
        release: &mut Release,
    ) -> Result<()> {
        if let Goal::Parts(_) = intended.wanted.goal {
            return apply(&self.applying(intended, lock, intended.observed), release).await;
        }
        let environment = self.environment;
        let mut backoff = None;
        let now = loop {
            let mut now = self.interrupt().or(self.observe_again(intended)).await?;
            // The number was taken by the intent itself.
            now.ledger.last = intended.observed.ledger.last.clone();
            alarms::before::refuse_in_alarm(&now, intended.ignored)?;
            let planned = plan(intended.wanted, &now);
            if planned.as_ref().is_ok_and(|planned| planned == intended.plan) {
                break now;
            }
            // One read may be older than what this run has seen before.
            let backoff = backoff.get_or_insert_with(|| Backoff::new(self.world(), Pace::READ));
            if !backoff.wait().await {
                planned?;
                return Err(Failure::refused(format!("`{}` changed while this run was preparing", environment.name))
                    .hint("run again: it starts from what is live now; nothing was changed by this one")
                    .into());
            }
        };
        // From here on with what was read under the lock: the revisions of before the build may be old.
        apply(&self.applying(intended, lock, &now), release).await
    }

    /// What is now. A function that the release leaves alone is only looked at again if its alias leads elsewhere.
    async fn observe_again(&self, intended: &Intended<'_>) -> Result<Observed> {
        let left_alone = |key: &str| intended.plan.moved().all(|moved| moved != key);
        let ledger = recall(self.config, self.environment, self.reader()).await?;
        let known = |key: &str| intended.observed.functions.get(key).filter(|_| left_alone(key));
        live_again(self.reader(), ledger, known).await
    }

    fn applying<'b>(&'b self, intended: &'b Intended<'_>, lock: &'b AcquiredLock, observed: &'b Observed) -> Apply<'b> {
        Apply {
            engine: *self,
            lock,
            observed,
            plan: intended.plan,
            packages: intended.packages,
            verifier: intended.verifier,
            ignored: intended.ignored,
        }
    }

    async fn end_live(&self, intended: &Intended<'_>, lock: &AcquiredLock, release: &mut Release) -> Result<()> {
        release.state = ReleaseState::Live;
        // A rollback restores what passed its own checks; whether it did is known of the release that it restores.
        let restored = if let Goal::Parts(target) = intended.wanted.goal { target.stable } else { true };
        release.stable = release.reason.is_none() && restored;
        let missing = || {
            Failure::new(Exit::NotReverted, format!("release {release} is live, but its record could not be written"))
                .hint("run any writing command again: once the lock is dead, it writes the record")
        };
        let ended = lock.end(release, intended.observed.ledger.live.as_ref()).await;
        ended.with_context(missing)?;
        let Some(reason) = &release.reason else { return Ok(()) };
        Err(Failure::new(Exit::NotReverted, format!("release {release} is live, and could not be verified: {reason}"))
            .hint("run the same command again later: it verifies what is live and records it; until then it does not count as stable")
            .into())
    }

    async fn end_failed(
        &self,
        intended: &Intended<'_>,
        lock: &AcquiredLock,
        release: &mut Release,
        error: anyhow::Error,
    ) -> anyhow::Error {
        // Without the lock nothing may be moved any more: the run that has it now ends what is left. That it may be lost
        // is no reason to go: the ledger knows.
        if error.exit() == Exit::Locked && lock.progress(release).await.is_err() {
            return self.with_late_move(intended, error, release).await;
        }
        release.reason = Some(format!("{error:#}"));
        let began = release.state == ReleaseState::Shifting;
        if began {
            self.events.emit(Event::RevertBegins(release));
            // The lock is renewed before these moves too. A ledger that does not respond is no reason to leave a bad release.
            if let Err(lost) = lock.progress(release).await
                && lost.exit() == Exit::Locked
            {
                let lost = lost.context(format!("release {release} is no longer this run's to end"));
                return self.with_late_move(intended, lost, release).await;
            }
            if let Err(stuck) = revert(self, lock, intended.observed, intended.verifier, release).await {
                // The next holder of the lock goes back, if this run may not.
                let Err(lost) = lock.still_ours() else { return not_reverted(lock, release, error, &stuck).await };
                let what = format!("release {release} failed, and is no longer this run's to end: {error:#}");
                return self.with_late_move(intended, lost.context(what), release).await;
            }
        }
        release.state = if began { ReleaseState::Reverted } else { ReleaseState::Failed };
        let ended = lock.end(release, None).await;
        let what = match (began, release.previous) {
            (false, _) => format!("release {release} failed before any traffic moved"),
            (true, 0) => format!("release {release} failed and was reverted to the placeholder"),
            (true, previous) => format!("release {release} failed and was reverted to release {previous}"),
        };
        let exit = if began { Exit::Reverted } else { error.exit() };
        let hint = error.hint().unwrap_or("fix what failed, then run again").to_owned();
        let note =
            ended.err().map_or_else(String::new, |failed| format!("; the ledger could not be written: {failed:#}"));
        error.context(Failure::new(exit, what + &note).hint(hint))
    }

    /// A stage has no compare-and-swap: a move of a run that slept past its lease may have landed after all, over whatever the
    /// next holder has moved it to.
    async fn with_late_move(&self, intended: &Intended<'_>, lost: anyhow::Error, release: &Release) -> anyhow::Error {
        let tried = |step: &StepRecord| step.step == MOVE_STAGE && step.started_at.is_some();
        let Some(api) = intended.observed.ledger.contract.rest().filter(|_| release.steps.iter().any(tried)) else {
            return lost;
        };
        let found = self.reader().api.stage(&api.id, &api.stage).await;
        let what = match found {
            Ok(found) if release.parts.deployment.as_ref() != Some(&found.deployment) => return lost,
            Ok(found) => format!("stage `{}` is at deployment `{}` of release {release}", api.stage, found.deployment),
            Err(error) => format!("it is not known at which deployment stage `{}` is: {error}", api.stage),
        };
        lost.context(Failure::new(Exit::Locked, format!("this run lost the lock while it moved the stage, and {what}")).hint(
            "`deployer status` shows what is live, and whether the stage differs from it: then move the stage back, or record it with `--adopt`",
        ))
    }
}

/// The release stays unfinished: the next run tries again to revert it.
async fn not_reverted(
    lock: &AcquiredLock,
    release: &Release,
    error: anyhow::Error,
    stuck: &anyhow::Error,
) -> anyhow::Error {
    let recorded = lock.progress(release).await;
    let note =
        recorded.err().map_or_else(String::new, |failed| format!("; and the ledger could not be written: {failed:#}"));
    // The next run fences off whatever may still be on its way: there is nothing to wait for.
    let _ = lock.free().await;
    let steps = |done: bool| {
        let steps = release.steps.iter().filter(|step| step.millis.is_some() == done).map(|step| &*step.step);
        steps.collect::<Vec<_>>().join(", ")
    };
    let what = format!(
        "release {release} failed and could not be reverted: {stuck:#}{note}; done: {}; not done: {}",
        steps(true),
        steps(false)
    );
    let ended = error.downcast_ref::<AwsError>().is_some_and(|error| error.kind == Kind::NoCredentials);
    let hint = match ended {
        true => {
            "log in again, then deploy or roll back: that goes back first to what was live; `deployer status` shows what is live"
        }
        false => {
            "old and new parts may be live together: `deployer status` shows them; the next deploy or rollback tries to revert again"
        }
    };
    error.context(Failure::new(Exit::NotReverted, what).hint(hint))
}
