//! Trust policies: who may take a role.

use serde_json::{Value, json};

use super::need::Need;
use super::policy::Policy;

/// Who asks for a role.
#[derive(Debug, Clone)]
pub(crate) enum Principal {
    /// A user or a role, by its ARN.
    Aws(String),
    /// A workflow, whose token one of the account's identity providers vouches for: the provider's ARN, and the claims.
    Token(String, Vec<(String, String)>),
}

/// Whether a trust policy lets this one take the role. What the policy says otherwise than is known here fails the test.
pub(crate) fn trusts(document: &Value, who: &Principal) -> bool {
    let statements = document["Statement"].as_array().unwrap().iter().filter(|statement| names(statement, who));
    let statements: Vec<Value> = statements.map(without_principal).collect();
    Policy::of([&json!({ "Statement": statements })]).allows(&question(who))
}

/// Whether a statement is about this one.
fn names(statement: &Value, who: &Principal) -> bool {
    let principal = statement["Principal"].as_object().unwrap_or_else(|| panic!("no principal in {statement}"));
    principal.iter().any(|(kind, named)| {
        let named = named.as_str().unwrap_or_else(|| panic!("`{named}` is not text"));
        match (kind.as_str(), who) {
            ("Federated", Principal::Token(provider, _)) => named == provider,
            // The whole account: everyone in it with the right to assume the role.
            ("AWS", Principal::Aws(arn)) => match named.strip_suffix(":root") {
                Some(account) => arn.starts_with(&format!("{account}:")),
                None => named == arn,
            },
            ("Federated" | "AWS" | "Service", _) => false,
            _ => panic!("nothing here understands the principal `{kind}`"),
        }
    })
}

/// A trust policy is about its own role.
fn without_principal(statement: &Value) -> Value {
    let mut statement = statement.clone();
    statement.as_object_mut().unwrap().remove("Principal");
    statement["Resource"] = json!("*");
    statement
}

fn question(who: &Principal) -> Need {
    match who {
        Principal::Aws(arn) => Need::new("sts:AssumeRole", "*").with("aws:PrincipalArn", vec![arn.clone()]),
        Principal::Token(_, claims) => {
            claims.iter().fold(Need::new("sts:AssumeRoleWithWebIdentity", "*"), |need, (claim, value)| {
                need.with(&format!("token.actions.githubusercontent.com:{claim}"), vec![value.clone()])
            })
        }
    }
}
