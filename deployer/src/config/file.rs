//! The shape of `deployer.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Deserialize;

use super::check::{DeclaredCheck, Marks, Verify};
use super::contradictions;
use super::function::DeclaredFunction;
use super::local::DeclaredLocal;
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
        match contradictions::of(&file) {
            found if found.is_empty() => Ok(file),
            found => Err(contradictions::failure(&found, text, path).into()),
        }
    }
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
}
