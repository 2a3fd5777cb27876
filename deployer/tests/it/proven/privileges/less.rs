//! One action less.

use std::collections::BTreeSet;

use serde_json::Value;

use super::bench::{Bench, Run, state};
use super::documents::{attached, together};
use super::used::used;
use crate::harness::{Alarm, all_cases};
use crate::promises::measured;
use crate::strict::Policy;

/// The one of the two functions that comes second, as the policies name it.
const PREFLIGHT: &str = "arn:aws:lambda:us-east-1:111111111111:function:resume-visitor-counter-options-dev";

pub(crate) fn with_each_action_taken_out_the_run_fails_names_it_and_changes_nothing_half() {
    let used = used();
    let (bench, _alarm, policy) = (Bench::new(), Alarm::set(), together(&attached("dev", "deploy")));
    let (mut cases, mut violations) = (0, Vec::new());
    for (run, action) in wanted(&used.runs) {
        cases += 1;
        let wrong = without(&bench, run, &policy.without(action, None), action);
        violations.extend(wrong.map(|what| format!("{run:?} without {action}: {what}")));
    }
    // On one function alone: what the run does with the other one is done, and has to be taken back.
    for (run, action, resource) in halves(&used.runs) {
        cases += 1;
        let wrong = without(&bench, run, &policy.without(action, Some(&resource)), action);
        violations.extend(wrong.map(|what| format!("{run:?} without {action} on {resource}: {what}")));
    }
    bench.restore();
    measured(
        "5-privileges-3-less",
        "without any one action the run fails, names it, and changes nothing half",
        "the deploy role's policy with each action that a command needs taken out in turn",
        cases,
        &violations,
    );
}

/// What was released stays released: whoever may not prune is told so, and nothing is taken back.
pub(crate) fn what_only_pruning_needs_fails_no_release_and_is_warned_of() {
    let (bench, policy) = (Bench::new(), together(&attached("dev", "deploy")));
    let mut violations = Vec::new();
    let actions = ["lambda:ListAliases", "lambda:DeleteFunction", "apigateway:DELETE"];
    for action in actions {
        let (ended, _) = bench.run(Run::DeployAndPrune, "deploy", &policy.without(action, None));
        let warned = ended.stderr.lines().any(|line| line.starts_with("warning: ") && line.contains(action));
        if ended.code != 0 || !warned || state("dev")["lock"] != Value::Null {
            violations.push(format!("without {action}: exit {}, {}", ended.code, ended.stderr));
        }
    }
    bench.restore();
    measured(
        "5-privileges-4-prune",
        "a release stands though the role may not prune after it, and the warning names the action",
        "a deploy with something to prune, without each action that only pruning needs",
        actions.len(),
        &violations,
    );
}

/// Each action with the runs that need it: with all of them, or with the first.
fn wanted(runs: &[(Run, BTreeSet<crate::strict::Need>)]) -> Vec<(Run, &str)> {
    let (mut wanted, mut known) = (Vec::new(), BTreeSet::new());
    for (run, needs) in runs {
        let actions: BTreeSet<&str> = needs.iter().map(|need| need.action.as_str()).collect();
        let new = actions.into_iter().filter(|action| known.insert(*action) || all_cases());
        wanted.extend(new.map(|action| (*run, action)));
    }
    wanted
}

/// Each change of a function that a run needs, on the preflight only: of all of them, or the move of its alias.
fn halves(runs: &[(Run, BTreeSet<crate::strict::Need>)]) -> Vec<(Run, &str, String)> {
    let mut halves = Vec::new();
    for (run, needs) in runs.iter().filter(|(run, _)| matches!(run, Run::Deploy | Run::Canary | Run::Rollback)) {
        let actions: BTreeSet<&str> = needs.iter().map(|need| need.action.as_str()).collect();
        for action in actions {
            let resource = match action {
                "lambda:UpdateAlias" if all_cases() || *run == Run::Deploy => PREFLIGHT.to_owned(),
                "lambda:PublishVersion" | "lambda:UpdateFunctionCode" if all_cases() => PREFLIGHT.to_owned(),
                "lambda:InvokeFunction" if all_cases() => format!("{PREFLIGHT}:*"),
                _ => continue,
            };
            halves.push((*run, action, resource));
        }
    }
    halves
}

/// What is wrong with a run that may not do everything, if anything is.
fn without(bench: &Bench, run: Run, policy: &Policy, action: &str) -> Option<String> {
    let prepared = bench.prepare(run);
    let before = state("dev");
    let (ended, _) = bench.make(run, &prepared, "deploy", policy);
    let after = state("dev");
    bench.tidy(run);
    let said = if ended.stderr.is_empty() { &ended.stdout } else { &ended.stderr };
    let named = ended.stderr.contains(action) || ended.stdout.contains(action);
    // `doctor` tells what it could not look at, and is not the one to fail for it.
    let failed = ended.code != 0 || run == Run::Doctor;
    let hint = ended.stderr.contains("hint: ") || run == Run::Doctor;
    let unharmed = parts(run, &before) == parts(run, &after);
    if goes_on(run, action) {
        return (ended.code != 0).then(|| format!("exit {}, and it needs no alarms: {said}", ended.code));
    }
    match (failed, named, hint, unharmed) {
        (true, true, true, true) => None,
        _ => Some(format!(
            "exit {}, named {named}, hint {hint}, as before {}:\n{said}\nbefore {before}\nafter  {after}",
            ended.code, unharmed,
        )),
    }
}

/// What has to be as before. Drift that was adopted stays adopted: that is a release of its own, and whole.
fn parts(run: Run, state: &Value) -> Value {
    let mut state = state.clone();
    if run == Run::Adopt {
        for key in ["counter", "preflight"] {
            state["functions"][key]["source_hash"] = Value::Null;
        }
        state["drift"] = Value::Null;
        state["release"] = Value::Null;
    }
    state
}

/// Nothing but the start of a release depends on the alarms: a way back least of all.
fn goes_on(run: Run, action: &str) -> bool {
    action == "cloudwatch:DescribeAlarms" && matches!(run, Run::Rollback | Run::Plan | Run::Status | Run::Check)
}
