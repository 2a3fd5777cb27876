//! `rollback`: the parts of an earlier release, together, as they are. Builds nothing.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use futures::try_join;

use super::clock::Clock;
use super::{parts, target};
use crate::aws::Writer;
use crate::config::{Environment, Traffic};
use crate::context::Context;
use crate::engine::{Done, Engine, Intended, Outcome, Recovered};
use crate::failure::Failure;
use crate::ledger::{LedgerState, Release};
use crate::observe::{Observed, live, recall};
use crate::plan::{Goal, Wanted, plan};
use crate::retention;

/// How many releases next to one that cannot be restored are looked at, whether they are kept or not.
const NEAREST: usize = 5;

/// The options of `rollback`.
#[derive(Debug, Clone)]
pub struct Rollback {
    /// A number, `previous`, or the beginning of a commit.
    pub to: String,
    /// Go back to a release that was never stable too.
    pub force: bool,
    /// Record drift as a release, then go on.
    pub adopt: bool,
}

/// Goes back to an earlier release.
///
/// # Errors
/// See [`Engine::release`]; and everything that is refused before anything has changed.
pub async fn rollback(context: Context<'_>, environment: &Environment, options: &Rollback) -> Result<Outcome> {
    target::refuse_unreadable(&options.to).with_context(|| format!("cannot roll `{}` back", environment.name))?;
    let mut timings = Clock::start();
    let aws = Writer::open(environment, context.world).await;
    let engine = Engine::start(context, environment, &aws);
    let interrupt = engine.interrupt();
    let (mut state, mut history) = interrupt.or(read(&engine, &options.to)).await?;
    let recovered = engine.recover(&state).await?;
    if recovered != Recovered::Nothing {
        (state, history) = read(&engine, &options.to).await?;
    }
    if recovered == Recovered::WentBack && options.to == "previous" {
        // What was live before the unfinished release is live again: one more step back is not what was asked for.
        let observed = live(&aws.reader, state).await?;
        let verifier = engine.verifier(&observed)?;
        return Ok(engine.outcome(&observed, &verifier, Done::Nothing));
    }
    if options.adopt && adopted(&engine, &state, &history, options).await? {
        (state, history) = read(&engine, &options.to).await?;
    }
    let serving = state.live.clone().ok_or_else(|| no_release(environment))?;
    let chosen = target::target(&history, &serving, &options.to, options.force)
        .with_context(|| format!("cannot roll `{}` back", environment.name))?;
    let contract = state.contract.clone();
    let (observed, missing) = interrupt
        .or(async {
            let missing = async { Ok(parts::missing(&aws.reader, &contract, &serving.parts, chosen).await?) };
            try_join!(live(&aws.reader, state), missing)
        })
        .await?;
    let verifier = engine.verifier(&observed)?;
    let traffic = Traffic::default();
    let wanted = Wanted { goal: Goal::Parts(chosen), traffic: &traffic };
    let planned = plan(wanted, &observed)?;
    if planned.is_empty() && missing.is_empty() {
        return Ok(engine.outcome(&observed, &verifier, Done::Nothing));
    }
    if !missing.is_empty() {
        return Err(refusal(&engine, &observed, chosen, &missing).await);
    }
    timings.read();
    let intended = Intended {
        observed: &observed,
        wanted,
        plan: &planned,
        packages: &BTreeMap::new(),
        artifact: chosen.artifact.clone(),
        from: None,
        timings: timings.so_far(),
        ignored: &[],
        verifier: &verifier,
    };
    Box::pin(engine.release(&intended)).await
}

/// Records drift as a release, once it is sure that there is a release to go back to: a wrong target leaves nothing recorded.
async fn adopted(engine: &Engine<'_>, state: &LedgerState, history: &[Release], options: &Rollback) -> Result<bool> {
    let observed = live(engine.reader(), state.clone()).await?;
    let Some(serving) = &state.live else { return Err(no_release(engine.environment).into()) };
    // What `previous` is counted from, then.
    let found = Release { number: state.next_number()?, parts: observed.parts(), ..serving.clone() };
    let whole = match target::target(history, &found, &options.to, options.force) {
        Ok(_) => history.to_vec(),
        Err(_) => engine.ledger().history().await?,
    };
    let chosen = target::target(&whole, &found, &options.to, options.force)
        .with_context(|| format!("cannot roll `{}` back", engine.environment.name))?;
    let missing = parts::missing(engine.reader(), &state.contract, &found.parts, chosen).await?;
    if !missing.is_empty() {
        return Err(refusal(engine, &observed, chosen, &missing).await);
    }
    engine.adopt(&observed).await
}

fn no_release(environment: &Environment) -> Failure {
    Failure::refused(format!("`{}` has no release yet: there is nothing to go back to", environment.name))
        .hint(format!("`deployer deploy {}` makes the first one", environment.name))
}

/// The first round trip: the ledger, with its releases as far back as the one that is named.
async fn read(engine: &Engine<'_>, to: &str) -> Result<(LedgerState, Vec<Release>)> {
    let ledger = engine.ledger();
    let releases = async {
        // A number names an item: what came after it need not be read.
        let named = match to.parse() {
            Ok(number) => ledger.release(number).await?,
            Err(_) => None,
        };
        match named {
            Some(named) => Ok(vec![named]),
            None => ledger.recent(|seen: &[Release]| target::is_enough(seen, to)).await,
        }
    };
    try_join!(recall(engine.config, engine.environment, engine.reader()), releases)
}

/// Why that release cannot be gone back to, and the nearest one that can.
async fn refusal(engine: &Engine<'_>, observed: &Observed, chosen: &Release, missing: &[String]) -> anyhow::Error {
    let (kept, now) = (&engine.config.retention, engine.world().now());
    let is_enough = |seen: &[Release]| retention::is_enough(seen, kept.releases, kept.grace, now);
    let (serving, history) = (observed.parts(), engine.ledger().recent(is_enough).await.unwrap_or_default());
    let mut others: Vec<_> = history
        .iter()
        .filter(|release| release.stable && release.number != chosen.number && release.parts != serving)
        .collect();
    others.sort_by_key(|release| release.number.abs_diff(chosen.number));
    // What is not kept has been pruned, or may be at any time. Each look costs calls of every function.
    let kept = retention::kept_releases(&history, kept.releases, kept.grace, now);
    let is_kept = |release: &Release| kept.iter().any(|kept| kept.number == release.number);
    let mut nearest_ones = 0..NEAREST;
    others.retain(|release| nearest_ones.next().is_some() || is_kept(release));
    let mut nearest = None;
    for release in others {
        if parts::missing(&engine.aws.reader, &observed.ledger.contract, &serving, release)
            .await
            .is_ok_and(|gone| gone.is_empty())
        {
            nearest = Some(release);
            break;
        }
    }
    let hint = match nearest {
        Some(release) => format!("the nearest one that can be restored: `--to {}`", release.number),
        None => "no other stable release can be restored either: deploy the commit that you want".to_owned(),
    };
    let what = format!("release {chosen} cannot be restored: {}; nothing was changed", missing.join("; "));
    Failure::refused(what).hint(hint).into()
}
