//! Credentials of the profile that `deployer.toml` names.

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};

use super::error::innermost;

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
}

/// The error with the profile's name, which the SDK often leaves out: without a configuration file its provider "was not
/// enabled", and of several calls at once only the first one reads the cause.
fn named(name: &str, error: &CredentialsError) -> CredentialsError {
    let cause = innermost(error);
    let is_known = !["was not enabled", "already taken"].iter().any(|words| cause.contains(words));
    CredentialsError::not_loaded(match is_known {
        true => format!("the profile `{name}`: {cause}"),
        false => format!("the profile `{name}` is not in the AWS configuration files, or has no credentials there"),
    })
}

impl ProvideCredentials for Profile {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            self.provider.provide_credentials().await.map_err(|error| named(&self.name, &error))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_is_named_whatever_the_sdk_says() {
        let words = |error: &CredentialsError| innermost(&named("work", error));
        let unknown = "the profile `work` is not in the AWS configuration files, or has no credentials there";
        assert_eq!(words(&CredentialsError::not_loaded_no_source()), unknown);
        assert_eq!(words(&CredentialsError::not_loaded("initialization error already taken")), unknown);
        let cause = "profile `base` was not defined: x";
        assert_eq!(words(&CredentialsError::invalid_configuration(cause)), format!("the profile `work`: {cause}"));
    }
}
