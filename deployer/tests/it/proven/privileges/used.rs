//! All that the runs need, and all that they are granted.

use std::collections::BTreeSet;
use std::time::Instant;

use super::bench::{Bench, Run};
use super::documents::{attached, together};
use crate::harness::Alarm;
use crate::promises;
use crate::strict::{Call, Need};

/// What all runs needed under the whole policy of the deploy role, and what went wrong.
struct Used {
    needs: BTreeSet<Need>,
    calls: usize,
    /// What `doctor` asked IAM: (action, resource).
    asked: BTreeSet<(String, String)>,
    violations: Vec<String>,
    began: Instant,
}

impl Used {
    /// Makes each run once.
    fn make() -> Self {
        let (bench, _alarm, policy) = (Bench::new(), Alarm::set(), together(&attached("dev", "deploy")));
        let (began, violations) = (Instant::now(), Vec::new());
        let mut used = Self { needs: BTreeSet::new(), calls: 0, asked: BTreeSet::new(), violations, began };
        for run in Run::ALL {
            let (ended, calls) = bench.run(run, "deploy", &policy);
            if ended.code != 0 {
                used.violations.push(format!("{run:?} ended with {}: {}", ended.code, ended.stderr));
            }
            let refused = calls.iter().filter_map(|call| call.refused.as_ref());
            used.violations.extend(refused.map(|need| format!("{run:?}: {} on {}", need.action, need.resource)));
            used.calls += calls.len();
            used.asked.extend(calls.iter().flat_map(asked));
            used.needs.extend(calls.into_iter().flat_map(|call| call.needs));
        }
        bench.restore();
        used
    }
}

/// What a call asks IAM to simulate.
fn asked(call: &Call) -> Vec<(String, String)> {
    if call.name != "SimulatePrincipalPolicy" {
        return Vec::new();
    }
    let form = reqwest::Url::parse(&format!("http://iam/?{}", call.body)).unwrap();
    let of = |name: &str| -> Vec<String> {
        let named = form.query_pairs().filter(|(known, _)| known.starts_with(name));
        named.map(|(_, value)| value.into_owned()).collect()
    };
    let resources = of("ResourceArns.member.");
    of("ActionNames.member.")
        .into_iter()
        .flat_map(|action| resources.iter().map(move |resource| (action.clone(), resource.clone())))
        .collect()
}

/// What the runs show: each passes, nothing else is granted, and `doctor` asks for just that.
pub(crate) fn under_exactly_the_deploy_roles_policy_everything_passes() {
    let used = Used::make();
    everything_passes(&used);
    nothing_is_granted_for_the_deployer_that_it_never_uses(&used);
    doctor_checks_exactly_the_actions_that_a_run_needs(&used);
}

fn everything_passes(used: &Used) {
    promises::kept(
        "under exactly the deploy role's policy from Terraform every command passes",
        &format!("{} commands behind the strict proxy, each call by AWS's own action and resource", Run::ALL.len()),
        used.calls,
        &used.violations,
        used.began,
    );
}

/// The policies of the deployer alone.
fn nothing_is_granted_for_the_deployer_that_it_never_uses(used: &Used) {
    let documents = attached("dev", "deploy");
    let release: Vec<_> = documents.into_iter().filter(|document| document.name == "release").collect();
    let grants = together(&release).grants();
    // Only a release that fails after traffic has moved reads logs, and none of these does.
    let expected = grants.iter().filter(|grant| grant.action != "logs:FilterLogEvents");
    let unused = expected.filter(|grant| !used.needs.iter().any(|need| grant.covers(need)));
    let violations: Vec<_> = unused.map(|grant| format!("{} on {}", grant.action, grant.resource)).collect();
    promises::kept(
        "the deployer is granted nothing that it never uses",
        "each action on each resource of the policy `release`, against the calls of all commands",
        grants.len(),
        &violations,
        used.began,
    );
}

/// `doctor` is asked before a release whether the role may do it: what it does not ask for would be missed only then.
fn doctor_checks_exactly_the_actions_that_a_run_needs(used: &Used) {
    let policy = together(&attached("dev", "deploy"));
    // Without the first it could not ask, and it says so.
    let needed: BTreeSet<_> = used.needs.iter().map(|need| need.action.as_str()).collect();
    let asked: BTreeSet<_> = used.asked.iter().map(|(action, _)| action.as_str()).collect();
    let missed = needed.difference(&asked).filter(|action| **action != "iam:SimulatePrincipalPolicy");
    let mut violations: Vec<_> = missed.map(|action| format!("{action} is needed and not asked for")).collect();
    // No release needs these: a role may lack them.
    const OPTIONAL: [&str; 3] = ["lambda:GetAccountSettings", "lambda:ListEventSourceMappings", "logs:FilterLogEvents"];
    let compares = |action: &str| OPTIONAL.contains(&action);
    let idle = asked.difference(&needed).filter(|action| !compares(action));
    violations.extend(idle.map(|action| format!("{action} is asked for and never needed")));
    for (action, resource) in used.asked.iter().filter(|(action, _)| !compares(action)) {
        // What it asks for and must not have: to delete a whole function, and to change what is not the stack's.
        let whole = action == "lambda:DeleteFunction" && resource.matches(':').count() <= 6;
        let wanted = !whole && !resource.contains("zz-elsewhere");
        // As it asks IAM: with the tags of the stack's own API, and with none for another's.
        let tag = |value: &str| if wanted { vec![value.to_owned()] } else { Vec::new() };
        let need = Need::new(action, resource).with("aws:ResourceTag/Environment", tag("dev"));
        let need = need.with("aws:ResourceTag/Project", tag("resume-visitor-counter"));
        if policy.allows(&need) != wanted {
            violations.push(format!("{action} on {resource}: wanted {wanted}, and the deploy role's policy differs"));
        }
    }
    promises::kept(
        "`doctor` asks for every action that a command needs, for no other, and finds the deploy role to have them",
        "what it asks IAM, against the calls of all commands and the deploy role's policy",
        used.asked.len(),
        &violations,
        used.began,
    );
}
