//! The environment of a build: what `deployer.toml` allows, and no credential.
//!
//! Build scripts and procedural macros are other people's programs. Where the deployer runs in a job that may take a role,
//! its environment contains what is needed to take it.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::ProcessEnvironment;

/// With these beginnings a variable is the user's cloud settings, unless [`BUILD_SETTINGS`] has a longer one.
const CLOUD: [&str; 9] = ["AWS_", "TF_", "TERRAFORM_", "ARM_", "AZURE_", "GOOGLE_", "CLOUDSDK_", "VAULT_", "ACTIONS_"];
/// Settings of crates that are compiled: `aws-lc-sys` reads `AWS_LC_SYS_*` and `AWS_LC_FIPS_SYS_*`.
const BUILD_SETTINGS: [&str; 1] = ["AWS_LC_"];
/// Tokens, and the files through which a step of GitHub Actions sets the environment of the steps after it.
const SINGLE: [&str; 18] = [
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "GITHUB_ENTERPRISE_TOKEN",
    "GH_ENTERPRISE_TOKEN",
    "GITHUB_PAT",
    "GH_PAT",
    "GITHUB_ENV",
    "GITHUB_PATH",
    "GITHUB_OUTPUT",
    "GITHUB_STATE",
    "SIGSTORE_ID_TOKEN",
    "CI_JOB_TOKEN",
    "CI_JOB_JWT",
    "CI_JOB_JWT_V2",
    "CIRCLE_OIDC_TOKEN",
    "CIRCLE_OIDC_TOKEN_V2",
    "BITBUCKET_STEP_OIDC_TOKEN",
    "BUILDKITE_AGENT_ACCESS_TOKEN",
];
/// AWS settings that name no identity: `pass_env` may pass them.
const HARMLESS: [&str; 4] = ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_DEFAULT_OUTPUT", "AWS_CA_BUNDLE"];

impl ProcessEnvironment {
    /// What a build gets: everything but cloud settings and tokens, and of these what `pass` names.
    pub fn for_builds(&self, pass: &[String]) -> BTreeMap<OsString, OsString> {
        let seen = self.all().iter().filter(|(name, _)| {
            let name = name.to_string_lossy();
            !is_withheld(&name) || pass.iter().any(|passed| *passed == *name) && !is_credential(&name)
        });
        seen.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

fn is_withheld(name: &str) -> bool {
    let begins = |list: &[&str]| list.iter().any(|beginning| name.starts_with(beginning));
    SINGLE.contains(&name) || begins(&CLOUD) && !begins(&BUILD_SETTINGS)
}

/// Whether a variable can take a role or act for the user: no build gets it, even if `pass_env` names it.
pub(super) fn is_credential(name: &str) -> bool {
    let cloud = ["AWS_", "ACTIONS_"].iter().any(|beginning| name.starts_with(beginning));
    is_withheld(name) && (cloud || SINGLE.contains(&name)) && !HARMLESS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(names: &[&str], pass: &[&str]) -> Vec<String> {
        let environment = ProcessEnvironment::of(names.iter().map(|name| (*name, "x")));
        let pass: Vec<_> = pass.iter().map(|name| (*name).to_owned()).collect();
        environment.for_builds(&pass).into_keys().map(|name| name.into_string().unwrap()).collect()
    }

    #[test]
    fn a_build_gets_no_token_that_can_take_a_role() {
        let tokens = [
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "ACTIONS_RUNTIME_TOKEN",
            "ACTIONS_CACHE_URL",
            "GITHUB_TOKEN",
            "GH_TOKEN",
            "GITHUB_ENV",
            "GITHUB_PATH",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_PROFILE",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        ];
        assert_eq!(seen(&tokens, &[]), [""; 0]);
        assert_eq!(seen(&tokens, &tokens), [""; 0], "not even where `pass_env` names them");
        assert!(tokens.iter().all(|name| is_credential(name)));
    }

    #[test]
    fn a_build_gets_its_own_settings() {
        let names = [
            "AWS_LC_SYS_NO_JITTER_ENTROPY",
            "CARGO_REGISTRIES_OURS_TOKEN",
            "CC",
            "GITHUB_ACTIONS",
            "GITHUB_SHA",
            "PATH",
            "RUSTFLAGS",
            "SQLX_OFFLINE",
        ];
        assert_eq!(seen(&names, &[]), names);
    }

    #[test]
    fn what_pass_env_names_passes() {
        let names = ["AWS_REGION", "GOOGLE_PROJECT", "TF_VAR_x", "VAULT_ADDR"];
        assert_eq!(seen(&names, &[]), [""; 0]);
        assert_eq!(
            seen(&names, &["AWS_REGION", "GOOGLE_PROJECT", "VAULT_ADDR"]),
            ["AWS_REGION", "GOOGLE_PROJECT", "VAULT_ADDR"]
        );
    }
}
