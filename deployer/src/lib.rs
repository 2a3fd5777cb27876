//! `deployer`: releases AWS Lambda functions behind API Gateway, safely and fast.
//!
//! The modules, in reading order; data flows one way through them, and a module imports only those before it, [`aws`] and
//! [`ledger`]; [`report`] sits on top, and shows the [`events`] and results of all of them:
//!
//! [`cli`] -> [`config`] -> [`artifact`] -> [`observe`] -> [`plan`] -> [`verify`] -> [`engine`] -> [`commands`] -> [`report`].
//!
//! | module | what happens there |
//! |---|---|
//! | [`artifact`] | sources to packages, with a manifest |
//! | [`aws`] | single calls of AWS, in two types: what looks, and what changes |
//! | [`ledger`] | the contract, the lock with its lease and fencing token, the releases |
//! | [`observe`], [`plan`] | what is, and what would be done: a value |
//! | [`verify`] | whether the new parts respond as declared |
//! | [`engine`] | the lock, the phases, the way back, the record |
//! | [`commands`] | one file each, over the engine |
//! | [`retention`], [`doctor`] | what may go; what is wrong with a stack |
//! | [`guard`] | what in a plan of Terraform's would cut live traffic |
//! | [`init`] | a first `deployer.toml` for what is there already |
//! | [`local`] | the local AWS |

pub mod ending;
pub mod failure;

pub mod cli;
pub mod config;

pub mod artifact;
pub mod aws;
pub mod ledger;
pub mod observe;
pub mod plan;
pub mod retention;
pub mod verify;

pub mod backoff;
pub mod context;
pub mod events;
pub mod interrupt;
pub mod rates;
pub mod world;

pub mod engine;

pub mod commands;
pub mod doctor;
pub mod guard;
pub mod init;

pub mod local;
pub mod report;

#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod general;

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use futures::future::join_all;

use cli::{Cli, Command, Configured, ContractCommand, InitArguments, Start};
use commands::{Deploy, Idle, Promote, Rollback};
use config::{Config, Environment, ProcessEnvironment};
use context::Context;
use engine::Outcome;
use events::Events;
use failure::Exit;
use guard::Guard;
use init::{Choice, Init};
use report::{
    BuildView, CheckView, ContractView, DoctorView, EnvironmentStatus, GuardView, HistoryView, IdleView, InitView,
    PlanView, PruneView, ReleaseView, Report, StatusView, UnlockView, View, WrittenView,
};
use world::World;

/// Runs one command and prints its result.
///
/// # Errors
/// Whatever kept the command from its end; see [`failure`] for its class and hint.
pub async fn run(mut cli: Cli, process: ProcessEnvironment, world: &World, report: &Report) -> Result<Exit> {
    match cli.command {
        Command::Completions { shell } => report.completions(shell).map(|()| Exit::Done),
        Command::Guard { plan, text, retired } => {
            let guarded = guard::guard(&Guard { plan, text, retired }, report)?;
            ended(report, &GuardView::new(&guarded), guarded.refused)
        }
        Command::Init(arguments) => {
            init::refuse_local(&cli.global, &process)?;
            let options = init_options(arguments, cli.global.config);
            let work = init::init(&options, process, world, report);
            let initialized =
                tokio::select! { biased; done = work => done, never = show_waits(world, report) => match never {} };
            done(report, &InitView::new(initialized?))
        }
        Command::Configured(command) => {
            cli.global.local |= matches!(command, Configured::Local { .. });
            let config = Config::load(&cli.global, process)?;
            let work = configured(Context { config: &config, world, events: report }, report, command);
            tokio::select! { biased; ended = work => ended, never = show_waits(world, report) => match never {} }
        }
    }
}

/// How often a wait that goes on is shown.
const SHOWN_EVERY: Duration = Duration::from_secs(10);

/// Shows what is waited for, when the rates of AWS make a run wait.
async fn show_waits(world: &World, events: &dyn Events) -> Infallible {
    loop {
        let queue = world.rates().crowded().await;
        events.progress("Waiting", &queue.to_string());
        tokio::time::sleep(SHOWN_EVERY).await;
    }
}

fn init_options(arguments: InitArguments, file: Option<PathBuf>) -> Init {
    let InitArguments { environment, app, name, tag, cloudformation, alias, ledger, region, profile, yes } = arguments;
    let choice = match (name, tag, cloudformation) {
        (Some(name), ..) => Choice::Name(name),
        (_, Some((key, value)), _) => Choice::Tag(key, value),
        (.., Some(stack)) => Choice::stack(stack),
        _ => Choice::App,
    };
    Init { environment, app, ledger, region, profile, alias, choice, file, yes }
}

impl From<Start> for Deploy {
    fn from(Start { adopt, ignore_alarms, ignore_expiry }: Start) -> Self {
        Self { adopt, ignore_alarms, ignore_expiry, ..Self::default() }
    }
}

impl From<Start> for Promote {
    fn from(Start { adopt, ignore_alarms, ignore_expiry }: Start) -> Self {
        Self { adopt, ignore_alarms, ignore_expiry, ..Self::default() }
    }
}

async fn configured(context: Context<'_>, report: &Report, command: Configured) -> Result<Exit> {
    let config = context.config;
    let named = |name: Option<String>| config.environment(name.as_deref());
    match command {
        Configured::Build { out } => done(report, &build(context, out.as_deref()).await?),
        Configured::Plan { environment, artifact, detailed_exitcode } => {
            let options = Deploy { artifact, ..Deploy::default() };
            let environment = named(environment)?;
            let view = PlanView::new(&environment.name, commands::show_plan(context, environment, &options).await?);
            report.result(&view)?;
            Ok(if detailed_exitcode && view.changes { Exit::Changes } else { Exit::Done })
        }
        Configured::Deploy { environment, artifact, at_once, downgrade, start } => {
            let options = Deploy { artifact, at_once, downgrade, ..Deploy::from(start) };
            released(report, commands::deploy(context, named(environment)?, &options).await?)
        }
        Configured::Promote { from, to, artifact, at_once, downgrade, allow_definition_diff, start } => {
            let ((from, release), to) = (config.environment_at(&from)?, config.environment(Some(&to))?);
            let options =
                Promote { release, artifact, at_once, downgrade, allow_definition_diff, ..Promote::from(start) };
            released(report, commands::promote(context, from, to, &options).await?)
        }
        Configured::Rollback { environment, to, force, adopt } => {
            let options = Rollback { to, force, adopt };
            released(report, commands::rollback(context, named(environment)?, &options).await?)
        }
        Configured::Check { environment } => {
            let view = check(context, named(environment)?).await?;
            report.result(&view)?;
            Ok(if view.passed { Exit::Done } else { Exit::Error })
        }
        Configured::Status { environment, idle: true, artifact, downgrade } => {
            let options = Idle { artifact, downgrade };
            let environment = named(environment)?;
            commands::idle(context, environment, &options).await?;
            done(report, &IdleView::new(&environment.name))
        }
        Configured::Status { environment, .. } => done(report, &status(context, environment.as_deref()).await?),
        Configured::History { environment, limit } => {
            done(report, &history(context, named(environment)?, limit).await?)
        }
        Configured::Prune { environment, yes } => {
            let view = prune(context, named(environment)?, yes).await?;
            report.result(&view)?;
            Ok(if view.is_done() { Exit::Done } else { Exit::Error })
        }
        Configured::Unlock { environment, force } => done(report, &unlock(context, named(environment)?, force).await?),
        Configured::Doctor { environment } => {
            let view = doctor(context, named(environment)?).await;
            report.result(&view)?;
            Ok(if view.problems() == 0 { Exit::Done } else { Exit::Error })
        }
        Configured::Contract { command } => contract(context, report, command).await,
        Configured::Local { command } => done(report, &local::run(context, command).await?),
    }
}

async fn build(context: Context<'_>, out: Option<&Path>) -> Result<BuildView> {
    let Context { config, events, .. } = context;
    let checkout = artifact::Checkout::read(config).await?;
    let folder = out.map_or_else(|| artifact::folder(config), Path::to_path_buf);
    let _build = events.building(config.functions.keys());
    let (built, checked) = artifact::build(config, &checkout, &folder).await?;
    checked.warning.iter().for_each(|warning| events.warn(warning));
    Ok(BuildView::new(built))
}

async fn check(context: Context<'_>, environment: &Environment) -> Result<CheckView> {
    Ok(CheckView::new(&environment.name, commands::check(context, environment).await?))
}

async fn history(context: Context<'_>, environment: &Environment, limit: usize) -> Result<HistoryView> {
    Ok(HistoryView::new(&environment.name, commands::history(context, environment).await?, limit))
}

async fn prune(context: Context<'_>, environment: &Environment, remove: bool) -> Result<PruneView> {
    Ok(PruneView::new(&environment.name, commands::prune(context, environment, remove).await?))
}

async fn contract(context: Context<'_>, report: &Report, command: ContractCommand) -> Result<Exit> {
    let named = |name: Option<String>| context.config.environment(name.as_deref());
    match command {
        ContractCommand::Show { environment } => {
            done(report, &ContractView::new(commands::show_contract(context, named(environment)?).await?)?)
        }
        ContractCommand::Write { environment, yes } => {
            let environment = named(environment)?;
            let written = commands::write_contract(context, environment, yes).await?;
            done(report, &WrittenView::new(&environment.name, written))
        }
    }
}

async fn unlock(context: Context<'_>, environment: &Environment, force: bool) -> Result<UnlockView> {
    Ok(UnlockView::new(&environment.name, commands::unlock(context, environment, force).await?))
}

async fn doctor(context: Context<'_>, environment: &Environment) -> DoctorView {
    DoctorView::new(&environment.name, doctor::doctor(context, environment).await)
}

/// One environment, or all of them side by side.
async fn status(context: Context<'_>, name: Option<&str>) -> Result<StatusView> {
    let config = context.config;
    let wanted: Vec<&Environment> = match name {
        Some(name) => vec![config.environment(Some(name))?],
        None if config.environments().next().is_none() => vec![config.environment(Some("dev"))?],
        None => config.environments().collect(),
    };
    let read = wanted.iter().map(|environment| commands::status(context, environment));
    let (mut environments, mut unknown) = (Vec::new(), Vec::new());
    for (environment, status) in wanted.iter().zip(join_all(read).await) {
        environments.push(match status {
            Ok((observed, url)) => {
                EnvironmentStatus::new(&environment.name, &observed, url).with_unchecked(config.unchecked(environment))
            }
            Err(error) => {
                let status = StatusView::unknown(&environment.name, &error);
                unknown.push(error);
                status
            }
        });
    }
    // One that cannot be reached does not hide the others; if none can, that is the result.
    match unknown.into_iter().next() {
        Some(error) if environments.iter().all(EnvironmentStatus::is_unknown) => Err(error),
        _ => Ok(StatusView { environments }),
    }
}

/// Of a release, also of one that failed.
fn released(report: &Report, outcome: Outcome) -> Result<Exit> {
    ended(report, &ReleaseView::new(&outcome), outcome.failed)
}

/// What failed has a page all the same.
fn ended(report: &Report, view: &impl View, failed: Option<anyhow::Error>) -> Result<Exit> {
    match failed {
        None => done(report, view),
        Some(error) => {
            report.failed(view);
            Err(error)
        }
    }
}

fn done(report: &Report, view: &impl View) -> Result<Exit> {
    report.result(view)?;
    Ok(Exit::Done)
}
