//! What a build read beyond the files of its packages: cargo's and rustc's own account of it.
//!
//! Comes in: the messages of one run of cargo. Goes out: [`Reads`], the names of files and environment variables; they go
//! into the manifest and the ledger, so that a clean checkout knows them too. Values and contents are only ever hashed.
//!
//! - rustc's dep-info (`deps/NAME-HASH.d`) lists source files, what `include_str!` and the like read, and as
//!   `# env-dep:NAME` what `env!` and `option_env!` read;
//! - a build script's `output` has its `cargo:rerun-if-changed` and `cargo:rerun-if-env-changed`. One that prints neither is
//!   run again by cargo when anything in its package changes: the whole package counts.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files::{self, Outputs};
use super::hasher::Hasher;
use crate::config::{Config, ProcessEnvironment};

/// What all names together may take of a ledger's item (DynamoDB: 400 KB), as JSON.
const LONGEST: usize = 100 * 1024;

/// What builds read beyond the files of their packages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reads {
    /// Environment variables, by name only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// Files and folders by function, from the workspace's root; absolute if they have nothing in common with it. One that
    /// ends with `/` is a package as git sees it, any other folder is all that is in it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, Vec<String>>,
}

/// What one run of cargo read.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    env: BTreeSet<String>,
    paths: BTreeSet<PathBuf>,
    packages: BTreeSet<PathBuf>,
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

/// Where paths in dep-info start.
#[derive(Clone, Copy)]
pub(super) struct Roots<'a> {
    pub(super) workspace: &'a Path,
    pub(super) target: &'a Path,
}

impl Found {
    /// Of one run of cargo. Nothing if its dep-info is not where it is expected: then nobody knows what was read.
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

/// Without `.` and `..`, where that leads to the same file.
fn plain(path: &Path) -> PathBuf {
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
    /// even by their folders: then nobody knows what was read.
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

    /// Names no longer than a ledger's item takes: where they are, folders stand for their files.
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

    /// Adds to a function's hash what these names stand for now. `values` is the environment of a build.
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
    match is_file.then(|| std::fs::read(path).ok()).flatten() {
        Some(content) => hasher.add_bytes(name, &content),
        None => hasher.add_bytes(b"missing", name),
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
    fn dep_info_names_files_and_variables() {
        let text =
            "out/a.d: src/main.rs src/../x.txt a\\ b.rs\n\nsrc/main.rs:\n# env-dep:STAMP=a\\nb\n# env-dep:MAYBE\n";
        let files: Vec<_> = text.lines().flat_map(dependencies).collect();
        assert_eq!(files, ["src/main.rs", "src/../x.txt", "a b.rs"].map(PathBuf::from));
        assert_eq!(text.lines().filter_map(env_dep).collect::<Vec<_>>(), ["STAMP", "MAYBE"]);
    }

    #[test]
    fn a_build_script_names_what_it_read_and_one_that_does_not_read_its_package() {
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
