//! `[local]`: the ports and accounts of the local AWS, and what makes the stacks there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::contradictions::Contradiction;
use super::traffic::Traffic;

/// The local AWS as the file declares it.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct DeclaredLocal {
    /// The folder with the Terraform code of a stack. By default `terraform` beside `deployer.toml` if it exists, else the folder of
    /// `deployer.toml` if it has `*.tf` files. The variables `environment`, `architecture` and `local_endpoint` are set if the code
    /// declares them. The state is kept in `.deployer`.
    terraform: Option<PathBuf>,
    /// The command that makes the stack of an environment, instead of `terraform init` and `terraform apply`. `sh -e` runs it in the
    /// folder of `deployer.toml` once per environment, with the environment's name in `DEPLOYER_ENVIRONMENT`. The endpoint, region and
    /// credentials of the local AWS are in the variables that the AWS CLI, the SDKs and Terraform read. It runs again when a file
    /// changes in the folder with the Terraform code, or in that of `deployer.toml` if there is none.
    command: Option<String>,
    /// Whether the functions are built before their stacks are made, because the infrastructure code creates them from
    /// `.deployer/artifact`. With `false`, `deployer local up` does both at the same time.
    #[serde(default = "yes")]
    build_first: bool,
    /// The cargo profile that functions are built with for the local AWS. By default the one of `[build]`. With `"dev"` they compile
    /// in about 60 % of the time, and their binaries are larger and slower.
    pub(super) profile: Option<String>,
    /// The environments that run on the local AWS, by name.
    #[serde(flatten)]
    pub(super) environments: BTreeMap<String, DeclaredPlace>,
}

/// What makes a stack on the local AWS.
#[derive(Debug, Clone)]
pub struct LocalStack {
    /// The folder with its Terraform, if there is one.
    pub terraform: Option<PathBuf>,
    /// What is run, if not `terraform init` and `terraform apply`.
    pub command: Option<String>,
    /// Whether it may need the packages of this build.
    pub build_first: bool,
}

fn yes() -> bool {
    true
}

impl Default for DeclaredLocal {
    fn default() -> Self {
        Self { terraform: None, command: None, build_first: yes(), profile: None, environments: BTreeMap::new() }
    }
}

impl DeclaredLocal {
    /// What makes the stacks, seen from the folder of `deployer.toml`.
    pub(super) fn stack(&self, root: &Path) -> LocalStack {
        let usual = || [root.join("terraform"), root.to_owned()].into_iter().find(|folder| has_terraform(folder));
        let terraform = self.terraform.as_ref().map(|folder| root.join(folder)).or_else(usual);
        LocalStack { terraform, command: self.command.clone(), build_first: self.build_first }
    }
}

/// Whether a folder is a root or module of Terraform.
pub fn has_terraform(folder: &Path) -> bool {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    files.into_iter().any(|file| file.extension().is_some_and(|extension| extension == "tf"))
}

/// An environment's local AWS as the file declares it.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    deny_unknown_fields,
    expecting = "`terraform`, `command`, `build_first`, `profile`, or an environment as `dev = { port = 24566, account = \"111111111111\" }`"
)]
pub(super) struct DeclaredPlace {
    /// The port on the loopback interface, 1024 or higher and different for each environment.
    pub(super) port: u16,
    /// The account number of the environment on the local AWS: any 12 digits.
    pub(super) account: String,
    /// How traffic moves on the local AWS. By default all at once.
    #[serde(default)]
    pub(super) traffic: Traffic,
}

/// A contradiction, or a value that is not possible.
pub(super) fn contradictions<E>(declared: &DeclaredLocal, environments: &BTreeMap<String, E>) -> Vec<Contradiction> {
    let (mut all, mut ports) = (Vec::new(), BTreeSet::new());
    for (name, local) in &declared.environments {
        let mut wrong = |what: String| all.push(Contradiction::new(["local", name], what));
        if !environments.contains_key(name) {
            wrong(format!("`local.{name}` is not the name of an environment"));
        }
        if local.account.len() != 12 || !local.account.bytes().all(|byte| byte.is_ascii_digit()) {
            wrong(format!("`local.{name}.account` must have 12 digits"));
        }
        if local.port < 1024 || !ports.insert(local.port) {
            wrong(format!("`local.{name}.port` must be above 1023, and different from the other ports"));
        }
    }
    all
}
