//! A checkout: what its functions are made of, and their source hashes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::hasher::Hasher;
use super::inputs::Inputs;
use super::reads::Reads;
use super::source::Crates;
use crate::config::{Config, FILE_NAME};

/// The source hashes of all functions, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    /// Over all functions.
    pub hash: String,
    /// By function.
    pub functions: BTreeMap<String, String>,
}

/// A checkout as it was read.
pub struct Checkout {
    root: PathBuf,
    /// What cargo builds, if anything.
    pub(super) crates: Option<Crates>,
    /// What other functions are made of.
    inputs: BTreeMap<String, Inputs>,
}

impl Checkout {
    /// Reads it.
    ///
    /// # Errors
    /// Cargo cannot read the workspace: the error has its output. An input is missing.
    pub async fn read(config: &Config) -> Result<Self> {
        let crates = match config.packages().next() {
            Some(_) => Some(Crates::read(config).await?),
            None => None,
        };
        let mut inputs = BTreeMap::new();
        for (key, function) in &config.functions {
            let read = Inputs::read(config, key, function).await?;
            inputs.extend(read.map(|read| (key.clone(), read)));
        }
        Ok(Self { root: config.root.clone(), crates, inputs })
    }

    /// The folder whose commit counts.
    pub(super) fn folder(&self) -> &Path {
        self.crates.as_ref().map_or(&self.root, |crates| &crates.folder)
    }

    /// The source hashes, with what `reads` names as it is now. Without: for what cargo builds the hash of nothing, which no
    /// release has.
    pub async fn sources(&self, reads: Option<&Reads>) -> Sources {
        let mut functions = match &self.crates {
            Some(crates) => crates.hashes(reads).await,
            None => BTreeMap::new(),
        };
        functions.extend(self.inputs.iter().map(|(key, inputs)| (key.clone(), inputs.hash.clone())));
        let mut whole = Hasher::new();
        functions.iter().for_each(|(key, hash)| whole.add(key, hash.as_bytes()));
        Sources { hash: whole.hex(), functions }
    }

    /// Whether the functions, or what configures their build, are made of this file, which may be gone.
    pub(super) fn is_made_of(&self, reads: Option<&Reads>, path: &Path) -> bool {
        self.crates.as_ref().is_some_and(|crates| crates.are_made_of(reads, path))
            || self.inputs.values().any(|inputs| inputs.cover(path))
            || path == self.root.join(FILE_NAME)
    }
}
