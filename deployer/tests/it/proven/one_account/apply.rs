//! The first `terraform apply` of each environment, and a plan after it: each request of the provider and of the state's
//! backend against exactly the policy that bootstrap made for it. The requests are those that an administrator made.

use std::collections::BTreeSet;
use std::time::Instant;

use super::account::one_account;
use super::actions::needs;
use super::trace::{Known, Trace};
use crate::promises;
use crate::strict::{Need, Policy};

/// A request, and all that it needs.
struct Asked {
    what: String,
    writes: bool,
    needs: Vec<Need>,
}

impl Asked {
    fn refused<'a>(&'a self, policy: &'a Policy) -> impl Iterator<Item = &'a Need> {
        self.needs.iter().filter(|need| !policy.allows(need))
    }
}

/// As a workflow plans.
const PLAN: &str = "terraform -chdir=terraform plan -input=false -lock=false -var-file=environments/prod.tfvars\n";

pub(super) fn the_first_apply_passes_under_exactly_the_deploy_roles_policy() {
    let began = Instant::now();
    let account = one_account();
    let policy = |environment: &str, kind: &str| account.role(environment, kind).policy();
    let known = Known::of(account.applied.values());
    let (mut cases, mut violations) = (0, Vec::new());
    let mut asked = |trace: &Trace| {
        let (asked, unknown) = all(trace, &known);
        violations.extend(unknown);
        asked
    };
    let (dev, prod) = (asked(&account.applied["dev"]), asked(&account.applied["prod"]));
    for request in &account.applied["prod"].requests {
        assert!(needs(&request.named("Unheard"), &known).is_err(), "what {} never heard of passes", request.service());
    }
    // The state that Terraform has before it is prod's.
    let plan = asked(&account.traced(PLAN));
    for (what, applied) in [("dev", &dev), ("prod", &prod)] {
        for operation in ["S3.PutObject", "Lambda.CreateFunction", "API Gateway.CreateRestApi", "DynamoDB.CreateTable"]
        {
            assert!(applied.iter().any(|asked| asked.what == operation), "{what}: the log has no {operation}");
        }
    }
    for (by, policy, asked) in [
        ("dev.deploy", policy("dev", "deploy"), &dev),
        ("prod.deploy", policy("prod", "deploy"), &prod),
        ("prod.deploy, planning", policy("prod", "deploy"), &plan),
        ("prod.plan", policy("prod", "plan"), &plan),
    ] {
        cases += asked.len();
        violations.extend(refusals(by, &policy, asked));
        let (more, unnoticed) = unnoticed(by, &policy, asked);
        cases += more;
        violations.extend(unnoticed);
    }
    for (own, of, asked) in [("prod", "dev", &dev), ("dev", "prod", &prod)] {
        let deploy = policy(own, "deploy");
        let writing: Vec<_> = asked.iter().filter(|asked| asked.writes).collect();
        assert!(writing.len() > 30, "the first apply of {of} writes only {} times", writing.len());
        cases += writing.len();
        let passed = writing.into_iter().filter(|asked| asked.refused(&deploy).next().is_none());
        violations.extend(passed.map(|asked| format!("{own}.deploy may {} for {of}: {:?}", asked.what, asked.needs)));
    }
    promises::kept(
        "the first apply of each environment passes under exactly its deploy role's policy, a plan under the plan role's, and no write of it under the other environment's",
        "the requests of Terraform's provider and backend out of its log, each under its role, with each action taken out, and the writes under the other deploy role",
        cases,
        &violations,
        began,
    );
}

/// The requests that need something, and those that are not understood.
fn all(trace: &Trace, known: &Known) -> (Vec<Asked>, Vec<String>) {
    let (mut asked, mut unknown) = (Vec::new(), Vec::new());
    for request in &trace.requests {
        let what = format!("{}.{}", request.service(), request.operation());
        match needs(request, known) {
            Ok(needs) if needs.is_empty() => {}
            Ok(needs) => asked.push(Asked { what, writes: request.writes(), needs }),
            Err(why) => unknown.push(format!("{what}: {why}")),
        }
    }
    (asked, unknown)
}

fn refusals(by: &str, policy: &Policy, asked: &[Asked]) -> Vec<String> {
    let of = |asked: &Asked| -> Vec<String> {
        let text = |need: &Need| format!("{by}: {}: {} on {} {:?}", asked.what, need.action, need.resource, need.keys);
        asked.refused(policy).map(text).collect()
    };
    asked.iter().flat_map(of).collect()
}

/// The actions whose absence would not be noticed: with each of them taken out of the policy, something has to be refused.
fn unnoticed(by: &str, policy: &Policy, asked: &[Asked]) -> (usize, Vec<String>) {
    let actions: BTreeSet<&str> =
        asked.iter().flat_map(|asked| &asked.needs).map(|need| need.action.as_str()).collect();
    let seen = |action: &&&str| {
        let less = policy.without(action, None);
        asked.iter().flat_map(|asked| asked.refused(&less)).any(|need| need.action == **action)
    };
    let unseen = actions.iter().filter(|action| !seen(action));
    (actions.len(), unseen.map(|action| format!("{by}: without {action} nothing is refused")).collect())
}
