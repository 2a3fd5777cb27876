//! The processor that a function runs on, as Lambda names it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A processor that Lambda has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Architecture {
    /// 64-bit x86.
    #[serde(rename = "x86_64")]
    X86,
    /// 64-bit ARM.
    #[serde(rename = "arm64")]
    Arm,
}

impl Architecture {
    /// That of a target triple.
    pub fn of_target(target: &str) -> Self {
        if target.starts_with("aarch64-") { Self::Arm } else { Self::X86 }
    }

    /// The same target for this processor.
    pub(super) fn target_like(self, target: &str) -> String {
        let first = match self {
            Self::X86 => "x86_64",
            Self::Arm => "aarch64",
        };
        target.split_once('-').map_or_else(|| target.to_owned(), |(_, rest)| format!("{first}-{rest}"))
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::X86 => "x86_64",
            Self::Arm => "arm64",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_keeps_its_libc_for_another_processor() {
        assert_eq!(Architecture::Arm.target_like("x86_64-unknown-linux-musl"), "aarch64-unknown-linux-musl");
        assert_eq!(Architecture::of_target("aarch64-unknown-linux-gnu"), Architecture::Arm);
        assert_eq!(Architecture::X86.target_like("x86_64-unknown-linux-gnu"), "x86_64-unknown-linux-gnu");
    }
}
