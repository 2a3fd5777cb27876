//! The cargo workspace: where it is, and cargo and rustc run in it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result};
use tokio::process::Command;

use crate::config::{Config, Package};
use crate::failure::Failure;

/// How far below `deployer.toml` a workspace is looked for.
const DEPTH: usize = 3;

/// The folder that cargo is run in: the one that `deployer.toml` names, its own where a `Cargo.toml` is there or above, or
/// the only one below.
pub(super) fn folder(config: &Config) -> Result<PathBuf> {
    if let Some(named) = &config.build.workspace {
        let folder = config.root.join(named);
        return folder.join("Cargo.toml").is_file().then(|| folder.canonicalize().unwrap_or(folder)).ok_or_else(|| {
            Failure::bad_input(format!(
                "`build.workspace` is `{}`, but that folder has no `Cargo.toml`",
                named.display()
            ))
            .hint("set it to the folder of the cargo workspace, relative to the folder of `deployer.toml`")
            .into()
        });
    }
    if config.root.ancestors().any(|folder| folder.join("Cargo.toml").is_file()) {
        return Ok(config.root.clone());
    }
    let mut found = Vec::new();
    search(&config.root, DEPTH, &mut found);
    let root = config.root.display();
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Failure::bad_input(format!("no `Cargo.toml` in `{root}`, above it or below it"))
            .hint("move `deployer.toml` into the cargo workspace, or name the workspace's folder as `workspace` in `[build]`")
            .into()),
        [first, second, ..] => Err(Failure::bad_input(format!(
            "there is more than one cargo workspace below `{root}`: `{}`, `{}`",
            first.display(),
            second.display()
        ))
        .hint("name the one to build as `workspace` in `[build]`")
        .into()),
    }
}

fn search(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let mut entries: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name());
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if !is_folder || name.as_encoded_bytes().starts_with(b".") || name == "target" || name == "node_modules" {
            continue;
        }
        match path.join("Cargo.toml").is_file() {
            true => found.push(path),
            false => search(&path, depth, found),
        }
    }
}

/// Package and features of a function, as cargo's arguments.
pub(super) fn selection(function: &Package) -> Vec<String> {
    let mut arguments = vec!["--package".to_owned(), function.package.clone()];
    if !function.default_features {
        arguments.push("--no-default-features".to_owned());
    }
    if !function.features.is_empty() {
        arguments.extend(["--features".to_owned(), function.features.join(",")]);
    }
    arguments
}

/// Cargo in `folder`, with the environment of a build.
pub(super) fn cargo(config: &Config, folder: &Path) -> Command {
    tool(config, config.process.cargo(), folder)
}

fn tool(config: &Config, program: OsString, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env_clear().envs(config.process.for_builds(&config.build.pass_env));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    command
}

/// What cargo prints for `arguments`; `about` is what it was run for.
pub(super) async fn cargo_output(config: &Config, folder: &Path, arguments: &[String], about: &str) -> Result<Vec<u8>> {
    let output = cargo(config, folder).args(arguments).stderr(Stdio::piped()).output().await;
    let output = output.with_context(|| not_started(config))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Failure::bad_input(format!("cargo cannot read {about}: {words}"))
        .hint("run `cargo check` for details; nothing was changed")
        .into())
}

pub(super) fn not_started(config: &Config) -> Failure {
    Failure::error(format!("cannot start `{}`", config.process.cargo().to_string_lossy()))
        .hint("install Rust, with cargo on the PATH")
}

/// The compiler.
pub(super) struct Compiler {
    /// What it is, without the machine it runs on.
    pub(super) about: String,
    /// The target triple of the machine it runs on.
    pub(super) host: String,
}

/// The compiler that cargo would run in `folder`.
pub(super) async fn compiler(config: &Config, folder: &Path) -> Result<Compiler> {
    let mut rustc = tool(config, config.process.rustc(), folder);
    let output = rustc.arg("-vV").stderr(Stdio::piped()).output().await;
    let output =
        output.with_context(|| Failure::error("cannot start `rustc`").hint("install Rust, with rustc on the PATH"))?;
    anyhow::ensure!(output.status.success(), "`rustc -vV` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default().to_owned();
    let about = text.lines().filter(|line| !line.starts_with("host:")).collect::<Vec<_>>().join("\n");
    Ok(Compiler { about, host })
}
