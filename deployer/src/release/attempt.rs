//! One attempt at a release: lock and intent, the plan applied, and an end whatever happens: live, failed, or taken
//! back.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use super::alarms;
use crate::apply::{Run, apply, take_back};
use crate::aws::{AwsError, Kind};
use crate::ending::Ending as _;
use crate::failure::{Exit, Failure};
use crate::ledger::{ArtifactRecord, Hold, Origin, Release, ReleaseState, StepRecord};
use crate::observe::{Observed, observe};
use crate::plan::{Goal, Plan, Step, Wanted, plan};
use crate::poll::Poll;
use crate::report::ReleaseView;
use crate::scope::Scope;
use crate::verify::Url;

/// All that an attempt starts from.
pub(super) struct Attempt<'a> {
    /// The command.
    pub(super) scope: Scope<'a>,
    /// What was observed when the plan was made.
    pub(super) observed: &'a Observed,
    /// What is wanted.
    pub(super) wanted: Wanted<'a>,
    /// What is to be done.
    pub(super) plan: &'a Plan,
    /// The zips of new code, by function.
    pub(super) zips: &'a BTreeMap<String, Vec<u8>>,
    /// What the release is built from.
    pub(super) artifact: ArtifactRecord,
    /// Where a promotion got its bytes from.
    pub(super) from: Option<Origin>,
    /// Alarms that ring and are to be ignored.
    pub(super) ignored: &'a [String],
    /// Where the stage answers.
    pub(super) url: &'a Url,
}

impl Attempt<'_> {
    /// Makes the release.
    ///
    /// # Errors
    /// Why it is not live, with the class that says whether it was taken back.
    pub(super) async fn make(&self) -> Result<Release> {
        let Scope { environment, report, .. } = self.scope;
        self.scope.interrupt().check()?;
        let mut release = self.intent();
        let holder = self.scope.holder(&self.plan.kind.to_string());
        let hold = self.scope.ledger().begin(&self.observed.ledger, holder, &mut release).await?;
        report.release_begins(&environment.name, &release, self.plan);
        let applied = self.apply_if_still_true(&hold, &mut release).await;
        release.ended_at = Some(self.scope.now());
        let ended = match applied {
            Ok(()) => self.end_live(&hold, &mut release).await,
            Err(error) => Err(self.end_failed(&hold, &mut release, error).await),
        };
        match ended {
            Ok(()) => Ok(release),
            Err(error) => {
                report.failed(&self.view(&release).failed(&error));
                Err(error)
            }
        }
    }

    /// What is told of the release.
    pub(super) fn view(&self, release: &Release) -> ReleaseView {
        let Scope { environment, session, .. } = self.scope;
        ReleaseView::released(environment, self.observed, self.plan, release, self.url, &session.calls)
    }

    /// The release as it is meant, before anything is done.
    fn intent(&self) -> Release {
        let before = self.observed.parts();
        let back = matches!(self.wanted.goal, Goal::Parts(_));
        let mut release = Release {
            number: self.plan.release,
            kind: self.plan.kind,
            // The first thing that a rollback does is to move traffic: nothing is written in between.
            state: if back { ReleaseState::Shifting } else { ReleaseState::Pending },
            parts: before.clone(),
            previous_parts: before,
            previous: self.plan.live,
            back_to: self.plan.back_to,
            from: self.from.clone(),
            stable: false,
            artifact: self.artifact.clone(),
            definition: self.observed.definition.fingerprint.clone(),
            shape: self.observed.definition.shape.clone(),
            routes: self.observed.definition.routes.clone(),
            by_role: self.observed.definition.by_role.clone(),
            checks: Vec::new(),
            steps: self.plan.phases().iter().flatten().map(StepRecord::planned).collect(),
            reason: None,
            actor: self.scope.config.process.actor(),
            run_url: self.scope.config.process.run_url(),
            started_at: self.scope.now(),
            ended_at: None,
            fence: 0,
        };
        // A rollback restores a release whole: what its deployment froze too.
        if let Goal::Parts(target) = self.wanted.goal {
            release.parts = target.parts.clone();
            release.definition = target.definition.clone();
            release.shape = target.shape.clone();
            release.routes = target.routes.clone();
            release.by_role = target.by_role.clone();
        }
        release
    }

    /// Between the plan and the lock somebody else may have moved something, in the minutes of a build for one. What a
    /// rollback observed is a moment old: the fence says that no run came in between, the revisions of the aliases the
    /// rest, and a rollback is not to wait.
    async fn apply_if_still_true(&self, hold: &Hold, release: &mut Release) -> Result<()> {
        if let Goal::Parts(_) = self.wanted.goal {
            return apply(&self.run(hold, self.observed), release).await;
        }
        let Scope { config, environment, session, .. } = self.scope;
        let changed = || format!("`{}` not to be as it was when this run began", environment.name);
        let mut poll = Poll::until_read();
        let now = loop {
            let mut now = self.scope.interrupt().or(observe(config, environment, session)).await?;
            // The number was taken by the intent itself.
            now.ledger.last = self.observed.ledger.last.clone();
            alarms::refuse_ringing(&now, self.ignored)?;
            let planned = plan(self.wanted, &now);
            if planned.as_ref().is_ok_and(|planned| planned == self.plan) {
                break now;
            }
            // One read may be older than what this run has seen before.
            if poll.pause(changed).await.is_err() {
                planned?;
                return Err(Failure::refused(format!("`{}` changed while this run was preparing", environment.name))
                    .hint("run again: it starts from what is live now; nothing was changed by this one")
                    .into());
            }
        };
        // From here on with what was read under the lock: the revisions of before the build may be old.
        apply(&self.run(hold, &now), release).await
    }

    fn run<'b>(&'b self, hold: &'b Hold, observed: &'b Observed) -> Run<'b> {
        Run {
            scope: self.scope,
            hold,
            observed,
            plan: self.plan,
            zips: self.zips,
            url: self.url,
            ignored: self.ignored,
        }
    }

    async fn end_live(&self, hold: &Hold, release: &mut Release) -> Result<()> {
        release.state = ReleaseState::Live;
        // A rollback restores what passed its own checks; whether it did is known of the release that it restores.
        let restored = if let Goal::Parts(target) = self.wanted.goal { target.stable } else { true };
        release.stable = release.reason.is_none() && restored;
        let missing = || {
            Failure::new(Exit::NotTakenBack, format!("release {release} serves, but its record could not be written"))
                .hint("run any writing command again: once the lock is dead, it writes the record")
        };
        let ended = hold.end(release, self.observed.ledger.live.as_ref()).await;
        ended.with_context(missing)?;
        let Some(reason) = &release.reason else { return Ok(()) };
        Err(Failure::new(Exit::NotTakenBack, format!("release {release} serves, and could not be judged: {reason}"))
            .hint("run the same command again later: it judges what serves and records it; until then it does not count as stable")
            .into())
    }

    async fn end_failed(&self, hold: &Hold, release: &mut Release, error: anyhow::Error) -> anyhow::Error {
        // Without the lock nothing may be moved any more: whoever has it now sees to what is left. That it may be lost
        // is no reason to go: the ledger knows.
        if error.exit() == Exit::LockHeld && hold.progress(release).await.is_err() {
            return self.with_late_move(error, release).await;
        }
        release.reason = Some(format!("{error:#}"));
        let began = release.state == ReleaseState::Shifting;
        if began {
            self.scope.report.taking_back(release);
            // The fence before these moves too. A ledger that does not answer is no reason to leave a bad release.
            if let Err(lost) = hold.progress(release).await
                && lost.exit() == Exit::LockHeld
            {
                let lost = lost.context(format!("release {release} is no longer this run's to end"));
                return self.with_late_move(lost, release).await;
            }
            if let Err(stuck) = take_back(&self.scope, hold, self.observed, self.url, release).await {
                // The next holder of the lock goes back, if this run may not.
                let Err(lost) = hold.still_ours() else { return not_taken_back(hold, release, error, &stuck).await };
                let what = format!("release {release} failed, and is no longer this run's to end: {error:#}");
                return self.with_late_move(lost.context(what), release).await;
            }
        }
        release.state = if began { ReleaseState::RolledBack } else { ReleaseState::Failed };
        let ended = hold.end(release, None).await;
        let what = match (began, release.previous) {
            (false, _) => format!("release {release} failed before any traffic moved"),
            (true, 0) => format!("release {release} failed and was taken back to the placeholder"),
            (true, previous) => format!("release {release} failed and was taken back to release {previous}"),
        };
        let exit = if began { Exit::TakenBack } else { error.exit() };
        let hint = error.hint().unwrap_or("mend what failed, then run again").to_owned();
        let note =
            ended.err().map_or_else(String::new, |failed| format!("; the ledger could not be written: {failed:#}"));
        error.context(Failure::new(exit, what + &note).hint(hint))
    }

    /// A stage has no compare-and-swap: a move of a run that slept past its lease may have landed after all, over whatever the
    /// next holder has moved it to.
    async fn with_late_move(&self, lost: anyhow::Error, release: &Release) -> anyhow::Error {
        let tried = |step: &StepRecord| step.step == Step::MoveStage.to_string() && step.started_at.is_some();
        if !release.steps.iter().any(tried) {
            return lost;
        }
        let api = &self.observed.ledger.contract.api;
        let found = self.scope.session.api.stage(&api.rest_api_id, &api.stage).await;
        let what = match found {
            Ok(found) if found.deployment != release.parts.deployment => return lost,
            Ok(found) => format!("stage `{}` serves deployment `{}` of release {release}", api.stage, found.deployment),
            Err(error) => format!("it is not known what stage `{}` serves: {error}", api.stage),
        };
        lost.context(Failure::new(Exit::LockHeld, format!("this run lost the lock while it moved the stage, and {what}")).hint(
            "`deployer status` shows what is live, and whether the stage differs from it: then move the stage back, or record it with `--adopt`",
        ))
    }
}

/// The release stays unfinished: whoever comes next tries again to take it back.
async fn not_taken_back(hold: &Hold, release: &Release, error: anyhow::Error, stuck: &anyhow::Error) -> anyhow::Error {
    let recorded = hold.progress(release).await;
    let note =
        recorded.err().map_or_else(String::new, |failed| format!("; and the ledger could not be written: {failed:#}"));
    // The next run fences off whatever may still be on its way: there is nothing to wait for.
    let _ = hold.free().await;
    let steps = |done: bool| {
        let steps = release.steps.iter().filter(|step| step.millis.is_some() == done).map(|step| &*step.step);
        steps.collect::<Vec<_>>().join(", ")
    };
    let what = format!(
        "release {release} failed and could not be taken back: {stuck:#}{note}; done: {}; not done: {}",
        steps(true),
        steps(false)
    );
    let ended = error.downcast_ref::<AwsError>().is_some_and(|error| error.kind == Kind::NoCredentials);
    let hint = match ended {
        true => {
            "log in again, then deploy or roll back: that goes back first to what was live; `deployer status` shows what serves"
        }
        false => {
            "the environment may serve a mixture: `deployer status` shows it; the next deploy or rollback tries again"
        }
    };
    error.context(Failure::new(Exit::NotTakenBack, what).hint(hint))
}
