//! A zip that depends on nothing but its content, so that the same binary always has the same SHA-256.

use std::io::{Cursor, Seek, Write};

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// What Lambda's `provided` runtimes start.
pub(super) const ENTRY: &str = "bootstrap";

/// Packs a binary as `bootstrap`, executable, dated 1980-01-01 00:00, the earliest date of the zip format.
pub fn pack(binary: &[u8]) -> Result<Vec<u8>> {
    let mut zip = Cursor::new(Vec::new());
    pack_into(&mut zip, binary)?;
    Ok(zip.into_inner())
}

/// The same into a file.
pub(super) fn pack_into(to: impl Write + Seek, binary: &[u8]) -> Result<()> {
    let mut zip = ZipWriter::new(to);
    zip.start_file(ENTRY, options(true))?;
    zip.write_all(binary)?;
    zip.finish()?.flush()?;
    Ok(())
}

/// How an entry is packed: independent of when, where and by whom. Lambda needs all files to be readable by every user.
pub(super) fn options(runs: bool) -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9))
        .last_modified_time(DateTime::default())
        .unix_permissions(if runs { 0o755 } else { 0o644 })
}

/// SHA-256 in base64, as Lambda writes `CodeSha256`.
pub fn sha256(bytes: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn the_same_binary_packs_to_the_same_bytes() {
        assert_eq!(sha256(&pack(b"binary").unwrap()), sha256(&pack(b"binary").unwrap()));
        assert_ne!(sha256(&pack(b"binary").unwrap()), sha256(&pack(b"Binary").unwrap()));
    }

    /// A change here would make every function "changed" for every user: it has to be meant.
    #[test]
    fn the_bytes_of_a_zip_are_those_of_the_releases_before() {
        let head = pack(b"").unwrap();
        assert_eq!(&head[10..14], [0, 0, 0x21, 0], "1980-01-01 00:00");
    }

    #[test]
    fn the_pieces_in_which_content_is_written_do_not_change_the_zip() {
        let mut random = fastrand::Rng::with_seed(1);
        let content: Vec<u8> =
            (0..1_500_000).map(|at| if at % 3000 < 900 { random.u8(..) } else { b'a' + random.u8(..5) }).collect();
        for size in [1000, 64 * 1024] {
            let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
            zip.start_file(ENTRY, options(true)).unwrap();
            content.chunks(size).for_each(|piece| zip.write_all(piece).unwrap());
            assert_eq!(sha256(&zip.finish().unwrap().into_inner()), sha256(&pack(&content).unwrap()), "{size}");
        }
    }

    #[test]
    fn the_zip_contains_only_an_executable_bootstrap() {
        let mut zip = zip::ZipArchive::new(Cursor::new(pack(b"binary").unwrap())).unwrap();
        assert_eq!(zip.len(), 1);
        let mut entry = zip.by_name(ENTRY).unwrap();
        assert_eq!(entry.unix_mode().unwrap() & 0o777, 0o755);
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        assert_eq!(content, b"binary");
    }

    #[test]
    fn terraforms_placeholder_has_an_executable_bootstrap() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../terraform/modules/backend");
        let packed = std::fs::read(format!("{folder}/placeholder.zip")).unwrap();
        let script = std::fs::read(format!("{folder}/placeholder/bootstrap")).unwrap();
        let mut zip = zip::ZipArchive::new(Cursor::new(packed)).unwrap();
        assert_eq!(zip.len(), 1);
        let mut entry = zip.by_name(ENTRY).unwrap();
        assert_eq!(entry.unix_mode().unwrap() & 0o777, 0o755);
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        assert_eq!(content, script);
    }

    #[test]
    fn sha256_is_written_as_lambda_writes_it() {
        assert_eq!(sha256(b""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }
}
