//! The ledger: whether it can be read, whose it is, which run has the lock, and how the last release ended.

use super::super::Finding;
use super::super::facts::Facts;
use super::known;
use crate::ledger::LedgerState;

pub(super) fn find(facts: &Facts) -> Vec<Finding> {
    let subject = format!("ledger {}", facts.asked.ledger);
    let state = match &facts.ledger {
        Ok(state) => state,
        Err(unread) => {
            let nothing = "without the contract nothing else is known of this environment";
            return vec![
                Finding::problem(&subject, "contract", &unread.why, &unread.fix),
                Finding::not_checked(&subject, "everything else", nothing, "make the contract readable first"),
            ];
        }
    };
    let found = format!(
        "of app `{}` in account `{}`, a schema that this deployer reads",
        facts.asked.app, state.contract.account
    );
    vec![
        Finding::ok(&subject, "contract", found),
        whose(facts, state, &subject),
        functions(facts, state, &subject),
        lock(state, &subject),
        last(state, &subject),
    ]
}

fn whose(facts: &Facts, state: &LedgerState, subject: &str) -> Finding {
    let check = "account, region, environment";
    let caller = match known(&facts.caller, subject, check) {
        Ok(caller) => caller,
        Err(finding) => return finding,
    };
    let (contract, asked) = (&state.contract, &facts.asked);
    let compared = [
        ("account", &caller.account, &contract.account),
        ("region", &asked.region, &contract.region),
        ("environment", &asked.environment, &contract.environment),
    ];
    let differing: Vec<_> = compared.into_iter().filter(|(_, ours, theirs)| ours != theirs).collect();
    if differing.is_empty() {
        return Finding::ok(subject, check, format!("as the contract says, by {}", caller.arn));
    }
    let words = differing.iter().map(|(what, ours, theirs)| format!("{what} is `{ours}`, the contract's `{theirs}`"));
    let fix = "check the credentials, and `ledger` and `region` in `deployer.toml`";
    Finding::problem(subject, check, words.collect::<Vec<_>>().join("; "), fix)
}

/// What `deployer.toml` builds and what the contract names must be the same functions.
fn functions(facts: &Facts, state: &LedgerState, subject: &str) -> Finding {
    let (check, declared) = ("functions", facts.asked.functions.keys().cloned().collect::<Vec<_>>());
    let made: Vec<String> = state.contract.functions.keys().cloned().collect();
    if declared == made {
        return Finding::ok(subject, check, format!("`{}`, as in `deployer.toml`", made.join("`, `")));
    }
    let detail = format!("`deployer.toml` has {declared:?}, the contract has {made:?}");
    Finding::problem(subject, check, detail, "bring `functions` in `deployer.toml` and in the contract together")
}

fn lock(state: &LedgerState, subject: &str) -> Finding {
    match &state.lock.holder {
        None => Finding::ok(subject, "lock", "free"),
        Some(holder) => Finding::warning(
            subject,
            "lock",
            format!("{holder} has it"),
            "wait for that run; if it is dead, the next deploy or rollback takes over the lock",
        ),
    }
}

fn last(state: &LedgerState, subject: &str) -> Finding {
    let check = "last release";
    match (state.unfinished(), &state.last) {
        (Some(release), _) => Finding::warning(
            subject,
            check,
            format!("release {release} is under way, or was left unfinished"),
            match state.lock.holder {
                Some(_) => "wait for the run that has the lock",
                None => "the next deploy or rollback finishes or reverts it, and says which",
            },
        ),
        (None, Some(release)) => Finding::ok(subject, check, format!("release {release} has ended")),
        (None, None) => Finding::ok(subject, check, "none yet"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{denied, facts, holder, last, only};
    use super::super::{Finding, find};
    use crate::config::PackageType;
    use crate::doctor::Verdict;
    use crate::ledger::ReleaseState;

    #[test]
    fn a_healthy_environment_has_neither_problems_nor_warnings() {
        let findings: Vec<Finding> = find(&facts());
        let bad: Vec<_> = findings.iter().filter(|finding| finding.verdict != Verdict::Ok).collect();
        assert!(bad.is_empty(), "{bad:#?}");
        assert!(findings.iter().all(|finding| finding.fix.is_none()));
    }

    #[test]
    fn functions_that_only_one_side_has_are_a_problem() {
        let mut facts = facts();
        facts.asked.functions.insert("g".to_owned(), PackageType::Zip);
        let finding = only(&facts, "functions");
        assert_eq!(finding.verdict, Verdict::Problem);
        assert_eq!(finding.detail, "`deployer.toml` has [\"f\", \"g\"], the contract has [\"f\"]");
    }

    #[test]
    fn a_ledger_that_cannot_be_read_is_a_problem_and_the_rest_is_not_checked() {
        let mut facts = facts();
        facts.ledger = Err(denied());
        let findings = find(&facts);
        let verdicts: Vec<_> = findings.iter().map(|finding| finding.verdict).collect();
        assert_eq!(verdicts, [Verdict::Problem, Verdict::NotChecked]);
        assert_eq!(findings[0].fix.as_deref(), Some("give the role the action"));
    }

    #[test]
    fn credentials_of_another_account_are_a_problem() {
        let mut facts = facts();
        facts.caller.as_mut().unwrap().account = "999999999999".to_owned();
        let finding = only(&facts, "account, region, environment");
        assert_eq!(finding.verdict, Verdict::Problem);
        assert!(finding.detail.contains("account is `999999999999`"), "{}", finding.detail);
    }

    #[test]
    fn unknown_credentials_hide_nothing_else() {
        let mut facts = facts();
        facts.caller = Err(denied());
        assert_eq!(only(&facts, "account, region, environment").verdict, Verdict::NotChecked);
        assert_eq!(only(&facts, "lock").verdict, Verdict::Ok);
    }

    #[test]
    fn a_held_lock_is_a_warning_that_names_the_holder() {
        let mut facts = facts();
        facts.ledger.as_mut().unwrap().lock.holder = Some(holder());
        let finding = only(&facts, "lock");
        assert_eq!(finding.verdict, Verdict::Warning);
        assert!(finding.detail.contains("ada"), "{}", finding.detail);
    }

    #[test]
    fn an_unfinished_release_is_a_warning_and_an_ended_one_is_not() {
        let mut facts = facts();
        let cases = [
            (ReleaseState::Pending, Verdict::Warning),
            (ReleaseState::Shifting, Verdict::Warning),
            (ReleaseState::Failed, Verdict::Ok),
        ];
        for (state, verdict) in cases {
            last(&mut facts).as_mut().unwrap().state = state;
            assert_eq!(only(&facts, "last release").verdict, verdict, "{state:?}");
        }
        *last(&mut facts) = None;
        assert_eq!(only(&facts, "last release").verdict, Verdict::Ok);
    }
}
