//! What `build` made.

use std::fmt::Write as _;

use serde::Serialize;

use super::View;
use crate::artifact::Artifact;

/// `build`.
#[derive(Debug, Serialize)]
pub struct BuildView {
    folder: String,
    manifest: crate::artifact::Manifest,
}

impl BuildView {
    /// Of a build.
    pub fn new(artifact: Artifact) -> Self {
        Self { folder: artifact.folder.display().to_string(), manifest: artifact.manifest }
    }
}

impl View for BuildView {
    fn text(&self) -> String {
        let mut text = format!("artifact  {}\nsource    {}\n", self.folder, self.manifest.source_hash);
        for (key, function) in &self.manifest.functions {
            let _ = writeln!(text, "{key:<9} {}  {:>9} bytes  sha256 {}", function.zip, function.size, function.sha256);
        }
        text
    }
}
