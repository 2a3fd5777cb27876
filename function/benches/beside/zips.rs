//! The zips that a deploy would upload, made by `deployer` itself.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// Builds and packs every function; the size of each zip in bytes.
pub(crate) fn build(folder: &Path) -> Result<BTreeMap<String, u64>> {
    let mut cargo = cargo();
    cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    cargo.args(["run", "--quiet", "--locked", "-p", "deployer", "--", "build", "--output", "json", "--out"]);
    let output = cargo.arg(folder).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "`deployer build` failed");
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join("manifest.json"))?)?;
    let functions = manifest["functions"].as_object().context("the manifest names no functions")?;
    let zip = |(name, function): (&String, &Value)| {
        let zip = function["zip"].as_str().with_context(|| format!("`{name}` has no zip"))?;
        Ok((name.clone(), fs::metadata(folder.join(zip))?.len()))
    };
    functions.iter().map(zip).collect()
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
