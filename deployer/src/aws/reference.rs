//! `docs/aws-errors.md`, made of the errors themselves: a test writes it.

use std::fmt::Write as _;

use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::error::ErrorMetadata;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::{of_credentials, of_dispatch, of_service};
use super::web_identity::explained;
use super::{AwsError, Kind};
use crate::config::reference::is_kept;
use crate::ending::Ending as _;

/// One error, as AWS or the network makes it.
enum Met {
    /// A code and a message of AWS.
    Code(&'static str, &'static str),
    /// What a provider of credentials met.
    Credentials(&'static str),
    /// The same, of a workflow run whose token has claims.
    Token(&'static str),
    /// What a connection met.
    Connection(&'static str),
    /// A response without a code of AWS.
    Foreign,
}

/// One section of the page.
struct Entry {
    title: &'static str,
    call: (&'static str, &'static str),
    met: Met,
    kind: Kind,
    cause: &'static str,
    fix: &'static str,
}

const UPDATE_ALIAS: (&str, &str) = ("UpdateAlias", "alias `live` of `shop-orders-prod`");
const GET_FUNCTION: (&str, &str) = ("GetFunction", "`shop-orders-prod:live`");
const LEDGER: (&str, &str) = ("GetItem", "the ledger `shop-ledger-prod`");

macro_rules! entry {
    ($title:literal, $call:expr, $met:expr, $kind:ident, $cause:literal, $fix:literal) => {
        Entry { title: $title, call: $call, met: $met, kind: Kind::$kind, cause: $cause, fix: $fix }
    };
}

macro_rules! denied {
    ($rest:literal) => {
        Met::Code(
            "AccessDeniedException",
            concat!(
                "User: arn:aws:sts::111111111111:assumed-role/shop-prod-deploy/deployer is not authorized to perform: ",
                $rest
            ),
        )
    };
}

const ACCESS: &[Entry] = &[
    entry!(
        "The role lacks a permission",
        UPDATE_ALIAS,
        denied!(
            "lambda:UpdateAlias on resource: arn:aws:lambda:eu-west-1:111111111111:function:shop-orders-prod because no identity-based policy allows the lambda:UpdateAlias action"
        ),
        Denied,
        "No policy of the role allows the action on this resource.",
        "Add the action to the role's policy. `deployer doctor ENVIRONMENT` lists every action that a release needs and the role lacks."
    ),
    entry!(
        "A permissions boundary does not allow it",
        UPDATE_ALIAS,
        denied!(
            "lambda:UpdateAlias on resource: arn:aws:lambda:eu-west-1:111111111111:function:shop-orders-prod because no permissions boundary allows the lambda:UpdateAlias action"
        ),
        Denied,
        "The role's policy allows the action, but its permissions boundary does not: only what both allow is allowed.",
        "Add the action to the boundary. An administrator usually owns it."
    ),
    entry!(
        "The organization does not allow it",
        UPDATE_ALIAS,
        denied!(
            "lambda:UpdateAlias on resource: arn:aws:lambda:eu-west-1:111111111111:function:shop-orders-prod with an explicit deny in a service control policy"
        ),
        Denied,
        "A service control policy of AWS Organizations applies to the whole account, whatever the role's policies allow. It often limits the regions.",
        "Use an allowed region or account, or ask the organization's administrator for an exception."
    ),
    entry!(
        "A policy denies it explicitly",
        UPDATE_ALIAS,
        denied!(
            "lambda:UpdateAlias on resource: arn:aws:lambda:eu-west-1:111111111111:function:shop-orders-prod with an explicit deny in an identity-based policy"
        ),
        Denied,
        "A statement with `\"Effect\": \"Deny\"` matches the call.",
        "Find the statement in the role's policies and remove or narrow it."
    ),
    entry!(
        "A role cannot be assumed",
        ("GetItem", "the ledger `shop-ledger-dev`"),
        Met::Credentials(
            "AccessDenied: User: arn:aws:sts::111111111111:assumed-role/shop-prod-deploy/deployer is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::222222222222:role/shop-dev-read"
        ),
        Denied,
        "Both sides have to agree: the caller's policy and the trust policy of the role. AWS gives the same response for a role that does not exist.",
        "Check the role's ARN, the caller's policy and the role's trust policy."
    ),
    entry!(
        "GitHub's token is not trusted",
        LEDGER,
        Met::Token("AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity"),
        Denied,
        "The trust policy of the role does not match the token of this workflow run. Often the job's `environment:` differs from the policy, or `sub` has numeric IDs that the policy lacks.",
        "Compare the trust policy with the claims that `deployer` prints: `sub`, `aud`, and, where the policy names them, `ref`, `environment` and `job_workflow_ref`. The token itself is never printed."
    ),
    entry!(
        "The account has no identity provider for GitHub",
        LEDGER,
        Met::Credentials(
            "InvalidIdentityToken: No OpenIDConnect provider found in your account for https://token.actions.githubusercontent.com"
        ),
        NoCredentials,
        "IAM in this account has no identity provider for the token's issuer.",
        "Create the identity provider once in each account, then the role that trusts it."
    ),
];

const CREDENTIALS: &[Entry] = &[
    entry!(
        "There are no credentials",
        LEDGER,
        Met::Credentials("the credential provider was not enabled"),
        NoCredentials,
        "No access key is set in the environment variables, and there is no profile and no role.",
        "Log in, or name a profile. `aws sts get-caller-identity` shows which credentials the AWS CLI finds."
    ),
    entry!(
        "The credentials have expired",
        GET_FUNCTION,
        Met::Code("ExpiredTokenException", "The security token included in the request is expired"),
        NoCredentials,
        "Temporary credentials last from 15 minutes to 12 hours.",
        "Log in again. In a workflow, run the job again. A release that was moving traffic at that moment is reverted by the next run."
    ),
    entry!(
        "The SSO session has expired",
        LEDGER,
        Met::Credentials("the profile `shop-prod`: the SSO token has expired and cannot be refreshed"),
        NoCredentials,
        "The profile logs in through IAM Identity Center, and that session is over.",
        "Log in again with that profile."
    ),
    entry!(
        "The profile does not exist",
        LEDGER,
        Met::Credentials("the profile `shop-prod` is not in the AWS configuration files, or has no credentials there"),
        NoCredentials,
        "`profile` in `deployer.toml` names a profile that this machine does not have.",
        "Create it with `aws configure sso --profile NAME`, or change the name."
    ),
    entry!(
        "The access key does not exist or is not active",
        LEDGER,
        Met::Code("UnrecognizedClientException", "The security token included in the request is invalid."),
        NoCredentials,
        "The key was deleted or deactivated, belongs to another partition, or the region is not enabled for the account.",
        "Check the key in IAM, and the region under the account's settings."
    ),
    entry!(
        "The signature is wrong",
        LEDGER,
        Met::Code(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method."
        ),
        NoCredentials,
        "The secret access key is not the one of the access key ID: often a part was not copied.",
        "Copy both again."
    ),
    entry!(
        "The clock is wrong",
        LEDGER,
        Met::Code(
            "InvalidSignatureException",
            "Signature expired: 20260110T100000Z is now earlier than 20260110T101000Z (20260110T101500Z - 5 min.)"
        ),
        NoCredentials,
        "AWS refuses a request that was signed more than 5 minutes ago or ahead.",
        "Set the clock of the machine, or start its time synchronization."
    ),
];

const LIMITS: &[Entry] = &[
    entry!(
        "Too many calls",
        GET_FUNCTION,
        Met::Code("TooManyRequestsException", "Rate exceeded"),
        Throttled,
        "All tools in an account share AWS's rates. `deployer` waits and repeats throttled calls for a while before it gives up.",
        "Run again. If it happens often, look for another tool that polls the same account."
    ),
    entry!(
        "Another update is in progress",
        ("UpdateFunctionCode", "function `shop-orders-prod`"),
        Met::Code(
            "ResourceConflictException",
            "The operation cannot be performed at this time. An update is in progress for resource: arn:aws:lambda:eu-west-1:111111111111:function:shop-orders-prod"
        ),
        Conflict,
        "Lambda allows one change of a function at a time; Terraform or another person is changing it.",
        "Wait and run again."
    ),
    entry!(
        "The function or alias changed during the run",
        UPDATE_ALIAS,
        Met::Code(
            "PreconditionFailedException",
            "The RevisionId provided does not match the latest RevisionId. Call the GetFunction/GetAlias API to retrieve the latest RevisionId"
        ),
        Precondition,
        "Another tool changed the function or alias after `deployer` had read it. Nothing was overwritten.",
        "Run again: the next run starts from what is live. `deployer status` shows the difference."
    ),
    entry!(
        "The storage for code is full",
        ("UpdateFunctionCode", "function `shop-orders-prod`"),
        Met::Code("CodeStorageExceededException", "Code storage limit exceeded."),
        Other,
        "All versions of all functions of an account and region share 75 GB.",
        "Run `deployer prune`, or raise the quota \"Function and layer storage\"."
    ),
    entry!(
        "A quota is used up",
        ("CreateDeployment", "API `a1b2c3d4e5`"),
        Met::Code("LimitExceededException", "Maximum number of Deployments for this API has been reached."),
        Other,
        "The account, the API or the function has reached one of its quotas.",
        "Remove what is not needed, or raise the quota."
    ),
    entry!(
        "The object does not exist",
        ("GetFunction", "`shop-orders-prod:live`"),
        Met::Code(
            "ResourceNotFoundException",
            "Function not found: arn:aws:lambda:eu-west-1:111111111111:function:shop-orders-prod:live"
        ),
        NotFound,
        "The stack contract names something that this account and region do not have.",
        "Compare the contract with what exists. Often the account or the region is not the intended one."
    ),
];

const KEYS: &[Entry] = &[
    entry!(
        "A KMS key may not be used",
        ("Invoke", "`shop-orders-prod:7`"),
        Met::Code(
            "KMSAccessDeniedException",
            "Lambda was unable to decrypt the environment variables because KMS access was denied. Please check the function's KMS key settings."
        ),
        Denied,
        "The function's environment variables are encrypted with a customer managed key, and the function's execution role may not decrypt with it.",
        "Allow `kms:Decrypt` to the function's execution role, in the role's policy and in the key's."
    ),
    entry!(
        "A KMS key is disabled",
        ("Invoke", "`shop-orders-prod:7`"),
        Met::Code(
            "KMSDisabledException",
            "Lambda was unable to decrypt the environment variables because the KMS key used is disabled."
        ),
        Other,
        "The key that encrypts the function's settings is disabled or about to be deleted.",
        "Enable the key."
    ),
];

const PLACES: &[Entry] = &[
    entry!(
        "The region is not enabled",
        LEDGER,
        Met::Code("RegionDisabledException", "This region is not enabled for the account"),
        Denied,
        "Newer regions are disabled until an account enables them.",
        "Enable the region, or use another one."
    ),
    entry!(
        "The bucket is in a different region",
        ("PutObject", "object `shop/orders.zip` of bucket `shop-artifacts`"),
        Met::Code(
            "AuthorizationHeaderMalformed",
            "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'"
        ),
        NoCredentials,
        "The bucket is in a different region than the environment.",
        "Lambda takes a package only from a bucket in its own region: correct `region`, or create a bucket there."
    ),
    entry!(
        "The endpoint's name does not resolve",
        LEDGER,
        Met::Connection("dns error: failed to lookup address information: Name or service not known"),
        Unreachable,
        "There is no such region, or this machine has no DNS.",
        "Check the region's spelling, then the network."
    ),
    entry!(
        "Nothing responds at the endpoint",
        LEDGER,
        Met::Connection("tcp connect error: Connection refused"),
        Unreachable,
        "A firewall closes the connection, or the local AWS is not running.",
        "Check the network, or start the local AWS."
    ),
    entry!(
        "The certificate is not trusted",
        LEDGER,
        Met::Connection("invalid peer certificate: UnknownIssuer"),
        Unreachable,
        "A proxy inspects TLS and presents a certificate of its own.",
        "Trust its root certificate. `deployer` reads the same variables as the AWS CLI and OpenSSL."
    ),
    entry!(
        "The proxy refuses the connection",
        LEDGER,
        Met::Connection("tunnel error: proxy authorization required"),
        Unreachable,
        "The proxy of `HTTPS_PROXY` requires a password, or does not allow AWS's hosts.",
        "Write user and password into the variable (`http://USER:PASSWORD@HOST:PORT`), or go around the proxy with `NO_PROXY`."
    ),
    entry!(
        "Something responds in place of AWS",
        LEDGER,
        Met::Foreign,
        Other,
        "The response has no error code of AWS: a proxy, a firewall or a captive portal sent it.",
        "Check the proxy variables and the network."
    ),
];

const SECTIONS: [(&str, &[Entry]); 5] = [
    ("Permissions", ACCESS),
    ("Credentials", CREDENTIALS),
    ("Limits, conflicts and missing objects", LIMITS),
    ("Encryption", KEYS),
    ("Regions, network and proxies", PLACES),
];

const BEFORE: &str = "\
# Errors of AWS

What `deployer` prints when AWS refuses a call or cannot be reached, what causes it, and how to fix it. The account IDs and names are examples; \
the rest is printed exactly like this.

Each error names the call and the object, and keeps AWS's own code and words. Secrets, tokens and signatures are left out.

Without valid credentials the exit code is 3, after any other failed call it is 1. If a release had begun, the exit code is that of the release \
(6 or 7). [Exit codes](exit-codes.md) has them all.
";

impl Entry {
    fn error(&self) -> AwsError {
        let (kind, reason) = match self.met {
            Met::Code(code, message) => of_service(&ErrorMetadata::builder().code(code).message(message).build()),
            Met::Credentials(cause) | Met::Token(cause) => of_credentials(&std::io::Error::other(cause)),
            Met::Connection(cause) => of_dispatch(Some(&ConnectorError::other(cause.into(), None))),
            Met::Foreign => (Kind::Other, format!("{} (HTTP 403)", super::error::NOT_OF_AWS)),
        };
        AwsError::found(kind, self.call.0, self.call.1, reason)
    }

    /// As a run ends with it.
    fn ended(&self) -> anyhow::Error {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        if let Met::Token(_) = self.met {
            let claims =
                r#"{"aud": "sts.amazonaws.com", "sub": "repo:shop/orders:environment:prod", "ref": "refs/heads/main"}"#;
            std::fs::write(&file, format!("header.{}.signature", URL_SAFE_NO_PAD.encode(claims))).unwrap();
        }
        explained(self.error().into(), Some(&file))
    }
}

fn page() -> String {
    let mut text = BEFORE.to_owned();
    for (title, entries) in SECTIONS {
        let _ = write!(text, "\n## {title}\n");
        for entry in entries {
            let error = entry.ended();
            let hint = error.hint().map_or_else(String::new, |hint| format!("\nhint: {hint}"));
            let _ = write!(text, "\n### {}\n\n```text\nerror: {error:#}{hint}\n```\n", entry.title);
            let _ = write!(text, "\n**Cause:** {}\n\n**Fix:** {}\n", entry.cause, entry.fix);
        }
    }
    text
}

#[test]
fn the_page_of_aws_errors_is_what_the_code_says() {
    is_kept("aws-errors.md", &page());
}

#[test]
fn each_error_that_people_meet_has_its_kind_and_a_hint() {
    for entry in SECTIONS.iter().flat_map(|(_, entries)| *entries) {
        let error = entry.error();
        assert_eq!(error.kind, entry.kind, "{}", entry.title);
        assert!(error.hint().is_some(), "{} has no hint", entry.title);
    }
}

#[test]
fn other_errors_have_their_hints_too() {
    let of = |code: &str, message: &str| {
        let (kind, reason) = of_service(&ErrorMetadata::builder().code(code).message(message).build());
        (kind, AwsError::found(kind, "X", "y", reason).hint().unwrap_or_default().to_owned())
    };
    for (code, message, kind, hint) in [
        ("UnauthorizedException", "", Kind::NoCredentials, "log in"),
        ("InvalidAccessKeyId", "", Kind::NoCredentials, "access key exists"),
        ("RequestTimeTooSkewed", "", Kind::NoCredentials, "clock"),
        ("AccessDeniedException", "Lambda does not have permission to access the ECR image.", Kind::Denied, "policy"),
        ("AccessDeniedException", "not authorized to perform: ecr:BatchGetImage", Kind::Denied, "be pulled"),
        ("AccessDenied", "Access Denied", Kind::Denied, "give the role the action"),
        ("InvalidParameterValueException", "Provide a valid source image.", Kind::Other, "push the image"),
        ("InvalidParameterValueException", "or layer media type for the source image", Kind::Other, "attestations"),
        (
            "InvalidParameterValueException",
            "Unzipped size must be smaller than 262144000 bytes",
            Kind::Other,
            "smaller",
        ),
        ("ResourceConflictException", "the following aliases reference it: [live]", Kind::Other, ""),
        ("PermanentRedirect", "", Kind::Other, "region"),
        ("NoSuchBucket", "", Kind::NotFound, "bucket"),
        ("KMSNotFoundException", "", Kind::Other, "KMS key"),
    ] {
        let (found, said) = of(code, message);
        assert!(found == kind && said.contains(hint), "{code}: {found:?}, {said}");
    }
}
