//! A machine with a home folder and no programs but those that a test puts on its PATH.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::server::Server;
use crate::harness::{Ended, bare, repository};

/// What `install.sh` needs besides a shell and a program that downloads.
const TOOLS: [&str; 18] = [
    "cat",
    "chmod",
    "cp",
    "cut",
    "grep",
    "gzip",
    "head",
    "mkdir",
    "mktemp",
    "mv",
    "rm",
    "rmdir",
    "sed",
    "sha256sum",
    "tail",
    "tar",
    "tr",
    "uname",
];

/// The shells that a test of all shells uses. `busybox` brings tools of its own.
pub(super) const SHELLS: [&str; 3] = ["dash", "bash", "busybox"];

pub(super) struct Machine {
    folder: TempDir,
    pub(super) shell: &'static str,
    pub(super) settings: BTreeMap<&'static str, String>,
    /// The largest file that can be written, in blocks of 512 bytes.
    pub(super) blocks: Option<u32>,
}

impl Machine {
    /// With curl, without `gh`, and with dash as its shell.
    pub(super) fn new() -> Self {
        Self::with_shell("dash")
    }

    pub(super) fn with_shell(shell: &'static str) -> Self {
        let machine = Self { folder: TempDir::new().unwrap(), shell, settings: BTreeMap::new(), blocks: None };
        for folder in ["programs", "home"] {
            std::fs::create_dir(machine.folder.path().join(folder)).unwrap();
        }
        for tool in TOOLS {
            let from = if shell == "busybox" { found("busybox") } else { found(tool) };
            machine.link(tool, &from);
        }
        machine.link("sh", &found(shell));
        machine.link("curl", &found("curl"));
        machine
    }

    /// With the stand-in for `gh`.
    pub(super) fn with_gh() -> Self {
        let machine = Self::new();
        machine.link("bash", &found("bash"));
        machine.link("gh", &programs().join("gh"));
        machine
    }

    pub(super) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Where it is installed unless a test says otherwise.
    pub(super) fn installed(&self) -> PathBuf {
        self.home().join(".local/bin/deployer")
    }

    /// Puts a program of this system on the PATH.
    pub(super) fn link(&self, name: &str, program: &Path) {
        std::os::unix::fs::symlink(program, self.folder.path().join("programs").join(name)).unwrap();
    }

    pub(super) fn without(self, program: &str) -> Self {
        std::fs::remove_file(self.folder.path().join("programs").join(program)).unwrap();
        self
    }

    /// Puts a script on the PATH, in place of the program of that name.
    pub(super) fn with_script(self, name: &str, script: &str) -> Self {
        let file = self.folder.path().join("programs").join(name);
        let _ = std::fs::remove_file(&file); // most have none of that name
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    /// Has what `uname` prints on another system.
    pub(super) fn on(self, system: &str, processor: &str) -> Self {
        self.with_script("uname", &format!("case $1 in -s) echo '{system}' ;; -m) echo '{processor}' ;; esac"))
    }

    pub(super) fn set(mut self, name: &'static str, value: &str) -> Self {
        self.settings.insert(name, value.to_owned());
        self
    }

    /// The script, about to run against a server.
    pub(super) fn command(&self, server: &Server, arguments: &[&str]) -> Command {
        // A shell cannot handle a signal that was ignored when it started, as `nohup` and `&` in a script do.
        let mut command = Command::new(found("env"));
        let first = if self.blocks.is_some() { "dash" } else { self.shell };
        command.arg("--default-signal=HUP,INT,TERM").arg(found(first));
        if let Some(blocks) = self.blocks {
            // A write beyond the limit then fails as on a full disk.
            let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
            command.args(["-c", &limited]).arg(found(self.shell));
        }
        command.args((self.shell == "busybox").then_some("sh")).arg(repository().join("install.sh")).args(arguments);
        command.env_clear().env("PATH", self.folder.path().join("programs")).env("HOME", self.home());
        command.env("DEPLOYER_DOWNLOAD_URL", server.url()).env("STANDIN_SIGNED", server.signed());
        command.envs(&self.settings).current_dir(self.home());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(super) fn install(&self, server: &Server, arguments: &[&str]) -> Ended {
        Ended::of(&self.command(server, arguments).output().unwrap())
    }

    /// Fails the test unless the script refuses in one line with all of these, gives one hint, and changes no file: on a machine
    /// without a deployer, and on one with an older one.
    #[track_caller]
    pub(super) fn refuses<const N: usize>(&self, server: &Server, arguments: &[&str], words: [&str; N]) {
        for has_an_older_one in [false, true] {
            if has_an_older_one {
                self.write_older();
            }
            let before = tree(&self.home());
            let ended = self.install(server, arguments).expect(1);
            assert_eq!(tree(&self.home()), before, "it left something: {}", ended.stderr);
            one_error_with_a_hint(&ended, &words);
        }
        std::fs::remove_dir_all(self.home().join(".local")).unwrap();
    }

    /// An older deployer, where the new one would go.
    pub(super) fn write_older(&self) {
        std::fs::create_dir_all(self.installed().parent().unwrap()).unwrap();
        std::fs::write(self.installed(), "an older deployer").unwrap();
    }
}

#[track_caller]
pub(super) fn one_error_with_a_hint(ended: &Ended, words: &[&str]) {
    let of = |beginning| ended.stderr.lines().filter(move |line| line.starts_with(beginning)).collect::<Vec<_>>();
    let (errors, hints) = (of("error: "), of("hint: "));
    assert_eq!((errors.len(), hints.len()), (1, 1), "{}", ended.stderr);
    let rest = ended
        .stderr
        .lines()
        .filter(|line| !["error: ", "hint: ", "Downloading "].iter().any(|of| line.starts_with(of)));
    assert_eq!(rest.count(), 0, "other lines: {}", ended.stderr);
    let said = format!("{}\n{}", errors[0], hints[0]);
    for word in words {
        assert!(said.contains(word), "no `{word}` in:\n{said}");
    }
    assert_eq!(ended.stdout, "", "{}", ended.stderr);
}

/// The stand-ins of these tests.
pub(super) fn programs() -> PathBuf {
    repository().join("deployer/tests/it/install/programs")
}

/// A program of this system. What a test needs and cargo does not bring, `.ci/packages` installs.
pub(super) fn found(program: &str) -> PathBuf {
    let path = bare().into_iter().find(|(name, _)| name == "PATH").unwrap().1;
    let find = || path.split(':').map(|folder| Path::new(folder).join(program)).find(|file| file.is_file());
    find().unwrap_or_else(|| {
        let _ = Command::new(repository().join(".ci/packages")).env_clear().envs(bare()).output();
        find().unwrap_or_else(|| panic!("no {program}: run `.ci/packages`, which installs it"))
    })
}

/// Every file and folder below a folder, with its bytes.
pub(super) fn tree(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            all.extend(tree(&entry));
            all.insert(entry, None);
        } else {
            all.insert(entry.clone(), Some(std::fs::read(entry).unwrap()));
        }
    }
    all
}
