//! The declared checks, as the live versions respond to them today: a release sends the same ones before traffic.

use super::super::Finding;
use super::super::facts::{Named, Tried};
use super::unknown;
use crate::ledger::LedgerState;

const SUBJECT: &str = "checks";

pub(super) fn find(named: &Named, state: &LedgerState) -> Vec<Finding> {
    named.checks.iter().map(|tried| of(tried, state.live.is_some())).collect()
}

fn of(tried: &Tried, released: bool) -> Finding {
    let Tried { name, function, response, needed } = tried;
    match (response, needed) {
        (Ok(Ok(response)), Some(needed)) => Finding::warning(
            SUBJECT,
            name,
            format!("{response}; its route needs {needed}: it is made by Invoke alone, never through the URL"),
            "nothing, if that is enough; else check a route that everybody may call",
        ),
        (Ok(Ok(response)), None) => Finding::ok(SUBJECT, name, response),
        (Ok(Err(wrong)), _) if released => Finding::problem(
            SUBJECT,
            name,
            format!("the live version of `{function}` fails it: {wrong}"),
            "a release of the same code fails in the same way: fix what the check shows, or the check",
        ),
        (Ok(Err(wrong)), _) => Finding::warning(
            SUBJECT,
            name,
            format!("what `{function}` runs before its first release fails it: {wrong}"),
            "nothing, if that is a placeholder; else a release of the same code fails in the same way",
        ),
        (Err(unread), _) if unread.missing => Finding::problem(SUBJECT, name, &unread.why, &unread.fix),
        (Err(unread), _) => unknown(unread, SUBJECT, name),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{checks, denied, facts, missing, only};
    use crate::doctor::Verdict;

    #[test]
    fn a_check_that_the_live_version_fails_is_a_problem_that_shows_the_response() {
        let mut facts = facts();
        assert_eq!(only(&facts, "health").verdict, Verdict::Ok);
        let wrong = "GET /health -> 200, its `x-function-version` does not name version 5";
        checks(&mut facts)[0].response = Ok(Err(wrong.to_owned()));
        let finding = only(&facts, "health");
        assert_eq!(finding.verdict, Verdict::Problem);
        assert!(finding.detail.contains(wrong) && finding.detail.contains("`f`"), "{}", finding.detail);
    }

    #[test]
    fn a_check_whose_route_not_everybody_may_call_is_a_warning() {
        let mut facts = facts();
        checks(&mut facts)[0].needed = Some("an API key");
        let finding = only(&facts, "health");
        assert_eq!(finding.verdict, Verdict::Warning);
        assert!(finding.detail.contains("needs an API key"), "{}", finding.detail);
    }

    #[test]
    fn before_the_first_release_it_is_a_warning_because_a_placeholder_may() {
        let mut facts = facts();
        facts.ledger.as_mut().unwrap().live = None;
        checks(&mut facts)[0].response = Ok(Err("503".to_owned()));
        assert_eq!(only(&facts, "health").verdict, Verdict::Warning);
    }

    #[test]
    fn a_check_of_a_missing_function_is_a_problem_a_denied_one_unchecked() {
        let mut facts = facts();
        checks(&mut facts)[0].response = Err(denied());
        assert_eq!(only(&facts, "health").verdict, Verdict::NotChecked);
        checks(&mut facts)[0].response = Err(missing());
        assert_eq!(only(&facts, "health").verdict, Verdict::Problem);
    }
}
