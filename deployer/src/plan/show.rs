//! The words of a plan's changes.

use std::fmt;

use super::{After, ApiChange, FunctionChange};

impl fmt::Display for FunctionChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => formatter.write_str("nothing was released yet"),
            Self::Source(before, after) if before.is_empty() => {
                write!(formatter, "sources unknown -> {}", short(after))
            }
            Self::Source(before, after) => write!(formatter, "sources {} -> {}", short(before), short(after)),
            Self::Code(before, after) => write!(formatter, "code {} -> {}", short(before), short(after)),
            Self::Settings(names) => write!(formatter, "settings changed: {}", names.join(", ")),
            Self::Version(before, after) => write!(formatter, "version {before} -> {after}"),
        }
    }
}

impl fmt::Display for After {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same => formatter.write_str("unchanged"),
            Self::LiveCode => formatter.write_str("new version, same code"),
            Self::NewCode(None) => formatter.write_str("new version"),
            Self::NewCode(Some(sha256)) => write!(formatter, "new version, code {}", short(sha256)),
            Self::Version(part) => write!(formatter, "version {}", part.version),
        }
    }
}

impl fmt::Display for ApiChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => formatter.write_str("no release has had a deployment yet"),
            Self::Definition(before, after) if before.is_empty() => {
                write!(formatter, "definition unknown -> {}", short(after))
            }
            Self::Definition(before, after) => write!(formatter, "definition {} -> {}", short(before), short(after)),
            Self::Deployment(after) => write!(formatter, "back to deployment {after}"),
        }
    }
}

/// The first 12 digits of a hash: enough to distinguish two.
pub fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
