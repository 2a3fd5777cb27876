//! STS: whose credentials these are.

use aws_config::SdkConfig;

use super::{AwsError, Calls, Kind, clients};

/// Whose credentials these are.
#[derive(Debug, Clone)]
pub struct Identity(aws_sdk_sts::Client);

impl Identity {
    pub(super) fn new(shared: &SdkConfig, calls: &Calls) -> Self {
        let (read, _) = clients!(aws_sdk_sts, shared, calls);
        Self(read)
    }

    /// The account of the credentials, 12 digits.
    pub async fn account(&self) -> Result<String, AwsError> {
        let answer = self.0.get_caller_identity().send().await;
        let answer = answer.map_err(|error| AwsError::new("GetCallerIdentity", "the credentials", &error))?;
        let none =
            || AwsError::found(Kind::Unknown, "GetCallerIdentity", "the credentials", "the answer names no account");
        answer.account.ok_or_else(none)
    }
}
