//! The method of a definition that a visit is for, and what the method calls.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::apigateway::{Definition, Integration, Route};

/// A method that was found, and the path's parameters.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found<'a> {
    pub(super) route: &'a Route,
    pub(super) parameters: Map<String, Value>,
}

/// The method of the most specific resource that has the path: text before `{parameter}` before `{proxy+}`. The resource
/// is chosen first: where it lacks the method, a less specific one does not step in.
pub(super) fn find<'a>(definition: &'a Definition, method: &str, path: &str) -> Option<Found<'a>> {
    let path = path.strip_prefix('/').unwrap_or(path);
    // A slash at the end is not looked at, two in a row inside of the path are.
    let segments: Vec<&str> = path.strip_suffix('/').unwrap_or(path).split('/').collect();
    let matching = definition.routes.iter().filter_map(|route| Some((matched(&route.path, &segments)?, route)));
    let mut found: Vec<_> = matching.collect();
    found.sort_by(|((one, _), _), ((other, _), _)| one.cmp(other));
    let best = found.first()?.1.path.clone();
    let of_it = |verb: &str| found.iter().find(|(_, route)| route.path == best && route.method == verb);
    let ((_, parameters), route) = of_it(method).or_else(|| of_it("ANY"))?;
    Some(Found { route, parameters: parameters.clone() })
}

/// How specific a match is (less is more), and the path's parameters as they were sent; `None` if it is none.
fn matched(template: &str, segments: &[&str]) -> Option<(Vec<u8>, Map<String, Value>)> {
    let (mut rank, mut parameters) = (Vec::new(), Map::new());
    let template = template.strip_prefix('/').unwrap_or(template);
    let parts: Vec<&str> = template.split('/').collect();
    for (index, part) in parts.iter().enumerate() {
        let segment = segments.get(index)?;
        let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        match name.map(|name| name.strip_suffix('+').ok_or(name)) {
            None if part == segment => rank.push(0),
            None => return None,
            // A parameter has to have a value.
            Some(_) if segment.is_empty() => return None,
            Some(Err(name)) => {
                rank.push(1);
                parameters.insert(name.to_owned(), json!(segment));
            }
            Some(Ok(name)) => {
                rank.push(2);
                parameters.insert(name.to_owned(), json!(segments[index..].join("/")));
                return Some((rank, parameters));
            }
        }
    }
    (parts.len() == segments.len()).then_some((rank, parameters))
}

/// The function that an integration calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) function: String,
    /// An alias or a version; empty if there is none.
    pub(super) qualifier: String,
    /// Whether a role calls it, which needs no permission of the function's.
    pub(super) by_role: bool,
}

impl Target {
    /// Takes `arn:aws:lambda:REGION:ACCOUNT:function:NAME:QUALIFIER` out of the integration's address. A stage variable
    /// that there is not is nothing.
    pub(super) fn of(integration: &Integration, variables: &BTreeMap<String, String>) -> Option<Self> {
        let Integration::Lambda { uri, role } = integration else { return None };
        let uri = with_variables(uri, variables);
        let arn = uri.split_once("/functions/")?.1.strip_suffix("/invocations")?;
        let parts: Vec<&str> = arn.split(':').collect();
        let (function, qualifier) = match parts.as_slice() {
            ["arn", _, "lambda", _, _, "function", function] => (*function, ""),
            ["arn", _, "lambda", _, _, "function", function, qualifier] => (*function, *qualifier),
            _ => return None,
        };
        // A qualifier that is not there after its colon makes an ARN that Lambda does not take.
        let whole = !function.is_empty() && !arn.ends_with(':');
        whole.then(|| Self { function: function.to_owned(), qualifier: qualifier.to_owned(), by_role: role.is_some() })
    }
}

fn with_variables(uri: &str, variables: &BTreeMap<String, String>) -> String {
    const BEGIN: &str = "${stageVariables.";
    let (mut whole, mut rest) = (String::new(), uri);
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let Some((name, behind)) = after.split_once('}') else { break };
        whole.push_str(before);
        whole.push_str(variables.get(name).map_or("", String::as_str));
        rest = behind;
    }
    whole + rest
}

/// The source ARN that API Gateway uses for the function: `*` for a parameter of the path.
pub(super) fn source_path(path: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { "*" } else { part }).collect::<Vec<_>>().join("/")
}
