//! The package of a version: a zip, or a container image.

use std::sync::Arc;

use base64::Engine as _;
use sha2::{Digest as _, Sha256};

/// What a version is made of, and the digest that Lambda shows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Code {
    pub(super) sha256: String,
    pub(super) package: Package,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Package {
    Zip(Arc<Vec<u8>>),
    /// `REPOSITORY@sha256:DIGEST`.
    Image(String),
}

impl Code {
    /// Of a zip: its digest is base64.
    pub(super) fn of(zip: Vec<u8>) -> Self {
        let sha256 = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(&zip));
        Self { sha256, package: Package::Zip(Arc::new(zip)) }
    }

    /// Of an image: its digest is hexadecimal, without `sha256:`, as GetFunction of AWS shows it.
    pub(super) fn of_image(image: &str) -> Self {
        let sha256 = image.rsplit(':').next().unwrap_or_default().to_owned();
        Self { sha256, package: Package::Image(image.to_owned()) }
    }

    pub(super) fn package_type(&self) -> &'static str {
        match self.package {
            Package::Zip(_) => "Zip",
            Package::Image(_) => "Image",
        }
    }

    /// Its bytes, as far as Lambda stores them: an image is stored in its repository.
    pub(super) fn size(&self) -> u64 {
        match &self.package {
            Package::Zip(zip) => zip.len() as u64,
            Package::Image(_) => 0,
        }
    }
}

/// ECR's error when Lambda pulls an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pull {
    Allowed,
    /// Neither the repository's policy nor the caller's lets Lambda.
    Denied,
}
