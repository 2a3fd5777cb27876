//! Credentials of the profile that `deployer.toml` names.

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_smithy_types::error::display::DisplayErrorContext;

/// The profile, and what the SDK makes of it.
#[derive(Debug)]
pub(super) struct Profile {
    name: String,
    provider: ProfileFileCredentialsProvider,
}

impl Profile {
    pub(super) fn new(name: &str, config: &ProviderConfig) -> Self {
        let provider = ProfileFileCredentialsProvider::builder().profile_name(name).configure(config).build();
        Self { name: name.to_owned(), provider }
    }

    /// The SDK does not always name the profile: without a configuration file its provider "was not enabled", and of several calls
    /// at once only the first one reads which profile is missing.
    fn named(&self, error: &CredentialsError) -> CredentialsError {
        let cause = DisplayErrorContext(error).to_string();
        let says_nothing =
            ["was not enabled", "already taken", "was not defined"].iter().any(|words| cause.contains(words));
        let name = &self.name;
        CredentialsError::not_loaded(match says_nothing {
            true => format!("the AWS configuration files have no profile `{name}`"),
            false => format!("the profile `{name}` gives none: {cause}"),
        })
    }
}

impl ProvideCredentials for Profile {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            self.provider.provide_credentials().await.map_err(|error| self.named(&error))
        })
    }
}
