//! One action less.

use std::collections::BTreeSet;

use super::bench::{Bench, Run};
use super::documents::{attached, together};
use super::used::used;
use crate::harness::all_cases;
use crate::promises::measured;
use crate::strict::Policy;
use crate::traffic::Alarm;

pub(crate) fn with_each_action_taken_out_the_run_fails_names_it_and_changes_nothing_half() {
    let used = used();
    let (bench, _alarm, policy) = (Bench::new(), Alarm::set(), together(&attached("dev", "deploy")));
    let (mut cases, mut violations) = (0, Vec::new());
    for (run, action) in wanted(&used.runs) {
        cases += 1;
        let wrong = without(&bench, run, &policy.without(action, None), action);
        violations.extend(wrong.map(|what| format!("{run:?} without {action}: {what}")));
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

/// What is wrong with a run that may not do everything, if anything is.
fn without(bench: &Bench, run: Run, policy: &Policy, action: &str) -> Option<String> {
    let prepared = bench.prepare(run);
    let before = bench.state();
    let (ended, _) = bench.make(run, &prepared, "deploy", policy);
    let after = bench.state();
    bench.tidy(run);
    let said = if ended.stderr.is_empty() { &ended.stdout } else { &ended.stderr };
    let named = ended.stderr.contains(action) || ended.stdout.contains(action);
    // `doctor` tells what it could not look at, and is not the one to fail for it.
    let failed = ended.code != 0 || run == Run::Doctor;
    let hint = ended.stderr.contains("hint: ") || run == Run::Doctor;
    match (failed, named, hint, before == after) {
        (true, true, true, true) => None,
        _ => Some(format!(
            "exit {}, named {named}, hint {hint}, as before {}:\n{said}\nbefore {before}\nafter  {after}",
            ended.code,
            before == after,
        )),
    }
}
