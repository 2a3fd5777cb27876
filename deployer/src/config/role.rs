//! A role of IAM, as `deployer.toml` names one.

use std::fmt;

use serde::Deserialize;

/// A role, by its name in the account of the credentials that assume it, or by its ARN.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Role {
    /// `app-dev-read`.
    Name(String),
    /// `arn:aws:iam::123456789012:role/app-dev-read`.
    Arn(String),
}

impl TryFrom<String> for Role {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if is_arn(&text) {
            return Ok(Self::Arn(text));
        }
        // What IAM takes in the name of a role.
        let named = |letter: char| letter.is_ascii_alphanumeric() || "+=,.@-_".contains(letter);
        if !text.is_empty() && text.len() <= 64 && text.chars().all(named) {
            return Ok(Self::Name(text));
        }
        Err(format!(
            "`{text}` is neither the name nor the ARN of a role: write it as `app-dev-read` or \
             `arn:aws:iam::123456789012:role/app-dev-read`"
        ))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Name(text) | Self::Arn(text)) = self;
        formatter.write_str(text)
    }
}

fn is_arn(text: &str) -> bool {
    let parts: Vec<_> = text.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, role] = parts[..] else { return false };
    let twelve_digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let name = role.strip_prefix("role/").unwrap_or_default();
    partition.starts_with("aws") && twelve_digits && !name.is_empty() && !name.contains([' ', ':', '*'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_an_arn_are_roles_and_nothing_else_is() {
        let role = |text: &str| Role::try_from(text.to_owned());
        assert_eq!(role("app-dev-read"), Ok(Role::Name("app-dev-read".to_owned())));
        for arn in ["arn:aws:iam::123456789012:role/app-dev-read", "arn:aws-cn:iam::123456789012:role/team/read"] {
            assert_eq!(role(arn), Ok(Role::Arn(arn.to_owned())));
        }
        for other in [
            "",
            "team/read",
            "arn:aws:iam::123456789012:user/ada",
            "arn:aws:iam::12345:role/read",
            "arn:aws:sts::123456789012:assumed-role/read/x",
            "arn:aws:iam::123456789012:role/*",
        ] {
            assert!(role(other).unwrap_err().contains("write it as `app-dev-read`"), "{other}");
        }
    }
}
