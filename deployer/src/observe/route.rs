//! Which route of an API a request is for. Pure.
//!
//! The resource is chosen first: text before `{parameter}` before `{proxy+}`; then its method, or `ANY`
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-settings-method-request.html>).

use std::collections::BTreeMap;

/// A route, and the parameters that a request's path gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched<'a> {
    /// As `GET /orders/{id}`.
    pub route: &'a str,
    /// The path's parameters as they were sent.
    pub parameters: BTreeMap<&'a str, String>,
}

impl<'a> Matched<'a> {
    /// The path with its placeholders.
    pub fn path(&self) -> &'a str {
        self.route.split_once(' ').map_or(self.route, |(_, path)| path)
    }
}

/// The route among `routes` that takes a request; `path` has no query.
pub fn find<'a>(routes: impl IntoIterator<Item = &'a String>, method: &str, path: &str) -> Option<Matched<'a>> {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let mut found: Vec<_> = routes
        .into_iter()
        .filter_map(|route| {
            let (verb, template) = route.split_once(' ')?;
            let (rank, parameters) = matched(template, &segments)?;
            Some(((rank, template, verb == "ANY"), verb, Matched { route, parameters }))
        })
        .collect();
    found.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    let best = found.first()?.2.path().to_owned();
    let takes = |verb: &str| verb == method || verb == "ANY";
    found.into_iter().find(|(_, verb, found)| found.path() == best && takes(verb)).map(|(.., found)| found)
}

/// How specific a match is, less is more, with the path's parameters; none if it is not one.
fn matched<'a>(template: &'a str, segments: &[&str]) -> Option<(Vec<u8>, BTreeMap<&'a str, String>)> {
    let (mut rank, mut parameters) = (Vec::new(), BTreeMap::new());
    let parts: Vec<&str> = template.trim_matches('/').split('/').collect();
    for (index, part) in parts.iter().enumerate() {
        let segment = *segments.get(index)?;
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            None if *part == segment => rank.push(0),
            // A parameter has to have a value.
            None => return None,
            Some(_) if segment.is_empty() => return None,
            Some(name) => match name.strip_suffix('+') {
                None => {
                    rank.push(1);
                    parameters.insert(name, segment.to_owned());
                }
                Some(name) => {
                    rank.push(2);
                    parameters.insert(name, segments[index..].join("/"));
                    return Some((rank, parameters));
                }
            },
        }
    }
    (parts.len() == segments.len()).then_some((rank, parameters))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(request: &str) -> Option<String> {
        let routes = ["GET /", "GET /orders/{id}", "POST /orders/{id}", "GET /orders/new", "ANY /files/{rest+}"];
        let routes = routes.map(str::to_owned);
        let (method, path) = request.split_once(' ').unwrap();
        let found = find(&routes, method, path)?;
        let parameters: Vec<_> = found.parameters.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        Some(format!("{}{}", found.route, parameters.concat()))
    }

    #[test]
    fn the_most_specific_resource_takes_a_request() {
        assert_eq!(found("GET /").unwrap(), "GET /");
        assert_eq!(found("GET /orders/7").unwrap(), "GET /orders/{id} id=7");
        assert_eq!(found("GET /orders/new").unwrap(), "GET /orders/new");
        assert_eq!(found("PUT /files/a/b").unwrap(), "ANY /files/{rest+} rest=a/b");
    }

    #[test]
    fn a_less_specific_route_does_not_replace_a_missing_method() {
        for request in ["POST /orders/new", "GET /orders", "GET /orders/7/x", "GET /files", "GET /nothing"] {
            assert_eq!(found(request), None, "{request}");
        }
    }
}
