//! The binaries of a cargo workspace.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use tokio::process::Command;

use crate::config::ProcessEnvironment;
use crate::failure::Failure;

/// A binary of the cargo workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bin {
    pub(super) package: String,
    pub(super) name: String,
    /// Features that it needs beside the default ones.
    pub(super) features: Vec<String>,
}

/// The binaries of the cargo workspace here, or of the nearest one below.
pub(super) async fn bins(root: &Path, process: &ProcessEnvironment, files: &BTreeSet<String>) -> Result<Vec<Bin>> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
        targets: Vec<Target>,
    }
    #[derive(Deserialize)]
    struct Target {
        name: String,
        kind: Vec<String>,
        #[serde(default, rename = "required-features")]
        features: Vec<String>,
    }
    let above = root.ancestors().any(|folder| folder.join("Cargo.toml").is_file());
    let below = files.iter().filter_map(|file| file.strip_suffix("/Cargo.toml")).min_by_key(|folder| folder.len());
    let folder = match (above, below) {
        (true, _) => root.to_path_buf(),
        (false, Some(below)) => root.join(below),
        (false, None) => return Ok(Vec::new()),
    };
    let mut cargo = Command::new(process.cargo());
    cargo.args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(&folder);
    cargo.env_clear().envs(process.for_builds(&[])).stdin(Stdio::null()).kill_on_drop(true);
    let output = cargo
        .output()
        .await
        .with_context(|| Failure::error("cannot start `cargo`").hint("install Rust, with cargo on the PATH"))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Failure::bad_input(format!("cargo cannot read the workspace in `{}`: {words}", folder.display()))
            .hint("`cargo check` shows more")
            .into());
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("cargo's metadata cannot be read")?;
    let bins = metadata.packages.into_iter().flat_map(|package| {
        let bins = package.targets.into_iter().filter(|target| target.kind.iter().any(|kind| kind == "bin"));
        let of = package.name;
        bins.map(move |bin| Bin { package: of.clone(), name: bin.name, features: bin.features }).collect::<Vec<_>>()
    });
    Ok(bins.collect())
}
