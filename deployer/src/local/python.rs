//! Python with the emulator in it: a virtual environment that all checkouts share, named by what is in it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tokio::process::Command;

use super::tool;
use crate::artifact::sha256;
use crate::config::Config;
use crate::failure::Failure;
use crate::report::Report;

/// What goes in, pinned by hashes.
const REQUIREMENTS: &str = include_str!("requirements.txt");
const LEAST: (u32, u32) = (3, 10);

/// The Python found on this machine.
#[derive(Debug)]
pub(super) struct Python {
    version: String,
}

/// Finds Python and refuses one that is too old.
pub(super) async fn find(config: &Config) -> Result<Python> {
    let script = "import sys; print('%d.%d.%d' % sys.version_info[:3])";
    let output = tool::output(python(config, Path::new("python3")).args(["-c", script]), "python3").await?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    tool::require("python3", &version, LEAST)?;
    Ok(Python { version })
}

/// The interpreter of the environment, which is made if it is not there. It appears whole or not at all.
pub(super) async fn environment(config: &Config, python_found: &Python, report: &Report) -> Result<PathBuf> {
    let cache = config.process.cache().with_context(|| {
        Failure::bad_input("there is no place for downloads: neither `XDG_CACHE_HOME` nor `HOME` is set")
            .hint("set `HOME`")
    })?;
    let key: String = sha256(format!("{REQUIREMENTS}{}", python_found.version).as_bytes())
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(16)
        .collect();
    let folder = cache.join(format!("local-aws-{key}"));
    let interpreter = folder.join("bin").join("python");
    if interpreter.is_file() {
        return Ok(interpreter);
    }
    report.line("Downloading", "the local AWS (once for all checkouts)");
    std::fs::create_dir_all(&cache).with_context(|| format!("cannot make the folder `{}`", cache.display()))?;
    let unfinished =
        tempfile::Builder::new().prefix("unfinished-").tempdir_in(&cache).context("cannot make a folder")?;
    install(config, unfinished.path()).await?;
    let renamed = std::fs::rename(unfinished.path(), &folder);
    // Another checkout may have been quicker: then its environment is as good as ours.
    if !interpreter.is_file() {
        renamed.with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    }
    Ok(interpreter)
}

async fn install(config: &Config, folder: &Path) -> Result<()> {
    let hint = "install Python with its `venv` module (on Debian: `python3-venv`)";
    tool::succeed(
        python(config, Path::new("python3")).args(["-m", "venv"]).arg(folder),
        "python3",
        "making a Python environment",
        hint,
    )
    .await?;
    let list = folder.join("requirements.txt");
    std::fs::write(&list, REQUIREMENTS).with_context(|| format!("cannot write `{}`", list.display()))?;
    let mut pip = python(config, &folder.join("bin").join("python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
        "--require-hashes",
        "--only-binary",
        ":all:",
        "-r",
    ]);
    let hint = "check the network and run again; nothing half-made is left";
    tool::succeed(pip.arg(&list), "pip", "downloading the local AWS", hint).await
}

fn python(config: &Config, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(config.process.without_cloud_settings()).stdin(std::process::Stdio::null());
    command
}
