//! What to do about a failed call, by its kind and by what AWS says.

use std::borrow::Cow;

use super::Kind;
use super::denial::Denial;
use super::error::{NONE_FOUND, NOT_GIVEN, NOT_OF_AWS, REFUSED_BY_PROXY, UNRESOLVED, UNTRUSTED};

/// The one hint; none where only the caller can give one.
pub(super) fn hint(kind: Kind, reason: &str) -> Option<Cow<'static, str>> {
    let fixed = match kind {
        Kind::NoCredentials => return Some(of_credentials(reason)),
        Kind::Denied => return Some(of_denial(reason)),
        Kind::Unreachable if reason.starts_with(UNTRUSTED) => {
            "a proxy seems to inspect TLS: save its root certificate as a PEM file, and set `AWS_CA_BUNDLE` (or `SSL_CERT_FILE`) to \
             that file"
        }
        Kind::Unreachable if reason.starts_with(REFUSED_BY_PROXY) => {
            "check `HTTPS_PROXY` with its user and password, or add AWS's hosts to `NO_PROXY`"
        }
        Kind::Unreachable if reason.starts_with(UNRESOLVED) => {
            "check that `region` in `deployer.toml` is a region of AWS, such as `eu-west-1`; then the network and its DNS"
        }
        Kind::Unreachable => "check the network and the region; for the local AWS, run `deployer local up`",
        Kind::Throttled if reason.contains("oncurren") => {
            "raise the function's reserved concurrency or the account's concurrency quota, or run again when the functions are less busy"
        }
        Kind::Throttled => "too many calls in this account at once: run again in a minute",
        Kind::Conflict => "wait until the other update is done, then run again",
        Kind::Unknown => {
            "run again: whether the call took effect is unknown, and the next run starts from what is live"
        }
        Kind::Precondition => "run again: it starts from what is live now",
        Kind::NotFound | Kind::Malformed | Kind::Other => {
            return of_code(reason).map(Cow::Borrowed);
        }
    };
    Some(Cow::Borrowed(fixed))
}

fn of_credentials(reason: &str) -> Cow<'static, str> {
    let has = |signs: &[&str]| signs.iter().any(|sign| reason.contains(sign));
    let lower = reason.to_lowercase();
    let profile = reason.split_once("the profile `").and_then(|(_, rest)| rest.split_once('`')).map(|(name, _)| name);
    let fixed = match profile {
        _ if has(&["this local AWS belongs to another"]) => {
            "run `deployer local down` in the other checkout, or give this one other ports under `[local]` in `deployer.toml`; \
             then `deployer local up`"
        }
        _ if is_about_clock(reason) => "this machine's clock is wrong by more than 5 minutes: set it, then run again",
        Some(name) if lower.contains("sso") => {
            return format!("log in again: `aws sso login --profile {name}`").into();
        }
        Some(_) => {
            "check the profile in `~/.aws/config` (if it uses SSO, log in with `aws sso login`), or change `profile` in `deployer.toml`"
        }
        None if lower.contains("sso") => {
            "log in again: `aws sso login`, with `--profile` for a profile other than `default`"
        }
        None if has(&["InvalidIdentityToken"]) => {
            "create GitHub's identity provider in the account (`token.actions.githubusercontent.com`, audience `sts.amazonaws.com`)"
        }
        None if has(&["expecting '", "AuthorizationHeaderMalformed", "valid region"]) => {
            "if `region` in `deployer.toml` is wrong, correct it; otherwise use an `artifact_bucket` in that region"
        }
        None if has(&["ExpiredToken", "RequestExpired"]) => {
            "log in again (`aws sso login`, or new keys); in a workflow, run the job again: its credentials last an hour"
        }
        None if has(&["SignatureDoesNotMatch", "InvalidSignature", "IncompleteSignature"]) => {
            "copy the secret access key again: it does not belong to the access key ID"
        }
        None if has(&["InvalidClientTokenId", "UnrecognizedClient", "InvalidAccessKeyId", "InvalidToken"]) => {
            "check that the access key exists and is active, and that the region is enabled for the account; or log in again \
             (`aws sso login`)"
        }
        None if reason.starts_with(NONE_FOUND) => {
            "log in (`aws sso login`), set `AWS_PROFILE`, or name `profile` or `role` in `deployer.toml`"
        }
        None => {
            "log in (`aws sso login`), set `AWS_PROFILE`, or name `profile` or `role` in `deployer.toml`; in a workflow, give the \
             job `permissions: id-token: write`, and configure credentials in a step before this one"
        }
    };
    Cow::Borrowed(fixed)
}

fn of_denial(reason: &str) -> Cow<'static, str> {
    if reason.contains("ECR image") || reason.contains(" ecr:") {
        return Cow::Borrowed(
            "let the image be pulled: the repository's policy has to allow `ecr:BatchGetImage` and `ecr:GetDownloadUrlForLayer` to \
             `lambda.amazonaws.com` and to the function's account, and the role that releases needs both where the \
             repository belongs to another account; or push the image to a repository of the function's account",
        );
    }
    if reason.starts_with("RegionDisabledException") {
        return Cow::Borrowed("enable the region for the account, or change `region` in `deployer.toml`");
    }
    if reason.starts_with("KMS") || reason.contains("KMS key") {
        return Cow::Borrowed(
            "allow the function's execution role `kms:Decrypt` on the key, in that role's policy and in the key's policy",
        );
    }
    if let Some(denial) = Denial::of(reason) {
        return Cow::Owned(denial.hint());
    }
    if reason.starts_with(NOT_GIVEN) && reason.contains("WebIdentity") {
        return Cow::Borrowed("set `sub` and `aud` in the role's trust policy to those of this run's token");
    }
    match reason.strip_prefix('`').and_then(|rest| rest.split_once("` is not allowed")) {
        Some((action, _)) => Cow::Owned(format!("allow `{action}` in a policy of the role that this run uses")),
        None => Cow::Borrowed("give the role the action that the message names"),
    }
}

fn of_code(reason: &str) -> Option<&'static str> {
    let begins = |codes: &[&str]| codes.iter().any(|code| reason.starts_with(code));
    Some(match reason {
        _ if reason.contains("Provide a valid source image") => {
            "push the image to Amazon ECR first, in the function's region; Lambda pulls from nowhere else"
        }
        _ if reason.contains("media type for the source image") => {
            "push an image for one processor, without attestations: `docker buildx build --platform linux/arm64 \
             --provenance=false`"
        }
        _ if reason.starts_with(NOT_OF_AWS) => {
            "a proxy or a firewall seems to respond in place of AWS: check `HTTPS_PROXY` and `NO_PROXY`"
        }
        _ if begins(&["CodeStorageExceededException"]) => {
            "the 75 GB of code storage in this region are used up: run `deployer prune ENVIRONMENT --yes`, or raise the quota in \
             Service Quotas"
        }
        _ if begins(&["LimitExceededException", "ServiceQuotaExceeded"]) => {
            "the quota that AWS names above is used up: remove what is not needed, or raise it in Service Quotas"
        }
        _ if begins(&["RequestEntityTooLarge"]) || reason.contains("Unzipped size must be smaller") => {
            "make the package smaller: Lambda takes 50 MB of zip without a bucket, and 250 MB unpacked"
        }
        _ if begins(&["KMSDisabled", "KMSInvalidState"]) => {
            "enable the KMS key that encrypts the function's settings, or cancel its deletion"
        }
        _ if begins(&["KMSNotFound"]) => "set the function's KMS key to one that exists",
        _ if begins(&["PermanentRedirect", "IllegalLocationConstraint"]) => {
            "use a bucket in the region of the environment: change `artifact_bucket` in the contract, or `region` in `deployer.toml`"
        }
        _ if begins(&["NoSuchBucket"]) => {
            "create the bucket that the contract names, or change `artifact_bucket` there"
        }
        _ if begins(&["ResourceNotFoundException", "NotFoundException"]) => {
            "check the account, the region and the name in the stack contract: `deployer contract show ENVIRONMENT`"
        }
        _ => return None,
    })
}

/// Whether AWS refuses the time that a request was signed at.
fn is_about_clock(reason: &str) -> bool {
    let signs = [
        "Signature expired",
        "Signature not yet current",
        "RequestTimeTooSkewed",
        "RequestExpired",
        "RequestInTheFuture",
    ];
    signs.iter().any(|sign| reason.contains(sign))
}
