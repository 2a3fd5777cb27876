//! The documentation is tested: its links lead somewhere, and its commands are commands.
//!
//! Reads every Markdown file of the repository, below every folder but the ones that git ignores. What runs for real is tested elsewhere:
//! the examples' commands in `tests/it/examples.rs`, those of `docs/aws-account.md` in `tests/it/proven`, and those that need
//! no build in `tests/sim/behaviour/printed.rs`.

mod commands;
mod links;
mod page;

use std::path::{Path, PathBuf};

use page::Page;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Every Markdown file of the repository.
fn pages() -> Vec<Page> {
    let (root, mut files) = (root(), Vec::new());
    collect(&root, &mut files);
    files.sort();
    let pages: Vec<_> = files.iter().map(|file| Page::read(&root, file)).collect();
    assert!(pages.len() > 25, "the pages were not found: {files:?}");
    pages
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        // Folders that git ignores or keeps its own things in; `dist` and `node_modules` are outputs of examples.
        let hidden = name.starts_with('.') && name != ".github";
        if hidden || ["target", "node_modules", "dist"].contains(&name) {
            continue;
        }
        match path.is_dir() {
            true => collect(&path, files),
            false if name.ends_with(".md") => files.push(path),
            false => {}
        }
    }
}
