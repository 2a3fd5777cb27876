//! `deployer`: releases AWS Lambda functions behind API Gateway, safely and fast.
//!
//! The rooms, in reading order; data flows one way through them, and a room imports only rooms before it, [`aws`]
//! and [`report`]:
//!
//! [`cli`] -> [`config`] -> [`artifact`] -> [`observe`] -> [`plan`] -> [`apply`] -> [`verify`] -> the ledger's record.

pub mod failure;

pub mod cli;
pub mod config;

pub mod artifact;
pub mod aws;
pub mod ledger;
pub mod observe;
pub mod plan;
pub mod verify;

pub mod apply;
pub mod doctor;
pub mod release;

pub mod local;
pub mod report;

use anyhow::Result;
use futures::future::try_join_all;

use cli::{Cli, Command};
use config::{Config, Environment, ProcessEnvironment};
use failure::Exit;
use report::{BuildView, Report, StatusView, View};

/// Runs one command and prints its result.
///
/// # Errors
/// Whatever kept the command from its end; see [`failure`] for its class and hint.
pub async fn run(mut cli: Cli, process: ProcessEnvironment, report: &Report) -> Result<Exit> {
    cli.global.local |= matches!(cli.command, Command::Local { .. });
    let config = Config::load(&cli.global, process)?;
    let named = |name: Option<String>| config.environment(name.as_deref()).cloned();
    match cli.command {
        Command::Build => done(report, &build(&config, report).await?),
        Command::Plan { environment, detailed_exitcode } => {
            let view = release::show_plan(&config, &named(environment)?).await?;
            report.result(&view)?;
            Ok(if detailed_exitcode && view.changes { Exit::Changes } else { Exit::Done })
        }
        Command::Deploy { environment } => done(report, &release::deploy(&config, &named(environment)?, report).await?),
        Command::Check { environment } => {
            let view = release::check(&config, &named(environment)?).await?;
            report.result(&view)?;
            Ok(if view.passed { Exit::Done } else { Exit::Error })
        }
        Command::Status { environment } => done(report, &status(&config, environment.as_deref()).await?),
        Command::Doctor { environment } => {
            let view = doctor::doctor(&config, &named(environment)?).await;
            report.result(&view)?;
            Ok(if view.problems() == 0 { Exit::Done } else { Exit::Error })
        }
        Command::Local { command } => local::run(&config, command, report).await,
    }
}

async fn build(config: &Config, report: &Report) -> Result<BuildView> {
    let sources = artifact::Sources::read(config).await?;
    Ok(BuildView::new(artifact::build(config, &sources, report).await?))
}

/// One environment, or all of them side by side.
async fn status(config: &Config, name: Option<&str>) -> Result<StatusView> {
    let wanted: Vec<&Environment> = match name {
        Some(name) => vec![config.environment(Some(name))?],
        None => config.environments().collect(),
    };
    let environments = try_join_all(wanted.into_iter().map(|environment| release::status(config, environment))).await?;
    Ok(StatusView { environments })
}

fn done(report: &Report, view: &impl View) -> Result<Exit> {
    report.result(view)?;
    Ok(Exit::Done)
}
