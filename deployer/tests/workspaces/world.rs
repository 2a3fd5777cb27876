//! A workspace in a temporary folder, and the deployer's results for it.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use deployer::artifact::{self, Artifact, Checkout, Package, Reads, Sources};
use deployer::config::{Config, ProcessEnvironment};
use tempfile::TempDir;

/// One workspace: `app`, which is released, made of `lib`; `other`, which nothing is made of.
pub(crate) struct World {
    folder: TempDir,
    /// The checkout.
    pub(crate) root: PathBuf,
    /// `deployer.toml`, from the checkout.
    pub(crate) configuration: PathBuf,
    /// The process environment.
    pub(crate) vars: BTreeMap<String, String>,
}

const DEPLOYER: &str = r#"app = "a"
[build]
newest_glibc = "2.99"
target = "TARGET"
[functions.app]
package = "app"
bin = "app"
[environments.dev]
ledger = "l"
region = "r"
[marks]
version = "v"
deployment = "d"
[[checks]]
name = "c"
function = "app"
request = "GET /"
status = 200
"#;

/// The bytes of a function's zip.
pub(crate) fn zip_of(artifact: &Artifact, function: &str) -> Vec<u8> {
    match artifact.package(&artifact.manifest.functions[function]).unwrap() {
        Package::Zip(zip) => std::fs::read(zip.path()).unwrap(),
        Package::Image(image) => panic!("{image} is not a zip"),
    }
}

impl World {
    /// Without git.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        std::fs::create_dir_all(&home).unwrap();
        let mut vars = BTreeMap::from([("HOME".to_owned(), home.display().to_string())]);
        for name in ["PATH", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
            vars.extend(var(name).map(|value| (name.to_owned(), value)));
        }
        // The toolchain is the user's, whose home this is not.
        let rustup = var("HOME").map(|home| format!("{home}/.rustup"));
        vars.entry("RUSTUP_HOME".to_owned()).or_insert_with(|| rustup.unwrap_or_default());
        let root = folder.path().canonicalize().unwrap().join("checkout");
        let world = Self { folder, root, configuration: "deployer.toml".into(), vars };
        world.write("Cargo.toml", "[workspace]\nresolver = '3'\nmembers = ['app', 'lib', 'other']\n");
        world.package(
            "app",
            "[dependencies]\nlib = { path = '../lib' }\n[features]\ndefault = ['one']\none = []\ntwo = ['lib/loud']\n",
        );
        world.package("lib", "[features]\nloud = []\n");
        world.package("other", "");
        world.write("app/src/main.rs", "fn main() { println!(\"{}\", lib::word()); }\n");
        world.write("lib/src/lib.rs", "pub fn word() -> &'static str { \"word\" }\n");
        world.write("other/src/lib.rs", "");
        world.write("deployer.toml", &deployer_toml());
        world.write(".gitignore", "/target\n/.deployer\n");
        world.lock("");
        world
    }

    /// Under git, with all of it in one commit.
    pub(crate) fn with_git() -> Self {
        let world = Self::new();
        world.git("init -q -b main");
        world.commit("all");
        world
    }

    /// A package whose manifest ends with `rest`.
    pub(crate) fn package(&self, folder: &str, rest: &str) {
        let name = folder.rsplit('/').next().unwrap();
        let text = format!("[package]\nname = '{name}'\nversion = '0.1.0'\nedition = '2024'\n{rest}");
        self.write(&format!("{folder}/Cargo.toml"), &text);
    }

    /// The lock file of the workspace in `folder`.
    pub(crate) fn lock(&self, folder: &str) {
        let mut cargo = Command::new("cargo");
        cargo.args(["generate-lockfile", "--offline", "-q"]).current_dir(self.root.join(folder));
        succeeds(cargo.env_clear().envs(&self.vars));
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        self.write_bytes(Path::new(file), text.as_bytes());
    }

    pub(crate) fn write_bytes(&self, file: &Path, bytes: &[u8]) {
        assert!(file.is_relative(), "{file:?} leads out of the workspace");
        let path = self.root.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub(crate) fn link(&self, file: &str, to: &str) {
        let path = self.root.join(file);
        let _ = std::fs::remove_file(&path);
        std::os::unix::fs::symlink(to, path).unwrap();
    }

    pub(crate) fn remove(&self, file: &str) {
        std::fs::remove_file(self.root.join(file)).unwrap();
    }

    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.root.join(file)).unwrap();
        assert!(text.contains(from), "no `{from}` in {file}");
        self.write(file, &text.replacen(from, to, 1));
    }

    pub(crate) fn var(&mut self, name: &str, value: &str) {
        self.vars.insert(name.to_owned(), value.to_owned());
    }

    /// A folder beside the checkout.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.root.parent().unwrap().join(name)
    }

    /// Git in the checkout, as the user who owns it.
    #[track_caller]
    pub(crate) fn git(&self, arguments: &str) -> String {
        self.git_in(&self.root, arguments)
    }

    #[track_caller]
    pub(crate) fn git_in(&self, folder: &Path, arguments: &str) -> String {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "protocol.file.allow=always"]);
        git.args(arguments.split(' ')).current_dir(folder).env_clear();
        let known = self.vars.iter().filter(|(name, _)| ["PATH", "HOME"].contains(&name.as_str()));
        succeeds(git.envs(known).env("GIT_CONFIG_GLOBAL", "/dev/null"))
    }

    #[track_caller]
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git("add -A");
        self.git(&format!("commit -q --allow-empty -m {message}"));
        self.git("rev-parse HEAD").trim().to_owned()
    }

    /// A program on the `PATH`, before all others.
    pub(crate) fn shim(&mut self, name: &str, script: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let (folder, path) = (self.beside("bin"), self.beside("bin").join(name));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let before = self.vars["PATH"].clone();
        self.var("PATH", &format!("{}:{before}", folder.display()));
        path
    }

    pub(crate) fn config(&self) -> Config {
        let path = self.root.join(&self.configuration);
        let text = std::fs::read_to_string(&path).unwrap();
        Config::parse(&text, &path, false, ProcessEnvironment::of(&self.vars)).unwrap()
    }

    pub(crate) async fn checkout(&self) -> anyhow::Result<Checkout> {
        Checkout::read(&self.config()).await
    }

    /// The source hashes, with what `reads` names.
    pub(crate) async fn sources(&self, reads: Option<&Reads>) -> Sources {
        self.checkout().await.unwrap().sources(reads).await
    }

    /// The source hash of `app`, nothing being known of a build.
    pub(crate) async fn hash(&self) -> String {
        self.sources(Some(&Reads::default())).await.functions["app"].clone()
    }

    pub(crate) async fn error(&self) -> String {
        format!("{:#}", self.checkout().await.err().expect("an error"))
    }

    /// Builds into `folder`.
    pub(crate) async fn build(&self, folder: &str) -> anyhow::Result<Artifact> {
        let config = self.config();
        let checkout = Checkout::read(&config).await?;
        Ok(artifact::build(&config, &checkout, &self.root.join(folder)).await?.0)
    }

    /// What the function's binary prints.
    pub(crate) fn run(&self, artifact: &Artifact, function: &str) -> String {
        use std::io::Read as _;
        use std::os::unix::fs::PermissionsExt as _;
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(zip_of(artifact, function))).unwrap();
        let (mut binary, path) = (Vec::new(), self.beside("bootstrap"));
        zip.by_name("bootstrap").unwrap().read_to_end(&mut binary).unwrap();
        std::fs::write(&path, binary).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        succeeds(&mut Command::new(path)).trim().to_owned()
    }

    /// Moves the checkout, and everything beside it, to a place of another depth.
    pub(crate) fn moved(mut self) -> Self {
        let elsewhere = tempfile::tempdir().unwrap();
        let place = elsewhere.path().canonicalize().unwrap().join("a/b c");
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::rename(self.root.parent().unwrap(), &place).unwrap();
        self.root = place.join("checkout");
        self.var("HOME", &place.join("home").display().to_string());
        self.folder = elsewhere;
        self
    }
}

pub(crate) fn deployer_toml() -> String {
    DEPLOYER.replace("TARGET", &target())
}

pub(crate) fn target() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

#[expect(clippy::disallowed_methods, reason = "the test's own environment, not the deployer's")]
fn var(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[track_caller]
pub(crate) fn succeeds(command: &mut Command) -> String {
    // A new program is busy as long as a process of another test still has its file open.
    let output = (0..500).find_map(|_| match command.output() {
        Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
            std::thread::sleep(Duration::from_millis(10));
            None
        }
        ended => Some(ended.unwrap()),
    });
    let output = output.expect("the program stayed busy for 5 s");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {words}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
