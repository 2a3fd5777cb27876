//! A hash over named parts; no two lists of parts have the same bytes.

use sha2::{Digest as _, Sha256};

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
}
