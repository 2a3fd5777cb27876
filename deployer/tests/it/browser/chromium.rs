//! A Chromium without a window: where it is found, how it is started, and how it ends.
//!
//! It reaches the loopback interface and nothing else: every name that it knows is the page's server.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process_group};
use tempfile::TempDir;

use crate::harness::{bare, repository};

/// How it may be called: Debian's name, others' name, and Google's own.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Without a window, a graphics card, much shared memory, or reports of its crashes.
const FLAGS: [&str; 4] = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--disable-breakpad"];

/// How long it may take to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long its log may take to name what has happened.
const LOG_PATIENCE: Duration = Duration::from_secs(30);

/// How long a blank page may take to appear.
const BLANK_PAGE_SECONDS: &str = "60";

/// The name of the one that starts. A test that needs it is never skipped.
fn program() -> &'static str {
    static PROGRAM: OnceLock<&str> = OnceLock::new();
    PROGRAM.get_or_init(|| first_that_starts(&NAMES).unwrap_or_else(installed))
}

/// The first that shows a blank page: one without a sandbox prints its version, and ends when it opens one (Ubuntu 24.04's `chromium`).
pub(super) fn first_that_starts<'a>(programs: &[&'a str]) -> Option<&'a str> {
    programs.iter().copied().find(|&program| {
        let home = TempDir::new().unwrap();
        let mut command = Command::new("timeout");
        command.env_clear().envs(bare()).env("HOME", home.path()).args([BLANK_PAGE_SECONDS, program]).args(FLAGS);
        if geteuid().is_root() {
            command.arg("--no-sandbox"); // which refuses root
        }
        command.arg(format!("--user-data-dir={}", home.path().join("profile").display()));
        let page = command.args(["--dump-dom", "about:blank"]).output().unwrap();
        page.status.success() && String::from_utf8_lossy(&page.stdout).contains("<html")
    })
}

/// Root installs it; other users get a message that says how.
fn installed() -> &'static str {
    const HINT: &str = "no Chromium: run `.ci/packages`, which installs it, or put Chromium or Chrome on the PATH";
    assert!(geteuid().is_root(), "{HINT}");
    let ended = Command::new(repository().join(".ci/packages")).env_clear().envs(bare()).output().unwrap();
    first_that_starts(&NAMES).unwrap_or_else(|| panic!("{HINT}\n{}", String::from_utf8_lossy(&ended.stderr)))
}

/// One that runs, with a home of its own. Ends with the value.
pub(super) struct Chromium {
    child: Child,
    home: TempDir,
}

impl Chromium {
    /// Opens a page, whose server listens on this port whatever its address says.
    pub(super) fn open(address: &str, port: u16) -> Self {
        let home = TempDir::new().unwrap();
        let mut command = Command::new(program());
        command.env_clear().envs(bare()).env("HOME", home.path()).env("TMPDIR", home.path());
        command.env_remove("XDG_CACHE_HOME");
        command.args(FLAGS);
        // Nothing of its own business: it would only fail, and late.
        command.args(["--no-first-run", "--no-default-browser-check", "--disable-background-networking"]);
        command.args(["--disable-component-update", "--disable-default-apps", "--disable-sync", "--no-proxy-server"]);
        // What a page's console shows goes to stderr.
        command.arg("--enable-logging=stderr");
        // No https, which it tries first unless this is set.
        command.arg("--disable-features=HttpsUpgrades");
        if geteuid().is_root() {
            command.arg("--no-sandbox"); // which refuses root
        }
        command.arg(format!("--user-data-dir={}", home.path().join("profile").display()));
        command.arg(format!("--log-net-log={}", home.path().join("network.json").display()));
        command.arg(format!("--host-resolver-rules=MAP * 127.0.0.1:{port}, EXCLUDE 127.0.0.1")).arg(address);
        let words = File::create(home.path().join("stderr")).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(words);
        // A group of its own: whatever it starts ends with it.
        let child = command.process_group(0).spawn().unwrap();
        Self { child, home }
    }

    pub(super) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// What it complained of.
    pub(super) fn complaints(&self) -> String {
        self.read("stderr")
    }

    /// Ends it, and fails the test if it went anywhere but to the loopback interface before it asked for `last`.
    #[track_caller]
    pub(super) fn close_after(self, last: &str) {
        let log = self.log_up_to(&format!("{last}\""));
        let connections: Vec<_> = log.split("\"address_list\":[\"").skip(1).collect();
        assert!(!connections.is_empty(), "no connection in the log: {log}");
        for connection in connections {
            assert!(connection.starts_with("127.0.0.1:"), "not to loopback: {}", connection.split('"').next().unwrap());
        }
    }

    /// Its log of the network. It is written late, and what is not written when Chromium ends may be lost.
    #[track_caller]
    fn log_up_to(&self, last: &str) -> String {
        let started = Instant::now();
        loop {
            let log = self.read("network.json");
            if log.contains(last) {
                return log;
            }
            assert!(started.elapsed() < LOG_PATIENCE, "no `{last}` in the log: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn read(&self, file: &str) -> String {
        String::from_utf8_lossy(&std::fs::read(self.home.path().join(file)).unwrap_or_default()).into_owned()
    }

    fn end(&mut self) {
        let group = Pid::from_child(&self.child);
        let _ = kill_process_group(group, Signal::TERM);
        let asked = Instant::now();
        while self.runs() && asked.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(20));
        }
        // Also what it left behind.
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.child.wait();
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        self.end();
    }
}
