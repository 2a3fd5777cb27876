//! Sources to zips: source hash -> build -> ELF check -> deterministic zip -> manifest.
//!
//! Comes in: the workspace and `deployer.toml`. Goes out: an [`Artifact`]. Never talks to AWS.

mod compile;
mod elf;
mod manifest;
mod pack;
mod source;

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::config::Config;
use crate::failure::Failure;
use crate::report::Report;

pub use manifest::{Manifest, PackedFunction};
pub use pack::{pack, sha256};
pub use source::Sources;

/// What one call of UpdateFunctionCode takes, in bytes.
const DIRECT_UPLOAD_LIMIT: u64 = 50 * 1024 * 1024;

/// The zips of one build, with their manifest.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// What they are.
    pub manifest: Manifest,
    /// Where they are.
    pub folder: PathBuf,
}

impl Artifact {
    /// The zip of a function.
    pub fn zip(&self, function: &PackedFunction) -> Result<Vec<u8>> {
        let path = self.folder.join(&function.zip);
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        if sha256(&bytes) != function.sha256 {
            return Err(Failure::refused(format!("`{}` is not what its manifest says", path.display()))
                .hint("build again")
                .into());
        }
        Ok(bytes)
    }
}

/// Builds every function of `deployer.toml` and packs them.
///
/// # Errors
/// What does not compile (the compiler's words go to stderr as they come), what could not start on Lambda, and
/// what is too big for it. The artifact of the build before stays as it was.
pub async fn build(config: &Config, sources: &Sources, report: &Report) -> Result<Artifact> {
    report.building(config.functions.keys());
    let executables = compile::compile(config).await?;
    let folder = config.root.join(".deployer").join("artifact");
    let mut zips = Vec::new();
    for (key, executable) in &executables {
        let binary = std::fs::read(executable).with_context(|| format!("cannot read `{}`", executable.display()))?;
        elf::check(&binary, &config.build)
            .with_context(|| Failure::refused(format!("function `{key}` could not start on Lambda")).hint(elf::HINT))?;
        let zip = pack(&binary).with_context(|| format!("cannot pack function `{key}`"))?;
        refuse_if_too_big(key, zip.len() as u64, DIRECT_UPLOAD_LIMIT)?;
        zips.push((key.clone(), zip));
    }
    let manifest = Manifest::of(&zips, sources, &config.build.target, compile::commit(config).await);
    manifest::write(&folder, &manifest, &zips)?;
    Ok(Artifact { manifest, folder })
}

fn refuse_if_too_big(key: &str, size: u64, limit: u64) -> Result<()> {
    if size <= limit {
        return Ok(());
    }
    let megabytes = |bytes: u64| bytes / (1024 * 1024);
    Err(Failure::refused(format!(
        "the zip of function `{key}` has {} MB; Lambda takes {} MB directly",
        megabytes(size),
        megabytes(limit)
    ))
    .hint("make the binary smaller: strip it, drop features, or move data out of it")
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zip_over_the_limit_is_refused_by_name() {
        assert!(refuse_if_too_big("counter", DIRECT_UPLOAD_LIMIT, DIRECT_UPLOAD_LIMIT).is_ok());
        let error = refuse_if_too_big("counter", DIRECT_UPLOAD_LIMIT + 1, DIRECT_UPLOAD_LIMIT).unwrap_err();
        assert!(error.to_string().contains("`counter` has 50 MB"), "{error}");
    }
}
