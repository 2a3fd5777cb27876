//! `init`: a first `deployer.toml` for what is there already.
//!
//! Comes in: a folder with sources, and an account with functions. Goes out: the file, checked as any other; where there is none yet,
//! the ledger's table; and what is live, recorded as release 1. It asks before it changes anything in the account, and changes nothing
//! else: no function, no alias, no API.

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
    /// The environment that is to be released to first.
    pub environment: String,
    /// The application's name; else the ledger's, or the folder's.
    pub app: Option<String>,
    /// The ledger's table; else one that is called so by convention.
    pub ledger: Option<String>,
    /// The region; else that of the AWS settings.
    pub region: Option<String>,
    /// A profile of the AWS configuration files.
    pub profile: Option<String>,
    /// The alias that callers use; else the one that there is, `live`, or the environment's name.
    pub alias: Option<String>,
    /// Which functions.
    pub choice: Choice,
    /// Where the file goes: `deployer.toml` here by default.
    pub file: Option<PathBuf>,
    /// Do not ask.
    pub yes: bool,
}

/// Which functions of the account belong to the application.
#[derive(Debug, Clone, Default)]
pub enum Choice {
    /// Those whose name has the application's in it.
    #[default]
    App,
    /// Those whose name has this in it.
    Name(String),
    /// Those that have this tag.
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
    /// Whether that was made.
    pub made_ledger: bool,
    /// Whether what is live was recorded as release 1.
    pub adopted: bool,
}

/// Writes a first `deployer.toml`.
///
/// # Errors
/// There is one already; nothing, or too much, was found in the account; nothing here makes a function; nobody is there to be asked.
/// Nothing was changed then, unless the message says so.
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
    // As it would be read: what is wrong with it is this program's fault.
    let config = Config::parse(&text, &file, false, process).context("what `init` would write is not valid")?;
    let environment = config.environment(Some(&options.environment))?;
    let aws = Writer::open(environment, world).await;
    let asked = ask(&aws, &found, options, events).await?;
    write(&file, &text)?;
    events.progress("Wrote", &format!("`{}`", file.display()));
    if asked.table {
        make_table(&aws, events).await.map_err(|error| written(&file, error))?;
    }
    if asked.adopt {
        let context = Context { config: &config, world, events };
        adopt(context, environment, &aws).await.map_err(|error| written(&file, error))?;
    }
    let functions = found.contract.functions.iter().map(|(key, function)| (key.clone(), function.name.clone()));
    Ok(Initialized {
        environment: options.environment.clone(),
        functions: functions.collect(),
        ledger: environment.ledger.clone(),
        made_ledger: asked.table,
        adopted: asked.adopt,
        file,
    })
}

/// Refuses to look at a real account where the local AWS was meant.
///
/// # Errors
/// It was.
pub fn refuse_local(global: &Global, process: &ProcessEnvironment) -> Result<()> {
    if !global.local && !process.local_requested()? {
        return Ok(());
    }
    Err(Failure::bad_input(
        "`init` looks for what an account has: on the local AWS there is nothing before `deployer local up`",
    )
    .hint("leave `--local` out, and unset `DEPLOYER_LOCAL`; nothing was changed")
    .into())
}

fn refuse_existing(file: &Path) -> Result<()> {
    match file.try_exists() {
        Ok(false) => Ok(()),
        _ => Err(Failure::bad_input(format!("`{}` exists already", file.display()))
            .hint(
                "`deployer plan` shows what a deploy would do with it; to start over, move it away; for one more environment, add an \
                 `[environments.NAME]` to it",
            )
            .into()),
    }
}

/// What a person agreed to.
struct Asked {
    table: bool,
    adopt: bool,
}

/// Asks for all that is to be changed in the account, before anything is written here or there.
async fn ask(aws: &Writer, found: &Found, options: &Init, events: &dyn Events) -> Result<Asked> {
    let Contract { account, region, .. } = &found.contract;
    let table = aws.reader.table.name();
    let agreed = |question: String| match options.yes {
        true => Ok(true),
        false => events.confirm(&question, "--yes"),
    };
    let is_there = aws.reader.table.is_ready().await?.is_some();
    if !is_there
        && !agreed(format!(
            "make the ledger, the DynamoDB table `{table}`, in account `{account}`, region `{region}` (on demand, with point-in-time recovery, protected from being deleted)?"
        ))?
    {
        return Err(Failure::refused("without its ledger an environment cannot be released to; nothing was changed")
            .hint("make the table with your infrastructure code, with the string keys `pk` and `sk`, and name it: `--ledger NAME`")
            .into());
    }
    let is_new = !is_there || account::is_new(aws, &found.app).await?;
    let adopt = is_new
        && agreed(format!(
            "record what is live in `{}` as release 1, so that there is a way back to it (not if it is a placeholder)?",
            options.environment
        ))?;
    Ok(Asked { table: !is_there, adopt })
}

/// Writes the file, if there still is none.
fn write(file: &Path, text: &str) -> Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    // Whole or not at all: a full disk leaves no half of it.
    let write = || -> std::io::Result<()> {
        let mut made = tempfile::NamedTempFile::new_in(folder)?;
        std::io::Write::write_all(&mut made, text.as_bytes())?;
        made.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        made.persist_noclobber(file).map(drop).map_err(|error| error.error)
    };
    write().with_context(|| {
        Failure::bad_input(format!("cannot write `{}`", file.display()))
            .hint("run it in a folder that you may write to, or name the file with `--config`; nothing was changed")
    })
}

/// What failed after the file was written: of the same class.
fn written(file: &Path, error: anyhow::Error) -> anyhow::Error {
    let hint = error.hint().unwrap_or("fix what failed").to_owned();
    let failure = Failure::new(error.exit(), format!("`{}` was written, and the rest failed", file.display()));
    error.context(failure.hint(format!("{hint}; then move the file away and run `deployer init` again")))
}

async fn make_table(aws: &Writer, events: &dyn Events) -> Result<()> {
    aws.table.create().await?;
    let mut backoff = Backoff::new(&aws.reader.world, Pace::READY);
    while aws.reader.table.is_ready().await? != Some(true) {
        backoff.wait_until(|| format!("the table `{}` to be made", aws.reader.table.name())).await?;
    }
    // Right after the table was made AWS is not ready for that: ContinuousBackupsUnavailableException.
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

/// The environment as far as it is known before the file is there.
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

/// A name of these letters alone that a key, an app or a table may have.
fn plain(name: &str) -> String {
    let letters = name.chars().map(|letter| if is_plain(&letter.to_string()) { letter } else { '-' });
    letters.collect::<String>().trim_matches('-').to_owned()
}
