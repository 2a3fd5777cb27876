//! How cargo resolves the workspace: its root, its target folder, and the crates that each function is made of.
//!
//! `cargo metadata` says where things are. It unifies features over all members of a workspace, so the closure of a function
//! with just its features comes from `cargo tree`, by a format whose fields cannot run into each other.
//!
//! Cargo takes longer than all the rest together (measured here with 330 crates on a busy machine: 0.6 s a function), so its
//! output is kept in `.deployer/`, under a key over everything that it read: manifests, lock file, configuration, variables.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::hasher::Hasher;
use super::settings::Settings;
use super::{own_folder, workspace};
use crate::config::Config;
use crate::failure::Failure;

const KEPT: &str = "closures.json";

/// How cargo resolved the workspace.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Closures {
    /// The folder of the workspace's own manifest.
    pub(super) workspace: PathBuf,
    /// Where cargo writes.
    pub(super) target: PathBuf,
    /// The crates of each function.
    pub(super) functions: BTreeMap<String, BTreeSet<Crate>>,
}

/// One crate of a closure.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Crate {
    /// `name version`.
    pub(super) id: String,
    /// The features that are on, comma-separated.
    pub(super) features: String,
    /// Where its sources are, if they are no registry's.
    pub(super) folder: Option<PathBuf>,
}

/// Closures with the key that they are true for.
#[derive(Serialize, Deserialize)]
struct Kept {
    key: String,
    closures: Closures,
}

impl Closures {
    /// Reads them: from what was kept, if nothing that cargo read has changed, else from cargo.
    ///
    /// # Errors
    /// Cargo cannot read the workspace: the error has its output.
    pub(super) async fn read(config: &Config, folder: &Path, settings: &Settings, compiler: &str) -> Result<Self> {
        let path = own_folder(config).join(KEPT);
        let key = |closures: &Self| key(config, folder, settings, compiler, closures);
        let kept = std::fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Kept>(&text).ok());
        if let Some(kept) = kept.filter(|kept| key(&kept.closures) == kept.key) {
            return Ok(kept.closures);
        }
        let closures = Self::of_cargo(config, folder).await?;
        let kept = Kept { key: key(&closures), closures };
        // A checkout that cannot be written to is only slower.
        let _ = super::write_own(config, KEPT, &serde_json::to_vec(&kept)?);
        Ok(kept.closures)
    }

    async fn of_cargo(config: &Config, folder: &Path) -> Result<Self> {
        let functions = config.packages().map(|(key, function)| async move {
            let mut tree = ["tree", "--locked", "--edges", "normal,build", "--prefix", "none", "--charset", "ascii"]
                .map(str::to_owned)
                .to_vec();
            tree.extend(["--format", FORMAT, "--target", function.target.as_str()].map(str::to_owned));
            tree.extend(workspace::selection(function));
            let about = format!("package `{}`", function.package);
            let listed = workspace::cargo_output(config, folder, &tree, &about).await?;
            anyhow::Ok((key.clone(), parse(&String::from_utf8_lossy(&listed))?))
        });
        let metadata = async {
            let arguments = ["metadata", "--locked", "--format-version", "1", "--no-deps"].map(str::to_owned);
            let text = workspace::cargo_output(config, folder, &arguments, "the workspace").await?;
            let read = serde_json::from_slice::<Metadata>(&text);
            read.with_context(|| {
                Failure::error("`cargo metadata` printed something other than metadata").hint(NOT_A_WRAPPER)
            })
        };
        let (functions, metadata) = tokio::try_join!(try_join_all(functions), metadata)?;
        let functions = functions.into_iter().collect();
        Ok(Self { workspace: metadata.workspace_root, target: metadata.target_directory, functions })
    }

    /// The folders of all path packages.
    pub(super) fn folders(&self) -> BTreeSet<&PathBuf> {
        self.functions.values().flatten().filter_map(|package| package.folder.as_ref()).collect()
    }
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

/// Features, package (which may end with any path), and an end: what follows it is only that the crate was listed before.
const FORMAT: &str = "{f}|{p}|";

/// What to do about output that is not cargo's.
const NOT_A_WRAPPER: &str = "check that `cargo` on the PATH is not a wrapper that changes cargo's output";

fn parse(listed: &str) -> Result<BTreeSet<Crate>> {
    let crates: BTreeSet<_> = listed.lines().filter(|line| !line.is_empty()).map(parse_crate).collect::<Result<_>>()?;
    if crates.is_empty() {
        return Err(Failure::error("`cargo tree` listed no crate").hint(NOT_A_WRAPPER).into());
    }
    Ok(crates)
}

/// `derive,std|serde v1.0.2|`, `|function v0.1.0 (/path)| (*)`, `|x v1.0.0 (proc-macro)|`, `|y v1.0.0 (proc-macro) (/path)|`.
fn parse_crate(line: &str) -> Result<Crate> {
    let parsed = || {
        let (features, rest) = line.split_once('|')?;
        let package = rest.strip_suffix(" (*)").unwrap_or(rest).strip_suffix('|')?;
        let (name, rest) = package.split_once(" v")?;
        let (version, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let rest = rest.strip_prefix("(proc-macro)").unwrap_or(rest).trim_start();
        let folder =
            rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).filter(|path| path.starts_with('/'));
        let id = format!("{name} {version}");
        Some(Crate { id, features: features.to_owned(), folder: folder.map(PathBuf::from) })
    };
    parsed().with_context(|| {
        Failure::error(format!("`cargo tree` printed `{line}`, which names no crate")).hint(NOT_A_WRAPPER)
    })
}

/// Over everything that cargo read for it.
fn key(config: &Config, folder: &Path, settings: &Settings, compiler: &str, closures: &Closures) -> String {
    let mut hasher = Hasher::new();
    hasher.add("deployer", env!("CARGO_PKG_VERSION").as_bytes());
    hasher.add("compiler", compiler.as_bytes());
    hasher.add("folder", folder.as_os_str().as_encoded_bytes());
    hasher.add("settings", settings.everything().as_bytes());
    for (key, function) in config.packages() {
        hasher.add(key, workspace::selection(function).join("\n").as_bytes());
        hasher.add("target", function.target.as_bytes());
    }
    for (name, value) in config.process.for_builds(&config.build.pass_env) {
        let text = name.to_string_lossy();
        // Cargo sets some of its own for the programs that it runs, this one among them.
        let counts = (text.starts_with("CARGO") || text.starts_with("RUST")) && !super::reads::is_cargos_own(&text);
        if counts || text == "CARGO_HOME" || text == "CARGO_TARGET_DIR" {
            hasher.add(&text, value.as_encoded_bytes());
        }
    }
    // A manifest that appears above makes another workspace; one that is missing counts as missing.
    let above = folder.ancestors().map(|folder| folder.join("Cargo.toml"));
    let lock = ["Cargo.lock", "Cargo.toml"].map(|name| closures.workspace.join(name));
    let packages = closures.folders().into_iter().map(|folder| folder.join("Cargo.toml"));
    for path in above.chain(lock).chain(packages) {
        let content = std::fs::read(&path);
        hasher.add(if content.is_ok() { "file" } else { "missing" }, path.as_os_str().as_encoded_bytes());
        hasher.add("content", &content.unwrap_or_default());
    }
    hasher.hex()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_cargo_tree_is_read_in_all_of_its_forms() {
        let cases = [
            ("derive,std|serde v1.0.2| (*)", ("serde 1.0.2", "derive,std", None)),
            ("|darling v0.2.0 (proc-macro)|", ("darling 0.2.0", "", None)),
            ("dynamodb|function v0.1.0 (/ws/function)|", ("function 0.1.0", "dynamodb", Some("/ws/function"))),
            ("dynamodb|function v0.1.0 (/ws/function)| (*)", ("function 0.1.0", "dynamodb", Some("/ws/function"))),
            ("|m v0.1.0 (proc-macro) (/ws/m)|", ("m 0.1.0", "", Some("/ws/m"))),
            ("|f v0.1.0 (/a (b)|c/d e (*))|", ("f 0.1.0", "", Some("/a (b)|c/d e (*)"))),
            ("|g v0.1.0 (https://git.example/g?rev=1#2)|", ("g 0.1.0", "", None)),
        ];
        for (line, (id, features, folder)) in cases {
            let expected =
                Crate { id: id.to_owned(), features: features.to_owned(), folder: folder.map(PathBuf::from) };
            assert_eq!(parse_crate(line).unwrap(), expected, "{line}");
        }
    }

    #[test]
    fn what_names_no_crate_is_an_error() {
        for text in ["", "\n", "nonsense", "a|b|", "|serde v1.0.2"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
