//! What a build read beyond the files of its packages: by name (`dep_info.rs` finds the names).
//!
//! [`Reads`] are the names of files and environment variables. They go into the manifest and the ledger, so that a clean
//! checkout has them too. Values and contents are only ever hashed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::dep_info::Found;
use super::files::{self, Outputs};
use super::hasher::Hasher;
use crate::config::{Config, ProcessEnvironment};

/// What all names together may take of a ledger's item (DynamoDB: 400 KB), as JSON.
const LONGEST: usize = 100 * 1024;

/// What builds read beyond the files of their packages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Reads {
    /// Environment variables, by name only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// Files and folders by function, from the workspace's root; absolute if they have nothing in common with it. One that
    /// ends with `/` is a package as git lists it, any other folder is all that is in it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, Vec<String>>,
}

/// Where paths in dep-info start.
#[derive(Clone, Copy)]
pub(super) struct Roots<'a> {
    pub(super) workspace: &'a Path,
    pub(super) target: &'a Path,
}

/// Without `.` and `..`, where that leads to the same file.
pub(super) fn plain(path: &Path) -> PathBuf {
    let mut short = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if short.file_name().is_some() => drop(short.pop()),
            Component::CurDir => {}
            part => short.push(part),
        }
    }
    let is_same = path.canonicalize().ok() == short.canonicalize().ok();
    if is_same { short } else { path.to_path_buf() }
}

/// Variables that cargo sets itself for the programs that it runs, and those that name a place of the machine.
pub(super) fn is_cargos_own(name: &str) -> bool {
    const OWN: [&str; 27] = [
        "CARGO",
        "CARGO_HOME",
        "CARGO_MANIFEST_DIR",
        "CARGO_MANIFEST_PATH",
        "CARGO_MANIFEST_LINKS",
        "CARGO_CRATE_NAME",
        "CARGO_BIN_NAME",
        "CARGO_PRIMARY_PACKAGE",
        "CARGO_TARGET_TMPDIR",
        "CARGO_TARGET_DIR",
        "CARGO_MAKEFLAGS",
        "OUT_DIR",
        "TARGET",
        "HOST",
        "OPT_LEVEL",
        "DEBUG",
        "PROFILE",
        "NUM_JOBS",
        "RUSTC",
        "RUSTDOC",
        "RUSTC_LINKER",
        "RUSTUP_HOME",
        "RUSTUP_TOOLCHAIN",
        "LD_LIBRARY_PATH",
        "PATH",
        "HOME",
        "PWD",
    ];
    const BEGINNINGS: [&str; 5] = ["CARGO_PKG_", "CARGO_CFG_", "CARGO_FEATURE_", "CARGO_BIN_EXE_", "DEP_"];
    OWN.contains(&name) || BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}

impl Reads {
    /// Of what was found for each function, without `known`, the files that count anyway. Nothing if the names are too many
    /// even by their folders: then it is unknown what was read.
    pub(super) fn of(
        found: &BTreeMap<String, Found>,
        known: &BTreeMap<String, BTreeSet<PathBuf>>,
        roots: Roots<'_>,
        config: &Config,
    ) -> Option<Self> {
        let (mut reads, mut env) = (Self::default(), BTreeSet::new());
        let home = config.process.cargo_home();
        for (key, found) in found {
            env.extend(found.env.iter().filter(|name| !is_cargos_own(name)).cloned());
            let is_beyond = |path: &&PathBuf| {
                !known.get(key).is_some_and(|known| known.contains(*path))
                    && !home.as_ref().is_some_and(|home| path.starts_with(home.join("registry")))
                    && !home.as_ref().is_some_and(|home| path.starts_with(home.join("git")))
            };
            let packages = found.packages.iter().map(|path| name(path, roots.workspace) + "/");
            let names = found.paths.iter().filter(is_beyond).map(|path| name(path, roots.workspace));
            let names: BTreeSet<_> = names.chain(packages).collect();
            if !names.is_empty() {
                reads.files.insert(key.clone(), names.into_iter().collect());
            }
        }
        reads.env = env.into_iter().collect();
        reads.fitted()
    }

    /// Names no longer than a ledger's item takes: longer lists name folders instead of their files.
    fn fitted(mut self) -> Option<Self> {
        let length = |reads: &Self| serde_json::to_string(reads).map_or(usize::MAX, |text| text.len());
        for _ in 0..64 {
            if length(&self) <= LONGEST {
                return Some(self);
            }
            for names in self.files.values_mut() {
                let folders: BTreeSet<_> = names.iter().map(|name| above(name)).collect();
                *names = folders.into_iter().collect();
            }
        }
        None
    }

    /// Whether a file was read.
    pub(super) fn cover(&self, workspace: &Path, path: &Path) -> bool {
        self.files.values().flatten().any(|name| path.starts_with(plain(&workspace.join(name))))
    }

    /// Adds to a function's hash the current values and contents of these names. `values` is the environment of a build.
    pub(super) async fn add(&self, hasher: &mut Hasher, key: &str, now: &Now<'_>) {
        for name in &self.env {
            let value = now.values.get(std::ffi::OsStr::new(name));
            hasher.add(if value.is_some() { "set" } else { "not set" }, name.as_bytes());
            hasher.add("value", value.map_or(&b""[..], |value| value.as_encoded_bytes()));
        }
        for name in self.files.get(key).into_iter().flatten() {
            hasher.add("read", name.as_bytes());
            // Without a `/` at the end, which a comparison of paths does not see, but a join keeps.
            let path: PathBuf = now.workspace.join(name).components().collect();
            let files = match path.is_dir() {
                false => BTreeSet::from([path.clone()]),
                true if name.ends_with('/') => files::below(now.process, &path, now.outputs).await,
                true => files::walk(&path, now.outputs),
            };
            for file in files {
                let name = file.strip_prefix(&path).unwrap_or(&file);
                add_file(hasher, name.as_os_str().as_encoded_bytes(), &file);
            }
        }
    }
}

/// What names are looked up in.
pub(super) struct Now<'a> {
    pub(super) process: &'a ProcessEnvironment,
    pub(super) workspace: &'a Path,
    pub(super) outputs: &'a Outputs,
    pub(super) values: &'a BTreeMap<std::ffi::OsString, std::ffi::OsString>,
}

/// Adds a file. One that cannot be read counts as missing: a build that needs it says so.
pub(super) fn add_file(hasher: &mut Hasher, name: &[u8], path: &Path) {
    let is_file = path.metadata().is_ok_and(|found| found.is_file());
    if !is_file || hasher.add_file(name, path).is_err() {
        hasher.add_bytes(b"missing", name);
    }
}

/// A path from `root`, which it need not be below; absolute where the two have nothing in common. A name that is not UTF-8
/// counts by its folder.
fn name(path: &Path, root: &Path) -> String {
    let Some(text) = path.to_str() else { return path.parent().map_or_else(String::new, |above| name(above, root)) };
    let mut shared = root.components().zip(path.components()).take_while(|(one, other)| one == other).count();
    if shared <= 1 {
        return text.to_owned();
    }
    // The root itself is a name too.
    shared = shared.min(path.components().count());
    let up = root.components().skip(shared).map(|_| "..").collect::<PathBuf>();
    let name = up.join(path.components().skip(shared).collect::<PathBuf>());
    let text = name.to_string_lossy().into_owned();
    if text.is_empty() { ".".to_owned() } else { text }
}

/// The folder that a name is in.
fn above(name: &str) -> String {
    let path = Path::new(name);
    match path.parent() {
        Some(above) if above.as_os_str().is_empty() => ".".to_owned(),
        Some(above) if path.file_name().is_some() => above.to_string_lossy().into_owned(),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_depend_on_where_the_workspace_lies() {
        for root in ["/a/ws", "/b/c/ws"] {
            let at = |path: &str| name(&Path::new(root).join(path), Path::new(root));
            assert_eq!([at("x/y"), at(""), at("t")], ["x/y", ".", "t"]);
        }
        assert_eq!(name(Path::new("/a/shared/x"), Path::new("/a/ws")), "../shared/x");
        assert_eq!(name(Path::new("/usr/include/x.h"), Path::new("/a/ws")), "/usr/include/x.h");
    }

    #[test]
    fn too_many_names_are_kept_by_their_folders() {
        let many = |folders: usize| {
            let names = (0..20_000).map(|n| format!("queries/{:03}/query-{n}.json", n % folders));
            Reads { env: Vec::new(), files: BTreeMap::from([("f".to_owned(), names.collect())]) }.fitted().unwrap()
        };
        assert_eq!(many(2).files["f"], ["queries/000", "queries/001"]);
        assert_eq!(many(20_000).files["f"], ["queries"]);
        let env = (0..20_000).map(|n| format!("VARIABLE_{n}")).collect();
        assert_eq!(Reads { env, files: BTreeMap::new() }.fitted(), None);
    }
}
