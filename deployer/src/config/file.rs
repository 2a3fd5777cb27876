//! The shape of `deployer.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Deserialize;

use super::architecture::Architecture;
use super::check::{DeclaredCheck, Marks, Verify};
use super::contradictions;
use super::function::DeclaredFunction;
use super::local::DeclaredLocal;
use super::role::Role;
use super::stack::DeclaredStack;
use super::traffic::{Lock, Retention, Traffic};
use super::{mistakes, renamed};
use crate::failure::{Failure, Place};

/// `deployer.toml`, parsed and validated. The comment on each field is the description of its key in `docs/configuration.md`.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// The name of the application. It is the partition key of its items in every ledger.
    pub(super) app: String,
    /// The environment to use when a command names none.
    pub(super) default_environment: Option<String>,
    /// How cargo builds the functions, and what their packages have to run on.
    #[serde(default)]
    pub(super) build: Build,
    /// The functions. Each has a key of your choice, of letters, digits, `-` and `_`, which the stack contract uses, too.
    pub(super) functions: BTreeMap<String, DeclaredFunction>,
    /// The environments by name, for example `dev` and `prod`.
    pub(super) environments: BTreeMap<String, DeclaredEnvironment>,
    /// The response headers in which your functions name their version and deployment, if they do. Without them, Invokes show which
    /// version responds.
    #[serde(default)]
    pub(super) marks: Marks,
    /// How the checks through the URL confirm that a switch took effect.
    #[serde(default)]
    pub(super) verify: Verify,
    /// The checks that a release has to pass: what is sent to the new versions, and the response that is expected.
    #[serde(default)]
    pub(super) checks: Vec<DeclaredCheck>,
    /// How traffic moves to new versions, unless the environment has its own `traffic`. Without the table, all at once.
    #[serde(default)]
    pub(super) traffic: Traffic,
    /// How long a run keeps its lock without a heartbeat.
    #[serde(default)]
    pub(super) lock: Lock,
    /// How many old releases, with their versions and deployments, `prune` keeps.
    #[serde(default)]
    pub(super) retention: Retention,
    /// For `deployer local`: where each environment runs on this machine, and how its stack is made there.
    #[serde(default)]
    pub(super) local: DeclaredLocal,
}

/// How the functions are built.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// The cargo profile that the functions are built with.
    #[serde(default = "release")]
    pub profile: String,
    /// The target triple that the functions are built for. It also sets the architecture of every function that has no `architecture`.
    #[serde(default = "x86_64")]
    pub target: String,
    /// The newest glibc version that the runtime has: a binary that needs a newer one is refused before the release. The default is the
    /// version of Amazon Linux 2023, `2.34`.
    #[serde(default = "al2023")]
    pub newest_glibc: GlibcVersion,
    /// The folder of the cargo workspace, relative to that of `deployer.toml`. By default it is searched for there, above and below.
    pub workspace: Option<PathBuf>,
    /// Environment variables that are passed to builds although they look like cloud settings, which builds do not get otherwise.
    /// Credentials cannot be passed.
    #[serde(default)]
    pub pass_env: Vec<String>,
}

impl Default for Build {
    fn default() -> Self {
        Self { profile: release(), target: x86_64(), newest_glibc: al2023(), workspace: None, pass_env: Vec::new() }
    }
}

impl Build {
    /// The architecture of the functions that have none of their own.
    pub fn architecture(&self) -> Architecture {
        Architecture::of_target(&self.target)
    }

    /// The same build for the local AWS: for this machine's processor, on which the binaries run, and with the `profile` for it.
    pub(super) fn for_local(mut self, profile: Option<&String>) -> Self {
        self.profile = profile.unwrap_or(&self.profile).clone();
        self.target = Architecture::of_target(&format!("{}-", std::env::consts::ARCH)).target_like(&self.target);
        self
    }
}

/// A version of glibc's symbols, as in `GLIBC_2.34`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct GlibcVersion {
    /// The 2 of `2.34`.
    pub major: u32,
    /// The 34 of `2.34`; a third part, as in `2.2.5`, is not compared.
    pub minor: u32,
}

impl std::fmt::Display for GlibcVersion {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

impl TryFrom<String> for GlibcVersion {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut parts = text.split('.').map(str::parse);
        match (parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Ok(Self { major, minor }),
            _ => Err(format!("`{text}` is not a glibc version: write it as `2.34`")),
        }
    }
}

/// An environment as the file declares it.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct DeclaredEnvironment {
    /// The name of the DynamoDB table that is the ledger of the environment.
    pub(super) ledger: String,
    /// The AWS region of the environment and its ledger.
    pub(super) region: String,
    /// The profile of your AWS configuration to use for this environment. By default credentials are found as the AWS SDKs find them.
    pub(super) profile: Option<String>,
    /// The ARN of a role to assume for this environment.
    pub(super) role: Option<String>,
    /// The role that promotions from this environment use to read it: the name of a role in the same account, or an ARN. By default they
    /// read it with the credentials of the environment that they promote to.
    pub(super) reader_role: Option<Role>,
    /// Whether checks with `writes = true` are sent in this environment.
    #[serde(default = "yes")]
    pub(super) writing_checks: bool,
    /// How traffic moves in this environment. It replaces the table `traffic` as a whole.
    pub(super) traffic: Option<Traffic>,
    /// The stack contract: what the environment consists of. Only needed if your infrastructure code does not write it into the ledger.
    pub(super) stack: Option<DeclaredStack>,
}

impl File {
    /// Parses and validates; `path` is for messages only.
    pub(super) fn parse(text: &str, path: &Path) -> Result<Self> {
        let file = mistakes::read(text).map_err(|found| malformed(&found, text, path))?;
        match contradictions::of(&file) {
            found if found.is_empty() => Ok(file),
            found => Err(contradictions::failure(&found, text, path).into()),
        }
    }
}

fn malformed(found: &[toml::de::Error], text: &str, path: &Path) -> Failure {
    let place = |error: &toml::de::Error| error.span().map(|span| Place::new(path, text, span.start));
    let what = match found {
        // toml's own text names line and column and shows the line.
        [_] => {
            toml::from_str::<File>(text).err().map(|error| format!("is not valid: {}", error.to_string().trim_end()))
        }
        _ => None,
    };
    let what = what.unwrap_or_else(|| {
        let line = |error: &toml::de::Error| match place(error) {
            Some(Place { line, column, .. }) => format!("line {line}, column {column}: {}", error.message()),
            None => error.message().to_owned(),
        };
        let (count, errors): (_, Vec<_>) = (found.len(), found.iter().map(line).collect());
        format!("has {count} errors:\n  {}", errors.join("\n  "))
    });
    let hint = match renamed::in_file(text) {
        Some(renamed) => {
            format!(
                "use the new name: {renamed}; `docs/configuration.md` in the repository of the deployer describes every key"
            )
        }
        None => "`docs/configuration.md` in the repository of the deployer describes every key; nothing was changed"
            .to_owned(),
    };
    Failure::bad_input(format!("`{}` {what}", path.display())).hint(hint).at(found.first().and_then(place))
}

/// Whether a name has nothing that leads elsewhere in a path, an address or a call: keys here and names in AWS consist of
/// these.
pub fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter))
}

fn release() -> String {
    "release".to_owned()
}

fn x86_64() -> String {
    "x86_64-unknown-linux-gnu".to_owned()
}

/// The glibc of Amazon Linux 2023, which all of Lambda's newer runtimes are.
fn al2023() -> GlibcVersion {
    GlibcVersion { major: 2, minor: 34 }
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../deployer.toml"));

    fn message(text: &str) -> String {
        File::parse(text, Path::new("deployer.toml")).unwrap_err().to_string()
    }

    #[test]
    fn the_file_of_this_repository_is_valid() {
        File::parse(OURS, Path::new("deployer.toml")).unwrap();
    }

    #[test]
    fn a_malformed_file_is_named_with_line_and_column() {
        let text = message(&OURS.replace("app = \"", "app = "));
        assert!(text.contains("line 3, column "), "{text}");
    }

    #[test]
    fn programs_learn_the_place_that_people_read() {
        let error = File::parse(&OURS.replace("in_a_row", "in_a_rwo"), Path::new("deployer.toml")).unwrap_err();
        let place = Failure::place_of(&error).unwrap();
        let expected = format!("line {}, column {}", place.line, place.column);
        assert!(
            place.file == Path::new("deployer.toml") && error.to_string().contains(&expected),
            "{place:?}: {error}"
        );
    }

    #[test]
    fn the_local_aws_may_have_a_profile_of_its_own() {
        let built = |text: &str| {
            let File { build, local, .. } = File::parse(text, Path::new("deployer.toml")).unwrap();
            build.for_local(local.profile.as_ref()).profile
        };
        assert_eq!(built(OURS), "dev");
        assert_eq!(built(&OURS.replace("profile = \"dev\"\n", "")), "release");
    }

    #[test]
    fn an_unknown_key_is_named() {
        let text = message(&OURS.replace("in_a_row", "in_a_rwo"));
        assert!(text.contains("unknown field `in_a_rwo`") && text.contains("line "), "{text}");
    }
}
