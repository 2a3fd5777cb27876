//! What the routes of an API call, whatever its kind: an alias of the contract, or something that changes without a release.

use std::collections::BTreeMap;

use super::super::Finding;
use super::super::facts::{Fact, Named};
use super::unknown;
use crate::aws::{HttpRoute, Route};
use crate::ledger::Contract;
use crate::observe::arn::{function_arn, http_source_of, source_of, stage_arn};
use crate::observe::with_variables;

/// The routes of an API.
pub(super) struct Routes {
    /// The API's name in findings.
    pub subject: String,
    /// The beginning of the names that API Gateway has when it calls for one of them.
    pub stage: String,
    pub all: Fact<Vec<Calling>>,
}

/// A route, and what it calls.
pub(super) struct Calling {
    /// As `GET /orders/{id}` or `$default`.
    pub route: String,
    /// The ARN of a function with its qualifier, the stage's variables put in; none where API Gateway responds by itself.
    pub arn: Option<String>,
    /// Whether a role of its own calls it.
    pub by_role: bool,
    /// How API Gateway names itself when it calls for this route.
    pub source: String,
}

/// Those of the stack's API, if it has one.
pub(super) fn of(named: &Named, contract: &Contract) -> Option<Routes> {
    if let Some(api) = &named.api {
        let (id, stage) = (api.resource.id.as_str(), api.resource.stage.as_str());
        let variables = api.stage.as_ref().map(|stage| stage.variables.clone()).unwrap_or_default();
        let calling = |route: &Route| {
            let name = format!("{} {}", route.method, route.path);
            Calling {
                arn: route.uri.as_deref().and_then(target).map(|arn| with_variables(arn, &variables)),
                by_role: route.by_role,
                source: source_of(contract, (id, stage), &name),
                route: name,
            }
        };
        return Some(Routes {
            subject: format!("API {id}"),
            stage: stage_arn(contract, (id, stage)),
            all: api.routes.as_ref().map(|routes| routes.iter().map(calling).collect()).map_err(Clone::clone),
        });
    }
    let (resource, api) = (contract.http()?, named.http_api.as_ref()?);
    let place = (resource.id.as_str(), resource.stage.as_str());
    let none = BTreeMap::new();
    let variables = api.as_ref().map_or(&none, |api| &api.stage.variables);
    let calling = |route: &HttpRoute| Calling {
        route: route.key.clone(),
        // The address of a Lambda integration is a function's ARN, or the same that REST has.
        arn: route.uri.as_deref().and_then(|uri| {
            let arn = target(uri).unwrap_or(uri);
            arn.contains(":lambda:").then(|| with_variables(arn, variables))
        }),
        by_role: route.by_role,
        source: http_source_of(contract, place, &route.key),
    };
    Some(Routes {
        subject: format!("API {}", resource.id),
        stage: stage_arn(contract, place),
        all: api.as_ref().map(|api| api.routes.iter().map(calling).collect()).map_err(Clone::clone),
    })
}

/// The ARN of the function, with its qualifier, in the address of a Lambda integration.
fn target(uri: &str) -> Option<&str> {
    uri.split_once(":lambda:path/")?.1.split_once("/functions/")?.1.strip_suffix("/invocations")
}

/// Whatever calls Lambda calls an alias of the contract: anything else changes without a release.
pub(super) fn find(routes: &Routes, contract: &Contract) -> Vec<Finding> {
    let subject = &routes.subject;
    let all = match &routes.all {
        Ok(all) => all,
        Err(unread) => return vec![unknown(unread, subject, "integrations")],
    };
    let fix = "let the integration call the alias: its ARN in place of the function's (Terraform: its `invoke_arn`), then deploy";
    let finding = |calling: &Calling| {
        let (check, arn) = (format!("integration {}", calling.route), calling.arn.as_deref()?);
        if arn.contains("${") {
            let detail = format!("calls `{arn}`, and the stage has no such variable");
            return Some(Finding::problem(subject, &check, detail, "set the variable, or name the alias itself"));
        }
        let called = contract.functions.values().find_map(|function| {
            let rest = arn.strip_prefix(&function_arn(contract, &function.name))?;
            (rest.is_empty() || rest.starts_with(':')).then_some((function, rest.trim_start_matches(':')))
        });
        Some(match called {
            Some((function, alias)) if alias == function.alias => {
                Finding::ok(subject, &check, format!("calls `{}:{alias}`", function.name))
            }
            Some((function, "" | "$LATEST")) => {
                let detail = format!("calls `{}` without an alias: every upload goes live at once", function.name);
                Finding::problem(subject, &check, detail, fix)
            }
            Some((function, other)) => {
                let detail = format!("calls `{}:{other}`: releases move alias `{}`", function.name, function.alias);
                Finding::problem(subject, &check, detail, fix)
            }
            None => Finding::problem(subject, &check, format!("calls `{arn}`, which the contract does not name"), fix),
        })
    };
    all.iter().filter_map(finding).collect()
}
