//! `init`: a first `deployer.toml` for existing functions.
//!
//! Takes a folder with sources, and an account with functions. Returns the file, validated like any other; creates the ledger's table
//! if it is missing; and records what is live as release 1. It asks before it changes anything in the account, and never changes
//! a function, an alias or an API.

mod account;
mod api;
mod cargo;
mod file;
mod functions;
mod ledgers;
mod package;
mod project;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::aws::Writer;
use crate::backoff::{Backoff, Pace};
use crate::cli::Global;
use crate::config::{Access, Config, Contract, Environment, FILE_NAME, ProcessEnvironment, Traffic, is_plain};
use crate::context::Context;
use crate::ending::Ending as _;
use crate::engine::Engine;
use crate::events::Events;
use crate::failure::Failure;
use crate::observe::observe;
use crate::world::World;
use account::Found;
use project::Project;

/// What to look for, and where.
#[derive(Debug, Clone, Default)]
pub struct Init {
    /// The first environment to release to.
    pub environment: String,
    /// The application's name; by default from the ledger's name, or the folder's.
    pub app: Option<String>,
    /// The ledger's table; by default named by convention.
    pub ledger: Option<String>,
    /// The region; by default from the AWS settings.
    pub region: Option<String>,
    /// A profile of the AWS configuration files.
    pub profile: Option<String>,
    /// The alias that callers use; by default the only one, `live`, or the one with the environment's name.
    pub alias: Option<String>,
    /// Which functions.
    pub choice: Choice,
    /// The file to write; by default `deployer.toml` here.
    pub file: Option<PathBuf>,
    /// Do not ask.
    pub yes: bool,
}

/// Which functions of the account belong to the application.
#[derive(Debug, Clone, Default)]
pub enum Choice {
    /// Functions whose name contains the application's.
    #[default]
    App,
    /// Functions whose name contains this.
    Name(String),
    /// Functions that have this tag.
    Tag(String, String),
}

impl Choice {
    /// The functions of a CloudFormation stack.
    pub fn stack(name: String) -> Self {
        Self::Tag(functions::STACK_TAG.to_owned(), name)
    }
}

/// What [`init`] did.
#[derive(Debug)]
pub struct Initialized {
    /// The file that was written.
    pub file: PathBuf,
    /// The environment.
    pub environment: String,
    /// The functions by key, with their names in Lambda.
    pub functions: Vec<(String, String)>,
    /// The ledger's table.
    pub ledger: String,
    /// Whether the table was created.
    pub made_ledger: bool,
    /// Whether what is live was recorded as release 1.
    pub adopted: bool,
}

/// Writes a first `deployer.toml`.
///
/// # Errors
/// The file exists already; nothing, or too much, was found in the account; a function's sources were not found; or a question could
/// not be asked, without a terminal. Nothing was changed then, unless the message says so.
pub async fn init(
    options: &Init,
    process: ProcessEnvironment,
    world: &World,
    events: &dyn Events,
) -> Result<Initialized> {
    let file = std::path::absolute(options.file.clone().unwrap_or_else(|| FILE_NAME.into()))?;
    let folder = file.parent().unwrap_or(Path::new("/")).to_path_buf();
    refuse_existing(&file)?;
    let found = account::find(options, &folder, &process, world).await?;
    for (key, function) in &found.contract.functions {
        events.progress("Found", &format!("function `{key}`: alias `{}` of `{}`", function.alias, function.name));
    }
    let project = Project::read(&folder, &process, &found).await?;
    let text = file::render(&found, &project.codes(&found)?, options)?;
    // Validated as when it is read: an error here is a bug.
    let config = Config::parse(&text, &file, false, process).context("what `init` would write is not valid")?;
    let environment = config.environment(Some(&options.environment))?;
    let aws = Writer::open(environment, world).await;
    let agreed = ask(&aws, &found, options, events).await?;
    write(&file, &text)?;
    events.progress("Wrote", &format!("`{}`", file.display()));
    if agreed.table {
        make_table(&aws, events).await.map_err(|error| written(&file, error))?;
    }
    if agreed.adopt {
        let context = Context { config: &config, world, events };
        adopt(context, environment, &aws).await.map_err(|error| written(&file, error))?;
    }
    let functions = found.contract.functions.iter().map(|(key, function)| (key.clone(), function.name.clone()));
    Ok(Initialized {
        environment: options.environment.clone(),
        functions: functions.collect(),
        ledger: environment.ledger.clone(),
        made_ledger: agreed.table,
        adopted: agreed.adopt,
        file,
    })
}

/// Refuses to read a real account if the local AWS was requested.
///
/// # Errors
/// The local AWS was requested.
pub fn refuse_local(global: &Global, process: &ProcessEnvironment) -> Result<()> {
    if !global.local && !process.local_requested()? {
        return Ok(());
    }
    Err(Failure::bad_input("`init` reads an AWS account, and the local AWS is empty before `deployer local up`")
        .hint("run it without `--local`, and unset `DEPLOYER_LOCAL`")
        .into())
}

fn refuse_existing(file: &Path) -> Result<()> {
    match file.try_exists() {
        Ok(false) => Ok(()),
        _ => Err(Failure::bad_input(format!("`{}` already exists", file.display()))
            .hint(
                "`deployer plan` shows what a deploy would do with it; to start over, move it away; for another environment, add \
                 `[environments.NAME]` to it",
            )
            .into()),
    }
}

/// What a person agreed to.
struct Agreed {
    table: bool,
    adopt: bool,
}

/// Asks about each change of the account, before anything is written here or there.
async fn ask(aws: &Writer, found: &Found, options: &Init, events: &dyn Events) -> Result<Agreed> {
    let Contract { account, region, .. } = &found.contract;
    let table = aws.reader.table.name();
    let agrees = |question: String| match options.yes {
        true => Ok(true),
        false => events.confirm(&question, "--yes"),
    };
    let is_there = aws.reader.table.is_ready().await?.is_some();
    if !is_there
        && !agrees(format!(
            "create the ledger, DynamoDB table `{table}`, in account `{account}`, region `{region}` (on demand, with point-in-time recovery and deletion protection)?"
        ))?
    {
        return Err(Failure::refused("an environment cannot be released to without a ledger")
            .hint("create the table with your infrastructure code, with the string keys `pk` and `sk`, and pass `--ledger NAME`")
            .into());
    }
    let is_new = !is_there || account::is_new(aws, &found.app).await?;
    let adopt = is_new
        && agrees(format!(
            "record what is live in `{}` as release 1, so that later releases can be rolled back to it (say no if it is a placeholder)?",
            options.environment
        ))?;
    Ok(Agreed { table: !is_there, adopt })
}

/// Writes the file, unless it exists by now.
fn write(file: &Path, text: &str) -> Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    // Whole or not at all: a full disk leaves no partial file.
    let write = || -> std::io::Result<()> {
        let mut made = tempfile::NamedTempFile::new_in(folder)?;
        std::io::Write::write_all(&mut made, text.as_bytes())?;
        made.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        made.persist_noclobber(file).map(drop).map_err(|error| error.error)
    };
    write().with_context(|| {
        Failure::bad_input(format!("cannot write `{}`", file.display()))
            .hint("run it in a folder that you can write to, or choose the file with `--config`")
    })
}

/// An error after the file was written, with the same exit code.
fn written(file: &Path, error: anyhow::Error) -> anyhow::Error {
    let hint = error.hint().unwrap_or("fix what failed").to_owned();
    let failure = Failure::new(error.exit(), format!("`{}` was written, but the rest failed", file.display()));
    error.context(failure.hint(format!("{hint}; then move the file away and run `deployer init` again")))
}

async fn make_table(aws: &Writer, events: &dyn Events) -> Result<()> {
    aws.table.create().await?;
    let mut backoff = Backoff::new(&aws.reader.world, Pace::READY);
    while aws.reader.table.is_ready().await? != Some(true) {
        backoff.wait_until(|| format!("the table `{}` to be created", aws.reader.table.name())).await?;
    }
    // AWS refuses this right after the table was created: ContinuousBackupsUnavailableException.
    while let Err(error) = aws.table.keep_backups().await {
        if !error.to_string().contains("ContinuousBackupsUnavailable") {
            return Err(error.into());
        }
        backoff.wait_until(|| format!("backups of the table `{}`", aws.reader.table.name())).await?;
    }
    events.progress("Made", &format!("the ledger, table `{}`", aws.reader.table.name()));
    Ok(())
}

async fn adopt(context: Context<'_>, environment: &Environment, aws: &Writer) -> Result<()> {
    let observed = observe(context.config, environment, &aws.reader).await?;
    Engine::start(context, environment, aws).adopt_in_use(&observed).await
}

/// The environment as far as it is known before the file exists.
fn environment(options: &Init, region: String, ledger: String) -> Environment {
    Environment {
        name: options.environment.clone(),
        ledger,
        region,
        functions: BTreeSet::new(),
        writing_checks: true,
        traffic: Traffic::default(),
        reader_role: None,
        stack: None,
        access: Access::Account { profile: options.profile.clone(), role: None },
    }
}

/// A name with only the letters that a key, an app or a table may have.
fn plain(name: &str) -> String {
    let letters = name.chars().map(|letter| if is_plain(&letter.to_string()) { letter } else { '-' });
    letters.collect::<String>().trim_matches('-').to_owned()
}
