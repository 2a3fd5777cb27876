//! The policies as Terraform made them: read back from the IAM of the local AWS.

use serde_json::Value;

use crate::infrastructure::said_at;
use crate::stack;
use crate::strict::Policy;

const APP: &str = "resume-visitor-counter";

/// A policy document, and what Terraform calls it: `release`, `read`, …
pub(super) struct Document {
    pub name: String,
    pub text: Value,
}

/// The number of an environment's account.
pub(super) fn account(environment: &str) -> &'static str {
    if environment == "dev" { "111111111111" } else { "222222222222" }
}

/// The ARN of a role that bootstrap made for an environment: `deploy`, `plan`, `read`.
pub(super) fn role_arn(environment: &str, role: &str) -> String {
    format!("arn:aws:iam::{}:role/{APP}-{environment}-{role}", account(environment))
}

/// The policies that are attached to a role that bootstrap made for an environment.
pub(super) fn attached(environment: &str, role: &str) -> Vec<Document> {
    let name = format!("{APP}-{environment}-{role}");
    let listed = ask(environment, &format!("Action=ListAttachedRolePolicies&RoleName={name}"));
    let document = |arn: &String| {
        let version = &fields(&ask(environment, &format!("Action=GetPolicy&PolicyArn={arn}")), "DefaultVersionId")[0];
        let query = format!("Action=GetPolicyVersion&PolicyArn={arn}&VersionId={version}");
        Document {
            name: arn.rsplit_once(&format!("{name}-")).unwrap().1.to_owned(),
            text: decoded(&fields(&ask(environment, &query), "Document")[0]),
        }
    };
    fields(&listed, "PolicyArn").iter().map(document).collect()
}

/// The inline policy of a role: of a reader role, or of a function.
pub(super) fn inline(environment: &str, role: &str, policy: &str) -> Value {
    let query = format!("Action=GetRolePolicy&RoleName={APP}-{role}&PolicyName={policy}");
    decoded(&fields(&ask(environment, &query), "PolicyDocument")[0])
}

/// Who may take a role that bootstrap made for an environment.
pub(super) fn trust(environment: &str, role: &str) -> Value {
    let query = format!("Action=GetRole&RoleName={APP}-{environment}-{role}");
    decoded(&fields(&ask(environment, &query), "AssumeRolePolicyDocument")[0])
}

/// All of them as one.
pub(super) fn together(documents: &[Document]) -> Policy {
    Policy::of(documents.iter().map(|document| &document.text))
}

fn ask(environment: &str, query: &str) -> String {
    let port = stack().checkout.port(environment);
    said_at(port, environment, "iam", None, &format!("/?Version=2010-05-08&{query}"), &Value::Null)
}

/// The text of each element of this name.
fn fields(response: &str, name: &str) -> Vec<String> {
    let open = format!("<{name}>");
    response.split(&open).skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect()
}

/// IAM writes documents as part of an address.
fn decoded(text: &str) -> Value {
    let address = reqwest::Url::parse(&format!("http://iam/?document={}", text.replace('+', "%2B"))).unwrap();
    let (_, document) = address.query_pairs().next().unwrap();
    serde_json::from_str(&document).unwrap_or_else(|error| panic!("{error} in {document}"))
}
