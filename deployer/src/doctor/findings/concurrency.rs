//! The stage's burst against what the functions may run at once. Above it, functions are throttled, which clients see as
//! 5XX and an alarm takes for a bad release: anybody could have a good one reverted.

use super::super::Finding;
use super::super::facts::{Api, Function, Named};
use super::unknown;

const CHECK: &str = "burst";

pub(super) fn find(named: &Named, api: &Api) -> Vec<Finding> {
    let subject = format!("API {}", api.resource.id);
    // A stage that cannot be read is a finding of its own; one without a limit has the account's.
    let Some(burst) = api.stage.as_ref().ok().and_then(|stage| stage.burst) else { return Vec::new() };
    named.functions.values().map(|function| of(function, named, burst, &subject)).collect()
}

fn of(function: &Function, named: &Named, burst: i32, subject: &str) -> Finding {
    let name = &function.resource.name;
    let check = format!("{CHECK} and {name}");
    let (available, whose) = match (&function.reserved, &named.unreserved) {
        (Err(unread), _) | (Ok(None), Err(unread)) => return unknown(unread, subject, &check),
        (Ok(Some(reserved)), _) => (*reserved, "are reserved for it"),
        (Ok(None), Ok(Some(unreserved))) => (*unreserved, "are left in the account"),
        (Ok(None), Ok(None)) => {
            let fix = "look at `aws lambda get-account-settings`";
            return Finding::not_checked(subject, &check, "Lambda does not say how many the account has", fix);
        }
    };
    if burst <= available {
        return Finding::ok(subject, &check, format!("{burst} requests at once, {available} executions {whose}"));
    }
    Finding::warning(
        subject,
        &check,
        format!(
            "the stage takes {burst} requests at once, {available} executions {whose}: throttled ones are 5XX, and an \
             alarm on them reverts a good release"
        ),
        "lower the stage's burst, or raise the reserved concurrency or the account's quota",
    )
}

#[cfg(test)]
mod tests {
    use super::super::sample::{api, denied, facts, function, only};
    use crate::doctor::Verdict;

    #[test]
    fn a_burst_above_what_may_run_at_once_is_a_warning() {
        let mut facts = facts();
        let check = "burst and f-dev";
        assert_eq!(only(&facts, check).verdict, Verdict::Ok);
        facts.named.as_mut().unwrap().unreserved = Ok(Some(10));
        let finding = only(&facts, check);
        assert_eq!(finding.verdict, Verdict::Warning);
        assert!(finding.detail.contains("takes 50") && finding.detail.contains("10 executions"), "{}", finding.detail);
        function(&mut facts).reserved = Ok(Some(50));
        assert_eq!(only(&facts, check).verdict, Verdict::Ok, "what is reserved counts, not what is left");
        function(&mut facts).reserved = Ok(Some(49));
        assert_eq!(only(&facts, check).verdict, Verdict::Warning);
    }

    #[test]
    fn what_could_not_be_read_is_not_checked_and_no_burst_compared_with_nothing() {
        let mut facts = facts();
        for unreserved in [Err(denied()), Ok(None)] {
            facts.named.as_mut().unwrap().unreserved = unreserved;
            assert_eq!(only(&facts, "burst and f-dev").verdict, Verdict::NotChecked);
        }
        api(&mut facts).stage.as_mut().unwrap().burst = None;
        assert!(super::super::find(&facts).iter().all(|finding| !finding.check.starts_with("burst")));
    }
}
