//! The REST API: where it responds, which deployment its stage is at, and what a first release would go back to.

use super::super::Finding;
use super::super::facts::Api;
use super::{drift, unknown};
use crate::aws::Stage;
use crate::ledger::{LedgerState, Parts, Release, ReleaseKind};

pub(super) fn find(api: &Api, state: &LedgerState) -> Vec<Finding> {
    let subject = format!("API {}", api.resource.id);
    let mut findings = vec![endpoint(api, &subject)];
    findings.extend(stage(api, state, &subject));
    findings.extend(initial(api, &subject));
    findings
}

/// The stage is at a deployment that exists, the one that the ledger names, and passes its id to the functions.
fn stage(api: &Api, state: &LedgerState, subject: &str) -> Vec<Finding> {
    let name = &api.resource.stage;
    let stage = match &api.stage {
        Ok(stage) => stage,
        Err(unread) if unread.missing => {
            let fix = "make the stage with your infrastructure code, or fix the contract";
            return vec![Finding::problem(subject, "stage", format!("stage `{name}` does not exist"), fix)];
        }
        Err(unread) => return vec![unknown(unread, subject, "stage")],
    };
    let served = &stage.deployment;
    if let Some(deployment) = &stage.canary {
        return vec![Finding::problem(
            subject,
            "stage",
            format!("`{name}` has a canary of its own, at deployment `{deployment}`: releases are refused"),
            "promote or delete the stage's canary in API Gateway",
        )];
    }
    let mut findings = vec![match &state.live {
        Some(Release { number, parts: Parts { deployment: Some(left), .. }, .. }) if left != served => {
            let found = format!("stage `{name}` is at deployment `{served}`, release {number} left it at `{left}`");
            drift(state, subject, "stage", &found)
        }
        _ => Finding::ok(subject, "stage", format!("`{name}` is at deployment `{served}`")),
    }];
    findings.push(match &api.served {
        Ok(Some(_)) => Finding::ok(subject, "deployment", format!("`{served}` exists")),
        Ok(None) => Finding::problem(
            subject,
            "deployment",
            format!("deployment `{served}`, which the stage is at, does not exist"),
            "roll back to a release whose deployment exists, or deploy",
        ),
        Err(unread) => unknown(unread, subject, "deployment"),
    });
    findings.extend(cache(stage, name, subject));
    // Until the first release of the API it is not set.
    let is_ours = |live: &Release| live.parts.deployment.is_some() && live.kind != ReleaseKind::Adopt;
    if state.live.as_ref().is_some_and(is_ours) {
        findings.push(match stage.mark.as_deref() {
            Some(mark) if mark == served => Finding::ok(subject, "stage variable", "names the deployment"),
            mark => Finding::problem(
                subject,
                "stage variable",
                format!("`deployment` is `{}`, the stage is at `{served}`", mark.unwrap_or_default()),
                "set the stage's variable `deployment` to that id: checks take its responses for another deployment's",
            ),
        });
    }
    findings
}

/// Checks go through the URL: under the API's own host name, or under the custom domain that the contract names.
fn endpoint(api: &Api, subject: &str) -> Finding {
    let check = "endpoint";
    match (&api.about, &api.resource.custom_url) {
        (Ok(about), None) if about.only_custom_domain => Finding::problem(
            subject,
            check,
            "its default endpoint is disabled, and the contract names no `api.custom_url`: a deploy is refused",
            "write the custom domain's URL into the contract, or enable the default endpoint",
        ),
        (Ok(about), Some(custom)) if about.only_custom_domain => {
            Finding::ok(subject, check, format!("responds at `{custom}` alone"))
        }
        (Ok(_), _) => Finding::ok(subject, check, "responds under its own host name"),
        (Err(unread), _) => unknown(unread, subject, check),
    }
}

/// Responses from a cache say nothing of the code that is live.
fn cache(stage: &Stage, name: &str, subject: &str) -> Option<Finding> {
    let cached: Vec<_> = stage.cached.iter().filter(|(_, cached)| **cached).map(|(method, _)| &**method).collect();
    (!cached.is_empty()).then(|| {
        Finding::warning(
            subject,
            "cache",
            format!("`{name}` caches responses of `{}`: their checks are made by Invoke alone", cached.join("`, `")),
            "nothing, if that is enough; else turn the cache off for what checks request",
        )
    })
}

fn initial(api: &Api, subject: &str) -> Option<Finding> {
    let (check, id) = ("initial deployment", api.resource.initial_deployment.as_ref()?);
    Some(match api.initial.as_ref()? {
        Ok(Some(_)) => Finding::ok(subject, check, format!("`{id}` exists")),
        Ok(None) => Finding::problem(
            subject,
            check,
            format!("`{id}`, which the contract names, does not exist"),
            "name the deployment that was made with the stack in the contract: `initial_deployment`",
        ),
        Err(unread) => unknown(unread, subject, check),
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample::{api, denied, facts, missing, only};
    use super::*;
    use crate::doctor::Verdict;

    /// The finding on the only route, which calls `function` of account 1 through Lambda.
    fn calling(function: &str) -> Finding {
        let mut facts = facts();
        let arn = format!("arn:aws:lambda:us-east-1:111111111111:function:{function}");
        let uri = format!("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations");
        api(&mut facts).routes.as_mut().unwrap()[0].uri = Some(uri);
        only(&facts, "integration GET /count")
    }

    #[test]
    fn an_integration_calls_an_alias_of_the_contract_and_nothing_else() {
        assert_eq!(calling("f-dev:live").verdict, Verdict::Ok);
        for other in ["f-dev", "f-dev:$LATEST", "f-dev:7", "f-dev:other", "f-dev-2:live", "g:live"] {
            assert_eq!(calling(other).verdict, Verdict::Problem, "{other}");
        }
        assert!(calling("f-dev").detail.contains("without an alias"));
    }

    #[test]
    fn an_integration_by_a_variable_that_the_stage_does_not_have_is_a_problem() {
        assert_eq!(calling("${stageVariables.f}").verdict, Verdict::Problem);
    }

    #[test]
    fn a_route_that_does_not_call_lambda_is_not_checked() {
        let mut facts = facts();
        api(&mut facts).routes.as_mut().unwrap()[0].uri = None;
        assert!(super::super::find(&facts).iter().all(|finding| !finding.check.starts_with("integration")));
    }

    #[test]
    fn integrations_that_cannot_be_read_are_not_checked() {
        let mut facts = facts();
        api(&mut facts).routes = Err(denied());
        assert_eq!(only(&facts, "integrations").verdict, Verdict::NotChecked);
        assert_eq!(only(&facts, "stage").verdict, Verdict::Ok);
    }

    #[test]
    fn a_missing_stage_is_a_problem_and_an_unreadable_one_is_not_checked() {
        let mut facts = facts();
        api(&mut facts).stage = Err(missing());
        assert_eq!(only(&facts, "stage").verdict, Verdict::Problem);
        api(&mut facts).stage = Err(denied());
        assert_eq!(only(&facts, "stage").verdict, Verdict::NotChecked);
    }

    #[test]
    fn a_stage_at_another_deployment_than_in_the_ledger_is_drift() {
        let mut facts = facts();
        api(&mut facts).stage.as_mut().unwrap().deployment = "d9".to_owned();
        let finding = only(&facts, "stage");
        assert_eq!(finding.verdict, Verdict::Problem);
        assert!(finding.detail.contains("release 7 left it at `d1`"), "{}", finding.detail);
    }

    #[test]
    fn a_canary_of_the_stages_own_is_a_problem() {
        let mut facts = facts();
        api(&mut facts).stage.as_mut().unwrap().canary = Some("d0".to_owned());
        assert_eq!(only(&facts, "stage").verdict, Verdict::Problem);
    }

    #[test]
    fn a_deployment_that_does_not_exist_is_a_problem_served_or_initial() {
        let mut facts = facts();
        api(&mut facts).served = Ok(None);
        api(&mut facts).initial = Some(Ok(None));
        for check in ["deployment", "initial deployment"] {
            assert_eq!(only(&facts, check).verdict, Verdict::Problem, "{check}");
        }
    }

    #[test]
    fn a_disabled_endpoint_without_a_custom_url_and_a_cache_are_named() {
        let mut facts = facts();
        assert_eq!(only(&facts, "endpoint").verdict, Verdict::Ok);
        api(&mut facts).about.as_mut().unwrap().only_custom_domain = true;
        api(&mut facts).stage.as_mut().unwrap().cached.insert("*/*".to_owned(), true);
        assert_eq!(only(&facts, "endpoint").verdict, Verdict::Problem);
        assert_eq!(only(&facts, "cache").verdict, Verdict::Warning);
        api(&mut facts).resource.custom_url = Some("https://a.example".to_owned());
        assert_eq!(only(&facts, "endpoint").verdict, Verdict::Ok);
    }

    #[test]
    fn after_a_release_a_wrong_stage_variable_is_a_problem() {
        let mut facts = facts();
        for mark in [None, Some("d0".to_owned())] {
            api(&mut facts).stage.as_mut().unwrap().mark = mark;
            assert_eq!(only(&facts, "stage variable").verdict, Verdict::Problem);
        }
        facts.ledger.as_mut().unwrap().live = None;
        assert!(super::super::find(&facts).iter().all(|finding| finding.check != "stage variable"));
    }
}
