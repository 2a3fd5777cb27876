//! Chooses what builds for a target: cargo, or a tool that links for other processors and against older versions of glibc.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::settings::Settings;
use crate::config::{Architecture, Config, GlibcVersion};
use crate::failure::Failure;

/// The one command that installs a tool, with its linker.
const INSTALL: &str = "pip install cargo-zigbuild";

/// Where `cargo lambda` moves what it made, in cargo's target folder.
const MOVED: &str = "lambda";

/// What builds for a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Builder {
    /// Cargo, with the linker of this machine or the one that its configuration names.
    Cargo,
    /// `cargo zigbuild`.
    Zigbuild,
    /// `cargo lambda build`.
    Lambda,
}

impl Builder {
    /// What builds for `target` on this machine, `host` as the compiler names it: a tool where one is needed and installed. Without
    /// one, a newer glibc than the runtime's may still do, which the check of the binary decides; for another processor nothing
    /// builds then.
    pub(super) async fn of(config: &Config, settings: &Settings, (host, target): (&str, &str)) -> Option<Self> {
        let is_foreign = !host.contains("-linux-") || Architecture::of_target(host) != Architecture::of_target(target);
        if is_foreign {
            return if settings.names_linker(config, target) { Some(Self::Cargo) } else { installed(config) };
        }
        let tool = installed(config).filter(|_| is_of_glibc(target));
        match tool {
            Some(tool) if has_newer_glibc(config, config.build.newest_glibc).await => Some(tool),
            _ => Some(Self::Cargo),
        }
    }

    /// How cargo is called to build for `target` in its target folder.
    pub(super) fn arguments(self, config: &Config, target: &str, folder: &Path) -> Vec<String> {
        let (verb, target) = match self {
            Self::Cargo => (vec!["build".to_owned()], target.to_owned()),
            Self::Zigbuild => (vec!["zigbuild".to_owned()], with_glibc(config, target)),
            Self::Lambda => {
                let to = folder.join(MOVED).display().to_string();
                // The profile is the user's.
                let verb = ["lambda", "build", "--disable-optimizations", "--lambda-dir", &to];
                (verb.map(str::to_owned).to_vec(), with_glibc(config, target))
            }
        };
        verb.into_iter().chain(["--target".to_owned(), target]).collect()
    }

    /// Where a binary is that was made in the target folder; cargo reported it at `reported`.
    pub(super) fn place(self, reported: &Path, folder: &Path, bin: &str) -> PathBuf {
        match self {
            Self::Lambda => folder.join(MOVED).join(bin).join("bootstrap"),
            _ => reported.to_path_buf(),
        }
    }

    /// What a package is made of besides, if it is made by a tool.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Cargo => None,
            Self::Zigbuild => Some("zigbuild"),
            Self::Lambda => Some("lambda"),
        }
    }
}

/// The error where nothing builds the function with this key for its target.
pub(super) fn missing(key: &str, target: &str) -> Failure {
    let (wanted, here) =
        (Architecture::of_target(target), format!("{}, {}", std::env::consts::OS, std::env::consts::ARCH));
    let what =
        format!("function `{key}` is built for `{wanted}`, and no tool on this machine ({here}) can build for that");
    let hint = format!(
        "run `{INSTALL}`, which is then used automatically, or configure a linker for `[target.{target}]` in `.cargo/config.toml`; \
         nothing was changed"
    );
    Failure::bad_input(what).hint(hint)
}

/// Both tools link against the glibc whose version ends the target's name.
fn with_glibc(config: &Config, target: &str) -> String {
    if is_of_glibc(target) { format!("{target}.{}", config.build.newest_glibc) } else { target.to_owned() }
}

fn is_of_glibc(target: &str) -> bool {
    target.contains("-gnu")
}

/// The first tool that is installed where cargo looks for its commands.
fn installed(config: &Config) -> Option<Builder> {
    let path = config.process.get("PATH").map(std::ffi::OsStr::to_os_string).unwrap_or_default();
    let own = config.process.cargo_home().map(|home| home.join("bin"));
    let folders: Vec<_> = std::env::split_paths(&path).chain(own).collect();
    let has = |name: &str| folders.iter().any(|folder| is_program(&folder.join(name)));
    [(Builder::Zigbuild, "cargo-zigbuild"), (Builder::Lambda, "cargo-lambda")]
        .into_iter()
        .find(|(_, name)| has(name))
        .map(|(tool, _)| tool)
}

fn is_program(path: &Path) -> bool {
    path.is_file() && super::output::is_executable(path)
}

/// Whether this machine links against a newer glibc, or has another libc.
async fn has_newer_glibc(config: &Config, newest: GlibcVersion) -> bool {
    let mut getconf = Command::new("getconf");
    getconf.arg("GNU_LIBC_VERSION").env_clear().envs(config.process.for_builds(&[])).stdin(Stdio::null());
    let printed = getconf.output().await.map(|output| output.stdout).unwrap_or_default();
    let printed = String::from_utf8_lossy(&printed).into_owned();
    let version = printed.trim().strip_prefix("glibc ").map(str::to_owned);
    version.and_then(|version| GlibcVersion::try_from(version).ok()).is_none_or(|found| found > newest)
}
