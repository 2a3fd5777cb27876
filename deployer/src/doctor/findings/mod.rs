//! Facts -> findings. Pure: no clock, no I/O.

mod alarms;
mod api;
mod callers;
mod checks;
mod concurrency;
mod event_sources;
mod function;
mod http;
mod ledger;
mod own;
mod routes;
#[cfg(test)]
mod sample;

use super::Finding;
use super::facts::{Fact, Facts, Unread};
use crate::ledger::LedgerState;

/// Everything that is to be said of an environment.
pub(super) fn find(facts: &Facts) -> Vec<Finding> {
    let mut findings = ledger::find(facts);
    if let (Ok(state), Some(named)) = (&facts.ledger, &facts.named) {
        let routes = routes::of(named, &state.contract);
        for (key, function) in &named.functions {
            findings.extend(function::find(key, function, state));
            findings.extend(function::package(function, facts.asked.functions.get(key)));
            findings.extend(http::url(function));
            findings.extend(event_sources::find(function, &state.contract));
            findings.extend(callers::find(function, &state.contract, routes.as_ref()));
        }
        findings.extend(routes.iter().flat_map(|routes| routes::find(routes, &state.contract)));
        findings.extend(named.http_api.as_ref().and_then(|api| http::api(api, state)));
        if let Some(api) = &named.api {
            findings.extend(api::find(api, state));
            findings.extend(concurrency::find(named, api));
        }
        findings.extend(checks::find(named, state));
        findings.extend(alarms::find(&named.alarms, &state.contract));
        findings.extend(own::find(facts, named, &state.contract));
    }
    findings
}

/// What was read, or that it could not be.
fn known<'a, T>(fact: &'a Fact<T>, subject: &str, check: &str) -> Result<&'a T, Finding> {
    fact.as_ref().map_err(|unread| unknown(unread, subject, check))
}

fn unknown(unread: &Unread, subject: &str, check: &str) -> Finding {
    Finding::not_checked(subject, check, &unread.why, &unread.fix)
}

/// A difference from the ledger is drift, unless a release is moving things, or was left in the middle of it.
fn drift(state: &LedgerState, subject: &str, check: &str, detail: &str) -> Finding {
    match state.unfinished() {
        None => {
            let left = state.live.as_ref().map_or_else(String::new, |live| format!(" to what release {live} left"));
            Finding::problem(
                subject,
                check,
                format!("drift: {detail}"),
                format!(
                    "it was moved without the deployer: move it back{left}, or record it with `deploy --adopt` as a release, which `rollback` can restore later"
                ),
            )
        }
        Some(release) => Finding::warning(
            subject,
            check,
            format!("{detail}; release {release} is under way, or was left unfinished"),
            "run this again when it has ended",
        ),
    }
}
