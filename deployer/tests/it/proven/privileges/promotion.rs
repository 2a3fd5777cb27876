//! Two roles of two accounts: the deploy role of prod takes the reader role of dev.

use std::time::Instant;

use serde_json::Value;

use super::bench::{code, state};
use super::documents::{account, attached, inline, role_arn, together, trust};
use crate::harness::{Ended, SENTENCE};
use crate::promises;
use crate::stack;
use crate::strict::{Call, Guard, Need, Policy, StrictProxy};

/// Prod behind a strict proxy that leads to dev, too.
struct Pair {
    proxy: StrictProxy,
    deploy: Policy,
    reader: Policy,
    trust: Value,
}

impl Pair {
    fn new() -> Self {
        let proxy = StrictProxy::before(stack().checkout.port("prod"));
        proxy.route(account("dev"), stack().checkout.port("dev"));
        let reader: Value = inline("dev", "dev-read", "read");
        let deploy = together(&attached("prod", "deploy"));
        Self { proxy, deploy, reader: Policy::of([&reader]), trust: trust("dev", "read") }
    }

    /// Promotes a release of dev with these policies, as from a workflow: by nothing but an environment's credentials.
    fn promote(&self, deploy: &Policy, reader: &Policy) -> (Ended, Vec<Call>) {
        let from = format!("dev@{}", stack().last_number("dev"));
        let checkout = &stack().checkout;
        // As `docs/aws-account.md` says for an account each: the whole ARN.
        let (name, role) = ("\"resume-visitor-counter-dev-read\"", role_arn("dev", "read"));
        let text = checkout.read("deployer.toml");
        assert!(text.contains(name), "dev's reader role is another one");
        let text = text.replace(name, &format!("\"{role}\""));
        // Prod of a real account is a canary of minutes.
        let canary = "strategy = \"canary\"\npercent = 10\nbake_seconds = 180\nwatch_seconds = 180";
        assert!(text.contains(canary), "prod's strategy is another one");
        checkout.write("roles.toml", &text.replace(canary, "strategy = \"all-at-once\""));
        self.proxy.role_trusting(&role, account("dev"), reader.clone(), &self.trust);
        self.proxy.guard(Some(Guard::of_role(&role_arn("prod", "deploy"), deploy.clone())));
        self.proxy.take();
        let mut command = checkout.command();
        for name in ["AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_LAMBDA", "HTTP_PROXY", "http_proxy"] {
            command.env_remove(name);
        }
        command.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.proxy.port));
        command.env("AWS_ACCESS_KEY_ID", account("prod")).env("AWS_EC2_METADATA_DISABLED", "true");
        let output = command.args(["promote", &from, "prod", "--config", "roles.toml"]).output().unwrap();
        self.proxy.guard(None);
        (Ended::of(&output), self.proxy.take())
    }
}

pub(crate) fn a_promotion_passes_under_exactly_the_policies_of_both_roles() {
    let began = Instant::now();
    let (stack, pair) = (stack(), Pair::new());
    let mut violations = Vec::new();
    stack.released("dev", &code(false));
    let (ended, calls) = pair.promote(&pair.deploy, &pair.reader);
    if ended.code != 0 {
        violations.push(format!("under the whole policies it ended with {}: {}", ended.code, ended.stderr));
    }
    let refused = calls.iter().filter_map(|call| call.refused.as_ref());
    violations.extend(refused.map(|need| format!("{} on {}", need.action, need.resource)));
    let of_reader: Vec<Need> =
        calls.iter().filter(|call| call.role.is_some()).flat_map(|call| call.needs.clone()).collect();
    let unused = pair.reader.grants().into_iter().filter(|grant| !of_reader.iter().any(|need| grant.covers(need)));
    violations.extend(unused.map(|grant| format!("never used: {} on {}", grant.action, grant.resource)));
    let cases = calls.len() + pair.reader.grants().len() + 1;

    stack.released("dev", &code(false));
    let action = "lambda:GetFunction";
    let before = state("prod");
    let (ended, _) = pair.promote(&pair.deploy, &pair.reader.without(action, None));
    let (named, hinted) = (ended.stderr.contains(action), ended.stderr.contains("hint: "));
    let same = before == state("prod");
    if ended.code == 0 || !named || !hinted || !same {
        violations.push(format!(
            "reader role without {action}: exit {}, named {named}, hint {hinted}, as before {same}: {}",
            ended.code, ended.stderr
        ));
    }
    let base = stack.checkout.artifact(SENTENCE);
    stack.released("dev", &base);
    stack.promoted("promote dev prod").0.expect(0);
    promises::kept(
        "a promotion passes under exactly prod's deploy role and dev's reader role, and names what either lacks",
        "both policies whole, each grant of the reader role against its calls, and one action taken out",
        cases,
        &violations,
        began,
    );
}
