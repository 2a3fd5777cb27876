//! The source hash: what a function is really made of, without building it.
//!
//! It covers the sources of the function's package and of every workspace package it depends on, every other
//! crate of its own dependency closure with version, features and checksum, the profile, the target, the compiler and
//! the flags from outside. It does not cover the rest of the workspace: cargo is asked for the closure of just
//! this package with just these features, so a change to a neighbour's dependencies is no change of the function.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use futures::future::try_join_all;
use sha2::{Digest as _, Sha256};
use tokio::process::Command;

use super::compile::{cargo, not_started, selection};
use crate::config::{Config, Function};
use crate::failure::Failure;

/// The source hashes of all functions, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    /// Over all functions.
    pub hash: String,
    /// By function.
    pub functions: BTreeMap<String, String>,
}

/// A hash over named parts; no two lists of parts have the same bytes.
struct Hasher(Sha256);

impl Hasher {
    fn new() -> Self {
        Self(Sha256::new())
    }

    fn add(&mut self, name: &str, content: &[u8]) {
        for part in [name.as_bytes(), content] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
    }

    fn hex(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Sources {
    /// Hashes the sources of every function.
    ///
    /// # Errors
    /// Cargo does not understand the workspace: its own words are in the error.
    pub async fn read(config: &Config) -> Result<Self> {
        let (compiler, closures) = tokio::try_join!(
            compiler(config),
            try_join_all(config.functions.values().map(|function| closure(config, function))),
        )?;
        let common = Common::read(config, &compiler)?;
        let mut functions = BTreeMap::new();
        for ((key, function), closure) in config.functions.iter().zip(closures) {
            functions.insert(key.clone(), common.hash(config, function, &closure)?);
        }
        let mut whole = Hasher::new();
        functions.iter().for_each(|(key, hash)| whole.add(key, hash.as_bytes()));
        Ok(Self { hash: whole.hex(), functions })
    }
}

/// What is the same for all functions.
struct Common {
    /// Compiler, profile, target, flags.
    parts: Vec<(String, Vec<u8>)>,
    /// The checksums of the lock file, by `name version`.
    checksums: BTreeMap<String, String>,
}

impl Common {
    fn read(config: &Config, compiler: &str) -> Result<Self> {
        let manifest = read_toml(&config.root.join("Cargo.toml"))?;
        let mut parts = vec![
            ("compiler".to_owned(), compiler.as_bytes().to_vec()),
            ("target".to_owned(), config.build.target.as_bytes().to_vec()),
            ("profile".to_owned(), config.build.profile.as_bytes().to_vec()),
        ];
        // Of the workspace's manifest only what reaches every package; dependencies come in by the closure.
        let patch = [("patch", manifest.get("patch"))];
        let inherited = manifest.get("workspace").and_then(|workspace| workspace.get("package"));
        for (name, table) in
            profiles(&manifest, &config.build.profile).into_iter().chain(patch).chain([("package", inherited)])
        {
            parts.push((name.to_owned(), table.map_or_else(String::new, ToString::to_string).into_bytes()));
        }
        let settings = [".cargo/config.toml", ".cargo/config"].map(|name| (name, config.root.join(name)));
        for (name, path) in settings.into_iter().filter(|(_, path)| path.is_file()) {
            parts.push((name.to_owned(), std::fs::read(path)?));
        }
        for (name, value) in config.process.compiler_flags() {
            parts.push((name.to_string_lossy().into_owned(), value.as_encoded_bytes().to_vec()));
        }
        Ok(Self { parts, checksums: checksums(&read_toml(&config.root.join("Cargo.lock"))?) })
    }

    fn hash(&self, config: &Config, function: &Function, closure: &BTreeSet<Crate>) -> Result<String> {
        let mut hasher = Hasher::new();
        self.parts.iter().for_each(|(name, content)| hasher.add(name, content));
        hasher.add("bin", function.bin.as_bytes());
        for dependency in closure {
            hasher.add("crate", format!("{} {}", dependency.id, dependency.features).as_bytes());
            match &dependency.folder {
                Some(folder) => add_folder(&mut hasher, &config.root, folder)?,
                None => {
                    let checksum = self.checksums.get(&dependency.id).map_or("", String::as_str);
                    hasher.add("checksum", checksum.as_bytes());
                }
            }
        }
        Ok(hasher.hex())
    }
}

/// The profile that is built with, and those that it inherits from: no other one is a part of the function.
fn profiles<'a>(manifest: &'a toml::Table, profile: &'a str) -> Vec<(&'a str, Option<&'a toml::Value>)> {
    let table = |name: &str| manifest.get("profile").and_then(|profiles| profiles.get(name));
    let parent = |name: &&'a str| table(name)?.get("inherits")?.as_str();
    // More than a handful would be a circle, which cargo refuses.
    std::iter::successors(Some(profile), parent).take(8).map(|name| (name, table(name))).collect()
}

/// One crate of a closure.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Crate {
    /// `name version`.
    id: String,
    /// The features that are on, comma-separated.
    features: String,
    /// Where its sources are, if they are in the workspace.
    folder: Option<PathBuf>,
}

/// The dependency closure of one function, as cargo resolves it for just this package and these features.
async fn closure(config: &Config, function: &Function) -> Result<BTreeSet<Crate>> {
    let mut cargo = cargo(config);
    cargo.args(["tree", "--locked", "--edges", "normal,build", "--prefix", "none", "--format", "{p}|{f}"]);
    cargo.args(["--target", &config.build.target]).args(selection(function));
    let output = cargo.stderr(Stdio::piped()).output().await.with_context(|| not_started(config))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let message = format!("cargo does not understand package `{}`: {words}", function.package);
        return Err(Failure::bad_input(message).hint("`cargo check` shows more; nothing was changed").into());
    }
    String::from_utf8_lossy(&output.stdout).lines().filter(|line| !line.is_empty()).map(parse_crate).collect()
}

/// `serde v1.0.2 (*)|derive,std`, `function v0.1.0 (/path)|`, `x v1.0.0 (proc-macro)|`.
fn parse_crate(line: &str) -> Result<Crate> {
    let Some((package, features)) = line.split_once('|') else { bail!("`cargo tree` said `{line}`") };
    let features = features.trim_end_matches(" (*)").trim();
    let mut words = package.split(' ');
    let (Some(name), Some(version)) = (words.next(), words.next()) else { bail!("`cargo tree` said `{line}`") };
    let folder =
        package.split_once(" (/").and_then(|(_, rest)| rest.split_once(')')).map(|(path, _)| Path::new("/").join(path));
    Ok(Crate { id: format!("{name} {}", version.trim_start_matches('v')), features: features.to_owned(), folder })
}

/// The compiler, without the machine it runs on.
async fn compiler(config: &Config) -> Result<String> {
    let mut rustc = Command::new("rustc");
    rustc.arg("-vV").current_dir(&config.root).env_clear().envs(config.process.without_cloud_settings());
    let output = rustc.stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output =
        output.with_context(|| Failure::error("cannot start `rustc`").hint("install Rust, with rustc on the PATH"))?;
    anyhow::ensure!(output.status.success(), "`rustc -vV` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.lines().filter(|line| !line.starts_with("host:")).collect::<Vec<_>>().join("\n"))
}

/// Adds the files of a package that its binaries are made of, by their path in the workspace.
fn add_folder(hasher: &mut Hasher, root: &Path, folder: &Path) -> Result<()> {
    let mut files = Vec::new();
    collect(folder, folder, &mut files)?;
    files.sort();
    for path in files {
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        let content = std::fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        hasher.add(&name, &content);
    }
    Ok(())
}

fn collect(package: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    // No binary is made of these: tests and benchmarks, and prose beside the manifest.
    const LEFT_OUT: [&str; 4] = ["tests", "benches", "examples", "target"];
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))? {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        let name = name.to_string_lossy();
        let at_top = folder == package;
        let prose = at_top && path.extension().is_some_and(|extension| extension == "md");
        if name.starts_with('.') || prose || at_top && LEFT_OUT.contains(&name.as_ref()) {
            continue;
        }
        match path.is_dir() {
            true => collect(package, &path, files)?,
            false => files.push(path),
        }
    }
    Ok(())
}

fn read_toml(path: &Path) -> Result<toml::Table> {
    let text = std::fs::read_to_string(path)
        .with_context(|| Failure::bad_input(format!("cannot read `{}`", path.display())))?;
    text.parse().with_context(|| Failure::bad_input(format!("`{}` is malformed", path.display())))
}

fn checksums(lock: &toml::Table) -> BTreeMap<String, String> {
    let text = |package: &toml::Value, key: &str| package.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    let packages = lock.get("package").and_then(toml::Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let entries = packages.iter().filter_map(|package| {
        let id = format!("{} {}", text(package, "name")?, text(package, "version")?);
        Some((id, text(package, "checksum").or_else(|| text(package, "source"))?))
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_cargo_tree_is_read_in_all_of_its_forms() {
        let cases = [
            ("serde v1.0.2|derive,std (*)", ("serde 1.0.2", "derive,std", None)),
            ("darling v0.2.0 (proc-macro)|", ("darling 0.2.0", "", None)),
            ("function v0.1.0 (/ws/function)|dynamodb", ("function 0.1.0", "dynamodb", Some("/ws/function"))),
            ("function v0.1.0 (/ws/function)|dynamodb (*)", ("function 0.1.0", "dynamodb", Some("/ws/function"))),
        ];
        for (line, (id, features, folder)) in cases {
            let expected =
                Crate { id: id.to_owned(), features: features.to_owned(), folder: folder.map(PathBuf::from) };
            assert_eq!(parse_crate(line).unwrap(), expected, "{line}");
        }
    }

    #[test]
    fn only_the_profile_that_is_built_with_counts_and_what_it_inherits_from() {
        let text =
            "[profile.dev]\nopt-level = 1\n[profile.release]\nlto = 'off'\n[profile.lambda]\ninherits = 'release'";
        let manifest: toml::Table = text.parse().unwrap();
        let names = |profile| profiles(&manifest, profile).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names("release"), ["release"]);
        assert_eq!(names("lambda"), ["lambda", "release"]);
    }

    fn hash_of(folder: &Path) -> String {
        let mut hasher = Hasher::new();
        add_folder(&mut hasher, folder, folder).unwrap();
        hasher.hex()
    }

    #[test]
    fn a_folders_hash_follows_its_sources_and_neither_tests_nor_prose() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("src/lib.rs", "a");
        let first = hash_of(folder.path());
        write("README.md", "words");
        write("tests/it.rs", "test");
        assert_eq!(hash_of(folder.path()), first);
        write("src/tests/real.rs", "a module that is called `tests`");
        let second = hash_of(folder.path());
        assert_ne!(second, first);
        write("src/lib.rs", "b");
        assert_ne!(hash_of(folder.path()), second);
    }

    #[test]
    fn parts_cannot_be_shifted_into_each_other() {
        let hash = |parts: &[(&str, &str)]| {
            let mut hasher = Hasher::new();
            parts.iter().for_each(|(name, content)| hasher.add(name, content.as_bytes()));
            hasher.hex()
        };
        assert_ne!(hash(&[("a", "bc")]), hash(&[("ab", "c")]));
        assert_ne!(hash(&[("a", ""), ("b", "")]), hash(&[("a", "b")]));
    }
}
