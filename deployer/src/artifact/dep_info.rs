//! What one run of cargo read, by its messages, rustc's dep-info and the output of build scripts.
//!
//! - rustc's dep-info (`deps/NAME-HASH.d`) lists source files, what `include_str!` and the like read, and as
//!   `# env-dep:NAME` what `env!` and `option_env!` read;
//! - a build script's `output` has its `cargo:rerun-if-changed` and `cargo:rerun-if-env-changed`. One that prints neither is
//!   run again by cargo when anything in its package changes: the whole package counts.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::reads::{Roots, plain};

/// What one run of cargo read.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub(super) env: BTreeSet<String>,
    pub(super) paths: BTreeSet<PathBuf>,
    pub(super) packages: BTreeSet<PathBuf>,
}

/// The lines of cargo's JSON output that we read.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    pub(super) reason: String,
    #[serde(default)]
    package_id: String,
    manifest_path: Option<PathBuf>,
    pub(super) target: Option<Target>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
    pub(super) executable: Option<PathBuf>,
    out_dir: Option<PathBuf>,
}

/// What a message is about.
#[derive(Debug, Deserialize)]
pub(super) struct Target {
    pub(super) name: String,
    pub(super) kind: Vec<String>,
}

impl Found {
    /// Of one run of cargo. Nothing if its dep-info is not where it is expected: then it is unknown what was read.
    pub(super) fn of(messages: &[Message], roots: Roots<'_>) -> Option<Self> {
        let mut found = Self::default();
        let manifests =
            messages.iter().filter_map(|message| Some((&message.package_id, message.manifest_path.as_ref()?)));
        let folders: BTreeMap<_, _> = manifests.filter_map(|(id, path)| Some((id, path.parent()?))).collect();
        for message in messages {
            let folder = folders.get(&message.package_id).copied();
            let is_local = message.package_id.starts_with("path+");
            match message.reason.as_str() {
                "compiler-artifact" => {
                    let infos = dep_infos(message);
                    let is_binary = message.executable.is_some() && is_local;
                    if infos.is_empty() && is_binary {
                        return None;
                    }
                    infos.iter().for_each(|text| found.add_dep_info(text, is_local.then_some((roots, folder))));
                }
                "build-script-executed" => {
                    let output = message.out_dir.as_ref()?.parent()?.join("output");
                    found.add_script(&std::fs::read_to_string(output).ok()?, folder?, is_local);
                }
                _ => {}
            }
        }
        found.paths.retain(|path| !path.starts_with(roots.target));
        Some(found)
    }

    fn add_dep_info(&mut self, text: &str, local: Option<(Roots<'_>, Option<&Path>)>) {
        self.env.extend(text.lines().filter_map(env_dep).map(str::to_owned));
        let Some((roots, folder)) = local else { return };
        for path in text.lines().filter(|line| !line.starts_with('#')).flat_map(dependencies) {
            // Packages of the workspace are compiled from its root, others from their own.
            let places = [Some(roots.workspace), folder].into_iter().flatten().map(|place| place.join(&path));
            let found = places.clone().find(|path| path.exists()).or_else(|| places.into_iter().next());
            self.paths.extend(found.map(|path| plain(&path)));
        }
    }

    fn add_script(&mut self, output: &str, folder: &Path, is_local: bool) {
        let mut is_said = false;
        for line in output.lines() {
            let Some(line) = line.strip_prefix("cargo::").or_else(|| line.strip_prefix("cargo:")) else { continue };
            if let Some(name) = line.strip_prefix("rerun-if-env-changed=") {
                (is_said, _) = (true, self.env.insert(name.trim().to_owned()));
            } else if let Some(name) = line.strip_prefix("rerun-if-changed=") {
                is_said = true;
                let path = plain(&folder.join(name.trim()));
                // What a crate of a registry has in its own folder is known by its checksum.
                if is_local || !path.starts_with(folder) {
                    self.paths.insert(path);
                }
            }
        }
        if !is_said && is_local {
            self.packages.insert(folder.to_path_buf());
        }
    }
}

/// rustc's dep-info of what a message names: beside it, or for a binary, which is a link to where it was linked, the one of
/// the file that it is a link to.
fn dep_infos(message: &Message) -> Vec<String> {
    let beside = |path: &Path| {
        let name = path.file_stem()?.to_str()?;
        let name = if message.executable.is_some() { name } else { name.strip_prefix("lib").unwrap_or(name) };
        std::fs::read_to_string(path.with_file_name(format!("{name}.d"))).ok()
    };
    let Some(executable) = &message.executable else {
        let mut found: Vec<_> = message.filenames.iter().filter_map(|path| beside(path)).collect();
        found.dedup();
        return found;
    };
    let Some(folder) = executable.parent().map(|folder| folder.join("deps")) else { return Vec::new() };
    let name = message.target.as_ref().map_or("", |target| target.name.as_str()).replace('-', "_");
    let linked = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let linked: Vec<_> = linked
        .filter(|path| path.extension().is_none())
        .filter(|path| path.file_name().and_then(|file| file.to_str()).is_some_and(|file| file.starts_with(&name)))
        .collect();
    let same = |path: &&PathBuf| is_same(path, executable);
    // Where links are not to be had, cargo copies: then each that has the name counts, too many rather than too few.
    let same: Vec<_> = if linked.iter().any(|path| same(&path)) {
        linked.iter().filter(same).collect()
    } else {
        linked.iter().collect()
    };
    same.into_iter().filter_map(|path| beside(path)).collect()
}

fn is_same(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| path.metadata().ok().map(|found| (found.dev(), found.ino()));
    id(one).is_some_and(|one| Some(one) == id(other))
}

/// `# env-dep:NAME=value`, `# env-dep:NAME`.
fn env_dep(line: &str) -> Option<&str> {
    let dependency = line.strip_prefix("# env-dep:")?;
    Some(dependency.split_once('=').map_or(dependency, |(name, _)| name))
}

/// `target: a.rs b\ c.rs`.
fn dependencies(line: &str) -> Vec<PathBuf> {
    let Some((_, listed)) = line.split_once(": ") else { return Vec::new() };
    let (mut all, mut one, mut letters) = (Vec::new(), String::new(), listed.chars().peekable());
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if letters.peek() == Some(&' ') => one.extend(letters.next()),
            ' ' => all.push(std::mem::take(&mut one)),
            letter => one.push(letter),
        }
    }
    all.push(one);
    all.into_iter().filter(|path| !path.is_empty()).map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dep_info_names_files_and_variables() {
        let text =
            "out/a.d: src/main.rs src/../x.txt a\\ b.rs\n\nsrc/main.rs:\n# env-dep:STAMP=a\\nb\n# env-dep:MAYBE\n";
        let files: Vec<_> = text.lines().flat_map(dependencies).collect();
        assert_eq!(files, ["src/main.rs", "src/../x.txt", "a b.rs"].map(PathBuf::from));
        assert_eq!(text.lines().filter_map(env_dep).collect::<Vec<_>>(), ["STAMP", "MAYBE"]);
    }

    #[test]
    fn a_build_script_without_names_counts_its_whole_package() {
        let script = |output: &str, is_local| {
            let mut found = Found::default();
            found.add_script(output, Path::new("/ws/p"), is_local);
            let paths = found.paths.into_iter().chain(found.packages.into_iter().map(|package| package.join("")));
            (paths.map(|path| path.display().to_string()).collect::<Vec<_>>(), found.env.len())
        };
        let output =
            "cargo:rerun-if-changed=proto\ncargo::rerun-if-env-changed=CC\ncargo:rerun-if-changed=/usr/x\nwords";
        assert_eq!(script(output, true), (vec!["/usr/x".to_owned(), "/ws/p/proto".to_owned()], 1));
        assert_eq!(script(output, false), (vec!["/usr/x".to_owned()], 1));
        assert_eq!(script("cargo:rustc-cfg=x", true), (vec!["/ws/p/".to_owned()], 0));
        assert_eq!(script("cargo:rustc-cfg=x", false), (Vec::new(), 0));
    }
}
