//! The files that a package may be made of.
//!
//! Takes a folder and returns its regular files (and links to such), as git lists them or, where git cannot, as a
//! walk finds them. A link that leads nowhere, a socket or a pipe is not a file: it causes neither an error nor a wait.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::git::Git;
use crate::config::ProcessEnvironment;

/// Folders that tools write: cargo's target folder and the deployer's own.
pub(crate) type Outputs = [PathBuf];

/// The files of the package in `folder` that its binaries may be made of. Not those of packages inside it, nor tests,
/// benchmarks, examples and prose beside the manifest: where a build reads one of these all the same, its dep-info says so.
pub(super) async fn of_package(process: &ProcessEnvironment, folder: &Path, outputs: &Outputs) -> BTreeSet<PathBuf> {
    let files = below(process, folder, outputs).await;
    let nested: Vec<_> =
        files.iter().filter(|path| path.ends_with("Cargo.toml")).filter_map(|path| path.parent()).collect();
    let nested: Vec<_> = nested.into_iter().filter(|inner| *inner != folder).map(Path::to_path_buf).collect();
    let is_of_it = |path: &PathBuf| !nested.iter().any(|inner| path.starts_with(inner)) && !is_left_out(folder, path);
    files.into_iter().filter(is_of_it).collect()
}

/// Whether a path of the package in `folder` is a test, benchmark, example or prose.
pub(super) fn is_left_out(folder: &Path, path: &Path) -> bool {
    let Ok(name) = path.strip_prefix(folder) else { return false };
    let mut parts = name.iter();
    match (parts.next().and_then(|part| part.to_str()), parts.next()) {
        (Some("tests" | "benches" | "examples"), Some(_)) => true,
        (Some(_), None) => name.extension().is_some_and(|extension| extension == "md"),
        _ => false,
    }
}

/// The files below `folder`, sorted.
pub async fn below(process: &ProcessEnvironment, folder: &Path, outputs: &[PathBuf]) -> BTreeSet<PathBuf> {
    let manifest = folder.join("Cargo.toml");
    let listed = Git::new(process, folder).files().await;
    // A folder that its repository ignores has no files for git, and neither has one that git misreports.
    let is_known = |files: &Vec<PathBuf>| if manifest.exists() { files.contains(&manifest) } else { !files.is_empty() };
    let Some(listed) = listed.filter(is_known) else {
        return walk(folder, outputs);
    };
    let mut files = BTreeSet::new();
    for path in listed.into_iter().filter(|path| !outputs.iter().any(|output| path.starts_with(output))) {
        match path.symlink_metadata().is_ok_and(|found| found.is_dir()) {
            // A repository of its own inside this one.
            true => files.extend(Box::pin(below(process, &path, outputs)).await),
            false => drop(is_file(&path).then(|| files.insert(path))),
        }
    }
    files
}

/// The files below `folder`, also where all of it is ignored, as generated code is.
pub(crate) async fn named(process: &ProcessEnvironment, folder: &Path, outputs: &Outputs) -> BTreeSet<PathBuf> {
    let files = below(process, folder, outputs).await;
    if files.is_empty() { walk(folder, outputs) } else { files }
}

/// The files below `folder`, including those that git ignores. No link to a folder is followed.
pub(super) fn walk(folder: &Path, outputs: &Outputs) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        for (path, kind) in entries.filter_map(|entry| Some((entry.path(), entry.file_type().ok()?))) {
            match kind.is_dir() {
                true if !is_output(&path, outputs) => folders.push(path),
                false if !path.ends_with(".git") && is_file(&path) => drop(files.insert(path)),
                _ => {}
            }
        }
    }
    files
}

/// Whether a tool wrote this folder: it says so by a `.gitignore` of its own, or by cargo's tag.
fn is_output(path: &Path, outputs: &Outputs) -> bool {
    path.ends_with(".git")
        || outputs.iter().any(|output| path == output)
        || path.join("CACHEDIR.TAG").is_file()
        || std::fs::read(path.join(".gitignore")).is_ok_and(|text| text.trim_ascii() == b"*")
}

/// Whether it is a regular file, or a link that leads to one.
fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file())
}
