//! What has no stage of the deployer's: an HTTP API, and the URL of a function.

use serde_json::Value;

use super::super::Finding;
use super::super::facts::{Fact, Function};
use super::unknown;
use crate::ledger::LedgerState;
use crate::observe::{ObservedHttpApi, condition_values, texts};

/// The stage of an HTTP API.
pub(super) fn api(api: &Fact<ObservedHttpApi>, state: &LedgerState) -> Option<Finding> {
    let resource = state.contract.http()?;
    let (subject, name) = (format!("API {}", resource.id), &resource.stage);
    Some(match api {
        Ok(api) if api.stage.deploys_itself => {
            Finding::ok(&subject, "stage", format!("`{name}` deploys every change of a route by itself"))
        }
        Ok(_) => Finding::warning(
            &subject,
            "stage",
            format!("`{name}` does not deploy by itself: a changed route is live only after a deployment"),
            "turn `autoDeploy` on, or let your infrastructure code make the deployments: a release makes none of an HTTP API",
        ),
        Err(unread) if unread.missing => Finding::problem(
            &subject,
            "stage",
            format!("the API or its stage `{name}` does not exist"),
            "make both with your infrastructure code, or fix the contract",
        ),
        Err(unread) => unknown(unread, &subject, "stage"),
    })
}

/// The URL of a function, if the contract names one: of its alias, and open to those who are to call it.
pub(super) fn url(function: &Function) -> Option<Finding> {
    let (named, found) = (function.resource.url.as_ref()?, function.url.as_ref()?);
    let (subject, check, alias) = (format!("function {}", function.resource.name), "URL", &function.resource.alias);
    Some(match found {
        Ok(Some(url)) if url.needs_signature => Finding::warning(
            &subject,
            check,
            format!("`{named}` needs an IAM signature: checks are made by Invoke alone, never through it"),
            "nothing, if that is enough",
        ),
        Ok(Some(_)) if matches!(&function.policy, Ok(policy) if !is_open(policy.as_ref())) => Finding::problem(
            &subject,
            check,
            format!("no client may call `{named}`: it responds with 403"),
            format!(
                "add a permission for alias `{alias}`: everybody may do `lambda:InvokeFunctionUrl`, with `FunctionUrlAuthType` `NONE`"
            ),
        ),
        Ok(Some(found))
            if named.contains(".lambda-url.") && found.url.trim_end_matches('/') != named.trim_end_matches('/') =>
        {
            Finding::problem(
                &subject,
                check,
                format!("alias `{alias}` has `{}`, and the contract names `{named}`: a deploy is refused", found.url),
                "fix the contract",
            )
        }
        Ok(Some(_)) if matches!(&function.policy, Ok(policy) if !may_invoke(policy.as_ref())) => Finding::warning(
            &subject,
            check,
            format!(
                "the callers of `{named}` may use it, and not invoke through it: one that was made since October 2025 responds with 403"
            ),
            format!(
                "add a permission for alias `{alias}`: everybody may do `lambda:InvokeFunction`, where `lambda:InvokedViaFunctionUrl` is true"
            ),
        ),
        Ok(Some(_)) => Finding::ok(&subject, check, format!("`{named}` calls alias `{alias}`")),
        Ok(None) => Finding::problem(
            &subject,
            check,
            format!("alias `{alias}` has no Function URL, and the contract names `{named}`: a deploy is refused"),
            "make it for the alias with your infrastructure code, or fix the contract",
        ),
        Err(unread) => unknown(unread, &subject, check),
    })
}

/// Whether a policy lets everybody use the Function URL without a signature.
fn is_open(policy: Option<&Value>) -> bool {
    let unsigned = |statement: &Value| {
        condition_values(&statement["Condition"], "lambda:FunctionUrlAuthType").all(|(_, kinds)| kinds == ["NONE"])
    };
    lets_everybody(policy, "lambda:invokefunctionurl", "lambda:FunctionUrlAuthType", unsigned)
}

/// Whether a policy lets everybody invoke through the Function URL, which AWS asks of those that were made since October 2025
/// (<https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html>).
fn may_invoke(policy: Option<&Value>) -> bool {
    lets_everybody(policy, "lambda:invokefunction", "lambda:InvokedViaFunctionUrl", |_| true)
}

/// Whether a policy lets everybody do something, on no condition but this one.
fn lets_everybody(policy: Option<&Value>, action: &str, key: &str, meets: impl Fn(&Value) -> bool) -> bool {
    let mut statements = policy.and_then(|policy| policy["Statement"].as_array()).into_iter().flatten();
    statements.any(|statement| {
        let principal = &statement["Principal"];
        let everybody = principal == "*" || texts(&principal["AWS"]).contains(&"*");
        let acts = |named: &&str| [action, "lambda:*", "*"].contains(&&*named.to_lowercase());
        let conditions = statement["Condition"].as_object().into_iter().flatten();
        let mut keys = conditions.flat_map(|(_, keys)| keys.as_object().into_iter().flatten().map(|(key, _)| key));
        statement["Effect"] == "Allow"
            && everybody
            && texts(&statement["Action"]).iter().any(acts)
            && keys.all(|found| found.eq_ignore_ascii_case(key))
            && meets(statement)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::sample::{denied, facts, function, missing, only};
    use crate::aws::{FunctionUrl, HttpRoute, HttpStage};
    use crate::doctor::Verdict;
    use crate::doctor::facts::Facts;
    use crate::observe::ObservedHttpApi;

    const URL: &str = "https://abc.lambda-url.us-east-1.on.aws/";

    /// The sample's function with a URL of its own.
    fn with_url() -> Facts {
        let mut facts = facts();
        facts.named.as_mut().unwrap().api = None;
        let function = function(&mut facts);
        function.resource.url = Some(URL.to_owned());
        function.url = Some(Ok(Some(FunctionUrl { url: URL.to_owned(), needs_signature: false })));
        let of_url = json!({"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}});
        let via_url = json!({"Bool": {"lambda:InvokedViaFunctionUrl": "true"}});
        let statement = |sid: &str, action: &str, condition: &serde_json::Value| {
            json!({"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": action, "Condition": condition,
                   "Resource": "arn:aws:lambda:us-east-1:111111111111:function:f-dev:live"})
        };
        let statements = [
            statement("url", "lambda:InvokeFunctionUrl", &of_url),
            statement("invoke", "lambda:InvokeFunction", &via_url),
        ];
        function.policy = Ok(Some(json!({ "Statement": statements })));
        facts
    }

    #[test]
    fn a_function_url_of_the_alias_is_fine_with_its_permissions() {
        let facts = with_url();
        assert_eq!(only(&facts, "URL").verdict, Verdict::Ok);
        let about = |name: &str| super::super::find(&facts).iter().any(|finding| finding.check == name);
        assert!(!about("permission invoke") && !about("permission url"));
    }

    #[test]
    fn a_function_url_with_half_of_its_permissions_is_reported() {
        let mut facts = with_url();
        fn policy(facts: &mut Facts) -> &mut Value {
            function(facts).policy.as_mut().unwrap().as_mut().unwrap()
        }
        policy(&mut facts)["Statement"].as_array_mut().unwrap().pop();
        assert_eq!(only(&facts, "URL").verdict, Verdict::Warning);
        for condition in [
            json!({"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}),
            json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
        ] {
            policy(&mut facts)["Statement"][0]["Condition"] = condition;
            assert_eq!(only(&facts, "URL").verdict, Verdict::Problem);
        }
    }

    #[test]
    fn another_function_url_than_the_contracts_is_a_problem() {
        let mut facts = with_url();
        function(&mut facts).resource.url = Some("https://old.lambda-url.us-east-1.on.aws/".to_owned());
        assert_eq!(only(&facts, "URL").verdict, Verdict::Problem);
    }

    #[test]
    fn a_route_to_something_else_than_lambda_is_none_of_the_contracts() {
        let mut facts = with_http_api();
        api(&mut facts).routes[0].uri = Some("https://legacy.example/{proxy}".to_owned());
        let findings = super::super::find(&facts);
        assert!(findings.iter().all(|finding| !finding.check.starts_with("integration")));
    }

    #[test]
    fn a_missing_or_closed_url_is_a_problem_a_signed_one_a_warning() {
        let mut facts = with_url();
        function(&mut facts).policy = Ok(None);
        assert_eq!(only(&facts, "URL").verdict, Verdict::Problem);
        function(&mut facts).url = Some(Ok(None));
        assert!(only(&facts, "URL").detail.contains("has no Function URL"));
        function(&mut facts).url = Some(Ok(Some(FunctionUrl { url: URL.to_owned(), needs_signature: true })));
        assert_eq!(only(&facts, "URL").verdict, Verdict::Warning);
        function(&mut facts).url = Some(Err(denied()));
        assert_eq!(only(&facts, "URL").verdict, Verdict::NotChecked);
    }

    /// The sample's function behind an HTTP API.
    fn with_http_api() -> Facts {
        let mut facts = facts();
        let resource = json!({"kind": "http", "id": "h1", "url": "https://h1.example"});
        facts.ledger.as_mut().unwrap().contract.api = serde_json::from_value(resource.clone()).unwrap();
        let named = facts.named.as_mut().unwrap();
        named.api = None;
        let route = HttpRoute {
            key: "GET /orders/{id}".to_owned(),
            uri: Some("arn:aws:lambda:us-east-1:111111111111:function:f-dev:live".to_owned()),
            ..HttpRoute::default()
        };
        named.http_api = Some(Ok(ObservedHttpApi {
            resource: serde_json::from_value(resource).unwrap(),
            stage: HttpStage { deploys_itself: true, ..HttpStage::default() },
            routes: vec![route],
        }));
        // As people write it; `orders/{id}` is the other way.
        let source = "arn:aws:execute-api:us-east-1:111111111111:h1/$default/GET/orders/*";
        let statement = super::super::sample::statement("s", source);
        function(&mut facts).policy = Ok(Some(json!({ "Statement": [statement] })));
        facts
    }

    fn api(facts: &mut Facts) -> &mut ObservedHttpApi {
        facts.named.as_mut().unwrap().http_api.as_mut().unwrap().as_mut().unwrap()
    }

    #[test]
    fn an_http_api_whose_route_calls_the_alias_and_may_is_fine() {
        let facts = with_http_api();
        for check in ["stage", "integration GET /orders/{id}", "permission GET /orders/{id}"] {
            assert_eq!(only(&facts, check).verdict, Verdict::Ok, "{check}");
        }
    }

    #[test]
    fn a_route_that_calls_the_bare_function_and_one_that_may_not_are_problems() {
        let mut facts = with_http_api();
        api(&mut facts).routes[0].uri = Some("arn:aws:lambda:us-east-1:111111111111:function:f-dev".to_owned());
        assert!(only(&facts, "integration GET /orders/{id}").detail.contains("without an alias"));
        let mut facts = with_http_api();
        function(&mut facts).policy = Ok(None);
        let finding = only(&facts, "permission GET /orders/{id}");
        assert_eq!(finding.verdict, Verdict::Problem);
        assert!(finding.fix.unwrap().contains(":h1/$default/GET/orders/{id}"));
    }

    #[test]
    fn a_stage_without_auto_deploy_is_a_warning_a_missing_one_a_problem() {
        let mut facts = with_http_api();
        api(&mut facts).stage.deploys_itself = false;
        assert_eq!(only(&facts, "stage").verdict, Verdict::Warning);
        facts.named.as_mut().unwrap().http_api = Some(Err(missing()));
        assert_eq!(only(&facts, "stage").verdict, Verdict::Problem);
    }
}
