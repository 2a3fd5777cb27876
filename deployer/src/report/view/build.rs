//! What `build` made.

use std::fmt::Write as _;

use serde::Serialize;

use super::View;
use crate::artifact::{Artifact, Manifest, Packed};
use crate::report::markdown::Markdown;
use crate::report::screen::Screen;

/// `build`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Build"))]
pub struct BuildView {
    /// The folder with the packages.
    folder: String,
    manifest: Manifest,
}

impl BuildView {
    /// Of a build.
    pub fn new(artifact: Artifact) -> Self {
        Self { folder: artifact.folder.display().to_string(), manifest: artifact.manifest }
    }
}

impl View for BuildView {
    fn text(&self, _: &Screen) -> String {
        let mut text = format!("artifact  {}\nsource    {}\n", self.folder, self.manifest.source_hash);
        for (key, function) in &self.manifest.functions {
            let _ = match &function.package {
                Packed::Zip { zip, sha256, size } => writeln!(text, "{key:<9} {zip}  {size:>9} bytes  sha256 {sha256}"),
                Packed::Image { image } => writeln!(text, "{key:<9} image {image}"),
            };
        }
        text
    }

    fn summary(&self) -> Option<Markdown> {
        let Manifest { source_hash, commit, dirty, functions, .. } = &self.manifest;
        let count =
            if functions.len() == 1 { "1 function".to_owned() } else { format!("{} functions", functions.len()) };
        let mut page = Markdown::titled(&format!("📦 built: {count}"));
        let commit = commit.as_deref().map_or_else(|| "no commit".to_owned(), |commit| format!("commit `{commit}`"));
        let dirty = if *dirty { " and changes" } else { "" };
        page.paragraph(&format!("Sources `{source_hash}`, {commit}{dirty}."));
        let rows: Vec<_> = functions
            .iter()
            .map(|(key, function)| {
                let code = |text: &str| format!("`{text}`");
                let (package, size, sha256) = match &function.package {
                    Packed::Zip { zip, sha256, size } => (code(zip), size.to_string(), sha256.as_str()),
                    Packed::Image { image } => (code(image.repository()), String::new(), image.digest()),
                };
                [code(key), package, code(&function.architecture.to_string()), size, code(sha256)]
            })
            .collect();
        page.table(["function", "package", "for", "bytes", "sha256"], &rows);
        Some(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::PackedFunction;
    use crate::config::Architecture;

    #[test]
    fn the_page_shows_what_was_built_and_from_what() {
        let zip = Packed::Zip { zip: "counter.zip".to_owned(), sha256: "a+b/c=".to_owned(), size: 1_234_567 };
        let digest = "0a".repeat(32);
        let image = Packed::Image { image: format!("team/mails@sha256:{digest}").try_into().unwrap() };
        let packed = |architecture, package| PackedFunction { source_hash: "5".to_owned(), architecture, package };
        let functions = [("counter", packed(Architecture::X86, zip)), ("mails", packed(Architecture::Arm, image))];
        let manifest = Manifest {
            schema: 1,
            source_hash: "5ource".to_owned(),
            commit: Some("0123456789abcdef".to_owned()),
            committed_at: None,
            dirty: true,
            functions: functions.map(|(key, packed)| (key.to_owned(), packed)).into(),
            reads: None,
        };
        let expected = format!(
            "\
## 📦 built: 2 functions

Sources `5ource`, commit `0123456789abcdef` and changes.

| function | package | for | bytes | sha256 |
| --- | --- | --- | --- | --- |
| `counter` | `counter.zip` | `x86_64` | 1234567 | `a+b/c=` |
| `mails` | `team/mails` | `arm64` |  | `{digest}` |
"
        );
        let view = BuildView { folder: "/artifact".to_owned(), manifest };
        assert_eq!(view.summary().unwrap().to_string(), expected);
    }
}
