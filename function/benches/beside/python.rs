//! The function in Python: its packages from `requirements.txt`, in an environment of their own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

use crate::function::Function;

const REQUIREMENTS: &str = include_str!("requirements.txt");
const HANDLER: &str = include_str!("handler.py");

/// The function, and the root certificates that come with boto3.
pub(crate) struct Python {
    pub(crate) function: Function,
    pub(crate) roots: PathBuf,
}

/// Installs what is not there yet.
pub(crate) fn prepare(scratch: &Path) -> Result<Python> {
    let folder = scratch.join("python");
    let (venv, installed) = (folder.join("venv"), folder.join("installed.txt"));
    fs::create_dir_all(&folder)?;
    if fs::read_to_string(&installed).ok().as_deref() != Some(REQUIREMENTS) {
        install(&folder, &venv)?;
        fs::write(&installed, REQUIREMENTS)?;
    }
    // Here and not beside this file: Python keeps what it compiled beside a module.
    fs::write(folder.join("handler.py"), HANDLER)?;
    let python = venv.join("bin/python");
    let roots =
        said(Command::new(&python).args(["-c", "import botocore.httpsession as h; print(h.get_cert_path(True))"]))?;
    let command = [python.as_os_str(), "-m".as_ref(), "awslambdaric".as_ref(), "handler.handler".as_ref()];
    let command = command.map(ToOwned::to_owned).into();
    Ok(Python { function: Function { name: "Python", command, folder }, roots: roots.trim().into() })
}

fn install(folder: &Path, venv: &Path) -> Result<()> {
    fs::write(folder.join("requirements.txt"), REQUIREMENTS)?;
    said(Command::new("python3").args(["-m", "venv", "--clear"]).arg(venv))?;
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r"]);
    said(pip.arg(folder.join("requirements.txt")))?;
    Ok(())
}

/// Runs `command`; what it wrote to stdout.
fn said(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
