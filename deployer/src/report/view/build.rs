//! What `build` made.

use std::fmt::Write as _;

use serde::Serialize;

use super::View;
use crate::artifact::{Artifact, Manifest};
use crate::report::markdown::Markdown;

/// `build`.
#[derive(Debug, Serialize)]
pub struct BuildView {
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
    fn text(&self) -> String {
        let mut text = format!("artifact  {}\nsource    {}\n", self.folder, self.manifest.source_hash);
        for (key, function) in &self.manifest.functions {
            let _ = writeln!(text, "{key:<9} {}  {:>9} bytes  sha256 {}", function.zip, function.size, function.sha256);
        }
        text
    }

    fn summary(&self) -> Option<Markdown> {
        let Manifest { source_hash, commit, dirty, target, functions, .. } = &self.manifest;
        let count =
            if functions.len() == 1 { "1 function".to_owned() } else { format!("{} functions", functions.len()) };
        let mut page = Markdown::titled(&format!("📦 built: {count}"));
        let commit = commit.as_deref().map_or_else(|| "no commit".to_owned(), |commit| format!("commit `{commit}`"));
        let dirty = if *dirty { " and changes" } else { "" };
        page.paragraph(&format!("Sources `{source_hash}`, {commit}{dirty}, for `{target}`."));
        let rows: Vec<_> = functions
            .iter()
            .map(|(key, function)| {
                let code = |text: &str| format!("`{text}`");
                [code(key), code(&function.zip), function.size.to_string(), code(&function.sha256)]
            })
            .collect();
        page.table(["function", "zip", "bytes", "sha256"], &rows);
        Some(page)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::artifact::PackedFunction;

    #[test]
    fn the_page_shows_what_was_built_and_from_what() {
        let packed = PackedFunction {
            source_hash: "5".to_owned(),
            zip: "counter.zip".to_owned(),
            sha256: "a+b/c=".to_owned(),
            size: 1_234_567,
        };
        let manifest = Manifest {
            schema: 1,
            source_hash: "5ource".to_owned(),
            commit: Some("0123456789abcdef".to_owned()),
            committed_at: None,
            dirty: true,
            target: "x86_64-unknown-linux-gnu".to_owned(),
            functions: BTreeMap::from([("counter".to_owned(), packed)]),
            reads: None,
        };
        let expected = "\
## 📦 built: 1 function

Sources `5ource`, commit `0123456789abcdef` and changes, for `x86_64-unknown-linux-gnu`.

| function | zip | bytes | sha256 |
| --- | --- | --- | --- |
| `counter` | `counter.zip` | 1234567 | `a+b/c=` |
";
        let view = BuildView { folder: "/artifact".to_owned(), manifest };
        assert_eq!(view.summary().unwrap().to_string(), expected);
    }
}
