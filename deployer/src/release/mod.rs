//! The spines: one file a verb, each line making the next one's input.

mod check;
mod deploy;
mod status;

use anyhow::{Context as _, Result};

use crate::apply::{Run, apply, take_back};
use crate::failure::{Exit, Failure};
use crate::ledger::{Release, ReleaseState};
use crate::observe::observe;
use crate::plan::{Wanted, plan};

pub use check::check;
pub use deploy::{deploy, show_plan};
pub use status::status;

/// Applies a plan under the lock, and ends the release whatever happens: live, failed, or taken back.
///
/// # Errors
/// Why the release is not live, with the class that says whether it was taken back.
async fn carry_out(run: &Run<'_>, wanted: Wanted<'_>, release: &mut Release) -> Result<()> {
    let applied = tokio::select! {
        applied = apply_if_still_true(run, wanted, release) => applied,
        signal = interrupted() => Err(signal),
    };
    release.ended_at = Some(jiff::Timestamp::now().to_string());
    let Err(error) = applied else {
        release.state = ReleaseState::Live;
        let what = format!("release {} serves, but its record could not be written", release.number);
        let missing = || Failure::new(Exit::NotTakenBack, what).hint("the lock stays held: see `deployer status`");
        return run.ledger.end(run.hold, release, run.observed.ledger.live.as_ref()).await.with_context(missing);
    };
    // Without the lock nothing may be moved any more: whoever has it now sees to what is left.
    if Failure::exit_of(&error) == Exit::LockHeld {
        return Err(error);
    }
    release.reason = Some(format!("{error:#}"));
    let began = release.state == ReleaseState::Shifting;
    match if began { take_back(run, release).await } else { Ok(()) } {
        Ok(()) => end_failed(run, release, began, error).await,
        Err(stuck) => Err(not_taken_back(run, release, error, &stuck).await),
    }
}

/// Between the plan and the lock somebody else may have moved something.
async fn apply_if_still_true(run: &Run<'_>, wanted: Wanted<'_>, release: &mut Release) -> Result<()> {
    let mut now = observe(run.config, run.environment, run.session).await?;
    // The number was taken by the intent itself.
    now.ledger.last_number = run.plan.release - 1;
    if plan(wanted, &now)? != *run.plan {
        return Err(Failure::refused(format!("`{}` changed while this run was preparing", run.environment.name))
            .hint("run again: it starts from what is live now; nothing was changed by this one")
            .into());
    }
    // From here on with what was read under the lock: the revisions of before the build may be old.
    apply(&Run { observed: &now, ..*run }, release).await
}

async fn end_failed(run: &Run<'_>, release: &mut Release, began: bool, error: anyhow::Error) -> Result<()> {
    release.state = if began { ReleaseState::RolledBack } else { ReleaseState::Failed };
    let ended = run.ledger.end(run.hold, release, None).await;
    let what = match (began, release.previous) {
        (false, _) => format!("release {} failed before any traffic moved", release.number),
        (true, 0) => format!("release {} failed and was taken back to the placeholder", release.number),
        (true, previous) => format!("release {} failed and was taken back to release {previous}", release.number),
    };
    let exit = if began { Exit::TakenBack } else { Failure::exit_of(&error) };
    let hint = Failure::hint_of(&error).unwrap_or("mend what failed, then run again").to_owned();
    let note = ended.err().map_or_else(String::new, |failed| format!("; the ledger could not be written: {failed:#}"));
    Err(error.context(Failure::new(exit, what + &note).hint(hint)))
}

/// The lock stays held: whoever comes next must know that the environment serves a mixture.
async fn not_taken_back(
    run: &Run<'_>,
    release: &Release,
    error: anyhow::Error,
    stuck: &anyhow::Error,
) -> anyhow::Error {
    let recorded = run.ledger.progress(run.hold, release).await;
    let note =
        recorded.err().map_or_else(String::new, |failed| format!("; and the ledger could not be written: {failed:#}"));
    let what = format!("release {} failed and could not be taken back: {stuck:#}{note}", release.number);
    error.context(
        Failure::new(Exit::NotTakenBack, what)
            .hint("the environment may serve a mixture: `deployer status` shows it; move it by hand"),
    )
}

/// Waits for SIGINT or SIGTERM.
async fn interrupted() -> anyhow::Error {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    let name = tokio::select! {
        _ = interrupt.recv() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
    };
    Failure::error(format!("interrupted by {name}"))
        .hint("run again when you are ready: it starts from what is live")
        .into()
}
