//! Who may call a function: API Gateway, for each route that calls its alias, and no other caller.

use serde_json::Value;

use super::super::Finding;
use super::super::facts::Function;
use super::routes::{Calling, Routes};
use super::unknown;
use crate::ledger::Contract;
use crate::observe::arn::function_arn;
use crate::observe::{GATEWAY, condition_values, invokes, lets_in, texts};

pub(super) fn find(function: &Function, contract: &Contract, routes: Option<&Routes>) -> Vec<Finding> {
    let subject = format!("function {}", function.resource.name);
    let bare = function_arn(contract, &function.resource.name);
    let alias = format!("{bare}:{}", function.resource.alias);
    let mut findings = match routes.map(|routes| (&routes.all, &*routes.stage)) {
        Some((Ok(all), stage)) => {
            let calling = all.iter().filter(|calling| calling.arn.as_deref() == Some(&alias));
            on_alias(function, &alias, &calling.collect::<Vec<_>>(), (stage, &subject))
        }
        Some((Err(unread), _)) => vec![unknown(unread, &subject, "permissions")],
        None => on_alias(function, &alias, &[], ("", &subject)),
    };
    findings.extend(on_function(function, &bare, &subject));
    findings
}

/// One finding for each route, and one for each permission that allows more than a route needs.
fn on_alias(function: &Function, alias: &str, routes: &[&Calling], (stage, subject): (&str, &str)) -> Vec<Finding> {
    let check = |calling: &Calling| format!("permission {}", calling.route);
    let policy = match &function.policy {
        Ok(policy) => policy,
        Err(unread) => return routes.iter().map(|calling| unknown(unread, subject, &check(calling))).collect(),
    };
    let grants = grants(policy.as_ref(), alias);
    let mut findings = Vec::new();
    for calling in routes {
        let source = &calling.source;
        let allowed = calling.by_role || grants.iter().any(|grant| lets_in(&grant.statement, source));
        findings.push(match allowed {
            true => Finding::ok(subject, &check(calling), "API Gateway may call the alias"),
            false => Finding::problem(
                subject,
                &check(calling),
                "API Gateway may not call the alias: clients get 500 instead",
                format!("add a permission: `{GATEWAY}` may invoke alias `{}` for `{source}`", function.resource.alias),
            ),
        });
    }
    findings.extend(grants.iter().filter_map(|grant| too_wide(grant, routes, stage, subject)));
    findings
}

/// What a permission allows beyond the routes, if it does. One for a route that is gone, or not there yet, does no harm.
fn too_wide(grant: &Grant, routes: &[&Calling], stage: &str, subject: &str) -> Option<Finding> {
    let check = format!("permission {}", grant.name);
    let narrow = "take it away, or limit it to the stage, method and path that a route needs";
    // Behind no route of the API it may be behind a queue, a schedule or a bucket: those are services of the account.
    if routes.is_empty() && grant.is_for_a_service {
        return None;
    }
    if !grant.gateway {
        let detail = format!("allows {}, not only API Gateway", grant.principal);
        return Some(Finding::problem(subject, &check, detail, "remove it: only API Gateway is to call this alias"));
    }
    if grant.sources.is_empty() && grant.of_account {
        let detail = "is limited to an account: every API of it may call the alias";
        return Some(Finding::warning(subject, &check, detail, narrow));
    }
    if grant.sources.is_empty() {
        let detail = "is limited to no API: everybody's API Gateway may call the alias";
        return Some(Finding::problem(subject, &check, detail, narrow));
    }
    for source in &grant.sources {
        // A placeholder of the path may be a `*` in a permission.
        let stars = |needed: &str| {
            let parts = needed.split('/').map(|part| if part.starts_with('{') { "*" } else { part });
            parts.collect::<Vec<_>>().join("/")
        };
        let needed = routes.iter().any(|calling| calling.source == *source || stars(&calling.source) == *source);
        let wild = source.contains(['*', '?']);
        match source.starts_with(stage) {
            true if wild && !needed => {
                let detail = format!("has a wildcard for method or path: `{source}`");
                return Some(Finding::warning(subject, &check, detail, narrow));
            }
            true => {}
            false if wild => {
                // The console gives permissions for all stages of an API.
                let api = stage.trim_end_matches('/').rsplit_once('/').map_or(stage, |(api, _)| api);
                let detail = format!("is not limited to this API and stage: `{source}`");
                return Some(match source.strip_prefix(api).is_some_and(|rest| rest.starts_with('/')) {
                    true => Finding::warning(subject, &check, detail, narrow),
                    false => Finding::problem(subject, &check, detail, narrow),
                });
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

/// A statement that allows a caller to invoke.
struct Grant {
    /// The statement's id.
    name: String,
    /// Whether it allows API Gateway alone.
    gateway: bool,
    /// Whether it is for one service of AWS, whichever.
    is_for_a_service: bool,
    /// Whom it allows.
    principal: String,
    /// The ARNs that it is limited to; empty: none.
    sources: Vec<String>,
    /// Whether it is limited to an account.
    of_account: bool,
    /// As it is in the policy.
    statement: Value,
}

/// The statements of a policy that allow to invoke `resource` itself.
fn grants(policy: Option<&Value>, resource: &str) -> Vec<Grant> {
    let statements = policy.and_then(|policy| policy["Statement"].as_array()).into_iter().flatten();
    // The emulator puts the statements of all aliases into the function's own policy; AWS does not.
    let mine = statements.filter(|statement| statement["Effect"] == "Allow" && statement["Resource"] == resource);
    // What is allowed through the Function URL alone is looked at with that.
    let through_url =
        |statement: &Value| condition_values(&statement["Condition"], "lambda:InvokedViaFunctionUrl").next().is_some();
    let grants = mine.filter(|statement| invokes(statement) && !through_url(statement)).map(|statement| Grant {
        name: statement["Sid"].as_str().unwrap_or("without a name").to_owned(),
        gateway: statement["Principal"].as_object().is_some_and(|who| who.len() == 1)
            && texts(&statement["Principal"]["Service"]) == [GATEWAY],
        is_for_a_service: statement["Principal"]
            .as_object()
            .is_some_and(|who| who.len() == 1 && who.contains_key("Service")),
        principal: match &statement["Principal"] {
            Value::String(everybody) if everybody == "*" => "everybody".to_owned(),
            principal => format!("`{principal}`"),
        },
        sources: condition_values(&statement["Condition"], "aws:SourceArn")
            .flat_map(|(_, values)| values)
            .map(str::to_owned)
            .collect(),
        of_account: condition_values(&statement["Condition"], "aws:SourceAccount").next().is_some(),
        statement: statement.clone(),
    });
    grants.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::sample::{api, denied, facts, function, only, statement};
    use super::*;
    use crate::aws::Route;
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
    fn a_permission_for_other_apis_is_a_problem_for_all_stages_a_warning() {
        let stages = "arn:aws:execute-api:us-east-1:111111111111:api1/*/GET/count";
        assert_eq!(on(&json!([statement("wide", stages)]), "wide").verdict, Verdict::Warning);
        for wild in ["arn:aws:execute-api:us-east-1:111111111111:*/*/GET/count", "arn:aws:execute-api:*", "*"] {
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
        let first = api(&mut facts).routes.as_ref().unwrap()[0].clone();
        let route = Route { method: "ANY".to_owned(), path: "/orders/{id}/of".to_owned(), by_role: false, ..first };
        api(&mut facts).routes = Ok(vec![route]);
        let policy = json!({"Statement": [statement("s", &format!("{HERE}/*/orders/*/of"))]});
        function(&mut facts).policy = Ok(Some(policy));
        assert_eq!(only(&facts, "permission ANY /orders/{id}/of").verdict, Verdict::Ok);
        assert!(super::super::find(&facts).iter().all(|finding| finding.check != "permission s"));
    }
}
