//! One action less, for a few calls of each kind. Every call denied in turn is the simulator's to try.

use std::time::Instant;

use serde_json::Value;

use super::bench::{Bench, Run, state};
use super::documents::{attached, together};
use crate::promises;
use crate::strict::Policy;

/// The one of the two functions that comes second, as the policies name it.
const PREFLIGHT: &str = "arn:aws:lambda:us-east-1:111111111111:function:resume-visitor-counter-options-dev";

/// What a run may not do, on one function alone or on everything.
const TAKEN_OUT: [(Run, &str, Option<&str>); 6] = [
    (Run::Deploy, "lambda:UpdateFunctionCode", None),
    (Run::Deploy, "lambda:UpdateAlias", Some(PREFLIGHT)),
    (Run::Deploy, "apigateway:PATCH", None),
    (Run::Bucket, "s3:PutObject", None),
    (Run::Rollback, "dynamodb:PutItem", None),
    (Run::Status, "dynamodb:Query", None),
];

pub(crate) fn without_an_action_the_run_names_it_and_changes_nothing() {
    let began = Instant::now();
    let (bench, policy) = (Bench::new(), together(&attached("dev", "deploy")));
    let mut violations = Vec::new();
    for (run, action, resource) in TAKEN_OUT {
        let wrong = without(&bench, run, &policy.without(action, resource), action);
        violations.extend(wrong.map(|what| format!("{run:?} without {action}: {what}")));
    }
    violations.extend(unable_to_prune(&bench, &policy));
    bench.restore();
    promises::kept(
        "without an action the run fails, names it, and changes nothing half; a release stays though the role may not prune after it",
        "the deploy role's policy with an action of each kind taken out in turn",
        TAKEN_OUT.len() + 1,
        &violations,
        began,
    );
}

/// What is wrong with a run that may not do everything, if anything is.
fn without(bench: &Bench, run: Run, policy: &Policy, action: &str) -> Option<String> {
    let prepared = bench.prepare(run);
    let before = state("dev");
    let (ended, _) = bench.make(run, &prepared, "deploy", policy);
    let same = before == state("dev");
    let (named, hint) = (ended.stderr.contains(action), ended.stderr.contains("hint: "));
    let wrong = ended.code == 0 || !named || !hint || !same;
    wrong.then(|| format!("exit {}, named {named}, hint {hint}, as before {same}: {}", ended.code, ended.stderr))
}

/// The same of a release after which the role may not prune: the release stays, with a warning.
fn unable_to_prune(bench: &Bench, policy: &Policy) -> Option<String> {
    let action = "lambda:DeleteFunction";
    let (ended, _) = bench.run(Run::DeployAndPrune, "deploy", &policy.without(action, None));
    let warned = ended.stderr.lines().any(|line| line.starts_with("warning: ") && line.contains(action));
    let wrong = ended.code != 0 || !warned || state("dev")["lock"] != Value::Null;
    wrong.then(|| format!("without {action}: exit {}, {}", ended.code, ended.stderr))
}
