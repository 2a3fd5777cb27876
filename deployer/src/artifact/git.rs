//! Reads from git: the files of a checkout, its commit, and which of two commits came first.
//!
//! Takes a folder, and returns what git printed, or why it printed nothing. The result does not depend on the user's or
//! the shell's settings: no `GIT_*` variable reaches git (a hook sets `GIT_DIR` and `GIT_INDEX_FILE`), and what settings
//! could change is fixed on the command line. Only `safe.directory` remains the user's. Git is never needed: without it
//! files are found by a walk, and the commit is unknown.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;

use crate::config::ProcessEnvironment;

/// Enough for a large repository on a slow disk.
const LONGEST: Duration = Duration::from_secs(30);

/// Settings that could change what git prints.
const FIXED: [&str; 11] = [
    "core.quotePath=false",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "core.excludesFile=/dev/null",
    "core.hooksPath=/dev/null",
    "core.autocrlf=false",
    "core.attributesFile=/dev/null",
    "log.showSignature=false",
    "status.showUntrackedFiles=all",
    "status.relativePaths=true",
    "submodule.recurse=false",
];

/// Git in one folder.
#[derive(Clone, Copy)]
pub(super) struct Git<'a> {
    process: &'a ProcessEnvironment,
    folder: &'a Path,
}

/// The commit of a checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id, hexadecimal.
    pub id: String,
    /// When it was made, in seconds since 1970, if that is known.
    pub at: Option<i64>,
}

/// Commits, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commits {
    /// The first of them: id and title.
    pub shown: Vec<(String, String)>,
    /// How many there are.
    pub total: usize,
}

/// How two commits are related.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ancestry {
    /// The first is an ancestor of the second.
    Before,
    /// The second is an ancestor of the first.
    After,
    /// Neither is an ancestor of the other.
    Apart,
    /// Git does not have both, or not their history.
    Unknown,
}

impl<'a> Git<'a> {
    pub(super) fn new(process: &'a ProcessEnvironment, folder: &'a Path) -> Self {
        Self { process, folder }
    }

    /// The files below the folder, tracked or not, but for what a `.gitignore` of the repository excludes. Folders in the
    /// list are repositories of their own. None if git cannot list them.
    pub(super) async fn files(&self) -> Option<Vec<PathBuf>> {
        // Not `--exclude-standard`: that includes the user's own exclusions.
        let list = ["ls-files", "-z", "--cached", "--others", "--deduplicate", "--exclude-per-directory=.gitignore"];
        let listed = self.run(&list).await.ok().filter(|output| output.status.success())?;
        Some(
            listed
                .stdout
                .split(|byte| *byte == 0)
                .filter(|name| !name.is_empty())
                .map(|name| self.below(name))
                .collect(),
        )
    }

    /// The files that differ from the commit, or are not in it.
    pub(super) async fn changed(&self) -> Vec<PathBuf> {
        let status =
            ["status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=none"];
        let Ok(output) = self.run(&status).await else { return Vec::new() };
        // Its paths are from the top, whatever the folder.
        let Some(top) = self.top().await else { return Vec::new() };
        let entries = output.stdout.split(|byte| *byte == 0).filter_map(|entry| entry.get(3..));
        entries.map(|name| Git { folder: &top, ..*self }.below(name)).collect()
    }

    /// The commit that is checked out.
    ///
    /// # Errors
    /// Why it is unknown, in git's words.
    pub(super) async fn head(&self) -> Result<Commit, String> {
        let output = self.run(&["show", "--no-patch", "--format=%H %ct", "HEAD"]).await?;
        let printed = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            return Err(words.lines().next().unwrap_or("git failed and printed nothing").to_owned());
        }
        let is_id = |id: &&str| matches!(id.len(), 40 | 64) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let parsed = printed.trim().split_once(' ').filter(|(id, _)| is_id(id));
        let (id, at) = parsed.ok_or_else(|| {
            format!("git printed no commit, but `{}`", printed.trim().chars().take(80).collect::<String>())
        })?;
        Ok(Commit { id: id.to_owned(), at: at.parse().ok() })
    }

    /// How two commits are related.
    pub(super) async fn ancestry(&self, first: &str, second: &str) -> Ancestry {
        if first == second {
            return Ancestry::Before;
        }
        let (before, after, shallow) =
            tokio::join!(self.is_ancestor(first, second), self.is_ancestor(second, first), self.is_shallow());
        match (before, after) {
            (Some(true), _) => Ancestry::Before,
            (_, Some(true)) => Ancestry::After,
            // If the history is cut off, "no" only means that the path is missing here.
            (Some(false), Some(false)) if !shallow => Ancestry::Apart,
            _ => Ancestry::Unknown,
        }
    }

    /// The commits that `to` has and `from` has not, the newest first: at most `limit` of them, and how many there are.
    /// Nothing if git does not have both, or not their history.
    pub(super) async fn log(&self, from: &str, to: &str, limit: usize) -> Option<Commits> {
        let is_id = |id: &str| (7..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_id(from) || !is_id(to) || self.is_shallow().await {
            return None;
        }
        let (range, most) = (format!("{from}..{to}"), format!("--max-count={limit}"));
        let (log, count) = (["log", "--format=%H %s", &most, &range, "--"], ["rev-list", "--count", &range, "--"]);
        let (shown, total) = tokio::join!(self.run(&log), self.run(&count));
        let text = |output: Result<Output, String>| {
            let output = output.ok().filter(|output| output.status.success())?;
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let shown = text(shown)?;
        let line = |line: &str| line.split_once(' ').map(|(id, title)| (id.to_owned(), title.to_owned()));
        Some(Commits { shown: shown.lines().filter_map(line).collect(), total: text(total)?.trim().parse().ok()? })
    }

    /// The name of who commits here.
    pub(super) async fn author(&self) -> Option<String> {
        // Without a path there is nothing to be started.
        self.process.get("PATH")?;
        let output = self.run(&["config", "--get", "user.name"]).await.ok()?;
        let name = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (output.status.success() && !name.is_empty()).then_some(name)
    }

    async fn is_ancestor(&self, first: &str, second: &str) -> Option<bool> {
        match self.run(&["merge-base", "--is-ancestor", first, second]).await.ok()?.status.code() {
            Some(0) => Some(true),
            Some(1) => Some(false),
            _ => None,
        }
    }

    async fn is_shallow(&self) -> bool {
        let response = self.run(&["rev-parse", "--is-shallow-repository"]).await;
        !response.is_ok_and(|output| output.stdout.trim_ascii() == b"false")
    }

    /// The address of the remote `origin`, which may have a password in it.
    pub(super) async fn origin(&self) -> Option<String> {
        let output =
            self.run(&["config", "--get", "remote.origin.url"]).await.ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// The top of the checkout.
    async fn top(&self) -> Option<PathBuf> {
        let output = self.run(&["rev-parse", "--show-toplevel"]).await.ok().filter(|output| output.status.success())?;
        Some(Path::new("/").join(path(output.stdout.strip_suffix(b"\n")?)))
    }

    fn below(&self, name: &[u8]) -> PathBuf {
        self.folder.join(path(name))
    }

    async fn run(&self, arguments: &[&str]) -> Result<Output, String> {
        let mut git = Command::new("git");
        git.args(["--no-pager", "--no-optional-locks", "--no-replace-objects", "--literal-pathspecs"]);
        git.args(FIXED.iter().flat_map(|setting| ["-c", *setting]));
        git.args(arguments).current_dir(self.folder).env_clear().env("LC_ALL", "C");
        let kept = ["PATH", "HOME", "XDG_CONFIG_HOME"].into_iter();
        git.envs(kept.filter_map(|name| Some((name, self.process.get(name)?))));
        // A partial clone must not fetch objects here: no protocol is allowed, and git never prompts for a password.
        git.env("GIT_ALLOW_PROTOCOL", "none").env("GIT_TERMINAL_PROMPT", "0");
        let output = git.stdin(Stdio::null()).kill_on_drop(true).output();
        match tokio::time::timeout(LONGEST, output).await {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(error)) => Err(format!("git cannot be started: {error}")),
            Err(_) => Err(format!("git did not finish within {} s", LONGEST.as_secs())),
        }
    }
}

fn path(bytes: &[u8]) -> &Path {
    use std::os::unix::ffi::OsStrExt as _;
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}
