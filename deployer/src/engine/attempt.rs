//! One attempt at a release: lock and intent, the plan applied, and an end whatever happens: live, failed or
//! reverted.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use anyhow::{Context as _, Result};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::phases::{Apply, apply};
use super::revert::revert;
use super::{Engine, alarms, publish};
use crate::artifact::Package;
use crate::aws::{AwsError, Kind, LogStreams};
use crate::backoff::{Backoff, Pace};
use crate::ending::Ending as _;
use crate::events::Event;
use crate::failure::{Exit, Failure};
use crate::ledger::{
    AcquiredLock, ArtifactRecord, Beyond, MadeVersions, Origin, Release, ReleaseState, StepRecord, Timings,
};
use crate::observe::{Listed, ListedVersion, Look, Observed, again, when};
use crate::plan::{After, Goal, MOVE_STAGE, Plan, Step, Wanted, plan};
use crate::verify::{self, Verifier};

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
    /// How long it took to come this far.
    pub timings: Timings,
    /// Alarms that are in ALARM already, and are ignored.
    pub ignored: &'a [String],
    /// Where the stage responds.
    pub verifier: &'a Verifier,
}

/// An attempt that has ended.
#[derive(Debug)]
pub(super) struct Attempt {
    /// The release as it ended.
    pub(super) release: Release,
    /// Why it is not live, if so.
    pub(super) ended: Result<()>,
    /// What it leaves; none if it ended before anything was made.
    pub(super) left: Option<Left>,
}

/// What there is of versions after a release: what prunes them need not list them again.
#[derive(Debug)]
pub(super) struct Left {
    /// As they were listed before.
    pub(super) listed: BTreeMap<String, Listed>,
    /// Those that releases made, where their description does not show it.
    pub(super) made: MadeVersions,
    /// Whether the ledger does not have these yet.
    is_news: bool,
}

/// What was seen under the lock.
struct Found<'a> {
    observed: Cow<'a, Observed>,
    listed: BTreeMap<String, Listed>,
    /// The functions that are known to have no provisioned concurrency.
    without: Mutex<BTreeSet<String>>,
}

impl Left {
    /// What there is after a release of what was found under its lock.
    fn behind(intended: &Intended<'_>, Found { observed, listed, .. }: Found<'_>, release: &Release) -> Self {
        let mut made = observed.ledger.made.clone();
        for (key, list) in &listed {
            made.retain(key, &list.versions.iter().map(|version| version.version.as_str()).collect());
        }
        // A run that died, or never learned what became of its call, has made one more.
        if let Some(last) = &intended.observed.ledger.last {
            for (key, publishing) in &last.publishing {
                let versions = listed.get(key).into_iter().flat_map(|list| &list.versions);
                let versions = versions.filter(|version| may_be_of(last, &version.modified));
                made.claim(key, publishing, versions.map(ListedVersion::candidate));
                // The listing may have been too old for it, and PublishVersion returned it.
                let is_listed = |version: &str| listed.get(key).is_some_and(|list| list.has(version));
                if let Some(part) = release.parts.functions.get(key)
                    && part.code_sha256 == publishing.code_sha256
                    && !is_listed(&part.version)
                {
                    made.add(key, &part.version, &part.code_sha256);
                }
            }
            made = made.with(last);
        }
        let made = made.with(release);
        // What a rollback has read may be older than the lock, and it makes nothing.
        let is_news = !listed.is_empty() && made != observed.ledger.made;
        Self { listed, made, is_news }
    }
}

/// Whether a version may have been made by the run of a release, by when it was made: one that a person published long after the run had
/// died is not its own.
pub(super) fn may_be_of(release: &Release, modified: &str) -> bool {
    const LONGEST: SignedDuration = SignedDuration::from_mins(30);
    let began = release.started_at.parse::<Timestamp>().ok();
    began.zip(when(modified)).is_some_and(|(began, made)| made.duration_since(began) <= LONGEST)
}

/// What of the plan is looked at once more under the lock.
fn look<'a>(intended: &'a Intended<'_>) -> Look<'a> {
    let wanted = intended.plan.functions.iter().filter_map(|(key, function)| match &function.after {
        After::NewCode(Some(digest)) => Some((key.as_str(), digest.as_str())),
        After::LiveCode => Some((key.as_str(), function.before.code_sha256.as_str())),
        After::Same | After::NewCode(None) | After::Version(_) => None,
    });
    let definition = intended.plan.phases().iter().flatten().any(|step| *step == Step::CreateDeployment);
    Look { before: intended.observed, wanted: wanted.collect(), definition }
}

impl Engine<'_> {
    /// Makes the release. Returns it as it ended and, if it is not live, the reason: its class shows whether it was reverted.
    ///
    /// # Errors
    /// It was not begun.
    pub(super) async fn make(&self, intended: &Intended<'_>) -> Result<Attempt> {
        let Engine { environment, events, .. } = *self;
        self.interrupt().check()?;
        let mut release = self.intent(intended);
        let state = &intended.observed.ledger;
        let (holder, began) = (self.holder(state, &intended.plan.kind.to_string()), Instant::now());
        let lock = self.ledger().begin(&self.aws.table, state, holder, &mut release).await?;
        release.timings.lock = millis_since(began);
        events.emit(Event::ReleaseBegins(&environment.name, &release, intended.plan));
        let found = Box::pin(self.look_again(intended, &mut release)).await;
        let (applied, left) = match found {
            Ok(found) => {
                let applied = Box::pin(apply(&self.applying(intended, &lock, &found), &mut release)).await;
                let left = Left::behind(intended, found, &release);
                if left.is_news {
                    lock.note_made(left.made.clone());
                }
                (applied, Some(left))
            }
            Err(error) => {
                // Nothing was uploaded.
                release.publishing.clear();
                (Err(error), None)
            }
        };
        release.ended_at = Some(self.now());
        let began = Instant::now();
        let ended = match applied {
            Ok(()) => self.end_live(intended, &lock, &mut release).await,
            Err(error) => Err(self.end_failed(intended, &lock, &mut release, error).await),
        };
        release.timings.record = millis_since(began);
        if let Err(error) = &ended {
            self.show_errors(intended.observed, &release, error).await;
        }
        Ok(Attempt { release, ended, left })
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
            publishing: publish::intended(intended.plan, intended.observed),
            published: BTreeMap::new(),
            checks: Vec::new(),
            steps: intended.plan.phases().iter().flatten().map(StepRecord::planned).collect(),
            timings: intended.timings,
            reason: None,
            actor: self.actor(&intended.observed.ledger),
            run_url: self.config.process.run_url(),
            started_at: self.now(),
            ended_at: None,
            fencing_token: 0,
            beyond: Beyond::default(),
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

    /// Between the plan and the lock something may have been moved, for instance during the minutes of a build. What a rollback
    /// observed is a moment old: the fencing token excludes another run, the revisions of the aliases exclude anything else, and
    /// a rollback must not wait.
    async fn look_again<'b>(&self, intended: &'b Intended<'_>, release: &mut Release) -> Result<Found<'b>> {
        if let Goal::Parts(_) = intended.wanted.goal {
            return Ok(Found {
                observed: Cow::Borrowed(intended.observed),
                listed: BTreeMap::new(),
                without: Mutex::default(),
            });
        }
        let environment = self.environment;
        let (mut backoff, began) = (None, Instant::now());
        let look = look(intended);
        let (now, listed) = loop {
            let found = self.interrupt().or(again(self.config, environment, self.reader(), &look)).await?;
            let (mut now, listed) = (found.observed, found.listed);
            // The number was taken by the intent itself.
            now.ledger.last = intended.observed.ledger.last.clone();
            alarms::before::refuse_in_alarm(&now, intended.ignored)?;
            let planned = plan(intended.wanted, &now);
            if planned.as_ref().is_ok_and(|planned| planned == intended.plan) {
                break (now, listed);
            }
            // One read may be older than what this run has seen before.
            let again =
                || Backoff::new(self.world(), Pace::READ).waiting_for("a second look at what changed since the plan");
            if !backoff.get_or_insert_with(again).wait().await {
                planned?;
                return Err(Failure::refused(format!("`{}` changed while this run was preparing", environment.name))
                    .hint("run again: it starts from what is live now; nothing was changed by this one")
                    .into());
            }
        };
        // Its wait is over, and no longer shown.
        drop(backoff);
        release.timings.read_again = millis_since(began);
        // From here on with what was read under the lock: revisions from before the build may be old.
        Ok(Found { observed: Cow::Owned(now), listed, without: Mutex::default() })
    }

    fn applying<'b>(&'b self, intended: &'b Intended<'_>, lock: &'b AcquiredLock, found: &'b Found<'_>) -> Apply<'b> {
        Apply {
            engine: *self,
            lock,
            observed: &found.observed,
            listed: &found.listed,
            without_provisioned: &found.without,
            plan: intended.plan,
            packages: intended.packages,
            verifier: intended.verifier,
            ignored: intended.ignored,
        }
    }

    async fn end_live(&self, intended: &Intended<'_>, lock: &AcquiredLock, release: &mut Release) -> Result<()> {
        release.state = ReleaseState::Live;
        // A rollback is as stable as the release that it restores.
        let restored = if let Goal::Parts(target) = intended.wanted.goal { target.stable } else { true };
        release.stable = release.reason.is_none() && restored;
        let missing = || {
            Failure::new(Exit::NotReverted, format!("release {release} is live, but its record could not be written"))
                .hint("run `deployer deploy`, `promote` or `rollback` again: it writes the record as soon as this run's lock has expired")
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
        // Without the lock nothing may be moved any more: the run that has it now ends what is left. Whether it is really lost,
        // the ledger shows.
        if error.exit() == Exit::Locked && lock.progress(release).await.is_err() {
            return self.with_late_move(intended, error, release).await;
        }
        release.reason = Some(format!("{error:#}"));
        let began = release.state == ReleaseState::Shifting;
        if began {
            self.events.emit(Event::RevertBegins(release));
            // The lock is renewed before these moves too. A ledger that does not respond must not keep a bad release live.
            if let Err(lost) = lock.progress(release).await
                && lost.exit() == Exit::Locked
            {
                let lost = lost.context(format!("another run now finishes or reverts release {release}"));
                return self.with_late_move(intended, lost, release).await;
            }
            if let Err(stuck) = revert(self, lock, intended.observed, intended.verifier, release).await {
                // If this run may no longer revert, the next lock holder does.
                let Err(lost) = lock.still_ours() else { return not_reverted(lock, release, error, &stuck).await };
                let what = format!("release {release} failed, and another run now reverts it: {error:#}");
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

    /// Shows what the new versions logged while they took traffic: of the function whose check failed, else of the first few.
    async fn show_errors(&self, observed: &Observed, release: &Release, error: &anyhow::Error) {
        const FUNCTIONS: usize = 5;
        let took_traffic = matches!(release.state, ReleaseState::Reverted | ReleaseState::Shifting);
        let is_its_own = matches!(error.exit(), Exit::Reverted | Exit::NotReverted);
        if !took_traffic || !is_its_own || self.interrupt().check().is_err() {
            return;
        }
        let failed = error.downcast_ref::<verify::Failed>();
        // The log of the invocation was shown with the check.
        if failed.is_some_and(|failed| !failed.log.0.is_empty()) {
            return;
        }
        let is_meant = |key: &String| failed.is_none_or(|failed| failed.function == *key);
        let moved = release
            .parts
            .functions
            .iter()
            .filter(|(key, part)| is_meant(key) && release.previous_parts.functions.get(*key) != Some(part));
        let functions = moved.filter_map(|(key, part)| Some((key, &part.version, observed.functions.get(key)?)));
        let logs = functions.take(FUNCTIONS).map(async |(key, version, function)| {
            let shared = function.latest.settings.log_group();
            let streams = LogStreams::new(&function.resource.name, version, shared.as_deref());
            let log = verify::last_errors(self.reader(), &streams, &release.started_at).await;
            (format!("by version {version} of `{key}`, errors since the release began"), log)
        });
        for (title, log) in join_all(logs).await {
            self.events.log(&title, &log);
        }
    }

    /// A stage has no compare-and-swap: a move of a run that slept past its lease may have overwritten that of the next lock
    /// holder.
    async fn with_late_move(&self, intended: &Intended<'_>, lost: anyhow::Error, release: &Release) -> anyhow::Error {
        let tried = |step: &StepRecord| step.step == MOVE_STAGE && step.started_at.is_some();
        let Some(api) = intended.observed.ledger.contract.rest().filter(|_| release.steps.iter().any(tried)) else {
            return lost;
        };
        let found = self.reader().api.stage(&api.id, &api.stage).await;
        let what = match found {
            Ok(found) if release.parts.deployment.as_ref() != Some(&found.deployment) => return lost,
            Ok(found) => format!("the stage is at deployment `{}` of release {release}", found.deployment),
            Err(error) => format!("the deployment that the stage is at now is unknown: {error}"),
        };
        let message = format!("this run lost the lock while it moved stage `{}`, and {what}", api.stage);
        lost.context(Failure::new(Exit::Locked, message).hint(
            "run `deployer status`: if it shows drift, move the stage back, or keep it with `deployer deploy --adopt`",
        ))
    }
}

/// How many milliseconds have passed.
pub fn millis_since(began: Instant) -> Option<u64> {
    u64::try_from(began.elapsed().as_millis()).ok()
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
    // The next run fences off any call that may still be on its way: there is nothing to wait for.
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
            "log in again, then deploy or roll back: either first reverts to what was live; `deployer status` shows what is live"
        }
        false => {
            "old and new parts may be live together: `deployer status` shows them; the next deploy or rollback tries to revert again"
        }
    };
    error.context(Failure::new(Exit::NotReverted, what).hint(hint))
}
