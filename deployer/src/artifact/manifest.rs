//! The manifest beside the zips: what they and the images are, and what they were built from.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::Sources;
use super::commit::Checked;
use super::git::Commit;
use super::package::Package;
use super::reads::Reads;
use crate::config::{Architecture, Config, Image, PackageType};
use crate::failure::Failure;

/// The newest shape of a manifest that this version reads.
const SCHEMA: u32 = 2;
const FILE_NAME: &str = "manifest.json";

/// `manifest.json` of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// The functions by key.
    pub functions: BTreeMap<String, PackedFunction>,
    /// What the build read beyond the files of its packages, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads: Option<Reads>,
}

/// One function's package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PackedFunction {
    /// Over its sources, hexadecimal.
    pub source_hash: String,
    /// The processor that it was built for.
    pub architecture: Architecture,
    /// What Lambda is to be given.
    #[serde(flatten)]
    pub package: Packed,
}

/// A package, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Packed {
    /// A zip.
    Zip {
        /// The zip, in the manifest's folder.
        zip: String,
        /// SHA-256 of the zip, base64, as Lambda writes it.
        sha256: String,
        /// Size of the zip in bytes.
        size: u64,
    },
    /// A container image.
    Image {
        /// What it is called, by its digest.
        image: Image,
    },
}

impl Packed {
    fn of(key: &str, package: &Package) -> Self {
        match package {
            Package::Zip(zip) => Self::Zip { zip: format!("{key}.zip"), sha256: zip.sha256(), size: zip.size() },
            Package::Image(image) => Self::Image { image: image.clone() },
        }
    }

    /// What Lambda will show as its `CodeSha256`.
    pub fn code_sha256(&self) -> &str {
        match self {
            Self::Zip { sha256, .. } => sha256,
            Self::Image { image } => image.digest(),
        }
    }

    /// Which kind of function takes it.
    pub fn package_type(&self) -> PackageType {
        match self {
            Self::Zip { .. } => PackageType::Zip,
            Self::Image { .. } => PackageType::Image,
        }
    }
}

impl Manifest {
    pub(super) fn of(
        config: &Config,
        packages: &BTreeMap<String, Package>,
        (sources, reads): (&Sources, Option<Reads>),
        checked: &Checked,
    ) -> Self {
        let functions = config.functions.iter().filter_map(|(key, function)| {
            let packed = PackedFunction {
                source_hash: sources.functions.get(key).cloned().unwrap_or_default(),
                architecture: function.architecture,
                package: Packed::of(key, packages.get(key)?),
            };
            Some((key.clone(), packed))
        });
        Self {
            schema: SCHEMA,
            committed_at: checked.commit.as_ref().and_then(|commit| commit.at),
            source_hash: sources.hash.clone(),
            dirty: checked.dirty,
            commit: checked.commit.as_ref().map(|commit| commit.id.clone()),
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
    /// Parses `text`, the contents of the file at `path`.
    ///
    /// # Errors
    /// It is malformed, of another schema, or names a file that is not beside it.
    pub fn parse(text: &[u8], path: &Path) -> Result<Self> {
        let manifest: Self = serde_json::from_slice(text).with_context(|| {
            Failure::bad_input(format!("`{}` is not a valid manifest of an artifact", path.display()))
                .hint("build the artifact again")
        })?;
        if manifest.schema != SCHEMA {
            let found = manifest.schema;
            return Err(Failure::refused(format!(
                "`{}` has schema {found}, but this deployer reads schema {SCHEMA}",
                path.display()
            ))
            .hint("build and deploy with the same version of the deployer")
            .into());
        }
        // Only plain names: a manifest comes from elsewhere, and must not lead out of its folder.
        let leads_out = |packed: &PackedFunction| match &packed.package {
            Packed::Zip { zip, .. } if Path::new(zip).file_name() != Some(zip.as_ref()) => Some(zip.clone()),
            _ => None,
        };
        match manifest.functions.values().find_map(leads_out) {
            None => Ok(manifest),
            Some(zip) => Err(Failure::refused(format!(
                "`{}` names {zip:?}, which is not the name of a file in the same folder",
                path.display(),
            ))
            .hint("build the artifact again")
            .into()),
        }
    }
}

/// Reads the manifest of an artifact.
pub(super) fn read(folder: &Path) -> Result<Manifest> {
    let path = folder.join(FILE_NAME);
    let text = std::fs::read(&path).with_context(|| {
        Failure::bad_input(format!("`{}` is not an artifact: it has no `{FILE_NAME}`", folder.display()))
            .hint("name the folder that `deployer build --out DIR` wrote")
    })?;
    Manifest::parse(&text, &path)
}

/// Gives the zips, which are in temporary files, their places, and writes the manifest; each appears whole or not at all, the manifest
/// last.
pub(super) fn write(folder: &Path, manifest: &Manifest, packages: &BTreeMap<String, Package>) -> Result<()> {
    make_folder(folder)?;
    for (key, package) in packages {
        if let Package::Zip(zip) = package {
            let path = folder.join(format!("{key}.zip"));
            zip.move_to(&path).with_context(|| format!("cannot write `{}`", path.display()))?;
        }
    }
    write_whole(&folder.join(FILE_NAME), &serde_json::to_vec_pretty(manifest)?)
}

/// Makes a folder that git and the search for sources ignore, unless it contains something that is not ours.
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
