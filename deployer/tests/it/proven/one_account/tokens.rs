//! Who may take the roles: GitHub's tokens, as workflows of all kinds get them, against the trust policies as bootstrap
//! rendered them.

use std::time::Instant;

use super::account::{ACCOUNT, REPOSITORY, one_account};
use crate::promises;
use crate::strict::{Principal, trusts};

/// What a token says.
#[derive(Debug, Clone)]
struct Token {
    subject: String,
    reference: &'static str,
    workflow: String,
    audience: &'static str,
}

const MAIN: &str = "refs/heads/main";
const DEPLOY: &str = "reusable-deploy";
const PROMOTE: &str = "reusable-promote";
const ROLLBACK: &str = "reusable-rollback";

/// A job of a workflow of the repository on main that names an environment.
fn token(environment: &str, workflow: &str) -> Token {
    Token {
        subject: format!("repo:{REPOSITORY}:environment:{environment}"),
        reference: MAIN,
        workflow: format!("{REPOSITORY}/.github/workflows/{workflow}.yml@{MAIN}"),
        audience: "sts.amazonaws.com",
    }
}

/// As tokens of repositories made since July 2026 name it.
fn numbered(environment: &str) -> Token {
    let (owner, name) = REPOSITORY.split_once('/').unwrap();
    let subject = format!("repo:{owner}@1/{name}@2:environment:{environment}");
    Token { subject, ..token(environment, DEPLOY) }
}

fn plan_of_a_fork(environment: &str) -> Token {
    let (_, name) = REPOSITORY.split_once('/').unwrap();
    Token { subject: format!("repo:evil/{name}:environment:{environment}-plan"), ..token(environment, "ci") }
}

impl Token {
    fn claims(&self) -> Vec<(String, String)> {
        [("sub", &*self.subject), ("ref", self.reference), ("job_workflow_ref", &self.workflow), ("aud", self.audience)]
            .map(|(claim, value)| (claim.to_owned(), value.to_owned()))
            .to_vec()
    }
}

/// Tokens that must not open the deploy role of an environment.
fn foreign(environment: &str) -> Vec<(&'static str, Token)> {
    let good = token(environment, DEPLOY);
    let other = if environment == "dev" { "prod" } else { "dev" };
    let subject = |subject: String| Token { subject, ..good.clone() };
    let (owner, name) = REPOSITORY.split_once('/').unwrap();
    vec![
        ("a branch, without an environment", subject(format!("repo:{REPOSITORY}:ref:refs/heads/x"))),
        ("main, without an environment", subject(format!("repo:{REPOSITORY}:ref:{MAIN}"))),
        ("a pull request", subject(format!("repo:{REPOSITORY}:pull_request"))),
        ("a tag", subject(format!("repo:{REPOSITORY}:ref:refs/tags/v1"))),
        ("the other environment", token(other, DEPLOY)),
        ("the environment of plans", token(&format!("{environment}-plan"), DEPLOY)),
        ("an environment whose name begins alike", token(&format!("{environment}x"), DEPLOY)),
        ("a branch that names the environment", Token { reference: "refs/heads/x", ..good.clone() }),
        ("a pull request that names the environment", Token { reference: "refs/pull/1/merge", ..good.clone() }),
        ("a tag that names the environment", Token { reference: "refs/tags/v1", ..good.clone() }),
        ("a branch whose name ends alike", Token { reference: "refs/heads/x/main", ..good.clone() }),
        ("another workflow", token(environment, "other")),
        ("the workflow that calls it", token(environment, "deploy")),
        ("a workflow of a branch", Token { workflow: good.workflow.replace(MAIN, "refs/heads/x"), ..good.clone() }),
        ("a workflow of another repository", Token { workflow: good.workflow.replace(name, "other"), ..good.clone() }),
        ("a fork", subject(format!("repo:evil/{name}:environment:{environment}"))),
        (
            "a fork that runs its own workflow",
            Token {
                workflow: good.workflow.replace(owner, "evil"),
                ..subject(format!("repo:evil/{name}:environment:{environment}"))
            },
        ),
        (
            "the name taken over, by other numbers",
            subject(format!("repo:{owner}@9/{name}@8:environment:{environment}")),
        ),
        ("another audience", Token { audience: "https://github.com/example", ..good.clone() }),
    ]
}

pub(super) fn no_other_workflow_takes_a_role() {
    let began = Instant::now();
    let account = one_account();
    let provider = format!("arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com");
    let (mut cases, mut violations) = (0, Vec::new());
    for environment in ["dev", "prod"] {
        let (deploy, plan) = (account.role(environment, "deploy"), account.role(environment, "plan"));
        let mut tried = |trust: &serde_json::Value, who: &Principal, wanted: bool, what: String| {
            cases += 1;
            if trusts(trust, who) != wanted {
                violations.push(format!("{environment}: {what}: wanted {wanted}: {who:?}"));
            }
        };
        let by = |token: &Token| Principal::Token(provider.clone(), token.claims());
        let rollback = format!("{environment}-rollback");
        for (place, workflow) in [(environment, DEPLOY), (environment, PROMOTE), (&*rollback, ROLLBACK)] {
            tried(&deploy.trust, &by(&token(place, workflow)), true, format!("{workflow} at {place}"));
        }
        // Nothing but a rollback goes past the reviewers.
        for (place, workflow) in [(environment, ROLLBACK), (&*rollback, DEPLOY), (&*rollback, PROMOTE)] {
            tried(&deploy.trust, &by(&token(place, workflow)), false, format!("{workflow} at {place}"));
        }
        tried(&deploy.trust, &by(&numbered(environment)), true, "deploy, with the numbers".to_owned());
        for (what, token) in foreign(environment) {
            tried(&deploy.trust, &by(&token), false, format!("deploy role, {what}"));
        }
        // Without any one of its claims a good token is none.
        for claim in ["sub", "ref", "job_workflow_ref", "aud"] {
            let mut claims = token(environment, DEPLOY).claims();
            claims.retain(|(known, _)| known != claim);
            tried(&deploy.trust, &Principal::Token(provider.clone(), claims), false, format!("no claim `{claim}`"));
        }
        let elsewhere = provider.replace("token.actions.githubusercontent.com", "tokens.example.com");
        let claims = token(environment, DEPLOY).claims();
        tried(&deploy.trust, &Principal::Token(elsewhere, claims), false, "another provider".to_owned());
        for workflow in ["ci", DEPLOY, "reusable-drift", PROMOTE] {
            let token = token(&format!("{environment}-plan"), workflow);
            tried(&plan.trust, &by(&token), true, format!("plan by {workflow}"));
        }
        // Pull requests plan dev, from branches of their own, and nothing else.
        let pull = Token { reference: "refs/pull/1/merge", ..token(&format!("{environment}-plan"), "ci") };
        tried(&plan.trust, &by(&pull), environment == "dev", "plan role, a pull request".to_owned());
        for place in [environment, &*rollback] {
            tried(&plan.trust, &by(&token(place, DEPLOY)), false, format!("plan role, {place}"));
        }
        tried(&plan.trust, &by(&plan_of_a_fork(environment)), false, "plan role, a fork".to_owned());
    }
    let callers = callers_of_the_reader_role();
    cases += callers.len();
    let reader = account.role("dev", "read");
    for (role, wanted) in callers {
        if trusts(&reader.trust, &Principal::Aws(role.clone())) != wanted {
            violations.push(format!("the reader role and {role}: wanted {wanted}"));
        }
    }
    promises::kept(
        "a role can be assumed only by its workflows, environments and branch, and by the next environment's deploy role",
        "tokens of branches, pull requests, tags, forks, other workflows and environments against the rendered trust policies",
        cases,
        &violations,
        began,
    );
}

/// Who may take dev's reader role, and who may not.
fn callers_of_the_reader_role() -> Vec<(String, bool)> {
    let arn = |account: &str, role: &str| format!("arn:aws:iam::{account}:role/resume-visitor-counter-{role}");
    vec![
        (arn(ACCOUNT, "prod-deploy"), true),
        (arn(ACCOUNT, "prod-plan"), false),
        (arn(ACCOUNT, "dev-deploy"), false),
        (arn(ACCOUNT, "staging-deploy"), false),
        (arn("999999999999", "prod-deploy"), false),
        (format!("arn:aws:iam::{ACCOUNT}:user/ada"), false),
    ]
}
