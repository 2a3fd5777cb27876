//! Who may call a function: API Gateway, for each route that calls its alias, and nobody else.
//!
//! API Gateway names itself by an ARN of the API, the stage, the method and the path
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html>):
//! a placeholder of the path, and the method `ANY`, are a `*` there.

use serde_json::Value;

use super::super::Finding;
use super::super::arn::{function_arn, partition};
use super::super::facts::{Fact, Function};
use super::api::target_of;
use super::unknown;
use crate::aws::Route;
use crate::ledger::Contract;
use crate::observe::matches;

const GATEWAY: &str = "apigateway.amazonaws.com";

pub(super) fn judge(function: &Function, contract: &Contract, routes: &Fact<Vec<Route>>) -> Vec<Finding> {
    let subject = format!("function {}", function.resource.name);
    let bare = function_arn(contract, &function.resource.name);
    let alias = format!("{bare}:{}", function.resource.alias);
    let mut findings = match routes {
        Ok(routes) => {
            let calling = routes.iter().filter(|route| target_of(route) == Some(alias.as_str()));
            on_alias(function, contract, &alias, &calling.collect::<Vec<_>>(), &subject)
        }
        Err(unread) => vec![unknown(unread, &subject, "permissions")],
    };
    findings.extend(on_function(function, &bare, &subject));
    findings
}

/// One finding for each route, and one for each permission that allows more than a route needs.
fn on_alias(function: &Function, contract: &Contract, alias: &str, routes: &[&Route], subject: &str) -> Vec<Finding> {
    let check = |route: &Route| format!("permission {} {}", route.method, route.path);
    let policy = match &function.policy {
        Ok(policy) => policy,
        Err(unread) => return routes.iter().map(|route| unknown(unread, subject, &check(route))).collect(),
    };
    let grants = grants(policy.as_ref(), alias);
    let needed: Vec<_> = routes.iter().map(|route| source_of(route, contract)).collect();
    let mut findings = Vec::new();
    for (route, source) in routes.iter().zip(&needed) {
        let allowed = grants.iter().any(|grant| grant.gateway && grant.covers(source));
        findings.push(match allowed {
            true => Finding::ok(subject, &check(route), "API Gateway may call the alias"),
            false => Finding::problem(
                subject,
                &check(route),
                "API Gateway may not call the alias: it answers 500 in its place",
                format!(
                    "apply Terraform: it allows `{GATEWAY}` to invoke alias `{}` for `{source}`",
                    function.resource.alias
                ),
            ),
        });
    }
    findings.extend(grants.iter().filter_map(|grant| too_wide(grant, &needed, contract, subject)));
    findings
}

/// What a permission allows beyond the routes, if it does. One for a route that is gone, or not there yet, is no harm.
fn too_wide(grant: &Grant, needed: &[String], contract: &Contract, subject: &str) -> Option<Finding> {
    let check = format!("permission {}", grant.name);
    let narrow = "take it away, or limit it to the method and path that a route needs";
    if !grant.gateway {
        let detail = format!("allows {}, not only API Gateway", grant.principal);
        return Some(Finding::problem(subject, &check, detail, "take it away: nobody else is to call this alias"));
    }
    if grant.sources.is_empty() {
        let detail = "is limited to no API: everybody's API Gateway may call the alias";
        return Some(Finding::problem(subject, &check, detail, narrow));
    }
    let stage = stage_arn(contract);
    for source in &grant.sources {
        let wild = source.contains(['*', '?']);
        match source.starts_with(&stage) {
            true if wild && !needed.contains(source) => {
                let detail = format!("has a wildcard for method or path: `{source}`");
                return Some(Finding::warning(subject, &check, detail, narrow));
            }
            true => {}
            false if wild => {
                let detail = format!("is not limited to this API and stage: `{source}`");
                return Some(Finding::problem(subject, &check, detail, narrow));
            }
            false => {
                let detail = format!("is for another API or stage: `{source}`");
                return Some(Finding::warning(subject, &check, detail, "take it away, unless it is meant"));
            }
        }
    }
    None
}

/// A permission on the function itself lets its callers pass the alias by, and with it every release.
fn on_function(function: &Function, bare: &str, subject: &str) -> Vec<Finding> {
    let policy = match &function.bare_policy {
        Ok(policy) => policy,
        Err(unread) => return vec![unknown(unread, subject, "permissions without an alias")],
    };
    let warn = |grant: &Grant| {
        let detail = format!("allows {} to call the function without its alias: `$LATEST`", grant.principal);
        let fix = format!("give it for alias `{}` in its place", function.resource.alias);
        Finding::warning(subject, &format!("permission {}", grant.name), detail, fix)
    };
    grants(policy.as_ref(), bare).iter().map(warn).collect()
}

/// A statement that allows somebody to invoke.
struct Grant {
    /// The statement's id.
    name: String,
    /// Whether it is API Gateway, and nobody else, that it allows.
    gateway: bool,
    /// Whom it allows.
    principal: String,
    /// What it is limited to; empty: nothing.
    sources: Vec<String>,
}

impl Grant {
    fn covers(&self, source: &str) -> bool {
        self.sources.is_empty() || self.sources.iter().any(|pattern| matches(pattern, source))
    }
}

/// The statements of a policy that allow to invoke `resource` itself.
fn grants(policy: Option<&Value>, resource: &str) -> Vec<Grant> {
    let statements = policy.and_then(|policy| policy["Statement"].as_array()).into_iter().flatten();
    // The emulator puts the statements of all aliases into the function's own policy; AWS does not.
    let mine = statements.filter(|statement| statement["Effect"] == "Allow" && statement["Resource"] == resource);
    let invokes = |statement: &&Value| {
        texts(&statement["Action"]).iter().any(|action| matches(&action.to_lowercase(), "lambda:invokefunction"))
    };
    let grants = mine.filter(invokes).map(|statement| Grant {
        name: statement["Sid"].as_str().unwrap_or("without a name").to_owned(),
        gateway: statement["Principal"].as_object().is_some_and(|who| who.len() == 1)
            && texts(&statement["Principal"]["Service"]) == [GATEWAY],
        principal: match &statement["Principal"] {
            Value::String(everybody) if everybody == "*" => "everybody".to_owned(),
            principal => format!("`{principal}`"),
        },
        sources: sources(&statement["Condition"]),
    });
    grants.collect()
}

/// What a condition limits the source to, by whatever operator that asks for likeness.
fn sources(condition: &Value) -> Vec<String> {
    let operators = condition.as_object().into_iter().flatten();
    let likeness = operators
        .filter(|(operator, _)| ["ArnLike", "ArnEquals", "StringLike", "StringEquals"].contains(&operator.as_str()));
    let keys = likeness.flat_map(|(_, keys)| keys.as_object().into_iter().flatten());
    let named = keys.filter(|(key, _)| key.eq_ignore_ascii_case("aws:SourceArn"));
    named.flat_map(|(_, value)| texts(value)).map(str::to_owned).collect()
}

/// A text, or a list of them.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// How API Gateway names itself when it calls for a route.
fn source_of(route: &Route, contract: &Contract) -> String {
    let method = if route.method == "ANY" { "*" } else { &route.method };
    let segments = route.path.split('/').map(|segment| if segment.starts_with('{') { "*" } else { segment });
    format!("{}{method}{}", stage_arn(contract), segments.collect::<Vec<_>>().join("/"))
}

/// The beginning of all those names.
fn stage_arn(contract: &Contract) -> String {
    let (region, account, api) = (&contract.region, &contract.account, &contract.api);
    format!("arn:{}:execute-api:{region}:{account}:{}/{}/", partition(region), api.rest_api_id, api.stage)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::sample::{denied, facts, function, only, statement};
    use super::*;
    use crate::doctor::Verdict;

    const HERE: &str = "arn:aws:execute-api:us-east-1:111111111111:api1/dev";

    /// The finding on a permission of these statements that is called `name`.
    fn on(statements: &Value, name: &str) -> Finding {
        let mut facts = facts();
        function(&mut facts).policy = Ok(Some(json!({ "Statement": statements })));
        only(&facts, &format!("permission {name}"))
    }

    #[test]
    fn a_route_without_a_permission_is_a_problem_and_its_fix_names_the_source() {
        for policy in [None, Some(json!({"Statement": []}))] {
            let mut facts = facts();
            function(&mut facts).policy = Ok(policy);
            let finding = only(&facts, "permission GET /count");
            assert_eq!(finding.verdict, Verdict::Problem);
            assert!(finding.fix.unwrap().contains(&format!("`{HERE}/GET/count`")));
        }
    }

    #[test]
    fn a_permission_for_another_method_or_stage_or_api_does_not_count() {
        for other in ["dev/POST/count", "prod/GET/count", "dev/GET/other"] {
            let source = format!("arn:aws:execute-api:us-east-1:111111111111:api1/{other}");
            assert_eq!(on(&json!([statement("s", &source)]), "GET /count").verdict, Verdict::Problem, "{other}");
        }
    }

    #[test]
    fn a_policy_that_cannot_be_read_is_not_checked() {
        let mut facts = facts();
        function(&mut facts).policy = Err(denied());
        assert_eq!(only(&facts, "permission GET /count").verdict, Verdict::NotChecked);
        function(&mut facts).bare_policy = Err(denied());
        assert_eq!(only(&facts, "permissions without an alias").verdict, Verdict::NotChecked);
    }

    #[test]
    fn a_wildcard_for_method_or_path_is_a_warning_and_the_route_is_served() {
        for wild in ["*/count", "GET/*", "*/*", "*"] {
            let statements = json!([statement("wide", &format!("{HERE}/{wild}"))]);
            assert_eq!(on(&statements, "wide").verdict, Verdict::Warning, "{wild}");
            assert_eq!(on(&statements, "GET /count").verdict, Verdict::Ok, "{wild}");
        }
    }

    #[test]
    fn a_permission_that_is_not_limited_to_this_api_and_stage_is_a_problem() {
        for wild in ["arn:aws:execute-api:us-east-1:111111111111:api1/*/GET/count", "arn:aws:execute-api:*", "*"] {
            assert_eq!(on(&json!([statement("wide", wild)]), "wide").verdict, Verdict::Problem, "{wild}");
        }
        let mut unlimited = statement("wide", "");
        unlimited.as_object_mut().unwrap().remove("Condition");
        assert_eq!(on(&json!([unlimited]), "wide").verdict, Verdict::Problem);
    }

    #[test]
    fn a_permission_for_anybody_but_api_gateway_is_a_problem() {
        let others = [json!("*"), json!({"Service": "events.amazonaws.com"}), json!({"AWS": "*", "Service": GATEWAY})];
        for principal in others {
            let mut other = statement("other", &format!("{HERE}/GET/count"));
            other["Principal"] = principal;
            assert_eq!(on(&json!([other]), "other").verdict, Verdict::Problem);
            assert_eq!(on(&json!([other]), "GET /count").verdict, Verdict::Problem);
        }
    }

    #[test]
    fn a_permission_on_the_function_itself_is_a_warning() {
        let mut facts = facts();
        let mut bare = statement("bare", &format!("{HERE}/GET/count"));
        bare["Resource"] = json!("arn:aws:lambda:us-east-1:111111111111:function:f-dev");
        function(&mut facts).bare_policy = Ok(Some(json!({"Statement": [bare]})));
        assert_eq!(only(&facts, "permission bare").verdict, Verdict::Warning);
    }

    #[test]
    fn a_placeholder_and_any_method_are_a_star_in_the_source_and_no_wildcard() {
        let mut facts = facts();
        let uri = facts.named.as_ref().unwrap().api.routes.as_ref().unwrap()[0].uri.clone();
        let route = Route { method: "ANY".to_owned(), path: "/visits/{id}/of".to_owned(), uri };
        facts.named.as_mut().unwrap().api.routes = Ok(vec![route]);
        let policy = json!({"Statement": [statement("s", &format!("{HERE}/*/visits/*/of"))]});
        function(&mut facts).policy = Ok(Some(policy));
        assert_eq!(only(&facts, "permission ANY /visits/{id}/of").verdict, Verdict::Ok);
        assert!(super::super::judge(&facts).iter().all(|finding| finding.check != "permission s"));
    }
}
