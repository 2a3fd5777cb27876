//! Terraform for the local AWS: with settings, data and state of its own, and the provider from a mirror if there is one.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use tokio::process::Command;

use super::tool;
use super::{Place, cannot};
use crate::config::Config;
use crate::failure::Failure;
use crate::interrupt::Interrupt;

/// The first with write-only arguments, which keep a secret out of the state.
const LEAST: (u32, u32) = (1, 11);
/// The provider's folder in a mirror.
const PROVIDER: &str = "registry.terraform.io/hashicorp/aws";

/// Terraform on this machine, and the folder to run it in.
#[derive(Debug)]
pub(super) struct Terraform {
    folder: PathBuf,
    /// Whether the folder has a lock file for its providers.
    locked: bool,
    mirror: Option<PathBuf>,
}

impl Terraform {
    /// Finds Terraform, refuses one that is too old, and looks for a mirror of the locked provider.
    pub(super) async fn find(config: &Config, folder: &Path) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            terraform_version: String,
        }
        let mut command = Command::new("terraform");
        command
            .args(["version", "-json"])
            .env_clear()
            .envs(config.process.without_cloud_settings())
            .env("CHECKPOINT_DISABLE", "1");
        let about = tool::about(command.stdin(Stdio::null()), "terraform").await?;
        let version: Version = serde_json::from_str(&about).with_context(|| {
            Failure::bad_input("`terraform version -json` did not print JSON")
                .hint("run it to see what it prints; is another `terraform` first on the PATH?")
        })?;
        tool::require("terraform", &version.terraform_version, LEAST)?;
        let lock = std::fs::read_to_string(folder.join(".terraform.lock.hcl")).unwrap_or_default();
        let mirror = locked(&lock).and_then(|version| mirror(&usual_places(config), version));
        Ok(Self { folder: folder.to_owned(), locked: !lock.is_empty(), mirror })
    }

    /// Prepares the folder.
    pub(super) fn init(&self) -> Command {
        let mut command = self.command(&["init", "-reconfigure"]);
        command.args(self.locked.then_some("-lockfile=readonly"));
        command
    }

    /// Applies the folder, with the state in a file.
    pub(super) fn apply(&self, state: &Path) -> Command {
        let mut command = self.command(&["apply", "-auto-approve"]);
        command.arg(format!("-state={}", state.display()));
        command
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("terraform");
        command.arg(format!("-chdir={}", self.folder.display())).args(arguments).args(["-no-color", "-input=false"]);
        command
    }

    /// Gives a program Terraform settings of its own: where the provider comes from, where data go, and the variables that only this
    /// run knows.
    pub(super) fn settings(&self, config: &Config, place: &Place, command: &mut Command) -> Result<()> {
        let text = match &self.mirror {
            Some(mirror) => format!(
                "provider_installation {{\n  filesystem_mirror {{\n    path    = {:?}\n    include = [\"{PROVIDER}\"]\n  }}\n  direct {{\n    exclude = [\"{PROVIDER}\"]\n  }}\n}}\n",
                mirror.display().to_string()
            ),
            None => {
                let cache = cache(config)?.join("terraform-plugins");
                std::fs::create_dir_all(&cache).with_context(|| cannot("make the folder", &cache))?;
                format!("plugin_cache_dir = {:?}\n", cache.display().to_string())
            }
        };
        let path = place.folder.join("terraform.tfrc");
        std::fs::write(&path, text).with_context(|| cannot("write", &path))?;
        command.env("TF_CLI_CONFIG_FILE", path).env("TF_IN_AUTOMATION", "1").env("CHECKPOINT_DISABLE", "1");
        command.env("TF_INPUT", "0").env("TF_DATA_DIR", place.folder.join("terraform"));
        command
            .env("TF_VAR_environment", &place.environment.name)
            .env("TF_VAR_local_endpoint", place.access.endpoint());
        command.env("TF_VAR_architecture", config.build.architecture().to_string());
        Ok(())
    }

    /// Waits until no other run fills the cache of providers, which all checkouts share: Terraform's cache is not safe for two at once.
    /// With a mirror there is nothing to fill.
    pub(super) async fn turn(&self, config: &Config, interrupt: &Interrupt) -> Result<Option<std::fs::File>> {
        match self.mirror {
            Some(_) => Ok(None),
            None => interrupt.or(turn(config)).await.map(Some),
        }
    }
}

async fn turn(config: &Config) -> Result<std::fs::File> {
    let cache = cache(config)?;
    std::fs::create_dir_all(&cache).with_context(|| cannot("make the folder", &cache))?;
    let path = cache.join("terraform-plugins.lock");
    let file = std::fs::File::create(&path).with_context(|| cannot("write", &path))?;
    let locked = tokio::task::spawn_blocking(move || file.lock().map(|()| file))
        .await
        .context("the wait for the lock was interrupted")?;
    locked.with_context(|| cannot("lock", &path))
}

fn cache(config: &Config) -> Result<PathBuf> {
    config.process.cache().with_context(|| {
        Failure::bad_input("there is no folder for downloads: neither `XDG_CACHE_HOME` nor `HOME` is set")
            .hint("set `HOME` to your home folder")
    })
}

/// The usual places of mirrors: Terraform's implied ones, its plugin cache, and all folders where administrators install
/// software.
fn usual_places(config: &Config) -> Vec<PathBuf> {
    let home = config.process.home().unwrap_or_default();
    let mut places: Vec<PathBuf> = config.process.terraform_plugin_cache().into_iter().collect();
    places.extend(
        [".terraform.d/plugins", ".terraform.d/plugin-cache", ".local/share/terraform/plugins"]
            .map(|path| home.join(path)),
    );
    places.extend(["/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins"].map(PathBuf::from));
    for base in ["/opt", "/usr/local/share", "/usr/local/lib", "/usr/share", "/usr/lib", "/var/lib", "/srv", "/mnt"] {
        let entries = std::fs::read_dir(base).into_iter().flatten().filter_map(Result::ok);
        places.extend(entries.map(|entry| entry.path()));
    }
    places
}

/// The version of the provider in a Terraform lock file.
fn locked(lock: &str) -> Option<&str> {
    let (_, block) = lock.split_once(&format!("provider \"{PROVIDER}\" {{"))?;
    let line =
        block.lines().take_while(|line| !line.starts_with('}')).find(|line| line.trim().starts_with("version "))?;
    line.split('"').nth(1)
}

/// The first place that has this version of the provider for this machine, unpacked or packed. Other versions are useless: the
/// lock file refuses them.
fn mirror(places: &[PathBuf], version: &str) -> Option<PathBuf> {
    let processor = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let platform = format!("{}_{processor}", std::env::consts::OS);
    let has = |place: &&PathBuf| {
        let folder = place.join(PROVIDER);
        folder.join(version).join(&platform).is_dir()
            || folder.join(format!("terraform-provider-aws_{version}_{platform}.zip")).is_file()
    };
    places.iter().find(has).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_found_only_with_the_version_for_this_machine() {
        let base = tempfile::tempdir().unwrap();
        let place = |name: &str| base.path().join(name);
        let platform = if std::env::consts::ARCH == "x86_64" { "linux_amd64" } else { "linux_arm64" };
        std::fs::create_dir_all(place("other").join(PROVIDER).join("5.100.0/plan9_386")).unwrap();
        std::fs::create_dir_all(place("ours").join(PROVIDER).join("5.100.0").join(platform)).unwrap();
        std::fs::create_dir_all(place("newer").join(PROVIDER).join("6.2.0").join(platform)).unwrap();
        std::fs::create_dir_all(place("packed").join(PROVIDER)).unwrap();
        let packed = place("packed").join(PROVIDER).join(format!("terraform-provider-aws_5.100.0_{platform}.zip"));
        std::fs::write(packed, "").unwrap();
        let found = |places: &[&str]| mirror(&places.iter().map(|name| place(name)).collect::<Vec<_>>(), "5.100.0");
        assert_eq!(found(&["none", "other", "newer"]), None);
        assert_eq!(found(&["none", "other", "newer", "ours"]), Some(place("ours")));
        assert_eq!(found(&["newer", "packed"]), Some(place("packed")));
    }

    #[test]
    fn only_the_locked_version_of_the_aws_provider_is_read() {
        let lock = "provider \"registry.terraform.io/hashicorp/archive\" {\n  version = \"2.7.0\"\n}\n\n\
                    provider \"registry.terraform.io/hashicorp/aws\" {\n  version     = \"5.100.0\"\n}\n";
        assert_eq!(locked(lock), Some("5.100.0"));
        assert_eq!(locked("provider \"registry.terraform.io/hashicorp/aws\" {\n}\n"), None);
        assert_eq!(locked(""), None);
    }
}
