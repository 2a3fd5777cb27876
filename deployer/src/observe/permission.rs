//! Whether a function's resource policy lets API Gateway call it for a route. Pure.

use serde_json::Value;

use super::wildcard::matches;
use crate::ledger::Api;

/// Whether `policy` lets the stage call the function for `route`, as `GET /count`.
pub fn permits(policy: &Value, api: &Api, route: &str) -> bool {
    let statements = policy["Statement"].as_array().into_iter().flatten();
    let mut sources = statements
        .filter(|statement| statement["Effect"] == "Allow" && is_gateway(&statement["Principal"]))
        .filter_map(source);
    let (verb, path) = route.split_once(' ').unwrap_or((route, ""));
    // A path parameter stands as `*` in the ARN of a request's source.
    let path = path.split('/').map(|part| if part.starts_with('{') { "*" } else { part }).collect::<Vec<_>>().join("/");
    let asked = format!("{}/{}/{verb}{path}", api.rest_api_id, api.stage);
    sources.any(|source| source.is_none_or(|source| matches(source.rsplit(':').next().unwrap_or(source), &asked)))
}

fn is_gateway(principal: &Value) -> bool {
    let service = &principal["Service"];
    let is = |value: &Value| value == "apigateway.amazonaws.com";
    is(service) || service.as_array().is_some_and(|services| services.iter().any(is))
}

/// The source that a statement asks for: `Some(None)` if it takes any.
fn source(statement: &Value) -> Option<Option<&str>> {
    let Some(conditions) = statement["Condition"].as_object() else { return Some(None) };
    let arns = ["ArnLike", "ArnEquals", "StringLike", "StringEquals"];
    let found = arns.iter().find_map(|operator| {
        let condition = conditions.get(*operator)?.as_object()?;
        condition.iter().find(|(name, _)| name.eq_ignore_ascii_case("aws:SourceArn"))?.1.as_str()
    });
    found.map(Some)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn permitted(source: Option<&str>, route: &str) -> bool {
        let api = serde_json::from_value(json!({
            "rest_api_id": "abc", "stage": "dev", "url": "u", "initial_deployment": "d",
        }));
        let mut statement = json!({"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}});
        if let Some(source) = source {
            statement["Condition"] =
                json!({"ArnLike": {"AWS:SourceArn": format!("arn:aws:execute-api:r:111:{source}")}});
        }
        permits(&json!({"Statement": [statement]}), &api.unwrap(), route)
    }

    #[test]
    fn a_permission_counts_for_its_own_api_stage_method_and_path_only() {
        assert!(permitted(Some("abc/dev/GET/count"), "GET /count"));
        for other in ["abc/dev/GET/health", "abc/dev/POST/count", "abc/prod/GET/count", "xyz/dev/GET/count"] {
            assert!(!permitted(Some(other), "GET /count"), "{other}");
        }
    }

    #[test]
    fn a_wildcard_stands_for_anything_and_no_source_for_every_one() {
        for wide in ["abc/*/*/*", "abc/dev/*/count", "abc/*"] {
            assert!(permitted(Some(wide), "GET /count"), "{wide}");
        }
        assert!(permitted(None, "GET /count"));
        assert!(permitted(Some("abc/dev/GET/users/*"), "GET /users/{id}"));
    }
}
