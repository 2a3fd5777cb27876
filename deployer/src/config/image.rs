//! A container image by its digest: a name that can never come to mean something else.

use std::fmt;

use serde::{Deserialize, Serialize};

/// `REPOSITORY@sha256:DIGEST`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct Image {
    repository: String,
    digest: String,
}

impl Image {
    /// The repository, with its registry.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The digest, 64 hexadecimal digits: what Lambda shows as the `CodeSha256` of a function of this image.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

impl fmt::Display for Image {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}@sha256:{}", self.repository, self.digest)
    }
}

impl From<Image> for String {
    fn from(image: Image) -> Self {
        image.to_string()
    }
}

impl TryFrom<String> for Image {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let Some((repository, digest)) = text.split_once("@sha256:") else {
            return Err(format!(
                "the image `{text}` has no digest, and a tag can be moved to another image: write it as \
                 `REPOSITORY@sha256:DIGEST`"
            ));
        };
        // A port may be a part of the registry's name; behind the last slash a colon begins a tag.
        let name = repository.rsplit('/').next().unwrap_or_default();
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "./_-:".contains(letter);
        if name.is_empty() || name.contains(':') || !repository.chars().all(is_plain) {
            return Err(format!("the image `{text}` is not in the form `REPOSITORY@sha256:DIGEST`, without a tag"));
        }
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if digest.len() != 64 || !digest.bytes().all(is_digit) {
            return Err(format!("the digest of the image `{text}` must have 64 hexadecimal digits"));
        }
        Ok(Self { repository: repository.to_owned(), digest: digest.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_has_a_repository_and_a_digest() {
        let digest = "0123456789abcdef".repeat(4);
        let text = format!("localhost:5000/team/api@sha256:{digest}");
        let image = Image::try_from(text.clone()).unwrap();
        assert_eq!((image.repository(), image.digest()), ("localhost:5000/team/api", digest.as_str()));
        assert_eq!(image.to_string(), text);
    }

    #[test]
    fn a_tag_and_a_broken_digest_or_name_have_errors_of_their_own() {
        let digest = "a".repeat(64);
        for (text, expected) in [
            ("team/api:latest".to_owned(), "has no digest"),
            (String::new(), "has no digest"),
            ("team/api@sha256:abc".to_owned(), "64 hexadecimal digits"),
            (format!("team/api@sha256:{}", digest.to_uppercase()), "64 hexadecimal digits"),
            (format!("team/api:1@sha256:{digest}"), "without a tag"),
            (format!("@sha256:{digest}"), "is not in the form"),
            (format!("team/a\u{1b}[2J@sha256:{digest}"), "is not in the form"),
        ] {
            let error = Image::try_from(text.clone()).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
