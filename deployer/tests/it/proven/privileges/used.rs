//! All that the runs need, and all that they are granted.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use super::bench::{Bench, Run};
use super::documents::{attached, together};
use crate::promises::measured;
use crate::strict::Need;
use crate::traffic::Alarm;

/// What each run needed under the whole policy of the deploy role, and what went wrong.
pub(super) struct Used {
    pub runs: Vec<(Run, BTreeSet<Need>)>,
    calls: usize,
    violations: Vec<String>,
}

impl Used {
    pub(super) fn needs(&self) -> BTreeSet<&Need> {
        self.runs.iter().flat_map(|(_, needs)| needs).collect()
    }
}

/// Makes each run once; the first one to ask waits for it.
pub(super) fn used() -> &'static Used {
    static USED: OnceLock<Used> = OnceLock::new();
    USED.get_or_init(|| {
        let (bench, _alarm, policy) = (Bench::new(), Alarm::set(), together(&attached("dev", "deploy")));
        let mut used = Used { runs: Vec::new(), calls: 0, violations: Vec::new() };
        for run in Run::ALL {
            let (ended, calls) = bench.run(run, "deploy", &policy);
            if ended.code != 0 {
                used.violations.push(format!("{run:?} ended with {}: {}", ended.code, ended.stderr));
            }
            let refused = calls.iter().filter_map(|call| call.refused.as_ref());
            used.violations.extend(refused.map(|need| format!("{run:?}: {} on {}", need.action, need.resource)));
            used.calls += calls.len();
            used.runs.push((run, calls.into_iter().flat_map(|call| call.needs).collect()));
        }
        bench.restore();
        used
    })
}

pub(crate) fn under_exactly_the_deploy_roles_policy_everything_passes() {
    let used = used();
    measured(
        "5-privileges-1-deploy",
        "under exactly the deploy role's policy from Terraform every command passes",
        &format!("{} commands behind the front, each call by AWS's own action and resource", Run::ALL.len()),
        used.calls,
        &used.violations,
    );
}

/// Of the policies that stand for the deployer alone.
pub(crate) fn nothing_is_granted_for_the_deployer_that_it_never_uses() {
    let needs = used().needs();
    let documents = attached("dev", "deploy");
    let release: Vec<_> = documents.into_iter().filter(|document| document.name == "release").collect();
    let grants = together(&release).grants();
    let unused = grants.iter().filter(|grant| !needs.iter().any(|need| grant.covers(need)));
    let violations: Vec<_> = unused.map(|grant| format!("{} on {}", grant.action, grant.resource)).collect();
    measured(
        "5-privileges-2-unused",
        "the deployer is granted nothing that it never uses",
        "each action on each resource of the policy `release`, against the calls of all commands",
        grants.len(),
        &violations,
    );
}
