//! `deployer`: releases AWS Lambda functions behind API Gateway, safely and fast.
//!
//! The rooms, in reading order; data flows one way through them, and a room imports only rooms before it, [`aws`]
//! and [`report`]:
//!
//! [`cli`] -> [`config`] -> [`artifact`] -> [`observe`] -> [`plan`] -> [`apply`] -> [`verify`] -> the ledger's record.
//!
//! | room | what happens there |
//! |---|---|
//! | [`artifact`] | sources to zips, with a manifest |
//! | [`aws`] | single calls, in our words; the only room that names an SDK type |
//! | [`ledger`] | the contract, the lock with its lease and fence, the releases |
//! | [`observe`], [`plan`] | what is, and what would be done: a value |
//! | [`apply`], [`verify`] | the steps and the way back; whether the new parts answer as declared |
//! | [`release`] | the spines: one file a verb |
//! | [`retention`], [`doctor`] | what may go; what is wrong with a stack |
//! | [`guard`] | what in a plan of Terraform's would cut live traffic |

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

pub mod interrupt;
pub mod poll;
pub mod scope;
pub mod world;

pub mod apply;
pub mod doctor;
pub mod guard;
pub mod release;

pub mod local;
pub mod report;

use std::path::Path;

use anyhow::Result;
use futures::future::join_all;

use cli::{Cli, Command, Configured, Start};
use config::{Config, Environment, ProcessEnvironment};
use failure::Exit;
use guard::Guard;
use release::{Deploy, Idle, Promote, Rollback};
use report::{BuildView, EnvironmentStatus, Report, StatusView, View};
use scope::Context;
use world::World;

/// Runs one command and prints its result.
///
/// # Errors
/// Whatever kept the command from its end; see [`failure`] for its class and hint.
pub async fn run(mut cli: Cli, process: ProcessEnvironment, world: &World, report: &Report) -> Result<Exit> {
    match cli.command {
        Command::Completions { shell } => report.completions(shell).map(|()| Exit::Done),
        Command::Guard { plan, text, retired } => done(report, &guard::guard(&Guard { plan, text, retired }, report)?),
        Command::Configured(command) => {
            cli.global.local |= matches!(command, Configured::Local { .. });
            let config = Config::load(&cli.global, process)?;
            configured(Context { config: &config, world, report }, command).await
        }
    }
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

async fn configured(context: Context<'_>, command: Configured) -> Result<Exit> {
    let Context { config, report, .. } = context;
    let named = |name: Option<String>| config.environment(name.as_deref());
    match command {
        Configured::Build { out } => done(report, &build(config, out.as_deref(), report).await?),
        Configured::Plan { environment, artifact, detailed_exitcode } => {
            let told = Deploy { artifact, ..Deploy::default() };
            let view = release::show_plan(context, named(environment)?, &told).await?;
            report.result(&view)?;
            Ok(if detailed_exitcode && view.changes { Exit::Changes } else { Exit::Done })
        }
        Configured::Deploy { environment, artifact, at_once, downgrade, start } => {
            let told = Deploy { artifact, at_once, downgrade, ..Deploy::from(start) };
            done(report, &release::deploy(context, named(environment)?, &told).await?)
        }
        Configured::Promote { from, to, artifact, at_once, downgrade, allow_definition_diff, start } => {
            let ((from, release), to) = (config.environment_at(&from)?, config.environment(Some(&to))?);
            let told = Promote { release, artifact, at_once, downgrade, allow_definition_diff, ..Promote::from(start) };
            done(report, &release::promote(context, from, to, &told).await?)
        }
        Configured::Rollback { environment, to, force, adopt } => {
            let told = Rollback { to, force, adopt };
            done(report, &release::rollback(context, named(environment)?, &told).await?)
        }
        Configured::Check { environment } => {
            let view = release::check(context, named(environment)?).await?;
            report.result(&view)?;
            Ok(if view.passed { Exit::Done } else { Exit::Error })
        }
        Configured::Status { environment, idle: true, artifact, downgrade } => {
            let told = Idle { artifact, downgrade };
            done(report, &release::idle(context, named(environment)?, &told).await?)
        }
        Configured::Status { environment, .. } => done(report, &status(context, environment.as_deref()).await?),
        Configured::History { environment, limit } => {
            done(report, &release::history(context, named(environment)?, limit).await?)
        }
        Configured::Prune { environment, yes } => {
            let view = release::prune(context, named(environment)?, yes).await?;
            report.result(&view)?;
            Ok(if view.is_done() { Exit::Done } else { Exit::Error })
        }
        Configured::Unlock { environment, force } => {
            done(report, &release::unlock(context, named(environment)?, force).await?)
        }
        Configured::Doctor { environment } => {
            let view = doctor::doctor(context, named(environment)?).await;
            report.result(&view)?;
            Ok(if view.problems() == 0 { Exit::Done } else { Exit::Error })
        }
        Configured::Local { command } => local::run(context, command).await,
    }
}

async fn build(config: &Config, out: Option<&Path>, report: &Report) -> Result<BuildView> {
    let checkout = artifact::Checkout::read(config).await?;
    let folder = out.map_or_else(|| artifact::folder(config), Path::to_path_buf);
    let _group = report.building(config.functions.keys());
    let (built, checked) = artifact::build(config, &checkout, &folder).await?;
    checked.warning.iter().for_each(|warning| report.warn(warning));
    Ok(BuildView::new(built))
}

/// One environment, or all of them side by side.
async fn status(context: Context<'_>, name: Option<&str>) -> Result<StatusView> {
    let config = context.config;
    let wanted: Vec<&Environment> = match name {
        Some(name) => vec![config.environment(Some(name))?],
        None => config.environments().collect(),
    };
    let read = wanted.iter().map(|environment| release::status(context, environment));
    let (mut environments, mut unknown) = (Vec::new(), Vec::new());
    for (environment, status) in wanted.iter().zip(join_all(read).await) {
        environments.push(status.unwrap_or_else(|error| {
            let status = StatusView::unknown(&environment.name, &error);
            unknown.push(error);
            status
        }));
    }
    // One that cannot be reached does not hide the others; if none can, that is the answer.
    match unknown.into_iter().next() {
        Some(error) if environments.iter().all(EnvironmentStatus::is_unknown) => Err(error),
        _ => Ok(StatusView { environments }),
    }
}

fn done(report: &Report, view: &impl View) -> Result<Exit> {
    report.result(view)?;
    Ok(Exit::Done)
}
