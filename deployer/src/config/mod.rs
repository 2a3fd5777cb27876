//! `deployer.toml`, the flags and the process environment, made into one validated [`Config`].
//!
//! The only module that reads environment variables. It never calls AWS.

mod architecture;
mod builds;
mod check;
mod contradictions;
mod file;
mod function;
mod image;
mod local;
mod mistakes;
mod process;
#[cfg(test)]
pub(crate) mod reference;
mod renamed;
mod role;
mod stack;
mod table;
mod traffic;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::cli::Global;
use crate::failure::Failure;
use crate::world::Proxy;

pub use architecture::Architecture;
pub use check::{Check, Event, ExpectedResponse, Marks, Request, Sent, TO_SEE_A_SWITCH, Verify};
pub use file::{Build, GlibcVersion, is_plain};
pub use function::{Code, Function, ImageSource, Output, Package, PackageType, Recipe};
pub use image::Image;
pub use local::{LocalStack, has_terraform};
pub use process::{GitHubStep, ProcessEnvironment};
pub(crate) use renamed::in_contract;
pub use role::Role;
pub(crate) use stack::DEFAULT_STAGE;
pub use stack::{Api, Contract, FunctionResource, HttpApi, RestApi};
pub use traffic::{LONGEST_LEASE, Lock, Retention, Shift, Traffic};

/// The name of the configuration file.
pub const FILE_NAME: &str = "deployer.toml";

/// Where the local AWS keeps its files, beside `deployer.toml`.
pub const LOCAL_FOLDER: &str = ".deployer/local";

/// A lease in a real account has to outlast a few writes that get no response.
const SHORTEST_LEASE: Duration = Duration::from_secs(15);

/// The configuration of a run, validated.
#[derive(Debug)]
pub struct Config {
    /// The folder of `deployer.toml`.
    pub root: PathBuf,
    /// The application; the partition key of its items in every ledger.
    pub app: String,
    /// How the functions are built.
    pub build: Build,
    /// The functions by key, as the stack contract names them.
    pub functions: BTreeMap<String, Function>,
    /// The headers by which a response names what made it.
    pub marks: Marks,
    /// When a switch counts as seen.
    pub verify: Verify,
    /// The declared checks, in the order of the file.
    pub checks: Vec<Check>,
    /// How long a run keeps its lock without a heartbeat.
    pub lock: Lock,
    /// What is kept of the past.
    pub retention: Retention,
    /// Whether environments are those of the local AWS.
    pub local: bool,
    /// Whether `[local]` has an environment.
    pub has_local: bool,
    /// What makes a stack on the local AWS.
    pub local_stack: LocalStack,
    /// The process environment.
    pub process: ProcessEnvironment,
    /// The name of who commits here, as git has it, if it was looked up.
    pub author: Option<String>,
    environments: BTreeMap<String, Environment>,
    default_environment: Option<String>,
}

/// One environment, as a release needs to know it before it reads the ledger.
#[derive(Debug, Clone)]
pub struct Environment {
    /// `dev`, `prod`, …
    pub name: String,
    /// The ledger's table.
    pub ledger: String,
    /// The region of the stack.
    pub region: String,
    /// The keys of its functions.
    pub functions: BTreeSet<String>,
    /// Whether checks that write may run here.
    pub writing_checks: bool,
    /// How traffic moves to a new release here.
    pub traffic: Traffic,
    /// The role that may read this environment's ledger and zips, for promotions from here.
    pub reader_role: Option<Role>,
    /// The stack, where the file declares it and not the ledger alone. On the local AWS only one that has no address of AWS.
    pub stack: Option<Contract>,
    /// How AWS is reached.
    pub access: Access,
}

/// How AWS is reached.
#[derive(Debug, Clone)]
pub enum Access {
    /// With the user's credentials: the SDK's usual chain.
    Account {
        /// A profile of the AWS configuration files.
        profile: Option<String>,
        /// The ARN of a role to assume with them.
        role: Option<String>,
    },
    /// The local AWS, with the credentials that its start made.
    Local(LocalAccess),
}

impl Access {
    /// Whether requests go through the user's proxy.
    pub fn proxy(&self) -> Proxy {
        match self {
            Self::Account { .. } => Proxy::OfTheUser,
            Self::Local(_) => Proxy::None,
        }
    }
}

/// An environment's local AWS.
#[derive(Debug, Clone)]
pub struct LocalAccess {
    /// Its port on the loopback interface.
    pub port: u16,
    /// Its account, 12 digits.
    pub account: String,
    /// The file with the credentials of the instance that runs, in the format of AWS's shared credentials file.
    pub credentials: PathBuf,
}

impl LocalAccess {
    /// The endpoint of every service. Loopback by construction.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The session token that the running instance requires. None if none was started.
    pub fn token(&self) -> Option<String> {
        let text = std::fs::read_to_string(&self.credentials).ok()?;
        text.lines().find_map(|line| line.strip_prefix("aws_session_token = ")).map(str::to_owned)
    }
}

impl Config {
    /// Reads and validates. Nothing is created or changed.
    ///
    /// # Errors
    /// A missing, malformed (with line and column) or contradictory `deployer.toml`.
    pub fn load(global: &Global, process: ProcessEnvironment) -> Result<Self> {
        let path = locate(global.config.as_deref())?;
        let text = std::fs::read_to_string(&path).with_context(|| {
            Failure::bad_input(format!("cannot read `{}`", path.display()))
                .hint("the file has to be readable UTF-8 text; to use another file, pass `--config FILE`")
        })?;
        let local = global.local || process.local_requested()?;
        Self::parse(&text, &path, local, process)
    }

    /// Parses `text`, the contents of the file at `path`; `local` means the environments of the local AWS.
    ///
    /// # Errors
    /// As for [`Self::load`], but for a missing file.
    pub fn parse(text: &str, path: &Path, local: bool, process: ProcessEnvironment) -> Result<Self> {
        let file = file::File::parse(text, path)?;
        if !local && file.lock.lease < SHORTEST_LEASE {
            let what = format!(
                "`lock.lease_seconds` is {}, which is too short outside of the local AWS: a write may take seconds",
                file.lock.lease.as_secs()
            );
            return Err(Failure::bad_input(what)
                .hint(format!("set it to {} or more", SHORTEST_LEASE.as_secs()))
                .into());
        }
        // The same folder by the same name, however it was reached: cargo and git see it without links too.
        let root = path.parent().unwrap_or(Path::new("/"));
        let root = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
        let build = file.build.clone();
        let build = if local { build.for_local(file.local.profile.as_ref()) } else { build };
        Ok(Self {
            local,
            has_local: !file.local.environments.is_empty(),
            local_stack: file.local.stack(&root),
            process,
            author: None,
            environments: environments(&file, &root, local),
            default_environment: file.default_environment,
            app: file.app,
            functions: function::read(file.functions, &build, local)?,
            build,
            marks: file.marks,
            verify: file.verify,
            checks: file.checks.into_iter().map(|check| check.read(&root)).collect(),
            lock: file.lock,
            retention: file.retention,
            root,
        })
    }

    /// Who runs this: as GitHub names them, else git, else the system.
    pub fn actor(&self) -> Option<String> {
        self.process.github_actor().or_else(|| self.author.clone()).or_else(|| self.process.user())
    }

    /// The environment of that name, or the default one.
    ///
    /// # Errors
    /// The name is unknown, or there is none and no default.
    pub fn environment(&self, name: Option<&str>) -> Result<&Environment> {
        let known = self.environments.keys().cloned().collect::<Vec<_>>().join("`, `");
        let Some(name) = name.or(self.default_environment.as_deref()) else {
            return Err(Failure::bad_input(
                "no environment was given, and `deployer.toml` has no `default_environment`",
            )
            .hint(format!("pass one of `{known}`"))
            .into());
        };
        if self.local && self.environments.is_empty() {
            return Err(Failure::bad_input("`deployer.toml` has no `[local]` environment")
                .hint(format!("add `[local]` with `{name} = {{ port = 24566, account = \"111111111111\" }}`"))
                .into());
        }
        self.environments.get(name).ok_or_else(|| {
            let kind = if self.local { "local environment" } else { "environment" };
            Failure::bad_input(format!("unknown {kind} `{name}`"))
                .hint(format!("`{FILE_NAME}` has these: `{known}`"))
                .into()
        })
    }

    /// The environment and, after an `@`, the number of one of its releases.
    ///
    /// # Errors
    /// The environment is unknown, or the number is not one.
    pub fn environment_at(&self, text: &str) -> Result<(&Environment, Option<u32>)> {
        let Some((name, number)) = text.split_once('@') else { return Ok((self.environment(Some(text))?, None)) };
        let number = number.parse().map_err(|_| {
            Failure::bad_input(format!("`{number}` is not a release number"))
                .hint("write the environment and the number as in `dev@12`; `deployer history` lists the releases")
        })?;
        Ok((self.environment(Some(name))?, Some(number)))
    }

    /// Every environment, by name.
    pub fn environments(&self) -> impl Iterator<Item = &Environment> {
        self.environments.values()
    }

    /// The functions of an environment.
    pub fn functions_in<'a>(
        &'a self,
        environment: &'a Environment,
    ) -> impl Iterator<Item = (&'a String, &'a Function)> {
        self.functions.iter().filter(|(key, _)| environment.functions.contains(*key))
    }

    /// The checks of an environment's functions.
    pub fn checks_in<'a>(&'a self, environment: &'a Environment) -> impl Iterator<Item = &'a Check> {
        self.checks.iter().filter(|check| environment.functions.contains(&check.function))
    }

    /// The checks among them that only read.
    pub fn reading_checks<'a>(&'a self, environment: &'a Environment) -> impl Iterator<Item = &'a Check> {
        self.checks_in(environment).filter(|check| !check.writes)
    }

    /// Makes sure that every check can be sent.
    ///
    /// # Errors
    /// The file of an event cannot be read, or is not JSON.
    pub fn refuse_unreadable(&self) -> Result<()> {
        let Some(why) = self.checks.iter().find_map(Check::unreadable) else { return Ok(()) };
        Err(Failure::bad_input(why)
            .hint("fix `event` of the check: it is the path of a JSON file, relative to the folder of `deployer.toml`")
            .into())
    }

    /// The functions of an environment that no check looks at before they take traffic.
    pub fn unchecked<'a>(&'a self, environment: &'a Environment) -> impl Iterator<Item = &'a String> {
        let is_checked = |key: &String| self.reading_checks(environment).any(|check| check.function == *key);
        environment.functions.iter().filter(move |key| !is_checked(key))
    }

    /// The checks of one function, in the order of the file.
    pub fn checks_of<'a>(&'a self, function: &'a str) -> impl Iterator<Item = &'a Check> {
        self.checks.iter().filter(move |check| check.function == function)
    }
}

/// The environments of the run. Local ones are those that `[local]` gives a port.
fn environments(file: &file::File, root: &Path, local: bool) -> BTreeMap<String, Environment> {
    let entries = file.environments.iter().filter_map(|(name, declared)| {
        let traffic = declared.traffic.as_ref().unwrap_or(&file.traffic);
        let (stack, region) = (declared.stack.as_ref(), &declared.region);
        let (access, traffic, stack) = match local {
            false => {
                let access = Access::Account { profile: declared.profile.clone(), role: declared.role.clone() };
                (access, traffic.clone(), stack.map(|stack| stack.contract(name, region)))
            }
            true => {
                let local = file.local.environments.get(name)?;
                let credentials = root.join(LOCAL_FOLDER).join(name).join("credentials");
                let access = LocalAccess { port: local.port, account: local.account.clone(), credentials };
                let stack = stack.and_then(|stack| stack.local(name, region, &local.account));
                (Access::Local(access), local.traffic.clone(), stack)
            }
        };
        let environment = Environment {
            name: name.clone(),
            ledger: declared.ledger.clone(),
            region: region.clone(),
            functions: file
                .functions
                .iter()
                .filter(|(_, function)| function.is_in(name))
                .map(|(key, _)| key.clone())
                .collect(),
            writing_checks: declared.writing_checks,
            traffic,
            reader_role: declared.reader_role.clone().filter(|_| !local),
            stack,
            access,
        };
        Some((name.clone(), environment))
    });
    entries.collect()
}

/// Whether a command without `--config` finds a configuration file.
pub(crate) fn is_here() -> Result<bool> {
    let here = std::env::current_dir().context("cannot determine the current folder")?;
    Ok(nearest(&here).is_some())
}

fn nearest(here: &Path) -> Option<PathBuf> {
    here.ancestors().map(|folder| folder.join(FILE_NAME)).find(|path| path.is_file())
}

/// The configuration file: the one named, or the nearest one from here upwards.
fn locate(named: Option<&Path>) -> Result<PathBuf> {
    let here = std::env::current_dir().context("cannot determine the current folder")?;
    if let Some(path) = named {
        return Ok(here.join(path));
    }
    nearest(&here).ok_or_else(|| {
        Failure::bad_input(format!("no `{FILE_NAME}` in `{}` or a folder above it", here.display()))
            .hint("run this inside the project, pass `--config FILE`, or let `deployer init` write a first one")
            .into()
    })
}
