//! The zips that a deploy would upload, made by `deployer` itself.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// Builds and packs every function; the zip of each.
pub(crate) fn build(folder: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut cargo = cargo();
    cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    cargo.args(["run", "--quiet", "--locked", "-p", "deployer", "--", "build", "--output", "json", "--out"]);
    let output = cargo.arg(folder).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "`deployer build` failed");
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join("manifest.json"))?)?;
    let functions = manifest["functions"].as_object().context("the manifest names no functions")?;
    let zip = |(name, function): (&String, &Value)| {
        let zip = function["zip"].as_str().with_context(|| format!("`{name}` has no zip"))?;
        Ok((name.clone(), folder.join(zip)))
    };
    functions.iter().map(zip).collect()
}

/// The size of each zip, in bytes.
pub(crate) fn sizes(zips: &BTreeMap<String, PathBuf>) -> Result<BTreeMap<String, u64>> {
    zips.iter().map(|(name, zip)| Ok((name.clone(), fs::metadata(zip)?.len()))).collect()
}

/// What Lambda would start of `zip`, unpacked into `folder` by `python`.
pub(crate) fn unpack(zip: &Path, python: &OsStr, folder: &Path) -> Result<PathBuf> {
    let status = Command::new(python).args(["-m", "zipfile", "-e"]).args([zip, folder]).status()?;
    let bootstrap = folder.join("bootstrap");
    ensure!(status.success() && bootstrap.is_file(), "no `bootstrap` in `{}`", zip.display());
    // Python's module unpacks without permissions.
    fs::set_permissions(&bootstrap, Permissions::from_mode(0o755))?;
    Ok(bootstrap)
}

/// Cargo without the settings of the cargo that runs this: `ring` would be compiled anew for it, and
/// anew for the next one who runs cargo by hand.
#[expect(clippy::disallowed_methods, reason = "names are looked at here, and no value")]
fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    for (name, _) in std::env::vars_os() {
        let ours = name.to_string_lossy();
        if ours.starts_with("CARGO_PKG_") || ours.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(name);
        }
    }
    cargo
}
