//! The manifest beside the zips: what they are, and what they were built from.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::commit::Checked;
use super::git::Commit;
use super::reads::Reads;
use super::{Sources, sha256};
use crate::failure::Failure;

/// The newest shape of a manifest that this version reads.
const SCHEMA: u32 = 1;
const FILE_NAME: &str = "manifest.json";

/// `manifest.json` of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The shape of this file.
    pub schema: u32,
    /// Over the sources of all functions, hexadecimal.
    pub source_hash: String,
    /// The git commit, if the workspace has one.
    pub commit: Option<String>,
    /// When that commit was made, in seconds since 1970.
    #[serde(default)]
    pub committed_at: Option<i64>,
    /// Whether the workspace differed from that commit.
    pub dirty: bool,
    /// The target triple.
    pub target: String,
    /// The functions by key.
    pub functions: BTreeMap<String, PackedFunction>,
    /// What the build read beyond the files of its packages, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads: Option<Reads>,
}

/// One function's zip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedFunction {
    /// Over its sources, hexadecimal.
    pub source_hash: String,
    /// The zip, in the manifest's folder.
    pub zip: String,
    /// SHA-256 of the zip, base64, as Lambda writes it.
    pub sha256: String,
    /// Size of the zip in bytes.
    pub size: u64,
}

impl Manifest {
    pub(super) fn of(
        zips: &BTreeMap<String, Vec<u8>>,
        sources: &Sources,
        reads: Option<Reads>,
        target: &str,
        checked: &Checked,
    ) -> Self {
        let functions = zips.iter().map(|(key, bytes)| {
            let packed = PackedFunction {
                source_hash: sources.functions.get(key).cloned().unwrap_or_default(),
                zip: format!("{key}.zip"),
                sha256: sha256(bytes),
                size: bytes.len() as u64,
            };
            (key.clone(), packed)
        });
        Self {
            schema: SCHEMA,
            committed_at: checked.commit.as_ref().and_then(|commit| commit.at),
            source_hash: sources.hash.clone(),
            dirty: checked.dirty,
            commit: checked.commit.as_ref().map(|commit| commit.id.clone()),
            target: target.to_owned(),
            functions: functions.collect(),
            reads,
        }
    }
}

impl Manifest {
    /// The commit that it was built from, if that is known.
    pub fn commit(&self) -> Option<Commit> {
        Some(Commit { id: self.commit.clone()?, at: self.committed_at })
    }

    /// The sources that it was built from.
    pub fn sources(&self) -> Sources {
        let functions = self.functions.iter().map(|(key, packed)| (key.clone(), packed.source_hash.clone()));
        Sources { hash: self.source_hash.clone(), functions: functions.collect() }
    }
}

impl Manifest {
    /// What `text` says, which is what the file at `path` holds.
    ///
    /// # Errors
    /// It is malformed, of another schema, or names a file that is not beside it.
    pub fn parse(text: &[u8], path: &Path) -> Result<Self> {
        let manifest: Self = serde_json::from_slice(text)
            .with_context(|| Failure::bad_input(format!("`{}` is malformed", path.display())).hint("build again"))?;
        if manifest.schema != SCHEMA {
            return Err(Failure::refused(format!(
                "`{}` has schema {}, this deployer reads {SCHEMA}",
                path.display(),
                manifest.schema
            ))
            .hint("build and deploy with the same version of the deployer")
            .into());
        }
        // Only plain names: a manifest comes from elsewhere, and must not lead out of its folder.
        let leads_out = |packed: &&PackedFunction| Path::new(&packed.zip).file_name() != Some(packed.zip.as_ref());
        match manifest.functions.values().find(leads_out) {
            None => Ok(manifest),
            Some(packed) => Err(Failure::refused(format!(
                "`{}` names {:?}, which is not a file of its folder",
                path.display(),
                packed.zip
            ))
            .hint("build again")
            .into()),
        }
    }
}

/// Reads the manifest of an artifact.
pub(super) fn read(folder: &Path) -> Result<Manifest> {
    let path = folder.join(FILE_NAME);
    let text = std::fs::read(&path).with_context(|| {
        Failure::bad_input(format!("`{}` is not an artifact: there is no `{FILE_NAME}` to read", folder.display()))
            .hint("name the folder that `deployer build --out DIR` wrote")
    })?;
    Manifest::parse(&text, &path)
}

/// Writes zips and manifest; each appears whole or not at all, the manifest last.
pub(super) fn write(folder: &Path, manifest: &Manifest, zips: &BTreeMap<String, Vec<u8>>) -> Result<()> {
    make_folder(folder)?;
    for (key, bytes) in zips {
        write_whole(&folder.join(format!("{key}.zip")), bytes)?;
    }
    write_whole(&folder.join(FILE_NAME), &serde_json::to_vec_pretty(manifest)?)
}

/// Makes a folder that git does not see, nor a walk for sources: unless there is something in it that is not ours.
pub(super) fn make_folder(folder: &Path) -> Result<()> {
    let make = || -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        match std::fs::read_dir(folder)?.next() {
            None => std::fs::write(folder.join(".gitignore"), "*\n"),
            Some(_) => Ok(()),
        }
    };
    make().with_context(|| format!("cannot make the folder `{}`", folder.display()))
}

pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        std::io::Write::write_all(&mut file, bytes)?;
        file.persist(path).map(drop).map_err(|error| error.error)
    };
    write().with_context(|| format!("cannot write `{}`", path.display()))
}
