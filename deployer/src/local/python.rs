//! Python with the emulator: a virtual environment that all checkouts share, named by a hash of its content.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tokio::process::Command;

use super::cannot;
use super::tool::{self, Step};
use crate::artifact::sha256;
use crate::config::Config;
use crate::events::Events;
use crate::failure::Failure;
use crate::interrupt::Interrupt;

/// The packages to install, pinned by hashes.
const REQUIREMENTS: &str = include_str!("requirements.txt");
const LEAST: (u32, u32) = (3, 10);
/// The newest with wheels of all pinned packages.
const NEWEST: (u32, u32) = (3, 14);

/// The Python of this machine.
#[derive(Debug)]
pub(super) struct Python {
    version: String,
}

/// Finds Python and refuses one that is too old.
pub(super) async fn find(config: &Config) -> Result<Python> {
    let script = "import sys; print('%d.%d.%d' % sys.version_info[:3])";
    let version = tool::about(python(config, Path::new("python3")).args(["-c", script]), "python3").await?;
    let version = version.trim().to_owned();
    tool::require("python3", &version, LEAST)?;
    Ok(Python { version })
}

/// The interpreter of the environment, which is made if it is missing: whole or not at all.
pub(super) async fn environment(
    config: &Config,
    python_found: &Python,
    interrupt: &Interrupt,
    events: &dyn Events,
) -> Result<PathBuf> {
    let cache = config.process.cache().with_context(|| {
        Failure::bad_input("there is no folder for downloads: neither `XDG_CACHE_HOME` nor `HOME` is set")
            .hint("set `HOME` to your home folder")
    })?;
    let key: String = sha256(format!("{REQUIREMENTS}{}", python_found.version).as_bytes())
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(16)
        .collect();
    let folder = cache.join(format!("local-aws-{key}"));
    let interpreter = folder.join("bin").join("python");
    if runs(config, &interpreter).await {
        return Ok(interpreter);
    }
    events.progress("Downloading", "the local AWS (once for all checkouts)");
    std::fs::create_dir_all(&cache).with_context(|| cannot("make the folder", &cache))?;
    let unfinished = tempfile::Builder::new()
        .prefix("unfinished-")
        .tempdir_in(&cache)
        .with_context(|| cannot("write to the folder", &cache))?;
    install(config, python_found, unfinished.path(), interrupt).await?;
    let aside = tempfile::Builder::new()
        .prefix("unfinished-")
        .tempdir_in(&cache)
        .with_context(|| cannot("write to the folder", &cache))?;
    // Another checkout may have made the same environment meanwhile: then that one is used.
    if !runs(config, &interpreter).await {
        // An environment whose interpreter was moved never runs again.
        let _ = std::fs::rename(&folder, aside.path().join("old"));
        let renamed = std::fs::rename(unfinished.path(), &folder);
        renamed.with_context(|| cannot("make the folder", &folder))?;
    }
    Ok(interpreter)
}

/// Whether an environment's interpreter runs and finds the emulator. That its file exists is not enough: it is a link to a
/// Python that may have been moved, or built for another processor.
async fn runs(config: &Config, interpreter: &Path) -> bool {
    let script = "import importlib.util, sys; sys.exit(importlib.util.find_spec('ministack') is None)";
    let output = python(config, interpreter).args(["-c", script]).output().await;
    output.is_ok_and(|output| output.status.success())
}

async fn install(config: &Config, found: &Python, folder: &Path, interrupt: &Interrupt) -> Result<()> {
    let step = Step {
        program: "python3",
        doing: "making a Python environment",
        hint: "install Python with its `venv` module (on Debian: `python3-venv`)",
    };
    let mut venv = python(config, Path::new("python3"));
    tool::succeed(venv.args(["-m", "venv"]).arg(folder), &step, interrupt).await?;
    let list = folder.join("requirements.txt");
    std::fs::write(&list, REQUIREMENTS).with_context(|| cannot("write", &list))?;
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
    let hint = download_hint(&found.version);
    let step = Step { program: "pip", doing: "downloading the local AWS", hint: &hint };
    tool::succeed(pip.arg(&list), &step, interrupt).await
}

/// The hint for a failed download. With a Python newer than the pinned wheels the network is not the cause.
fn download_hint(version: &str) -> String {
    let (major, minor) = NEWEST;
    if tool::require("python3", version, (major, minor + 1)).is_ok() {
        return format!(
            "Python {version} is newer than the local AWS's packages: put Python {major}.{minor} first on the PATH"
        );
    }
    "check the network and run again; nothing partial is left".to_owned()
}

fn python(config: &Config, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(config.process.without_cloud_settings()).stdin(std::process::Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;
    use crate::cli::Output;
    use crate::config::ProcessEnvironment;
    use crate::report::Report;

    #[test]
    fn a_python_newer_than_the_wheels_is_named_as_the_cause() {
        assert!(download_hint("3.15.0").contains("Python 3.15.0 is newer"));
        for version in ["3.10.4", "3.14.2"] {
            assert!(download_hint(version).contains("check the network"), "{version}");
        }
    }

    #[tokio::test]
    async fn an_environment_whose_interpreter_is_gone_does_not_run() {
        let folder = tempfile::tempdir().unwrap();
        let text = include_str!("../../../deployer.toml");
        let config = Config::parse(text, &folder.path().join("deployer.toml"), true, ProcessEnvironment::default());
        let (config, interpreter) = (config.unwrap(), folder.path().join("python"));
        assert!(!runs(&config, &interpreter).await);
        symlink("/nowhere/python3", &interpreter).unwrap();
        assert!(!runs(&config, &interpreter).await);
    }

    /// A `python3` that makes environments whose interpreter always succeeds.
    const PYTHON: &str = r#"#!/bin/sh
[ "$2" = venv ] && mkdir -p "$3/bin" && printf '#!/bin/sh\nexit 0\n' >"$3/bin/python" && chmod +x "$3/bin/python"
"#;

    #[tokio::test]
    async fn an_environment_that_lost_its_interpreter_is_rebuilt() {
        let folder = tempfile::tempdir().unwrap();
        let python = folder.path().join("python3");
        std::fs::write(&python, PYTHON).unwrap();
        std::fs::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).unwrap();
        let cache = folder.path().join("cache");
        let path = format!("{}:/usr/bin:/bin", folder.path().display());
        let process = ProcessEnvironment::of([("PATH", path), ("XDG_CACHE_HOME", cache.display().to_string())]);
        let text = include_str!("../../../deployer.toml");
        let config = Config::parse(text, &folder.path().join("deployer.toml"), true, process).unwrap();
        let found = Python { version: "3.11.2".to_owned() };
        let report = Report::new(Output::Text, (false, true), None, &crate::world::World::real());
        let (_stop, interrupt) = Interrupt::by_hand();
        let made = || environment(&config, &found, &interrupt, &report);

        let interpreter = made().await.unwrap();
        std::fs::remove_file(&interpreter).unwrap();
        symlink("/nowhere/python3", &interpreter).unwrap();
        assert_eq!(made().await.unwrap(), interpreter);
        assert!(runs(&config, &interpreter).await);
        let left = std::fs::read_dir(cache.join("deployer")).unwrap().count();
        assert_eq!(left, 1, "what was moved aside is gone");
    }
}
