//! The deployer's own permissions: all that it needs, and not the one that it must not have.
//!
//! As IAM simulates them, without resource policies and conditions of the organisation.

use super::super::Finding;
use super::super::facts::{Facts, Named};
use super::super::questions::{ELSEWHERE, Question, Wanted, questions};
use crate::ledger::Contract;

const SUBJECT: &str = "the deployer's permissions";

/// One finding for each question.
pub(super) fn find(facts: &Facts, named: &Named, contract: &Contract) -> Vec<Finding> {
    let questions = questions(contract, &facts.asked.ledger);
    let looks = looks_only(&questions, named);
    questions.iter().map(|question| of(question, facts, named, looks)).collect()
}

/// Whether the caller may do nothing that a release needs: its role is one for looking, as of pull requests, and lacks
/// nothing.
fn looks_only(questions: &[Question], named: &Named) -> bool {
    let Ok(responses) = &named.permissions else { return false };
    let response = |asked: &Question| responses.get(&(asked.action.to_owned(), asked.resource.clone()));
    questions.iter().filter(|asked| asked.wanted == Wanted::ToRelease).all(|asked| response(asked) == Some(&false))
}

fn of(question: &Question, facts: &Facts, named: &Named, looks: bool) -> Finding {
    let Question { action, resource, wanted } = question;
    let check = match wanted {
        Wanted::ToLook | Wanted::ToRelease | Wanted::ToCompare => format!("{action} on {resource}"),
        Wanted::Never => format!("no {action} on {resource}"),
    };
    let responses = match &named.permissions {
        Ok(responses) => responses,
        Err(unread) => {
            let fix = match unread.missing {
                true => {
                    "ask with the credentials of the deployer's role; a role with a path has to be looked at by hand"
                }
                false => "allow `iam:SimulatePrincipalPolicy` on the caller itself, or look at its policies by hand",
            };
            return Finding::not_checked(SUBJECT, &check, &unread.why, fix);
        }
    };
    let who = facts.caller.as_ref().map_or("the caller", |caller| caller.arn.as_str());
    match (responses.get(&((*action).to_owned(), resource.clone())), wanted) {
        (Some(false), Wanted::ToRelease) if looks => Finding::not_checked(
            SUBJECT,
            &check,
            format!("`{who}` may change nothing of this: it is there to look"),
            "ask with the credentials of the role that releases",
        ),
        (Some(false), Wanted::ToCompare) => Finding::not_checked(
            SUBJECT,
            &check,
            format!("`{who}` may not, and no release needs it"),
            "allow it for more: `doctor` compares the stage's burst and what queues and streams call, and a failed release shows the errors in its log",
        ),
        (Some(true), Wanted::ToLook | Wanted::ToRelease | Wanted::ToCompare) => Finding::ok(SUBJECT, &check, "allowed"),
        (Some(false), Wanted::Never) => Finding::ok(SUBJECT, &check, "not allowed, as it should be"),
        (Some(false), Wanted::ToLook | Wanted::ToRelease) => Finding::problem(
            SUBJECT,
            &check,
            format!("`{who}` may not"),
            "allow it in the policy of the deployer's role",
        ),
        (Some(true), Wanted::Never) if resource.contains(ELSEWHERE) => Finding::problem(
            SUBJECT,
            &check,
            format!("`{who}` may change what is not this stack's: a wildcard reaches every other environment too"),
            "name the stack's own resource in the policy or, where its id is not known before, ask for its tag \
             (`aws:ResourceTag/…`)",
        ),
        (Some(true), Wanted::Never) => Finding::problem(
            SUBJECT,
            &check,
            format!("`{who}` may delete the whole function"),
            "allow `lambda:DeleteFunction` on `function:NAME:*` only, never on `function:NAME`",
        ),
        (None, _) => Finding::not_checked(SUBJECT, &check, "IAM gave no response", "look at the policies by hand"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{contract, denied, facts, missing, only};
    use super::super::{Finding, find};
    use super::*;
    use crate::doctor::Verdict;

    const FUNCTION: &str = "arn:aws:lambda:us-east-1:111111111111:function:f-dev";

    fn response(facts: &mut Facts, action: &str, resource: &str, allowed: bool) {
        let responses = facts.named.as_mut().unwrap().permissions.as_mut().unwrap();
        assert!(
            responses.insert((action.to_owned(), resource.to_owned()), allowed).is_some(),
            "it is not among the questions"
        );
    }

    #[test]
    fn an_action_that_is_not_allowed_is_a_problem() {
        let mut facts = facts();
        response(&mut facts, "lambda:UpdateAlias", FUNCTION, false);
        let finding = only(&facts, &format!("lambda:UpdateAlias on {FUNCTION}"));
        assert_eq!(finding.verdict, Verdict::Problem);
        assert!(finding.detail.contains("role/deployer"), "{}", finding.detail);
    }

    #[test]
    fn permission_to_delete_the_function_is_a_problem_a_version_not() {
        let mut facts = facts();
        assert_eq!(only(&facts, &format!("lambda:DeleteFunction on {FUNCTION}:1")).verdict, Verdict::Ok);
        response(&mut facts, "lambda:DeleteFunction", FUNCTION, true);
        assert_eq!(only(&facts, &format!("no lambda:DeleteFunction on {FUNCTION}")).verdict, Verdict::Problem);
    }

    #[test]
    fn without_access_to_iam_no_permission_passes() {
        for unread in [denied(), missing()] {
            let mut facts = facts();
            facts.named.as_mut().unwrap().permissions = Err(unread);
            let own: Vec<Finding> = find(&facts).into_iter().filter(|finding| finding.subject == SUBJECT).collect();
            assert_eq!(own.len(), questions(&contract(), "ledger").len());
            assert!(own.iter().all(|finding| finding.verdict == Verdict::NotChecked), "{own:#?}");
        }
    }

    #[test]
    fn a_wildcard_that_reaches_another_stack_is_a_problem_for_each_action() {
        let mut facts = facts();
        let asked = questions(&contract(), "ledger");
        let elsewhere: Vec<_> = asked.iter().filter(|asked| asked.resource.contains(ELSEWHERE)).collect();
        assert_eq!(elsewhere.len(), 7);
        for asked in elsewhere {
            let check = format!("no {} on {}", asked.action, asked.resource);
            assert_eq!(only(&facts, &check).verdict, Verdict::Ok);
            response(&mut facts, asked.action, &asked.resource, true);
            let finding = only(&facts, &check);
            assert_eq!(finding.verdict, Verdict::Problem);
            assert!(finding.detail.contains("wildcard"), "{}", finding.detail);
        }
    }

    #[test]
    fn a_right_that_no_release_needs_is_not_missed() {
        let mut facts = facts();
        response(&mut facts, "lambda:GetAccountSettings", "*", false);
        assert_eq!(only(&facts, "lambda:GetAccountSettings on *").verdict, Verdict::NotChecked);
    }

    #[test]
    fn an_action_that_iam_says_nothing_of_is_not_checked() {
        let mut facts = facts();
        facts.named.as_mut().unwrap().permissions = Ok(Default::default());
        let own = find(&facts).into_iter().filter(|finding| finding.subject == SUBJECT);
        assert!(own.into_iter().all(|finding| finding.verdict == Verdict::NotChecked));
    }

    #[test]
    fn a_role_that_is_there_to_look_lacks_nothing_of_a_release_and_has_to_look() {
        let mut facts = facts();
        for asked in questions(&contract(), "ledger").iter().filter(|asked| asked.wanted == Wanted::ToRelease) {
            response(&mut facts, asked.action, &asked.resource, false);
        }
        let move_alias = format!("lambda:UpdateAlias on {FUNCTION}");
        assert_eq!(only(&facts, &move_alias).verdict, Verdict::NotChecked);
        assert_eq!(only(&facts, &format!("lambda:GetAlias on {FUNCTION}")).verdict, Verdict::Ok);
        response(&mut facts, "lambda:GetAlias", FUNCTION, false);
        assert_eq!(only(&facts, &format!("lambda:GetAlias on {FUNCTION}")).verdict, Verdict::Problem);
        // A role that may do a part of a release has to be able to do all of it.
        response(&mut facts, "lambda:PublishVersion", FUNCTION, true);
        assert_eq!(only(&facts, &move_alias).verdict, Verdict::Problem);
    }

    #[test]
    fn a_bucket_for_big_zips_is_asked_for_if_the_contract_has_one() {
        let mut contract = contract();
        let asks = |contract: &Contract| questions(contract, "l").iter().any(|asked| asked.action == "s3:PutObject");
        assert!(!asks(&contract));
        contract.artifact_bucket = Some("zips".to_owned());
        assert!(asks(&contract));
    }
}
