//! What sends the records of a queue or a stream to a function: to its alias, or releases have no part in it.

use super::super::Finding;
use super::super::facts::Function;
use super::unknown;
use crate::ledger::Contract;
use crate::observe::arn::function_arn;

const CHECK: &str = "event sources";

/// One finding for each mapping that passes the alias by.
pub(super) fn find(function: &Function, contract: &Contract) -> Vec<Finding> {
    let (name, alias) = (&function.resource.name, &function.resource.alias);
    let (subject, bare) = (format!("function {name}"), function_arn(contract, name));
    let sources = match &function.event_sources {
        Ok(sources) => sources,
        Err(unread) => return vec![unknown(unread, &subject, CHECK)],
    };
    let is_bare = |target: &str| target == bare || target.strip_prefix(&*bare) == Some(":$LATEST");
    let found = sources.iter().filter(|source| is_bare(&source.target)).map(|source| {
        let what = source.source.as_ref().unwrap_or(&source.id);
        Finding::problem(
            &subject,
            &format!("event source {what}"),
            "its mapping names the function without an alias: it runs every upload at once, unchecked, and no rollback reaches it",
            format!(
                "let it name the alias, in your infrastructure code if that made it: `aws lambda update-event-source-mapping --uuid {} \
                 --function-name {name}:{alias}`",
                source.id
            ),
        )
    });
    let found: Vec<_> = found.collect();
    match found.is_empty() {
        true => vec![Finding::ok(&subject, CHECK, "none without an alias")],
        false => found,
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{denied, facts, function, only};
    use super::CHECK;
    use crate::aws::EventSource;
    use crate::doctor::Verdict;

    const FUNCTION: &str = "arn:aws:lambda:us-east-1:111111111111:function:f-dev";
    const QUEUE: &str = "arn:aws:sqs:us-east-1:111111111111:jobs";

    fn source(target: &str) -> EventSource {
        EventSource { id: "u-1".to_owned(), source: Some(QUEUE.to_owned()), target: format!("{FUNCTION}{target}") }
    }

    #[test]
    fn a_queue_that_calls_the_bare_function_is_a_problem_with_a_fix() {
        for target in ["", ":$LATEST"] {
            let mut facts = facts();
            function(&mut facts).event_sources = Ok(vec![source(":live"), source(target)]);
            let finding = only(&facts, &format!("event source {QUEUE}"));
            assert_eq!(finding.verdict, Verdict::Problem, "{target}");
            let fix = finding.fix.unwrap();
            assert!(fix.ends_with("--uuid u-1 --function-name f-dev:live`"), "{fix}");
        }
    }

    #[test]
    fn a_queue_that_calls_an_alias_or_another_function_is_well() {
        let mut facts = facts();
        function(&mut facts).event_sources = Ok(vec![source(":live"), source(":7"), source("-other")]);
        assert_eq!(only(&facts, CHECK).verdict, Verdict::Ok);
    }

    #[test]
    fn what_has_no_arn_is_named_by_its_mapping() {
        let mut facts = facts();
        function(&mut facts).event_sources = Ok(vec![EventSource { source: None, ..source("") }]);
        assert_eq!(only(&facts, "event source u-1").verdict, Verdict::Problem);
    }

    #[test]
    fn event_sources_that_cannot_be_read_are_not_checked() {
        let mut facts = facts();
        function(&mut facts).event_sources = Err(denied());
        assert_eq!(only(&facts, CHECK).verdict, Verdict::NotChecked);
    }
}
