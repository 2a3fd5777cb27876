//! Cargo, run for the functions: which binaries it made, and of which commit.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use tokio::process::Command;

use crate::config::{Config, Function};
use crate::failure::Failure;

/// The commit of a workspace, and whether it differs from it.
pub(super) struct Commit {
    pub(super) id: String,
    /// When it was made, in seconds since 1970.
    pub(super) at: Option<i64>,
    pub(super) dirty: bool,
}

/// The lines of cargo's JSON output that we read.
#[derive(Deserialize)]
struct Message {
    reason: String,
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// Compiles every function and answers where the binaries are. Functions of one package with the same features share one run of cargo.
pub(super) async fn compile(config: &Config) -> Result<BTreeMap<String, PathBuf>> {
    let mut groups = BTreeMap::<_, Vec<_>>::new();
    for (key, function) in &config.functions {
        groups.entry((&function.package, &function.features)).or_default().push((key, function));
    }
    let mut executables = BTreeMap::new();
    for functions in groups.values() {
        let made = compile_group(config, functions).await?;
        for (key, function) in functions {
            let path = made.get(&function.bin);
            let path = path.with_context(|| format!("cargo made no binary `{}` for function `{key}`", function.bin))?;
            executables.insert((*key).clone(), path.clone());
        }
    }
    Ok(executables)
}

/// One run of cargo: the paths of the binaries by name.
async fn compile_group(config: &Config, functions: &[(&String, &Function)]) -> Result<BTreeMap<String, PathBuf>> {
    let mut cargo = cargo(config);
    cargo.args(["build", "--locked", "--message-format", "json-render-diagnostics"]);
    cargo.args(["--profile", &config.build.profile, "--target", &config.build.target]);
    for (_, function) in functions {
        cargo.args(["--bin", &function.bin]);
    }
    if let Some((_, first)) = functions.first() {
        cargo.args(selection(first));
    }
    // The compiler's words go to the user as they come.
    let child = cargo.stderr(Stdio::inherit()).spawn().with_context(|| not_started(config))?;
    let output = child.wait_with_output().await.context("lost sight of cargo")?;
    if !output.status.success() {
        let names: Vec<_> = functions.iter().map(|(key, _)| format!("`{key}`")).collect();
        return Err(Failure::error(format!("function {} does not compile", names.join(", ")))
            .hint("the compiler's errors stand above; nothing was changed")
            .into());
    }
    let messages = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Message>().filter_map(Result::ok);
    let binaries = messages.filter(|message| message.reason == "compiler-artifact");
    Ok(binaries.filter_map(|message| Some((message.target?.name, message.executable?))).collect())
}

/// Package and features of a function, as cargo's arguments.
pub(super) fn selection(function: &Function) -> Vec<String> {
    let mut arguments = vec!["--package".to_owned(), function.package.clone(), "--no-default-features".to_owned()];
    if !function.features.is_empty() {
        arguments.extend(["--features".to_owned(), function.features.join(",")]);
    }
    arguments
}

/// Cargo in the workspace, seeing none of the user's AWS and Terraform settings.
pub(super) fn cargo(config: &Config) -> Command {
    let mut command = Command::new(config.process.cargo());
    command.current_dir(&config.root).env_clear().envs(config.process.without_cloud_settings());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    command
}

pub(super) fn not_started(config: &Config) -> Failure {
    Failure::error(format!("cannot start `{}`", config.process.cargo().to_string_lossy()))
        .hint("install Rust, with cargo on the PATH")
}

/// The commit, if the workspace is under git and git is here. It is only recorded: no git, no error.
pub(super) async fn commit(config: &Config) -> Option<Commit> {
    let git = |arguments: &'static [&'static str]| {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(&config.root).env_clear().envs(config.process.without_cloud_settings());
        command.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).output()
    };
    let head = git(&["show", "--no-patch", "--format=%H %ct", "HEAD"]);
    let (head, status) = tokio::join!(head, git(&["status", "--porcelain", "--untracked-files=normal"]));
    let head = String::from_utf8(head.ok().filter(|output| output.status.success())?.stdout).ok()?;
    let (id, at) = head.trim().split_once(' ')?;
    Some(Commit { id: id.to_owned(), at: at.parse().ok(), dirty: !status.ok()?.stdout.is_empty() })
}
