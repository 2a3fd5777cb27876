//! Terraform against the local AWS: its own settings and credentials, the provider from a mirror if there is one.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use tokio::process::Command;

use super::Place;
use super::instance::Instance;
use super::tool::{self, Step};
use crate::artifact::sha256;
use crate::config::Config;
use crate::events::Events;
use crate::interrupt::Interrupt;

/// The first with write-only arguments, which keep a secret out of the state.
const LEAST: (u32, u32) = (1, 11);
/// How a mirror is laid out below its folder.
const PROVIDER: &str = "registry.terraform.io/hashicorp/aws";

/// Terraform on this machine, with the settings that it runs under.
#[derive(Debug)]
pub(super) struct Terraform {
    mirror: Option<PathBuf>,
    interrupt: Interrupt,
}

impl Terraform {
    /// Finds Terraform, refuses one that is too old, and looks for a mirror of the provider.
    pub(super) async fn find(config: &Config, interrupt: Interrupt) -> Result<Self> {
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
        let version: Version =
            serde_json::from_str(&about).context("`terraform version -json` printed something that is not JSON")?;
        tool::require("terraform", &version.terraform_version, LEAST)?;
        let lock = std::fs::read_to_string(config.root.join("terraform/.terraform.lock.hcl")).unwrap_or_default();
        let mirror = locked(&lock).and_then(|version| mirror(&usual_places(config), version));
        Ok(Self { mirror, interrupt })
    }

    /// Applies the bootstrap and the base stack of one environment, unless nothing that goes into them changed.
    pub(super) async fn apply(
        &self,
        config: &Config,
        place: &Place,
        instance: &Instance,
        events: &dyn Events,
    ) -> Result<()> {
        let sources = config.root.join("terraform");
        let stamp = place.folder.join("applied");
        let inputs = inputs(&sources, config, place, instance)?;
        if std::fs::read_to_string(&stamp).is_ok_and(|applied| applied == inputs) {
            return Ok(());
        }
        // What is about to change is no longer what the stamp says, also if it fails midway.
        let _ = std::fs::remove_file(&stamp);
        let name = &place.environment.name;
        events.progress("Applying", &format!("Terraform for `{name}`"));
        let settings = self.settings(config, place)?;
        let run = |folder: &str, arguments: Vec<String>| {
            let mut command = self.command(config, place, &settings, folder);
            command.arg(format!("-chdir={}", sources.join(folder).display())).args(arguments);
            async move {
                let doing = format!("Terraform for `{name}`");
                let hint = "fix what it names and run again; nothing was released";
                let step = Step { program: "terraform", doing: &doing, hint };
                tool::succeed(&mut command, &step, &self.interrupt).await
            }
        };
        // Terraform's plugin cache is not safe for two at once: while it is filled, the others wait.
        let filling = match self.mirror {
            Some(_) => None,
            None => Some(self.interrupt.or(turn(config)).await?),
        };
        let text = |arguments: &[&str]| arguments.iter().map(|argument| (*argument).to_owned()).collect::<Vec<_>>();
        let state = format!("-backend-config=path={}", place.folder.join("bootstrap.tfstate").display());
        run("bootstrap", text(&["init", "-no-color", "-input=false", "-lockfile=readonly", "-reconfigure", &state]))
            .await?;
        drop(filling);
        run(
            "bootstrap",
            [text(&["apply", "-no-color", "-input=false", "-auto-approve"]), bootstrap_variables(place)].concat(),
        )
        .await?;
        let backend = format!("-backend-config=environments/local-{name}.s3.tfbackend");
        let bucket = format!("-backend-config=bucket={}-tfstate-{}", config.app, place.access.account);
        run("", text(&["init", "-no-color", "-input=false", "-lockfile=readonly", "-reconfigure", &backend, &bucket]))
            .await?;
        run("", [text(&["apply", "-no-color", "-input=false", "-auto-approve"]), variables(config, place)].concat())
            .await?;
        std::fs::write(&stamp, inputs).with_context(|| format!("cannot write `{}`", stamp.display()))
    }

    /// Terraform with an environment of its own: neither the user's settings nor credentials, loopback only.
    fn command(&self, config: &Config, place: &Place, settings: &Path, folder: &str) -> Command {
        let nothing = place.folder.join("empty");
        let mut command = Command::new("terraform");
        command.env_clear().envs(config.process.without_cloud_settings()).stdin(Stdio::null());
        command.env("TF_CLI_CONFIG_FILE", settings).env("TF_IN_AUTOMATION", "1").env("CHECKPOINT_DISABLE", "1");
        command
            .env("TF_DATA_DIR", place.folder.join("terraform").join(if folder.is_empty() { "root" } else { folder }));
        command.env("AWS_ENDPOINT_URL", place.access.endpoint()).env("AWS_REGION", &place.environment.region);
        command.env("AWS_ACCESS_KEY_ID", &place.access.account).env("AWS_SECRET_ACCESS_KEY", "local");
        command.env("AWS_SESSION_TOKEN", place.access.token().unwrap_or_default());
        command
            .env("AWS_CONFIG_FILE", &nothing)
            .env("AWS_SHARED_CREDENTIALS_FILE", &nothing)
            .env("AWS_EC2_METADATA_DISABLED", "true");
        for name in ["NO_PROXY", "no_proxy"] {
            command.env(name, "127.0.0.1,localhost");
        }
        command
    }

    /// Terraform's own settings: where the provider comes from.
    fn settings(&self, config: &Config, place: &Place) -> Result<PathBuf> {
        let text = match &self.mirror {
            Some(mirror) => format!(
                "provider_installation {{\n  filesystem_mirror {{\n    path    = {:?}\n    include = [\"{PROVIDER}\"]\n  }}\n  direct {{\n    exclude = [\"{PROVIDER}\"]\n  }}\n}}\n",
                mirror.display().to_string()
            ),
            None => {
                let cache = config
                    .process
                    .cache()
                    .context("there is no place for downloads: set `HOME`")?
                    .join("terraform-plugins");
                std::fs::create_dir_all(&cache)
                    .with_context(|| format!("cannot make the folder `{}`", cache.display()))?;
                format!("plugin_cache_dir = {:?}\n", cache.display().to_string())
            }
        };
        let path = place.folder.join("terraform.tfrc");
        std::fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
        std::fs::write(place.folder.join("empty"), "").context("cannot write an empty file")?;
        Ok(path)
    }
}

/// Waits for the cache of providers, which all checkouts share.
async fn turn(config: &Config) -> Result<std::fs::File> {
    let cache = config.process.cache().context("there is no place for downloads: set `HOME`")?;
    std::fs::create_dir_all(&cache).with_context(|| format!("cannot make the folder `{}`", cache.display()))?;
    let path = cache.join("terraform-plugins.lock");
    let file = std::fs::File::create(&path).with_context(|| format!("cannot write `{}`", path.display()))?;
    let locked =
        tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await.context("the wait was cut off")?;
    locked.with_context(|| format!("cannot lock `{}`", path.display()))
}

fn variables(config: &Config, place: &Place) -> Vec<String> {
    vec![
        format!("-var-file=environments/local-{}.tfvars", place.environment.name),
        format!("-var=account_id={}", place.access.account),
        format!("-var=local_endpoint={}", place.access.endpoint()),
        format!("-var=architecture={}", config.build.architecture()),
    ]
}

fn bootstrap_variables(place: &Place) -> Vec<String> {
    vec![
        format!("-var-file=environments/local-{}.tfvars", place.environment.name),
        format!("-var=region={}", place.environment.region),
        format!("-var=account_id={}", place.access.account),
    ]
}

/// A hash over everything that the stack is made of: an equal one means that there is nothing to apply.
fn inputs(sources: &Path, config: &Config, place: &Place, instance: &Instance) -> Result<String> {
    let mut files = Vec::new();
    collect(sources, &mut files)?;
    files.sort();
    let mut text = format!("{instance:?} {:?}", variables(config, place));
    for path in files {
        let content = std::fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        text += &format!("\n{} {}", path.display(), sha256(&content));
    }
    Ok(sha256(text.as_bytes()))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let left_out = name == ".terraform" || name == "tests" || name.ends_with(".md");
        match path.is_dir() {
            _ if left_out => {}
            true => collect(&path, files)?,
            // Emacs's lock is a link to nothing.
            false if path.is_file() => files.push(path),
            false => {}
        }
    }
    Ok(())
}

/// Where mirrors are usually kept: Terraform's own implied places, its plugin cache, and the folders in which
/// administrators put software, with whatever name the mirror has there.
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

/// The version of the provider that a lock file of Terraform's allows.
fn locked(lock: &str) -> Option<&str> {
    let (_, block) = lock.split_once(&format!("provider \"{PROVIDER}\" {{"))?;
    let line =
        block.lines().take_while(|line| !line.starts_with('}')).find(|line| line.trim().starts_with("version "))?;
    line.split('"').nth(1)
}

/// The first place with this version of the provider for this machine in it, unpacked or packed. Any other version is
/// of no use: the lock file refuses it.
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
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::cli::Output;
    use crate::config::ProcessEnvironment;
    use crate::report::Report;

    #[test]
    fn a_mirror_is_found_by_its_layout_and_only_for_this_machine() {
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
    fn the_locked_version_is_that_of_the_provider_and_no_other() {
        let lock = "provider \"registry.terraform.io/hashicorp/archive\" {\n  version = \"2.7.0\"\n}\n\n\
                    provider \"registry.terraform.io/hashicorp/aws\" {\n  version     = \"5.100.0\"\n}\n";
        assert_eq!(locked(lock), Some("5.100.0"));
        assert_eq!(locked("provider \"registry.terraform.io/hashicorp/aws\" {\n}\n"), None);
        assert_eq!(locked(""), None);
    }

    #[test]
    fn an_editors_lock_is_not_an_input() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("main.tf"), "").unwrap();
        std::os::unix::fs::symlink("user@host.1:2", folder.path().join(".#main.tf")).unwrap();
        let mut files = Vec::new();
        collect(folder.path(), &mut files).unwrap();
        assert_eq!(files, [folder.path().join("main.tf")]);
    }

    #[tokio::test]
    async fn terraform_is_always_told_to_print_no_colours() {
        let folder = tempfile::tempdir().unwrap();
        let told = folder.path().join("told");
        let programs = folder.path().join("programs");
        std::fs::create_dir(&programs).unwrap();
        let program = programs.join("terraform");
        std::fs::write(&program, format!("#!/bin/sh\necho \"$@\" >>{}\n", told.display())).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let process = ProcessEnvironment::of([("PATH", programs)]);
        let text = include_str!("../../../deployer.toml");
        let config = Config::parse(text, &folder.path().join("deployer.toml"), true, process).unwrap();
        let place = super::super::places(&config).unwrap().remove(0);
        for folder in [&place.folder, &folder.path().join("terraform")] {
            std::fs::create_dir_all(folder).unwrap();
        }
        let (_stop, interrupt) = Interrupt::by_hand();
        let terraform = Terraform { mirror: Some(folder.path().to_owned()), interrupt };
        let report = Report::new(Output::Text, false, None, &crate::world::World::real());
        let instance = Instance::of(std::process::id()).unwrap();
        terraform.apply(&config, &place, &instance, &report).await.unwrap();
        let told = std::fs::read_to_string(told).unwrap();
        assert_eq!(told.lines().count(), 4, "{told}");
        assert!(told.lines().all(|line| line.contains(" -no-color ")), "{told}");
    }
}
