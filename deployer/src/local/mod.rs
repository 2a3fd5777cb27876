//! The local AWS: environments on this machine, each with an account and a process of its own.
//!
//! `up` starts what is not running, builds, makes the stacks, and releases; `down` stops and removes everything. All files are in
//! `.deployer/local` beside `deployer.toml`, except downloads, which all checkouts share.

mod credentials;
mod emulator;
mod instance;
mod python;
mod stack;
mod terraform;
mod tool;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::pin::pin;

use anyhow::{Context as _, Result};
use futures::future::{Either, join_all, select};
use serde::Serialize;

use crate::artifact::{self, Checkout};
use crate::cli::LocalCommand;
use crate::commands::{self, Deploy};
use crate::config::{Access, Config, Contract, Environment, LocalAccess};
use crate::context::Context;
use crate::engine::Outcome;
use crate::failure::Failure;

use instance::Instance;
use python::Python;
use stack::Maker;

/// One environment, and the place of its local AWS.
#[derive(Debug, Clone)]
struct Place {
    environment: Environment,
    access: LocalAccess,
    folder: PathBuf,
}

/// The local AWS on this machine.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Local {
    /// Its environments by name.
    pub environments: BTreeMap<String, LocalEnvironment>,
    /// Commands to try next.
    #[serde(skip)]
    pub next: String,
}

/// One environment of the local AWS.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LocalEnvironment {
    /// Its AWS endpoint.
    pub endpoint: String,
    /// Its process, if it is running.
    pub process: Option<u32>,
    /// Where its API or its first Function URL responds, if something is deployed.
    pub url: Option<String>,
}

/// Runs one of the local commands.
pub async fn run(context: Context<'_>, command: LocalCommand) -> Result<Local> {
    let config = context.config;
    supported(std::env::consts::OS)?;
    let places = places(config)?;
    match command {
        LocalCommand::Up => up(context, &places).await,
        LocalCommand::Down => down(context, &places).await,
        LocalCommand::Status => Ok(look(context, &places, String::new()).await),
    }
}

/// The local AWS runs the functions' binaries natively, so it needs Linux.
fn supported(system: &str) -> Result<()> {
    if system == "linux" {
        return Ok(());
    }
    Err(Failure::bad_input(format!("the local AWS runs Linux binaries natively, but this system is `{system}`"))
        .hint("run it in a Linux virtual machine or container; all other commands work here")
        .into())
}

/// A file, folder or program of this machine that cannot be used.
fn cannot(action: &str, path: &Path) -> Failure {
    Failure::error(format!("cannot {action} `{}`", path.display()))
        .hint("check its permissions and the free space of its disk, then run again")
}

fn places(config: &Config) -> Result<Vec<Place>> {
    let places: Vec<_> = config
        .environments()
        .filter_map(|environment| {
            let Access::Local(access) = &environment.access else { return None };
            let folder = root(config).join(&environment.name);
            Some(Place { environment: environment.clone(), access: access.clone(), folder })
        })
        .collect();
    if places.is_empty() {
        return Err(Failure::bad_input(
            "no environment has a local AWS: `[local]` in `deployer.toml` is missing or empty",
        )
        .hint("add one to `[local]`, such as `dev = { port = 24566, account = \"111111111111\" }`")
        .into());
    }
    Ok(places)
}

fn root(config: &Config) -> PathBuf {
    config.root.join(crate::config::LOCAL_FOLDER)
}

/// Starts, builds, makes the stacks and releases, each only where needed. When interrupted, it stops what it started.
async fn up(context: Context<'_>, places: &[Place]) -> Result<Local> {
    let interrupt = &context.world.interrupt;
    interrupt.listen();
    let new: Vec<_> = places.iter().filter(|place| Instance::running(&place.folder).is_none()).collect();
    let view = made(context, places).await;
    if view.is_err() && interrupt.check().is_err() {
        for place in new {
            if let Some(instance) = Instance::running(&place.folder) {
                emulator::stop(&instance).await?;
                instance::forget(&place.folder)?;
            }
        }
    }
    view
}

async fn made(context: Context<'_>, places: &[Place]) -> Result<Local> {
    let Context { config, world, .. } = context;
    let interrupt = &world.interrupt;
    let (maker, python) = tokio::join!(Maker::find(config, interrupt.clone()), python::find(config));
    let (maker, python) = (maker?, python?);
    for place in places {
        instance::refuse_foreign_port(place)?;
    }
    let _alone = instance::alone(&root(config))?;
    let build = build(context, places);
    let stacks = stacks(context, places, &python, &maker);
    if config.local_stack.build_first {
        build.await?;
        stacks.await?;
    } else {
        side_by_side(build, stacks).await?;
    }
    for place in places {
        interrupt.check()?;
        let name = &place.environment.name;
        let released = Box::pin(commands::deploy(context, &place.environment, &Deploy::default())).await;
        let released = released.and_then(Outcome::succeeded);
        released.with_context(|| format!("the local AWS runs, but the release to `{name}` failed"))?;
    }
    Ok(look(context, places, next_steps(context, places).await).await)
}

/// Builds while the stacks are made. Without stacks the build is of no use, so it ends with the error. The stacks are made to their
/// end even if the build fails: the next run needs them.
async fn side_by_side(build: impl Future<Output = Result<()>>, stacks: impl Future<Output = Result<()>>) -> Result<()> {
    match select(pin!(build), pin!(stacks)).await {
        Either::Left((built, stacks)) => {
            stacks.await?;
            built
        }
        Either::Right((made, build)) => {
            made?;
            build.await
        }
    }
}

/// Builds the functions for environments that do not run yet. For the others the release does, where it has to.
async fn build(context: Context<'_>, places: &[Place]) -> Result<()> {
    let Context { config, world, events } = context;
    if places.iter().all(|place| Instance::running(&place.folder).is_some()) {
        return Ok(());
    }
    let _group = events.building(config.functions.keys());
    let build = async { artifact::build(config, &Checkout::read(config).await?, &artifact::folder(config)).await };
    world.interrupt.or(build).await.map(drop)
}

/// Installs the local AWS, starts what does not run, and makes the stacks.
async fn stacks(context: Context<'_>, places: &[Place], python: &Python, maker: &Maker<'_>) -> Result<()> {
    let Context { config, world, events } = context;
    let interpreter = python::environment(config, python, &world.interrupt, events).await?;
    // For the credentials.
    artifact::make_own_folder(config)?;
    // All run to their end even if one fails: Terraform that is stopped midway leaves a partial stack.
    let stacks = join_all(places.iter().map(|place| stack(context, place, &interpreter, maker))).await;
    stacks.into_iter().collect()
}

/// Starts one environment's process and makes its stack. A process that this run started is stopped if that fails.
async fn stack(context: Context<'_>, place: &Place, python: &Path, maker: &Maker<'_>) -> Result<()> {
    let name = &place.environment.name;
    let found = Instance::running(&place.folder);
    let instance = match &found {
        Some(instance) => instance.clone(),
        None => emulator::start(context, place, python).await?,
    };
    let made = maker.make(place, &instance, context.events).await;
    if made.is_err() && found.is_none() {
        emulator::stop(&instance).await?;
        instance::forget(&place.folder)?;
    }
    made.with_context(|| format!("failed to make the stack of `{name}`"))
}

/// Stops everything and removes its files, also those of environments that `deployer.toml` no longer has.
async fn down(context: Context<'_>, places: &[Place]) -> Result<Local> {
    let Context { config, events, .. } = context;
    let root = root(config);
    let _alone = instance::alone(&root)?;
    for (name, folder) in instance::folders(&root)? {
        if let Some(instance) = Instance::running(&folder) {
            emulator::stop(&instance).await?;
            events.progress("Stopped", &format!("`{name}`, process {}", instance.process));
        }
        instance::forget(&folder)?;
    }
    Ok(look(context, places, String::new()).await)
}

/// What is running, and at which URL.
async fn look(context: Context<'_>, places: &[Place], next: String) -> Local {
    let mut environments = BTreeMap::new();
    for place in places {
        let process = Instance::running(&place.folder).map(|instance| instance.process);
        let url = match process {
            Some(_) => url(context, place, Contract::front).await,
            None => None,
        };
        environments.insert(
            place.environment.name.clone(),
            LocalEnvironment { endpoint: place.access.endpoint(), process, url },
        );
    }
    Local { environments, next }
}

async fn url(context: Context<'_>, place: &Place, of: impl Fn(&Contract) -> Option<&str>) -> Option<String> {
    let Context { config, world, .. } = context;
    let reader = crate::aws::Reader::open(&place.environment, world).await;
    let state = crate::ledger::Ledger::new(&reader.table, &config.app)
        .with(place.environment.stack.as_ref())
        .read()
        .await
        .ok()?;
    crate::verify::reachable(&place.environment, of(&state.contract)?).ok()
}

/// Commands for a newcomer. The request is that of the first declared check that writes, else of the first check.
async fn next_steps(context: Context<'_>, places: &[Place]) -> String {
    let config = context.config;
    let mut text = String::new();
    let check = config.checks.iter().find(|check| check.writes).or(config.checks.first());
    if let (Some(place), Some(check)) = (places.first(), check)
        && let Some(request) = check.request()
        && let Some(url) = url(context, place, |contract| contract.url_of(&check.function)).await
    {
        let method = if request.method == "GET" { String::new() } else { format!("-X {} ", request.method) };
        let _ = writeln!(text, "\ntry it:\n  curl {method}{}", quoted(&format!("{url}{}", request.path)));
    }
    let name = places.first().map_or("dev", |place| place.environment.name.as_str());
    let _ = writeln!(text, "\nnext:");
    // In a checkout of the deployer itself, it is run by cargo.
    let by_cargo = config.process.get("CARGO_PKG_NAME").is_some_and(|name| name == env!("CARGO_PKG_NAME"));
    let program = if by_cargo { "cargo run -p deployer --" } else { "deployer" };
    for (arguments, what) in [
        ("--local status".to_owned(), "show what is live"),
        (format!("--local deploy {name}"), "release a change"),
        ("local down".to_owned(), "stop everything and clean up"),
    ] {
        let _ = writeln!(text, "  {program} {arguments:<22} # {what}");
    }
    text
}

/// A URL that the shell reads as one word and expands nothing of.
fn quoted(url: &str) -> String {
    match url.chars().all(|letter| letter.is_ascii_alphanumeric() || "./_-:%+,@".contains(letter)) {
        true => url.to_owned(),
        false => format!("'{}'", url.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ending::Ending as _;
    use crate::failure::Exit;

    #[test]
    fn a_system_that_cannot_run_the_functions_is_refused() {
        assert!(supported("linux").is_ok());
        let error = supported("macos").unwrap_err();
        assert_eq!(error.exit(), Exit::BadInput);
        assert!(error.to_string().contains("`macos`") && error.hint().is_some());
    }

    #[tokio::test]
    async fn a_build_ends_with_the_stacks_that_need_it() {
        let endless = std::future::pending();
        let failed = async { anyhow::bail!("Terraform failed") };
        assert_eq!(side_by_side(endless, failed).await.unwrap_err().to_string(), "Terraform failed");
    }

    #[tokio::test]
    async fn stacks_are_completed_though_the_build_failed() {
        let (send, made) = tokio::sync::oneshot::channel();
        let failed = async { anyhow::bail!("it does not compile") };
        let stacks = async {
            tokio::task::yield_now().await;
            send.send(()).unwrap();
            Ok(())
        };
        let error = side_by_side(failed, stacks).await.unwrap_err();
        assert_eq!(error.to_string(), "it does not compile");
        assert_eq!(made.await, Ok(()));
    }

    #[test]
    fn a_url_is_quoted_where_a_shell_would_expand_it() {
        assert_eq!(quoted("http://127.0.0.1:4566/dev/notes/1"), "http://127.0.0.1:4566/dev/notes/1");
        assert_eq!(quoted("http://x/$default/notes/1"), "'http://x/$default/notes/1'");
        assert_eq!(quoted("http://x/a?b=1&c=it's"), r"'http://x/a?b=1&c=it'\''s'");
    }
}
