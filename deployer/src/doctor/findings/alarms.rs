//! The alarms: that there are some, that they exist, what they say, and that a function's watches its alias.

use super::super::Finding;
use super::super::facts::Fact;
use super::unknown;
use crate::aws::{Alarm, AlarmState};
use crate::ledger::{Contract, FunctionResource};

const SUBJECT: &str = "alarms";

pub(super) fn find(alarms: &Fact<Vec<Alarm>>, contract: &Contract) -> Vec<Finding> {
    if contract.alarms.is_empty() {
        let detail = "the contract names none: a bad release is noticed by its checks only";
        return vec![Finding::warning(SUBJECT, "named in the contract", detail, "name alarms in the contract")];
    }
    let alarms = match alarms {
        Ok(alarms) => alarms,
        Err(unread) => return contract.alarms.iter().map(|name| unknown(unread, SUBJECT, name)).collect(),
    };
    let mut findings = Vec::new();
    for name in &contract.alarms {
        match alarms.iter().find(|alarm| alarm.name == *name) {
            Some(alarm) => {
                findings.push(state(alarm));
                findings.extend(restriction(alarm, contract));
            }
            None => findings.push(Finding::problem(
                SUBJECT,
                name,
                "the contract names it, and it does not exist",
                "make them, or take them out of the contract",
            )),
        }
    }
    findings.extend(contract.functions.values().filter_map(|function| unwatched(function, alarms)));
    findings
}

fn state(alarm: &Alarm) -> Finding {
    match alarm.state {
        AlarmState::Ok => Finding::ok(SUBJECT, &alarm.name, "is OK"),
        AlarmState::InAlarm => Finding::problem(
            SUBJECT,
            &alarm.name,
            format!("is in ALARM: {}", alarm.reason),
            "see why; no release starts while it is in ALARM, but for a rollback and with `--ignore-alarms`",
        ),
        AlarmState::InsufficientData => Finding::warning(
            SUBJECT,
            &alarm.name,
            "has insufficient data: it could not detect a bad release",
            "let missing data count as `notBreaching`, or wait until there is traffic",
        ),
    }
}

/// An alarm on a whole function goes into ALARM for a check that the deployer sends to a version before any traffic.
fn restriction(alarm: &Alarm, contract: &Contract) -> Option<Finding> {
    let watched = alarm.dimensions.get("FunctionName")?;
    let function = contract.functions.values().find(|function| function.name == *watched)?;
    if watches(alarm, function) {
        return None;
    }
    let wanted = format!("{}:{}", function.name, function.alias);
    let found = match alarm.dimensions.get("Resource") {
        Some(other) => format!("watches `{other}`"),
        None => format!("watches all of `{watched}`, checks before traffic too"),
    };
    let fix = format!("give it the dimension `Resource` = `{wanted}`");
    Some(Finding::problem(SUBJECT, &format!("{}, dimensions", alarm.name), found, fix))
}

fn unwatched(function: &FunctionResource, alarms: &[Alarm]) -> Option<Finding> {
    if alarms.iter().any(|alarm| watches(alarm, function)) {
        return None;
    }
    let wanted = format!("{}:{}", function.name, function.alias);
    let detail = format!("none of them watches `{wanted}`");
    let fix = format!("make one on the function's errors with the dimension `Resource` = `{wanted}`");
    Some(Finding::warning(SUBJECT, &function.name, detail, fix))
}

fn watches(alarm: &Alarm, function: &FunctionResource) -> bool {
    let wanted = format!("{}:{}", function.name, function.alias);
    alarm.dimensions.get("Resource").is_some_and(|resource| *resource == wanted)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{alarm, denied, facts, only};
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn no_alarms_at_all_is_a_warning() {
        let mut facts = facts();
        facts.ledger.as_mut().unwrap().contract.alarms.clear();
        assert_eq!(only(&facts, "named in the contract").verdict, Verdict::Warning);
    }

    #[test]
    fn a_missing_alarm_is_a_problem_and_its_function_is_unwatched() {
        let mut facts = facts();
        facts.named.as_mut().unwrap().alarms = Ok(Vec::new());
        assert_eq!(only(&facts, "f-dev-errors").verdict, Verdict::Problem);
        assert_eq!(only(&facts, "f-dev").verdict, Verdict::Warning);
    }

    #[test]
    fn alarms_that_cannot_be_read_are_each_not_checked() {
        let mut facts = facts();
        facts.named.as_mut().unwrap().alarms = Err(denied());
        assert_eq!(only(&facts, "f-dev-errors").verdict, Verdict::NotChecked);
    }

    #[test]
    fn an_alarm_in_alarm_is_a_problem_and_no_data_a_warning() {
        let mut facts = facts();
        for (state, verdict) in
            [(AlarmState::InAlarm, Verdict::Problem), (AlarmState::InsufficientData, Verdict::Warning)]
        {
            alarm(&mut facts).state = state;
            assert_eq!(only(&facts, "f-dev-errors").verdict, verdict);
        }
    }

    #[test]
    fn an_alarm_on_a_whole_function_or_on_another_alias_is_a_problem() {
        let mut facts = facts();
        alarm(&mut facts).dimensions.insert("Resource".to_owned(), "f-dev:other".to_owned());
        assert_eq!(only(&facts, "f-dev-errors, dimensions").verdict, Verdict::Problem);
        alarm(&mut facts).dimensions.remove("Resource");
        let finding = only(&facts, "f-dev-errors, dimensions");
        assert_eq!(finding.verdict, Verdict::Problem);
        assert!(finding.fix.unwrap().contains("`Resource` = `f-dev:live`"));
    }
}
