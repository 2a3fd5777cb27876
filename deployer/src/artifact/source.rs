//! The source hash of a function that cargo builds: over everything that it is built from, without building it.
//!
//! **What counts.** (1) The files of the function's package and of every path package in its closure, as git lists them, named
//! by package: so the same tree has the same hash anywhere. (2) Every other crate of the closure, with version, features and
//! checksum: cargo resolves the closure for just this package and these features, so a neighbour's dependencies do not count.
//! (3) Profile, target, compiler, flags, the tool that links if it is not this machine's, and what of cargo's configuration changes code. (4) What the last build read beyond
//! that (`reads.rs`): files outside the packages and environment variables, by the names that the live release keeps.
//!
//! (4) is sound because it is the *last* build's: as long as nothing that it read has changed, a build now would read the
//! same. Where it is unknown what the last build read, that part of the hash is empty, and a build decides.
//!
//! **What decides.** Where bytes are at hand, they do (`plan`): equal hashes with other bytes are a change, other hashes with
//! the same bytes are not. The hash only decides whether a build is needed.
//!
//! **Measured** (330 crates, 2 cores with a load of 5, debug build): `cargo tree` 0.6 s a function, `cargo metadata` 0.95 s and
//! without dependencies 0.1 s, `rustc -vV` 0.08 s, `git ls-files` 0.02 s. So even a build that finds nothing to do is too slow
//! as the no-op, and so is running cargo: the closures are kept (`closure.rs`), and only the files are read each time. At a load
//! of 25 the whole took 5.4 s cold and 0.45 s warm, mostly in the two programs that still run, rustc and git.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::closure::{Closures, Crate};
use super::cross::Builder;
use super::hasher::Hasher;
use super::reads::{Now, Reads, Roots, add_file};
use super::settings::{Places, Remap, Settings};
use super::{files, own_folder, workspace};
use crate::config::{Config, Package, ProcessEnvironment};
use crate::failure::Failure;

/// What cargo builds of a checkout, as it was read: all that does not depend on what an earlier build read.
pub(super) struct Crates {
    pub(super) folder: PathBuf,
    pub(super) closures: Closures,
    /// The files of each function's packages.
    pub(super) files: BTreeMap<String, BTreeSet<PathBuf>>,
    /// How each target is built for.
    pub(super) targets: BTreeMap<String, Target>,
    bases: BTreeMap<String, String>,
    outputs: Vec<PathBuf>,
    process: ProcessEnvironment,
    values: BTreeMap<OsString, OsString>,
}

/// How a target is built for.
pub(super) struct Target {
    /// Nothing, if nothing that is installed builds for it.
    pub(super) builder: Option<Builder>,
    pub(super) remap: Remap,
}

impl Crates {
    /// Reads it.
    ///
    /// # Errors
    /// Cargo cannot read the workspace: the error has its output.
    pub(super) async fn read(config: &Config) -> Result<Self> {
        let folder = workspace::folder(config)?;
        let settings = Settings::read(config, &folder);
        let compiler = workspace::compiler(config, &folder).await?;
        let closures = Closures::read(config, &folder, &settings, &compiler.about).await?;
        let outputs = vec![closures.target.clone(), own_folder(config)];
        let mut packages = BTreeMap::new();
        for folder in closures.folders() {
            packages.insert(folder.clone(), files::of_package(&config.process, folder, &outputs).await);
        }
        let common = Common::read(config, &closures.workspace, &settings, &compiler.about)?;
        let mut targets = BTreeMap::new();
        for (_, Package { target, .. }) in config.packages() {
            let builder = Builder::of(config, &settings, (&compiler.host, target)).await;
            let places = Places { triple: target, workspace: &closures.workspace, target: &closures.target };
            targets.insert(target.clone(), Target { builder, remap: Remap::of(config, &settings, &places) });
        }
        let mut checkout = Self {
            targets,
            process: config.process.clone(),
            values: config.process.for_builds(&config.build.pass_env),
            files: BTreeMap::new(),
            bases: BTreeMap::new(),
            folder,
            closures,
            outputs,
        };
        for (key, function) in config.packages() {
            let closure = checkout.closures.functions.get(key).with_context(|| {
                format!(
                    "`cargo tree` did not list the dependencies of function `{key}`: this is a bug of `deployer`, please \
                     report it"
                )
            })?;
            let builder = checkout.targets.get(&function.target).and_then(|target| target.builder?.name());
            let base = common.hash((function, builder), closure, &packages, &checkout.closures.workspace);
            checkout.bases.insert(key.clone(), base);
            let folders = closure.iter().filter_map(|package| package.folder.as_ref());
            let files = folders.filter_map(|folder| packages.get(folder)).flatten().cloned();
            checkout.files.insert(key.clone(), files.collect());
        }
        Ok(checkout)
    }

    /// The source hashes by function, with what `reads` names as it is now. Without: the hash of nothing, which no release has.
    pub(super) async fn hashes(&self, reads: Option<&Reads>) -> BTreeMap<String, String> {
        let now = Now {
            process: &self.process,
            workspace: &self.closures.workspace,
            outputs: &self.outputs,
            values: &self.values,
        };
        let mut hashes = BTreeMap::new();
        for (key, base) in &self.bases {
            let mut hasher = Hasher::new();
            hasher.add("base", base.as_bytes());
            match reads {
                Some(reads) => reads.add(&mut hasher, key, &now).await,
                None => hasher.add("unknown", b""),
            }
            hashes.insert(key.clone(), hasher.hex());
        }
        hashes
    }

    /// The workspace's root and target folder.
    pub(super) fn roots(&self) -> Roots<'_> {
        Roots { workspace: &self.closures.workspace, target: &self.closures.target }
    }

    /// Whether the packages, or what configures their build, have this file, which may be gone.
    pub(super) fn are_made_of(&self, reads: Option<&Reads>, path: &Path) -> bool {
        const SETTINGS: [&str; 6] = [
            "Cargo.toml",
            "Cargo.lock",
            ".cargo/config.toml",
            ".cargo/config",
            "rust-toolchain.toml",
            "rust-toolchain",
        ];
        let known = self.files.values().any(|files| files.contains(path));
        let settings = SETTINGS.iter().any(|name| self.closures.workspace.join(name) == path);
        // A file that is gone was one of the innermost package around it.
        let was_in = |folder: &&PathBuf| path.starts_with(folder) && !files::is_left_out(folder, path);
        let gone = !path.exists() && self.closures.folders().iter().any(was_in);
        let read = reads.is_some_and(|reads| reads.cover(&self.closures.workspace, path));
        known || settings || gone || read
    }
}

/// What is the same for all functions.
struct Common {
    /// Compiler, profile, flags.
    parts: Vec<(String, Vec<u8>)>,
    /// The checksums of the lock file, by `name version`: of all sources that have it.
    checksums: BTreeMap<String, String>,
}

impl Common {
    fn read(config: &Config, workspace: &Path, settings: &Settings, compiler: &str) -> Result<Self> {
        let manifest = read_toml(&workspace.join("Cargo.toml"))?;
        let mut parts = vec![
            ("compiler".to_owned(), compiler.as_bytes().to_vec()),
            ("profile".to_owned(), config.build.profile.as_bytes().to_vec()),
            ("settings".to_owned(), settings.text().into_bytes()),
        ];
        // Of the workspace's manifest only what reaches every package; dependencies come in by the closure.
        let patch = [("patch", manifest.get("patch"))];
        let inherited = manifest.get("workspace").and_then(|workspace| workspace.get("package"));
        for (name, table) in
            profiles(&manifest, &config.build.profile).into_iter().chain(patch).chain([("package", inherited)])
        {
            parts.push((name.to_owned(), table.map_or_else(String::new, ToString::to_string).into_bytes()));
        }
        let seen = config.process.for_builds(&config.build.pass_env);
        for (name, value) in config.process.compiler_flags().filter(|(name, _)| seen.contains_key(*name)) {
            parts.push((name.to_string_lossy().into_owned(), value.as_encoded_bytes().to_vec()));
        }
        Ok(Self { parts, checksums: checksums(&read_toml(&workspace.join("Cargo.lock"))?) })
    }

    fn hash(
        &self,
        (function, builder): (&Package, Option<&str>),
        closure: &BTreeSet<Crate>,
        packages: &BTreeMap<PathBuf, BTreeSet<PathBuf>>,
        workspace: &Path,
    ) -> String {
        let mut hasher = Hasher::new();
        self.parts.iter().for_each(|(name, content)| hasher.add(name, content));
        hasher.add("target", function.target.as_bytes());
        hasher.add("bin", function.bin.as_bytes());
        builder.into_iter().for_each(|name| hasher.add("builder", name.as_bytes()));
        for dependency in closure {
            hasher.add("crate", format!("{} {}", dependency.id, dependency.features).as_bytes());
            let Some(folder) = &dependency.folder else {
                let checksum = self.checksums.get(&dependency.id).map_or("", String::as_str);
                hasher.add("checksum", checksum.as_bytes());
                continue;
            };
            for path in packages.get(folder).into_iter().flatten() {
                let name = path.strip_prefix(folder).unwrap_or(path);
                add_file(&mut hasher, name.as_os_str().as_encoded_bytes(), path);
            }
        }
        // sqlx reads its queries here, which neither rustc nor cargo reports.
        if closure.iter().any(|dependency| dependency.id.starts_with("sqlx-macros ")) {
            for path in files::walk(&workspace.join(".sqlx"), &[]) {
                let name = path.strip_prefix(workspace).unwrap_or(&path);
                add_file(&mut hasher, name.as_os_str().as_encoded_bytes(), &path);
            }
        }
        hasher.hex()
    }
}

/// The profile of the build and those that it inherits from. No other one affects the function.
fn profiles<'a>(manifest: &'a toml::Table, profile: &'a str) -> Vec<(&'a str, Option<&'a toml::Value>)> {
    let table = |name: &str| manifest.get("profile").and_then(|profiles| profiles.get(name));
    let parent = |name: &&'a str| table(name)?.get("inherits")?.as_str();
    // More than a handful would be a circle, which cargo refuses.
    std::iter::successors(Some(profile), parent).take(8).map(|name| (name, table(name))).collect()
}

/// The hint for a file that cargo reads, too.
fn to_check(path: &Path) -> String {
    let folder = path.parent().unwrap_or(path);
    format!("run `cargo check` in `{}`; nothing was changed", folder.display())
}

fn read_toml(path: &Path) -> Result<toml::Table> {
    let text = std::fs::read_to_string(path)
        .with_context(|| Failure::bad_input(format!("cannot read `{}`", path.display())).hint(to_check(path)))?;
    text.parse()
        .with_context(|| Failure::bad_input(format!("`{}` is not valid TOML", path.display())).hint(to_check(path)))
}

fn checksums(lock: &toml::Table) -> BTreeMap<String, String> {
    let text = |package: &toml::Value, key: &str| package.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    let packages = lock.get("package").and_then(toml::Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut all = BTreeMap::<_, String>::new();
    for package in packages {
        let (Some(name), Some(version)) = (text(package, "name"), text(package, "version")) else { continue };
        // A git source names its commit. The name of a registry does not count: a mirror has another one.
        let known = text(package, "checksum").or_else(|| text(package, "source")).unwrap_or_default();
        *all.entry(format!("{name} {version}")).or_default() += &format!("{known}\n");
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_used_profile_and_its_parents_count() {
        let text =
            "[profile.dev]\nopt-level = 1\n[profile.release]\nlto = 'off'\n[profile.lambda]\ninherits = 'release'";
        let manifest: toml::Table = text.parse().unwrap();
        let names = |profile| profiles(&manifest, profile).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names("release"), ["release"]);
        assert_eq!(names("lambda"), ["lambda", "release"]);
    }

    #[test]
    fn two_crates_of_one_name_and_version_count_both() {
        let lock = "[[package]]\nname = 'a'\nversion = '1'\nchecksum = 'x'\n[[package]]\nname = 'a'\nversion = '1'\nsource = 'git+u#1'\n";
        assert_eq!(checksums(&lock.parse().unwrap())["a 1"], "x\ngit+u#1\n");
    }
}
