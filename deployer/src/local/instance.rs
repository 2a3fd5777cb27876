//! A running process as its folder records it: its id, and whether that is still the same process.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::{Place, cannot};
use crate::failure::{Exit, Failure};

/// A process that we started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Instance {
    /// Its id, which is also its group's.
    pub(super) process: u32,
    /// When it began, in the kernel's ticks: ids are reused, the pair of both is not.
    pub(super) began: u64,
}

impl Instance {
    /// The instance of a folder, if it is still running.
    pub(super) fn running(folder: &Path) -> Option<Self> {
        let text = std::fs::read(file(folder)).ok()?;
        let instance: Self = serde_json::from_slice(&text).ok()?;
        instance.alive().then_some(instance)
    }

    /// Of a process that has just been started.
    pub(super) fn of(process: u32) -> Result<Self> {
        let began = began(process).with_context(|| format!("process {process} ended at once"))?;
        Ok(Self { process, began })
    }

    /// Whether the process runs, and is the one that we started.
    pub(super) fn alive(&self) -> bool {
        began(self.process) == Some(self.began)
    }

    /// Records it for later runs.
    pub(super) fn remember(&self, folder: &Path) -> Result<()> {
        let path = file(folder);
        std::fs::write(&path, serde_json::to_vec(self)?).with_context(|| cannot("write", &path))
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join("instance.json")
}

/// The start of a process, unless it is a zombie, from `/proc/PID/stat`. The command's name in it may contain anything, so the
/// fields are counted from its closing bracket (proc(5): state is field 3, starttime field 22).
fn began(process: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let began = fields.nth(18)?.parse().ok()?;
    (state != "Z").then_some(began)
}

/// Refuses a port that another program listens on.
pub(super) fn refuse_foreign_port(place: &Place) -> Result<()> {
    if Instance::running(&place.folder).is_some() {
        return Ok(());
    }
    let port = place.access.port;
    match std::net::TcpListener::bind(("127.0.0.1", port)) {
        Ok(_) => Ok(()),
        Err(error) => Err(anyhow::Error::from(error).context(in_use(place, "another program"))),
    }
}

/// The error for a port that another instance took while this one started.
pub(super) fn foreign(place: &Place) -> anyhow::Error {
    in_use(place, "the local AWS of another checkout").into()
}

fn in_use(place: &Place, by: &str) -> Failure {
    let (port, name) = (place.access.port, &place.environment.name);
    Failure::bad_input(format!("port {port} of `{name}` is in use by {by}")).hint(format!(
        "stop it (another checkout's local AWS: `deployer local down` there), or give `local.{name}` another port in \
         `deployer.toml`"
    ))
}

/// Lets one run at a time work on the local AWS of a checkout, until the returned value is dropped, however the run ends.
pub(super) fn alone(root: &Path) -> Result<File> {
    std::fs::create_dir_all(root).with_context(|| cannot("make the folder", root))?;
    let path = root.join("lock");
    let file = File::create(&path).with_context(|| cannot("write", &path))?;
    file.try_lock().map_err(|_| {
        Failure::new(Exit::Locked, "another `deployer local` is running in this checkout")
            .hint("wait until it ends, then run again")
    })?;
    Ok(file)
}

/// The folders of all environments that were started here.
pub(super) fn folders(root: &Path) -> Result<Vec<(String, PathBuf)>> {
    let entries = std::fs::read_dir(root).with_context(|| cannot("read", root))?;
    let folders = entries.filter_map(Result::ok).filter(|entry| entry.path().is_dir());
    Ok(folders.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path())).collect())
}

/// Removes an environment's files.
pub(super) fn forget(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| cannot("remove the folder", folder))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ending::Ending as _;

    #[test]
    fn a_process_differs_from_another_with_the_same_id() {
        let this = Instance::of(std::process::id()).unwrap();
        assert!(this.alive());
        assert!(!Instance { began: this.began + 1, ..this }.alive());
    }

    #[test]
    fn an_instance_is_remembered_until_it_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let this = Instance::of(std::process::id()).unwrap();
        this.remember(folder.path()).unwrap();
        assert_eq!(Instance::running(folder.path()), Some(this));
        forget(folder.path()).unwrap();
        forget(folder.path()).unwrap();
        assert_eq!(Instance::running(folder.path()), None);
    }

    #[test]
    fn only_one_run_works_on_a_checkout() {
        let folder = tempfile::tempdir().unwrap();
        let first = alone(folder.path()).unwrap();
        assert_eq!(alone(folder.path()).unwrap_err().exit(), Exit::Locked);
        drop(first);
        // A process that another test starts at this moment has a copy of the open file until it runs its program.
        let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while alone(folder.path()).is_err() {
            assert!(std::time::Instant::now() < until, "the lock is still taken");
            std::thread::yield_now();
        }
    }
}
