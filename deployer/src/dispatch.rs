//! From a parsed command line to what a command does, and from its result to how it is shown: the one place that connects [`crate::commands`]
//! and [`crate::report`].

use std::path::{Path, PathBuf};

use anyhow::Result;
use futures::future::join_all;

use crate::aws::{self, AwsError, Kind};
use crate::cli::{Cli, Command, Configured, ContractCommand, InitArguments, LocalCommand, Start};
use crate::commands::{Deploy, Idle, Promote, Rollback};
use crate::config::{Config, Environment, ProcessEnvironment};
use crate::context::Context;
use crate::ending::Ending as _;
use crate::engine::Outcome;
use crate::events::Events;
use crate::failure::{Exit, Failure};
use crate::guard::Guard;
use crate::init::{Choice, Init};
use crate::notices::narrated;
use crate::report::{
    BuildView, Chart, CheckView, ContractView, Detail, DiffView, DoctorView, EnvironmentStatus, GuardView, HistoryView,
    IdleView, InitView, Lane, Page, PageView, PlanView, PruneView, ReleaseView, Report, Repository, StatusView,
    UnlockView, View, WrittenView,
};
use crate::world::World;
use crate::{artifact, commands, completions, doctor, guard, init, local, man, report};

/// Runs one command and prints its result.
///
/// # Errors
/// The command failed; see [`crate::failure`] for the class and the hint.
pub async fn run(mut cli: Cli, process: ProcessEnvironment, world: &World, report: &Report) -> Result<Exit> {
    match cli.command {
        Command::Completions { shell } => report.text(&completions::script(shell)?).map(|()| Exit::Done),
        Command::Man { folder: None } => report.text(&man::main_page()?).map(|()| Exit::Done),
        Command::Man { folder: Some(folder) } => {
            let pages = man::write(&folder)?;
            let events: &dyn Events = report;
            events.progress("Wrote", &format!("{pages} pages to `{}`", folder.display()));
            Ok(Exit::Done)
        }
        Command::Guard { plan, text, retired } => {
            let guarded = guard::guard(&Guard { plan, text, retired }, report)?;
            ended(report, &GuardView::new(&guarded), guarded.refused)
        }
        Command::Init(arguments) => {
            init::refuse_local(&cli.global, &process)?;
            let options = init_options(arguments, cli.global.config);
            let initialized = narrated(world, report, init::init(&options, process, world, report)).await;
            changed(report, &InitView::new(initialized?))
        }
        Command::Configured(command) => {
            cli.global.local |= matches!(command, Configured::Local { .. });
            let mut config = Config::load(&cli.global, process)?;
            if command.is_recorded() && config.process.github_actor().is_none() {
                config.author = artifact::author(&config).await;
            }
            let starts_it = matches!(command, Configured::Local { .. });
            // On the heap, like the longest parts of it: unoptimized, the whole of a run is more than a thread's stack takes.
            let work = Box::pin(configured(Context { config: &config, world, events: report }, report, command));
            let ended = narrated(world, report, work).await;
            let ended = ended.map_err(|error| if starts_it { error } else { with_local(error, &config) });
            ended.map_err(|error| aws::explained(error, config.process.web_identity_token().as_deref()))
        }
    }
}

/// An error that the local AWS explains, or that it would avoid.
fn with_local(error: anyhow::Error, config: &Config) -> anyhow::Error {
    let Some(call) = error.downcast_ref::<AwsError>().filter(|_| error.downcast_ref::<Failure>().is_none()) else {
        return error;
    };
    if config.local && call.kind == Kind::Unreachable {
        return error.context(Failure::error("the local AWS is not running").hint("run `deployer local up`"));
    }
    match (call.why_no_credentials(), error.hint()) {
        (Some(reason), Some(hint)) if !config.local && config.has_local => {
            Failure::bad_input(format!("no AWS credentials were found: {reason}"))
                .hint(format!("pass `--local` for the local AWS; for the real AWS, {hint}"))
                .into()
        }
        _ => error,
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
        Configured::Build { out } => changed(report, &build(context, out.as_deref()).await?),
        Configured::Plan { environment, artifact, detailed_exitcode } => {
            let options = Deploy { artifact, ..Deploy::default() };
            let environment = named(environment)?;
            let view = PlanView::new(&environment.name, commands::show_plan(context, environment, &options).await?);
            report.result(&view)?;
            Ok(if detailed_exitcode && view.changes { Exit::Changes } else { Exit::Done })
        }
        Configured::Deploy { environment, artifact, at_once, downgrade, timings, start } => {
            let options = Deploy { artifact, at_once, downgrade, ..Deploy::from(start) };
            let outcome = commands::deploy(context, named(environment)?, &options).await?;
            released(report, outcome, Chart::of(timings))
        }
        Configured::Promote { from, to, artifact, at_once, downgrade, allow_definition_diff, timings, start } => {
            let ((from, release), to) = (config.environment_at(&from)?, config.environment(Some(&to))?);
            let options =
                Promote { release, artifact, at_once, downgrade, allow_definition_diff, ..Promote::from(start) };
            released(report, commands::promote(context, from, to, &options).await?, Chart::of(timings))
        }
        Configured::Rollback { environment, to, force, adopt, timings } => {
            let options = Rollback { to, force, adopt };
            let outcome = commands::rollback(context, named(environment)?, &options).await?;
            released(report, outcome, Chart::of(timings))
        }
        Configured::Check { environment } => {
            let view = check(context, named(environment)?).await?;
            report.result(&view)?;
            Ok(if view.passed { Exit::Done } else { Exit::Error })
        }
        Configured::Status { environment, idle: true, artifact, downgrade, .. } => {
            done(report, &idle(context, named(environment)?, Idle { artifact, downgrade }).await?)
        }
        Configured::Status { environment, wide, .. } => {
            done(report, &status(context, environment.as_deref(), Detail::of(wide)).await?)
        }
        Configured::Diff { from, to, wide } => done(report, &diff(context, (&from, &to), Detail::of(wide)).await?),
        Configured::History { environment, limit, html: Some(file), .. } => {
            history_page(context, report, (environment.as_deref(), limit), &file).await
        }
        Configured::History { environment, limit, html: None, wide } => {
            done(report, &history(context, named(environment)?, (limit, Detail::of(wide))).await?)
        }
        Configured::Prune { environment, yes } => prune(context, report, named(environment)?, yes).await,
        Configured::Unlock { environment, force } => {
            changed(report, &unlock(context, named(environment)?, force).await?)
        }
        Configured::Doctor { environment, wide } => {
            doctor(context, report, named(environment)?, Detail::of(wide)).await
        }
        Configured::Contract { command } => contract(context, report, command).await,
        Configured::Local { command: LocalCommand::Status } => {
            done(report, &local::run(context, LocalCommand::Status).await?)
        }
        Configured::Local { command } => changed(report, &Box::pin(local::run(context, command)).await?),
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

async fn idle(context: Context<'_>, environment: &Environment, options: Idle) -> Result<IdleView> {
    commands::idle(context, environment, &options).await?;
    Ok(IdleView::new(&environment.name))
}

async fn diff(context: Context<'_>, (from, to): (&str, &str), detail: Detail) -> Result<DiffView> {
    let (from, to) = (context.config.environment_at(from)?, context.config.environment(Some(to))?);
    Ok(DiffView::new(commands::diff(context, from, to).await?, detail))
}

async fn history(
    context: Context<'_>,
    environment: &Environment,
    (limit, detail): (usize, Detail),
) -> Result<HistoryView> {
    Ok(HistoryView::new(&environment.name, commands::history(context, environment, limit).await?, detail))
}

async fn doctor(context: Context<'_>, report: &Report, environment: &Environment, detail: Detail) -> Result<Exit> {
    let view = DoctorView::new(&environment.name, doctor::doctor(context, environment).await, detail);
    report.result(&view)?;
    Ok(if view.problems() == 0 { Exit::Done } else { Exit::Error })
}

/// The page of one environment, or of all of them. One that cannot be reached is named on it, and does not hide the others.
async fn history_page(
    context: Context<'_>,
    report: &Report,
    (name, limit): (Option<&str>, usize),
    file: &Path,
) -> Result<Exit> {
    let Context { config, world, events } = context;
    let wanted: Vec<&Environment> = match name {
        None if config.environments().next().is_some() => config.environments().collect(),
        name => vec![config.environment(name)?],
    };
    let read = join_all(wanted.iter().map(|environment| commands::history(context, environment, limit))).await;
    let (mut lanes, mut errors) = (Vec::new(), Vec::new());
    for (environment, read) in wanted.iter().zip(read) {
        match read {
            Ok(releases) => lanes.push(Lane::new(&environment.name, releases, limit)),
            Err(error) => {
                events.warn(&format!("the releases of `{}` cannot be read: {error:#}", environment.name));
                lanes.push(Lane::unknown(&environment.name, &error));
                errors.push(error);
            }
        }
    }
    if let Some(error) = errors.into_iter().next().filter(|_| lanes.iter().all(|lane| lane.error().is_some())) {
        return Err(error);
    }
    let repository = artifact::repository(config).await.and_then(|address| Repository::of(&address));
    let view = PageView::new(file, &lanes);
    let page = Page::new(&config.app, lanes, repository, world.now()).html();
    if file == Path::new("-") {
        return report.text(page.as_bytes()).map(|()| Exit::Done);
    }
    report::write_page(file, &page)?;
    changed(report, &view)
}

async fn prune(context: Context<'_>, report: &Report, environment: &Environment, remove: bool) -> Result<Exit> {
    let view = PruneView::new(&environment.name, commands::prune(context, environment, remove).await?);
    match remove {
        true => report.result_of_change(&view),
        false => report.result(&view)?,
    }
    Ok(if view.is_done() { Exit::Done } else { Exit::Error })
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
            changed(report, &WrittenView::new(&environment.name, written))
        }
    }
}

async fn unlock(context: Context<'_>, environment: &Environment, force: bool) -> Result<UnlockView> {
    Ok(UnlockView::new(&environment.name, commands::unlock(context, environment, force).await?))
}

/// One environment, or all of them side by side.
async fn status(context: Context<'_>, name: Option<&str>, detail: Detail) -> Result<StatusView> {
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
    // An environment that cannot be read does not hide the others; if none can, that is the result.
    match unknown.into_iter().next() {
        Some(error) if environments.iter().all(EnvironmentStatus::is_unknown) => Err(error),
        _ => Ok(StatusView { environments, detail }),
    }
}

/// The end of a release, also of a failed one.
fn released(report: &Report, outcome: Outcome, chart: Chart) -> Result<Exit> {
    let view = ReleaseView::new(&outcome).timed(chart);
    match outcome.failed {
        None => changed(report, &view),
        Some(_) => ended(report, &view, outcome.failed),
    }
}

/// A command that failed has a page too.
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

/// The same for a command that changes something: its exit code must be true even if its result cannot be written.
fn changed(report: &Report, view: &impl View) -> Result<Exit> {
    report.result_of_change(view);
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(kind: Kind, reason: &str, local: bool) -> (String, String) {
        let file = "app = \"shop\"\nfunctions.api = {}\nenvironments.dev = { ledger = \"l\", region = \"eu-west-1\" }\n\
                    [local]\ndev = { port = 24566, account = \"111111111111\" }\n";
        let config = Config::parse(file, Path::new("deployer.toml"), local, ProcessEnvironment::default()).unwrap();
        let call = AwsError::found(kind, "GetCallerIdentity", "the credentials", reason);
        let error = with_local(call.into(), &config);
        (format!("{error:#}"), error.hint().unwrap_or_default().to_owned())
    }

    #[test]
    fn without_credentials_the_hint_names_the_local_aws() {
        let reason = "no AWS credentials were found: not enabled";
        let (message, hint) = explained(Kind::NoCredentials, reason, false);
        assert_eq!(message, reason);
        assert!(hint.starts_with("pass `--local` for the local AWS; for the real AWS, log in"), "{hint}");
        assert!(!hint.contains("an hour"), "{hint}");
    }

    #[test]
    fn a_local_aws_that_does_not_respond_is_not_running() {
        let (message, hint) = explained(Kind::Unreachable, "the endpoint does not respond", true);
        assert!(message.starts_with("the local AWS is not running: "), "{message}");
        assert_eq!(hint, "run `deployer local up`");
    }
}
