//! What `deployer --version` prints: the version, the commit where it is known, and the target.

#![expect(clippy::disallowed_methods, reason = "cargo passes everything to a build script in environment variables")]

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The digits of a commit that are shown.
const DIGITS: usize = 12;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=DEPLOYER_COMMIT");
    let (version, target) = (env::var("CARGO_PKG_VERSION")?, env::var("TARGET")?);
    let given = env::var("DEPLOYER_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = match given {
        Some(commit) if is_commit(&commit) => Some(commit),
        Some(other) => return Err(format!("DEPLOYER_COMMIT is `{other}`, which is not a whole commit hash").into()),
        // Never for a debug build: each commit would compile it again.
        None if env::var("PROFILE")? == "release" => of_git(),
        None => None,
    };
    let commit = commit.map(|commit| format!("{} ", &commit[..DIGITS])).unwrap_or_default();
    println!("cargo::rustc-env=DEPLOYER_VERSION={version} ({commit}{target})");
    Ok(())
}

fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The commit of the checkout, if it is one of this workspace. An unpacked archive may be in a folder of another repository.
fn of_git() -> Option<String> {
    let workspace = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR")?).parent()?.canonicalize().ok()?;
    let top = PathBuf::from(git(&workspace, &["rev-parse", "--show-toplevel"])?).canonicalize().ok()?;
    if top != workspace {
        return None;
    }
    let branch = git(&workspace, &["symbolic-ref", "--quiet", "HEAD"]);
    for file in ["HEAD", "packed-refs"].into_iter().chain(branch.as_deref()) {
        let path = git(&workspace, &["rev-parse", "--git-path", file]).map(|path| workspace.join(path));
        // A file that does not exist would count as changed at each build.
        if let Some(path) = path.filter(|path| path.exists()) {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    git(&workspace, &["rev-parse", "--verify", "HEAD"]).filter(|commit| is_commit(commit))
}

/// What git prints, if it is there and succeeds.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let mut git = Command::new("git");
    // A hook of git has these, and they would name its repository.
    git.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE").current_dir(folder).args(arguments);
    let output = git.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim_end().to_owned())
}
