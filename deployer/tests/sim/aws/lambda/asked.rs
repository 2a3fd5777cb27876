//! The operation and the parts of a request.

use serde_json::Value;

use super::refusal::Refusal;
use crate::aws::wire::Request;

/// The parts that most operations have.
#[derive(Clone, Debug)]
pub(super) struct Asked<'a> {
    pub(super) function: String,
    /// A version or an alias; empty if there is none.
    pub(super) qualifier: String,
    /// The alias that the path names; else empty.
    pub(super) alias: String,
    /// The body of what is JSON by its operation.
    pub(super) body: Value,
    pub(super) request: &'a Request,
}

/// The name of an operation; nothing for a request that is none of Lambda's.
pub(crate) fn name(request: &Request) -> Option<&'static str> {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    Some(match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["2016-08-19", "account-settings"]) => "GetAccountSettings",
        ("GET", ["2015-03-31", "event-source-mappings"]) => "ListEventSourceMappings",
        ("GET", ["2015-03-31", "functions", _]) => "GetFunction",
        ("DELETE", ["2015-03-31", "functions", _]) => "DeleteFunction",
        ("POST", ["2015-03-31", "functions"]) => "CreateFunction",
        ("GET", ["2015-03-31", "functions"]) => "ListFunctions",
        ("PUT", ["2015-03-31", "functions", _, "code"]) => "UpdateFunctionCode",
        ("GET", ["2015-03-31", "functions", _, "configuration"]) => "GetFunctionConfiguration",
        ("PUT", ["2015-03-31", "functions", _, "configuration"]) => "UpdateFunctionConfiguration",
        ("POST", ["2015-03-31", "functions", _, "versions"]) => "PublishVersion",
        ("GET", ["2015-03-31", "functions", _, "versions"]) => "ListVersionsByFunction",
        ("POST", ["2015-03-31", "functions", _, "invocations"]) => "Invoke",
        ("POST", ["2015-03-31", "functions", _, "aliases"]) => "CreateAlias",
        ("GET", ["2015-03-31", "functions", _, "aliases"]) => "ListAliases",
        ("GET", ["2015-03-31", "functions", _, "aliases", _]) => "GetAlias",
        ("PUT", ["2015-03-31", "functions", _, "aliases", _]) => "UpdateAlias",
        ("DELETE", ["2015-03-31", "functions", _, "aliases", _]) => "DeleteAlias",
        ("GET", ["2015-03-31", "functions", _, "policy"]) => "GetPolicy",
        ("POST", ["2015-03-31", "functions", _, "policy"]) => "AddPermission",
        ("DELETE", ["2015-03-31", "functions", _, "policy", _]) => "RemovePermission",
        ("GET", ["2019-09-30", "functions", _, "concurrency"]) => "GetFunctionConcurrency",
        ("PUT", ["2017-10-31", "functions", _, "concurrency"]) => "PutFunctionConcurrency",
        ("DELETE", ["2017-10-31", "functions", _, "concurrency"]) => "DeleteFunctionConcurrency",
        ("GET", ["2019-09-30", "functions", _, "provisioned-concurrency"]) => {
            match request.asked("List").is_some_and(|list| list == "ALL") {
                true => "ListProvisionedConcurrencyConfigs",
                false => "GetProvisionedConcurrencyConfig",
            }
        }
        ("PUT", ["2019-09-30", "functions", _, "provisioned-concurrency"]) => "PutProvisionedConcurrencyConfig",
        ("DELETE", ["2019-09-30", "functions", _, "provisioned-concurrency"]) => "DeleteProvisionedConcurrencyConfig",
        ("GET", ["2021-10-31", "functions", _, "url"]) => "GetFunctionUrlConfig",
        _ => return None,
    })
}

impl<'a> Asked<'a> {
    pub(super) fn of(request: &'a Request) -> Result<Self, Refusal> {
        let mut segments = request.segments().into_iter().skip(2);
        let named = segments.next().unwrap_or_default();
        let (function, own) = split(&named);
        if !named.is_empty() && !function.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
            return Err(Refusal::validation(&named, "functionName", "Member must satisfy regular expression pattern"));
        }
        let given = request.asked("Qualifier").unwrap_or_default();
        if !own.is_empty() && !given.is_empty() && own != given {
            let message = "The derived qualifier from the function name does not match the specified qualifier.";
            return Err(Refusal::invalid(message));
        }
        let qualifier = if given.is_empty() { own } else { given.to_owned() };
        if !qualifier.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_$".contains(&byte)) {
            let pattern = r"Member must satisfy regular expression pattern: \$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+";
            return Err(Refusal::validation(&qualifier, "qualifier", pattern));
        }
        let alias = if segments.next().as_deref() == Some("aliases") { segments.next() } else { None };
        let body = if named_json(request) { request.json() } else { Value::Null };
        Ok(Self { function, qualifier, alias: alias.unwrap_or_default(), body, request })
    }

    /// A text of the body.
    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.body[field].as_str()
    }

    /// How much a page of a listing may hold, and where it begins.
    pub(super) fn page(&self, most: usize) -> Result<(usize, usize), Refusal> {
        let wanted = match self.request.asked("MaxItems").map(|text| (text, text.parse::<usize>())) {
            None => most,
            Some((_, Ok(wanted @ 1..=10_000))) => wanted.min(most),
            Some((text, _)) => {
                let constraint = "Member must have value greater than or equal to 1";
                return Err(Refusal::validation(text, "maxItems", constraint));
            }
        };
        let from = match self.request.asked("Marker").filter(|marker| !marker.is_empty()) {
            None => 0,
            Some(marker) => marker.strip_prefix("from-").and_then(|from| from.parse().ok()).ok_or_else(|| {
                Refusal::invalid("Invalid value for parameter 'Marker'. It is not what a page before gave.")
            })?,
        };
        Ok((wanted, from))
    }
}

/// Where the next page begins.
pub(super) fn marker(from: usize) -> String {
    format!("from-{from}")
}

fn named_json(request: &Request) -> bool {
    name(request).is_some_and(|name| name != "Invoke")
}

/// A function by its name, its ARN or a part of it, with or without a qualifier.
fn split(named: &str) -> (String, String) {
    let rest = named.split_once("function:").map_or(named, |(_, rest)| rest);
    let (function, qualifier) = rest.split_once(':').unwrap_or((rest, ""));
    (function.to_owned(), qualifier.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_may_be_named_by_its_arn() {
        let pair = |text| split(text);
        assert_eq!(pair("arn:aws:lambda:us-east-1:111111111111:function:f:live"), ("f".to_owned(), "live".to_owned()));
        assert_eq!(pair("f:3"), ("f".to_owned(), "3".to_owned()));
        assert_eq!(pair("f"), ("f".to_owned(), String::new()));
    }
}
