//! What Lambda is given for a function.

use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use tempfile::{NamedTempFile, TempPath};

use crate::config::{Image, PackageType};

/// How much of a file is in memory at once.
const CHUNK: usize = 64 * 1024;

/// What Lambda is given for a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Package {
    /// A zip.
    Zip(Zip),
    /// A container image, which is in its repository already.
    Image(Image),
}

impl Package {
    /// What Lambda will show as its `CodeSha256`: of a zip the SHA-256 in base64, of an image its digest in hexadecimal.
    pub fn code_sha256(&self) -> String {
        match self {
            Self::Zip(zip) => zip.sha256(),
            Self::Image(image) => image.digest().to_owned(),
        }
    }

    /// Which kind of function takes it.
    pub fn package_type(&self) -> PackageType {
        match self {
            Self::Zip(_) => PackageType::Zip,
            Self::Image(_) => PackageType::Image,
        }
    }
}

/// A zip in a file. Many of them do not fit into memory, so it is read whenever it is needed.
#[derive(Debug, Clone)]
pub struct Zip {
    path: PathBuf,
    digest: [u8; 32],
    size: u64,
    /// Removes a temporary file with the last clone.
    _temporary: Option<Arc<TempPath>>,
}

impl PartialEq for Zip {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Zip {}

impl Zip {
    /// The zip in the file at `path`.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut hasher = Sha256::new();
        let size = in_pieces(&mut File::open(path)?, |piece| {
            hasher.update(piece);
            Ok(())
        })?;
        Ok(Self { path: path.to_owned(), digest: hasher.finalize().into(), size, _temporary: None })
    }

    /// A zip that `write` makes, in a temporary file: not in the checkout, where it would count as a source.
    ///
    /// # Errors
    /// Those of `write`, and of the file.
    pub(super) fn make<E: From<io::Error>>(write: impl FnOnce(&File) -> Result<(), E>) -> Result<Self, E> {
        let file = temporary()?;
        write(file.as_file())?;
        let path = file.into_temp_path();
        let made = Self::open(&path)?;
        Ok(Self { _temporary: Some(Arc::new(path)), ..made })
    }

    /// Gives the file its place, where it appears whole or not at all. Whatever is there is replaced.
    pub(super) fn move_to(&self, place: &Path) -> io::Result<()> {
        if std::fs::rename(&self.path, place).is_ok() {
            return Ok(());
        }
        // The folder for temporary files may be on another file system.
        let mut copy = NamedTempFile::new_in(place.parent().unwrap_or(Path::new(".")))?;
        in_pieces(&mut self.file()?, |piece| copy.write_all(piece))?;
        copy.persist(place).map(drop).map_err(|error| error.error)
    }

    /// The file, at its beginning.
    pub(crate) fn file(&self) -> io::Result<File> {
        File::open(&self.path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// SHA-256 in base64, as Lambda writes `CodeSha256`.
    pub fn sha256(&self) -> String {
        STANDARD.encode(self.digest)
    }

    pub(crate) fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// SHA-256 in hexadecimal.
    pub(crate) fn sha256_hex(&self) -> String {
        self.digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A zip that arrives in pieces. It is hashed on the way.
#[derive(Debug)]
pub(crate) struct Arriving {
    file: NamedTempFile,
    hasher: Sha256,
    size: u64,
}

impl Arriving {
    pub(crate) fn begin() -> io::Result<Self> {
        Ok(Self { file: temporary()?, hasher: Sha256::new(), size: 0 })
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    /// The whole zip, in a temporary file.
    pub(crate) fn end(self) -> Zip {
        let path = self.file.into_temp_path();
        let (digest, size) = (self.hasher.finalize().into(), self.size);
        Zip { path: path.to_path_buf(), digest, size, _temporary: Some(Arc::new(path)) }
    }
}

fn temporary() -> io::Result<NamedTempFile> {
    NamedTempFile::with_prefix("deployer-")
}

/// Reads all of a file in pieces. Returns how many bytes it has.
pub(super) fn in_pieces(file: &mut File, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<u64> {
    let (mut chunk, mut size) = (vec![0; CHUNK], 0);
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(size),
            Ok(read) => {
                each(&chunk[..read])?;
                size += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zip_is_removed_with_the_last_clone_unless_it_has_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let make = |bytes: &[u8]| Zip::make(|mut file| file.write_all(bytes)).unwrap();
        let (lost, kept) = (make(b"a"), make(b"b"));
        let place = folder.path().join("kept.zip");
        kept.move_to(&place).unwrap();
        let clone = lost.clone();
        drop(lost);
        let left = clone.path().to_owned();
        assert!(left.exists());
        drop((clone, kept));
        assert!(!left.exists());
        assert_eq!(Zip::open(&place).unwrap().size(), 1);
    }

    #[test]
    fn a_zip_that_arrives_in_pieces_is_the_one_that_was_sent() {
        let sent = vec![7; 3 * CHUNK + 5];
        let mut arriving = Arriving::begin().unwrap();
        sent.chunks(1000).for_each(|piece| arriving.add(piece).unwrap());
        let (arrived, made) = (arriving.end(), Zip::make(|mut file| file.write_all(&sent)).unwrap());
        assert_eq!(arrived, made);
        assert_eq!((arrived.size(), std::fs::read(arrived.path()).unwrap()), (sent.len() as u64, sent));
        assert_eq!(arrived.sha256(), super::super::sha256(&std::fs::read(made.path()).unwrap()));
        assert_eq!(arrived.sha256_hex().len(), 64);
    }
}
