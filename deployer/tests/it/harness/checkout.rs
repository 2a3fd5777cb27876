//! A checkout of its own, and commands in it with a scrubbed environment.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Ended, Running, bare, copy, credentials, free_port};
use crate::strict::{Call, StrictProxy};

/// What every run gets that must not matter to anything local: settings of a user whose AWS is elsewhere.
/// The endpoint is a trap that counts who falls into it.
const POISON: [(&str, &str); 9] = [
    ("AWS_PROFILE", "poison-profile"),
    ("AWS_ACCESS_KEY_ID", "poison-key"),
    ("AWS_SECRET_ACCESS_KEY", "poison-secret"),
    ("AWS_SESSION_TOKEN", "poison-token"),
    ("AWS_REGION", "eu-poison-1"),
    ("TF_VAR_environment", "poison"),
    ("TF_VAR_account_id", "999999999999"),
    ("TF_CLI_ARGS", "-poison"),
    ("TF_CLI_CONFIG_FILE", "poison.tfrc"),
];

/// A sentence of the counter that no check looks at: changing it changes the binary and nothing else.
pub(crate) const SENTENCE: &str = "There is nothing at this path.";

/// Configuration files made so far.
static FILES: AtomicUsize = AtomicUsize::new(0);

/// The repository that this test was built from.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// A copy of the repository's sources in a folder of its own, with free ports in its `deployer.toml`.
pub(crate) struct Checkout {
    pub root: PathBuf,
    trap: Trap,
}

impl Checkout {
    /// Copies what the repository is made of.
    pub(crate) fn new(name: &str) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if root.exists() {
            std::fs::remove_dir_all(&root).unwrap();
        }
        let source = repository();
        for entry in ["Cargo.toml", "Cargo.lock", "deployer.toml", "deployer", "function", "terraform"] {
            copy(&source.join(entry), &root.join(entry));
        }
        let checkout = Self { root, trap: Trap::set() };
        checkout.edit("deployer.toml", "port = 24566", &format!("port = {}", free_port()));
        checkout.edit("deployer.toml", "port = 24567", &format!("port = {}", free_port()));
        for environment in ["dev", "prod"] {
            credentials::know(checkout.port(environment), checkout.credentials(environment));
        }
        checkout
    }

    /// The binary in this checkout. Its environment is the bare one, and poison.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deployer"));
        command.current_dir(&self.root).env_clear().stdin(Stdio::null()).envs(bare()).envs(POISON);
        let trap = format!("http://127.0.0.1:{}", self.trap.port);
        for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL_S3", "HTTP_PROXY", "http_proxy"] {
            command.env(name, &trap);
        }
        // One place for the compiled dependencies of all checkouts of this test.
        command.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("functions"));
        command
    }

    /// Runs a command line against the local AWS.
    pub(crate) fn deployer(&self, arguments: &str) -> Ended {
        let arguments = arguments.split_whitespace();
        Ended::of(&self.command().arg("--local").args(arguments).output().unwrap())
    }

    /// Runs a command line against the local AWS of `environment` through the strict proxy.
    #[track_caller]
    pub(crate) fn through(&self, proxy: &StrictProxy, environment: &str, arguments: &str) -> (Ended, Vec<Call>) {
        self.through_with(proxy, environment, &[], arguments)
    }

    /// The same with `deployer.toml` edited.
    #[track_caller]
    pub(crate) fn through_with(
        &self,
        proxy: &StrictProxy,
        environment: &str,
        edits: &[(&str, &str)],
        arguments: &str,
    ) -> (Ended, Vec<Call>) {
        proxy.take();
        let ended = Ended::of(&self.command_through(proxy, environment, edits, arguments).output().unwrap());
        (ended, proxy.take())
    }

    /// A command line that goes to `environment` through the strict proxy, with `deployer.toml` edited.
    #[track_caller]
    pub(crate) fn command_through(
        &self,
        proxy: &StrictProxy,
        environment: &str,
        edits: &[(&str, &str)],
        arguments: &str,
    ) -> Command {
        let port = format!("port = {}", self.port(environment));
        let mut text = self.read("deployer.toml").replace(&port, &format!("port = {}", proxy.port));
        for (from, to) in edits {
            assert!(text.contains(from), "no `{from}` in deployer.toml");
            text = text.replacen(from, to, 1);
        }
        // Commands that run at the same time have files of their own.
        let file = format!("front-{}-{}.toml", proxy.port, FILES.fetch_add(1, Ordering::SeqCst));
        self.write(&file, &text);
        let mut command = self.command();
        command.arg("--local").args(arguments.split_whitespace()).args(["--config", &file]);
        command
    }

    /// Starts a command line that goes to `environment` through the strict proxy.
    #[track_caller]
    pub(crate) fn start_through(
        &self,
        proxy: &StrictProxy,
        environment: &str,
        edits: &[(&str, &str)],
        arguments: &str,
    ) -> Running {
        let mut command = self.command_through(proxy, environment, edits, arguments);
        Running::new(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// An artifact of these sources with a sentence of the counter changed, which no check looks at: built once.
    pub(crate) fn artifact(&self, sentence: &str) -> String {
        const FILE: &str = "function/src/reply.rs";
        let folder = format!("artifact-{}", sentence.replace(|c: char| !c.is_alphanumeric(), "-"));
        if !self.root.join(&folder).exists() {
            let _kept = self.keeping(FILE);
            self.edit(FILE, SENTENCE, sentence);
            self.deployer(&format!("build --out {folder}")).expect(0);
        }
        folder
    }

    /// How often a request reached the trap.
    pub(crate) fn trapped(&self) -> usize {
        self.trap.caught.load(Ordering::SeqCst)
    }

    /// The port of an environment's emulator.
    pub(crate) fn port(&self, environment: &str) -> u16 {
        let text = self.read("deployer.toml");
        let line = text.lines().find(|line| line.starts_with(&format!("{environment} = {{ port"))).unwrap();
        line.split_whitespace().nth(5).unwrap().trim_end_matches(',').parse().unwrap()
    }

    /// The file with the credentials of an environment's emulator.
    pub(crate) fn credentials(&self, environment: &str) -> PathBuf {
        self.root.join(format!(".deployer/local/{environment}/credentials"))
    }

    pub(crate) fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.root.join(file)).unwrap()
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        std::fs::write(self.root.join(file), text).unwrap();
    }

    /// Replaces one piece of text, which must be there.
    #[track_caller]
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        let text = self.read(file);
        assert!(text.contains(from), "no `{from}` in {file}");
        self.write(file, &text.replacen(from, to, 1));
    }

    /// A file's text, put back when the value is dropped: also when a test fails in between.
    pub(crate) fn keeping<'a>(&'a self, file: &'a str) -> impl Drop + use<'a> {
        Kept { checkout: self, file, text: self.read(file) }
    }
}

/// Listens where the poisoned endpoint points to, and counts who comes.
struct Trap {
    port: u16,
    caught: Arc<AtomicUsize>,
}

impl Trap {
    fn set() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let (port, caught) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&caught);
        std::thread::spawn(move || {
            listener.incoming().for_each(|_| {
                count.fetch_add(1, Ordering::SeqCst);
            });
        });
        Self { port, caught }
    }
}

struct Kept<'a> {
    checkout: &'a Checkout,
    file: &'a str,
    text: String,
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        self.checkout.write(self.file, &self.text);
    }
}
