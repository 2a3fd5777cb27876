//! A hash over named parts; no two lists of parts have the same bytes.

use std::fs::File;
use std::io;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::package::in_pieces;

pub(super) struct Hasher(Sha256);

impl Hasher {
    pub(super) fn new() -> Self {
        Self(Sha256::new())
    }

    pub(super) fn add(&mut self, name: &str, content: &[u8]) {
        self.add_bytes(name.as_bytes(), content);
    }

    /// The same for a name that need not be UTF-8.
    pub(super) fn add_bytes(&mut self, name: &[u8], content: &[u8]) {
        for part in [name, content] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
    }

    /// The same for a file, whose content need not fit into memory. One that changes meanwhile counts as neither.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn add_file(&mut self, name: &[u8], path: &Path) -> io::Result<()> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        self.0.update((name.len() as u64).to_le_bytes());
        self.0.update(name);
        self.0.update(size.to_le_bytes());
        in_pieces(&mut file, |piece| {
            self.0.update(piece);
            Ok(())
        })
        .map(drop)
    }

    pub(super) fn hex(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cannot_be_shifted_into_each_other() {
        let hash = |parts: &[(&str, &str)]| {
            let mut hasher = Hasher::new();
            parts.iter().for_each(|(name, content)| hasher.add(name, content.as_bytes()));
            hasher.hex()
        };
        assert_ne!(hash(&[("a", "bc")]), hash(&[("ab", "c")]));
        assert_ne!(hash(&[("a", ""), ("b", "")]), hash(&[("a", "b")]));
    }

    #[test]
    fn a_file_counts_like_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let (path, content) = (folder.path().join("f"), vec![3; 200_000]);
        std::fs::write(&path, &content).unwrap();
        let (mut of_file, mut of_content) = (Hasher::new(), Hasher::new());
        of_file.add_file(b"n", &path).unwrap();
        of_content.add("n", &content);
        assert_eq!(of_file.hex(), of_content.hex());
    }
}
