//! The role of pull requests: it looks, and changes nothing.

use std::time::Instant;

use super::bench::{Bench, Run, state};
use super::documents::{attached, together};
use crate::harness::Alarm;
use crate::promises;
use crate::strict::Call;

pub(crate) fn the_role_of_pull_requests_reads_and_changes_nothing() {
    let began = Instant::now();
    let (bench, documents) = (Bench::new(), attached("dev", "plan"));
    let alarm = Alarm::set();
    let policy = together(&documents);
    let (mut cases, mut violations, mut needs) = (0, Vec::new(), Vec::new());
    for run in Run::READING {
        let (ended, calls) = bench.run(run, "plan", &policy);
        cases += calls.len();
        if ended.code != 0 {
            violations.push(format!("{run:?} ended with {}: {}", ended.code, ended.stderr));
        }
        let refused = calls.iter().filter_map(|call| call.refused.as_ref());
        // A question to IAM about the deploy role is none of this role's.
        violations.extend(refused.map(|need| format!("{run:?}: {} on {}", need.action, need.resource)));
        needs.extend(calls.into_iter().flat_map(|call| call.needs));
    }
    let look: Vec<_> = documents.into_iter().filter(|document| document.name == "look").collect();
    let grants = together(&look).grants();
    cases += grants.len();
    let unused = grants.iter().filter(|grant| !needs.iter().any(|need| grant.covers(need)));
    violations.extend(unused.map(|grant| format!("never used: {} on {}", grant.action, grant.resource)));
    let prepared = bench.prepare(Run::Deploy);
    let before = state("dev");
    let (ended, calls) = bench.make(Run::Deploy, &prepared, "plan", &policy);
    // An invocation of nothing but a version does not change what is live: it is refused anyway.
    let written: Vec<&Call> = calls.iter().filter(|call| call.writes() && call.refused.is_none()).collect();
    if ended.code == 0 || !written.is_empty() || state("dev") != before {
        violations.push(format!("a deploy ended with {} and wrote {written:?}: {}", ended.code, ended.stderr));
    }
    drop(alarm);
    bench.restore();
    promises::kept(
        "the plan role looks at everything, uses all that it is granted for that, and can change nothing",
        "plan, status, history, check and doctor under exactly its policy; then a deploy",
        cases + 1,
        &violations,
        began,
    );
}
