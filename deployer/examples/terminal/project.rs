//! A copy of an example project, on a local AWS of its own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

const NAME: &str = "deployer/examples/python-http-api";

/// The copy. Its local AWS is taken down when it goes.
pub(crate) struct Project {
    pub(crate) deployer: PathBuf,
    pub(crate) root: PathBuf,
}

impl Project {
    /// Copies the project and releases it for the first time.
    pub(crate) fn up(deployer: PathBuf) -> Result<Self> {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no repository")?;
        let place = repository.join("target/terminal");
        drop(std::fs::remove_dir_all(&place));
        // With the module that it uses.
        for part in [NAME, "terraform/modules/ledger"] {
            copy(&repository.join(part), &place.join(part))?;
        }
        let project = Self { deployer, root: place.join(NAME) };
        // Another copy may be running at the example's own ports.
        for port in ["24570", "24571"] {
            let free = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
            project.edit("deployer.toml", port, &free)?;
        }
        project.local("up")?;
        Ok(project)
    }

    fn local(&self, word: &str) -> Result<()> {
        let mut command = Command::new(&self.deployer);
        command.args(["local", word]).current_dir(&self.root).env_remove("TF_CLI_CONFIG_FILE").stdout(Stdio::null());
        let status = command.status().context("cannot start `deployer`: build it first")?;
        ensure!(status.success(), "`deployer local {word}` failed");
        Ok(())
    }

    /// Changes a file of the project once.
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) -> Result<()> {
        let path = self.root.join(file);
        let text = std::fs::read_to_string(&path)?;
        ensure!(text.contains(from), "`{file}` has no `{from}` any more");
        Ok(std::fs::write(path, text.replacen(from, to, 1))?)
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        drop(self.local("down"));
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        // What an earlier run in the original left.
        if [".deployer", ".terraform", "dist"].iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        let to = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &to)?,
            false => drop(std::fs::copy(entry.path(), to)?),
        }
    }
    Ok(())
}
