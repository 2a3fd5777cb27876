//! What Lambda is given for a function.

use super::sha256;
use crate::config::{Image, PackageType};

/// What Lambda is given for a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Package {
    /// The bytes of a zip.
    Zip(Vec<u8>),
    /// A container image, which is in its repository already.
    Image(Image),
}

impl Package {
    /// What Lambda will show as its `CodeSha256`: of a zip the SHA-256 in base64, of an image its digest in hexadecimal.
    pub fn code_sha256(&self) -> String {
        match self {
            Self::Zip(bytes) => sha256(bytes),
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
