//! STS: whose credentials these are.

use aws_config::SdkConfig;

use super::{AwsError, Calls, Kind, clients};

/// Asks who the credentials belong to.
#[derive(Debug, Clone)]
pub struct Sts(aws_sdk_sts::Client);

/// The owner of the credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Its account, 12 digits.
    pub account: String,
    /// Its ARN: of a user, of a role's session, or of the account's root.
    pub arn: String,
}

impl Sts {
    pub(super) fn new(shared: &SdkConfig, calls: &Calls) -> Self {
        let (read, _) = clients!(aws_sdk_sts, shared, calls);
        Self(read)
    }

    /// Who makes these calls.
    pub async fn caller(&self) -> Result<Caller, AwsError> {
        let response = self.0.get_caller_identity().send().await;
        let response = response.map_err(|error| AwsError::new("GetCallerIdentity", "the credentials", &error))?;
        let none =
            || AwsError::found(Kind::Unknown, "GetCallerIdentity", "the credentials", "the response names no account");
        Ok(Caller { account: response.account.ok_or_else(none)?, arn: response.arn.unwrap_or_default() })
    }
}
