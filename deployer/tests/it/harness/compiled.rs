//! Where functions are compiled: in one folder for all checkouts, whose path is part of what is compiled.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) fn compiled() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("functions")
}

/// Waits until no other lane compiles, if this command line does: a binary is read after cargo has let go of the folder.
pub(crate) fn compiling(line: &str) -> Option<MutexGuard<'static, ()>> {
    static COMPILING: Mutex<()> = Mutex::new(());
    let compiles = ["build", "deploy ", "plan ", "local up"].iter().any(|what| line.contains(what));
    (compiles && !line.contains("--artifact")).then(|| COMPILING.lock().unwrap_or_else(PoisonError::into_inner))
}
