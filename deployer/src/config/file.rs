//! The shape of `deployer.toml`, and what its parts must agree on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Deserialize;

use super::builds::is_credential;
use super::check::{DeclaredCheck, Marks, Verify};
use super::function::DeclaredFunction;
use super::local::{self, DeclaredLocal};
use super::role::Role;
use super::stack::DeclaredStack;
use super::traffic::{Lock, Retention, Traffic};
use crate::failure::{Failure, Place};

/// `deployer.toml`, parsed and validated.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) app: String,
    pub(super) default_environment: Option<String>,
    #[serde(default)]
    pub(super) build: Build,
    pub(super) functions: BTreeMap<String, DeclaredFunction>,
    pub(super) environments: BTreeMap<String, DeclaredEnvironment>,
    #[serde(default)]
    pub(super) marks: Marks,
    #[serde(default)]
    pub(super) verify: Verify,
    #[serde(default)]
    pub(super) checks: Vec<DeclaredCheck>,
    #[serde(default)]
    pub(super) traffic: Traffic,
    #[serde(default)]
    pub(super) lock: Lock,
    #[serde(default)]
    pub(super) retention: Retention,
    #[serde(default)]
    pub(super) local: BTreeMap<String, DeclaredLocal>,
}

/// How the functions are built.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// The cargo profile.
    #[serde(default = "release")]
    pub profile: String,
    /// The target triple; its first part is the functions' architecture.
    #[serde(default = "x86_64")]
    pub target: String,
    /// The newest glibc symbol version that the runtime has, as `2.34`.
    #[serde(default = "al2023")]
    pub newest_glibc: GlibcVersion,
    /// The folder of the cargo workspace, from `deployer.toml`'s own; found by cargo unless it is named.
    pub workspace: Option<PathBuf>,
    /// Variables of the environment that a build sees although they look like cloud settings.
    #[serde(default)]
    pub pass_env: Vec<String>,
}

impl Default for Build {
    fn default() -> Self {
        Self { profile: release(), target: x86_64(), newest_glibc: al2023(), workspace: None, pass_env: Vec::new() }
    }
}

impl Build {
    /// The architecture of the target as Lambda names it: `x86_64` or `arm64`.
    pub fn architecture(&self) -> &str {
        architecture(&self.target)
    }

    /// The same build for this machine's processor: the local AWS runs the binaries natively.
    pub(super) fn for_host(mut self) -> Self {
        if let Some((_, rest)) = self.target.split_once('-') {
            self.target = format!("{}-{rest}", std::env::consts::ARCH);
        }
        self
    }
}

/// The architecture of a target triple as Lambda names it: `x86_64` or `arm64`.
pub fn architecture(target: &str) -> &'static str {
    if target.starts_with("aarch64-") { "arm64" } else { "x86_64" }
}

/// A version of glibc's symbols, as in `GLIBC_2.34`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct GlibcVersion {
    /// The 2 of `2.34`.
    pub major: u32,
    /// The 34 of `2.34`; a third part, as in `2.2.5`, plays no role for the comparison.
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
#[serde(deny_unknown_fields)]
pub(super) struct DeclaredEnvironment {
    pub(super) ledger: String,
    pub(super) region: String,
    pub(super) profile: Option<String>,
    pub(super) role: Option<String>,
    pub(super) reader_role: Option<Role>,
    #[serde(default = "yes")]
    pub(super) writing_checks: bool,
    pub(super) traffic: Option<Traffic>,
    pub(super) stack: Option<DeclaredStack>,
}

impl File {
    /// Parses and validates; `path` is for messages only.
    pub(super) fn parse(text: &str, path: &Path) -> Result<Self> {
        let file: Self = toml::from_str(text).map_err(|error| {
            // toml's own text names line and column and shows the line.
            Failure::bad_input(format!("`{}` is malformed: {}", path.display(), error.to_string().trim_end()))
                .hint("the comments in the `deployer.toml` of the deployer's repository explain every key; nothing was changed")
                .at(error.span().map(|span| Place::new(path, text, span.start)))
        })?;
        match file.contradiction() {
            Some(message) => Err(contradicts(path, &message).into()),
            None => Ok(file),
        }
    }

    /// What parsed but cannot be meant.
    fn contradiction(&self) -> Option<String> {
        self.identity()
            .or_else(|| self.build_target())
            .or_else(|| self.check_list())
            .or_else(|| self.stacks())
            .or_else(|| local::contradiction(&self.local, &self.environments))
    }

    fn identity(&self) -> Option<String> {
        if self.app.is_empty() || self.functions.is_empty() || self.environments.is_empty() {
            return Some("`app`, `functions` and `environments` must not be empty".to_owned());
        }
        // They become the names of files and of folders.
        let keys = self.functions.keys().chain(self.environments.keys());
        if let Some(key) = keys.into_iter().find(|key| !is_plain(key)) {
            return Some(format!(
                "{key:?} cannot be the name of a function or environment: use letters, digits, `-` and `_`"
            ));
        }
        let default = self.default_environment.as_ref()?;
        (!self.environments.contains_key(default))
            .then(|| format!("`default_environment` names `{default}`, which is not in `environments`"))
    }

    fn stacks(&self) -> Option<String> {
        self.environments.iter().find_map(|(name, environment)| environment.stack.as_ref()?.contradiction(name))
    }

    fn build_target(&self) -> Option<String> {
        if let Some(name) = self.build.pass_env.iter().find(|name| is_credential(name)) {
            return Some(format!("`build.pass_env` names `{name}`: a build never sees a credential"));
        }
        let target = &self.build.target;
        let fits = ["x86_64-", "aarch64-"].iter().any(|known| target.starts_with(known)) && target.contains("-linux-");
        (!fits).then(|| format!("`build.target` is `{target}`: Lambda runs x86_64 or aarch64 Linux only"))
    }

    fn check_list(&self) -> Option<String> {
        let mut names = BTreeSet::new();
        for check in &self.checks {
            if let Some(contradiction) = check.contradiction() {
                return Some(contradiction);
            }
            if !self.functions.contains_key(&check.function) {
                return Some(format!("check `{}` names the unknown function `{}`", check.name, check.function));
            }
            if !names.insert(&check.name) {
                return Some(format!("two checks are called `{}`", check.name));
            }
        }
        let unchecked =
            self.functions.keys().find(|key| !self.checks.iter().any(|check| &check.function == *key && !check.writes));
        if let Some(key) = unchecked {
            return Some(format!("function `{key}` has no check that may run before traffic: add a read-only one"));
        }
        if self.verify.in_a_row == 0 || self.verify.timeout_seconds == 0 {
            return Some("`verify.in_a_row` and `verify.timeout_seconds` must be at least 1".to_owned());
        }
        let Verify { in_a_row, requests, .. } = self.verify;
        let fewest = self.verify.fewest_requests();
        (requests < fewest).then(|| {
            format!(
                "`verify.in_a_row` is {in_a_row}: the checks after two switches may need {fewest} requests, and `verify.requests` is \
                 {requests}: lower `in_a_row` or raise `requests`"
            )
        })
    }
}

/// What parsed but cannot be meant, in the file at `path`.
pub(super) fn contradicts(path: &Path, what: &str) -> Failure {
    Failure::bad_input(format!("`{}`: {what}", path.display())).hint("nothing was changed; fix the file and run again")
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
        let told = format!("line {}, column {}", place.line, place.column);
        assert!(place.file == Path::new("deployer.toml") && error.to_string().contains(&told), "{place:?}: {error}");
    }

    #[test]
    fn an_unknown_key_is_named() {
        let text = message(&OURS.replace("in_a_row", "in_a_rwo"));
        assert!(text.contains("unknown field `in_a_rwo`") && text.contains("line "), "{text}");
    }

    #[test]
    fn contradictions_are_named() {
        let cases = [
            ("default_environment = \"dev\"", "default_environment = \"test\"", "which is not in `environments`"),
            ("x86_64-unknown-linux-gnu", "wasm32-wasip1", "Lambda runs x86_64 or aarch64 Linux only"),
            ("function = \"preflight\"\nrequest", "function = \"nobody\"\nrequest", "unknown function `nobody`"),
            ("name = \"count\"", "name = \"health\"", "two checks are called `health`"),
            ("function = \"preflight\"\nrequest", "function = \"counter\"\nrequest", "`preflight` has no check"),
            ("in_a_row = 3", "in_a_row = 0", "must be at least 1"),
            ("in_a_row = 3", "in_a_row = 18", "lower `in_a_row`"),
            ("[lock]\nlease_seconds = 20", "[lock]\nlease_seconds = 1", "must be 2 to 300"),
            ("percent = 10", "percent = 100", "must be 1 to 99"),
            ("strategy = \"canary\"", "strategy = \"linear\"", "`linear` takes `step_percent` and `interval_seconds`"),
            (
                "reader_role = \"resume",
                "reader_role = \"arn:aws:sts::1:assumed-role/resume",
                "neither the name nor the ARN",
            ),
            ("releases = 10", "releases = 0", "must be at least 1"),
            ("grace_hours = 24", "grace_hours = 9223372036854775807", "must be at most 87600"),
            ("in_a_row = 3", "in_a_row = 4294967295", "lower `in_a_row`"),
            ("bake_seconds = 180", "bake_seconds = 9223372036854775807", "must be at most 86400"),
            ("watch_seconds = 0", "watch_seconds = 86401", "must be at most 86400"),
            ("[functions.counter]", "[functions.\"../counter\"]", "\"../counter\" cannot be the name of a function"),
            ("[environments.dev]", "[environments.\"a/b\"]", "\"a/b\" cannot be the name of a function or environment"),
            ("account = \"111111111111\"", "account = \"1111\"", "must have 12 digits"),
            ("port = 24567", "port = 24566", "must be above 1023 and its own"),
            ("\"GET /health\"", "\"/health\"", "write it as `GET /health`"),
            ("newest_glibc = \"2.34\"", "newest_glibc = \"two\"", "write it as `2.34`"),
            ("[build]\n", "[build]\npass_env = [\"GITHUB_TOKEN\"]\n", "a build never sees a credential"),
            ("[build]\n", "[build]\npass_env = [\"AWS_SESSION_TOKEN\"]\n", "names `AWS_SESSION_TOKEN`"),
        ];
        for (from, to, expected) in cases {
            assert!(OURS.contains(from), "{from}");
            let text = message(&OURS.replacen(from, to, 1));
            assert!(text.contains(expected), "{text}");
        }
    }
}
