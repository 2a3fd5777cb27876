//! The token by which a workflow run assumes a role: what it says of the run, for a person who compares that with the role's trust
//! policy. Never the token itself, nor its signature.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::AwsError;
use crate::ending::Ending as _;
use crate::failure::Failure;

/// What a trust policy may name.
const CLAIMS: [&str; 6] = ["aud", "sub", "ref", "environment", "job_workflow_ref", "repository"];
/// What GitHub's claims are shorter than.
const LENGTH: usize = 300;

/// `error`, with the claims of the run's token where AWS refused it. `file` is the one that the run reads its token from.
pub fn explained(error: anyhow::Error, file: Option<&Path>) -> anyhow::Error {
    let refused = error.downcast_ref::<AwsError>().is_some_and(AwsError::is_about_a_token);
    let token = file.filter(|_| refused).and_then(|file| std::fs::read_to_string(file).ok());
    let Some(claims) = token.and_then(|token| claims(&token)) else { return error };
    let exit = error.exit();
    let hint = "set `sub` and `aud` in the role's trust policy to the values above";
    let shown: Vec<String> = claims.iter().map(|(name, value)| format!("`{name}` = `{value}`")).collect();
    let what = format!("AWS does not trust the token of this run, which has {}", shown.join(", "));
    error.context(Failure::new(exit, what).hint(hint))
}

/// The claims that a trust policy may name, in the middle part of a token.
fn claims(token: &str) -> Option<Vec<(&'static str, String)>> {
    let payload = token.trim().split('.').nth(1)?;
    let payload: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?).ok()?;
    let claim = |name: &'static str| {
        let value = payload[name].as_str()?.chars().filter(|letter| !letter.is_control() && *letter != '`');
        Some((name, value.take(LENGTH).collect::<String>()))
    };
    let claims: Vec<_> = CLAIMS.into_iter().filter_map(claim).collect();
    (!claims.is_empty()).then_some(claims)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::Kind;

    fn token(payload: &Value) -> String {
        format!("eyJhbGciOiJSUzI1NiJ9.{}.the-signature", URL_SAFE_NO_PAD.encode(payload.to_string()))
    }

    fn refused() -> anyhow::Error {
        let cause = "AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity";
        AwsError::role_refused("GetItem", "the ledger `l`", cause).into()
    }

    #[test]
    fn a_token_that_is_not_trusted_is_shown_by_its_claims() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let payload = json!({
            "sub": "repo:o/r:environment:prod", "aud": "sts.amazonaws.com", "ref": "refs/heads/main", "environment": "prod",
            "job_workflow_ref": "o/r/.github/workflows/d.yml@refs/heads/main", "jti": "secret-id", "exp": 1,
        });
        std::fs::write(&file, token(&payload)).unwrap();
        let error = explained(refused(), Some(&file));
        let words = format!("{error:#}");
        for claim in ["`sub` = `repo:o/r:environment:prod`", "`ref` = `refs/heads/main`", "`environment` = `prod`"] {
            assert!(words.contains(claim), "{words}");
        }
        assert_eq!(error.hint(), Some("set `sub` and `aud` in the role's trust policy to the values above"));
        assert!(!words.contains("eyJ") && !words.contains("the-signature") && !words.contains("secret-id"), "{words}");
    }

    #[test]
    fn other_errors_and_unreadable_tokens_stay_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        for content in ["", "a.b.c", "eyJ.eyJ", &token(&json!({"jti": "1"})), &token(&json!({"sub": 7}))] {
            std::fs::write(&file, content).unwrap();
            assert_eq!(explained(refused(), Some(&file)).to_string(), refused().to_string(), "{content}");
        }
        std::fs::write(&file, token(&json!({"sub": "s"}))).unwrap();
        let other = AwsError::found(Kind::Denied, "GetItem", "the ledger `l`", "AccessDenied: no");
        assert_eq!(
            explained(other.into(), Some(&file)).to_string(),
            "GetItem of the ledger `l` failed: AccessDenied: no"
        );
        assert_eq!(explained(refused(), None).to_string(), refused().to_string());
    }
}
