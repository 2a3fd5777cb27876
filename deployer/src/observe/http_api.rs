//! An HTTP API as it is: the routes, and what of them a check meets.

use crate::aws::{HttpRoute, HttpStage};
use crate::config::Request;
use crate::ledger::HttpApi;

use super::definition::needed;
use super::route::{Matched, find};

/// The route that takes whatever no other one takes.
const ANYTHING: &str = "$default";

/// The HTTP API as it is.
#[derive(Debug, Clone)]
pub struct ObservedHttpApi {
    /// What the contract says of it.
    pub resource: HttpApi,
    /// Its stage.
    pub stage: HttpStage,
    /// Its routes.
    pub routes: Vec<HttpRoute>,
}

impl ObservedHttpApi {
    /// One that only the contract describes so far.
    pub fn unread(resource: &HttpApi) -> Self {
        let anything = HttpRoute { key: ANYTHING.to_owned(), ..HttpRoute::default() };
        Self { resource: resource.clone(), stage: HttpStage::default(), routes: vec![anything] }
    }

    /// The route that takes a request, with the parameters of its path. Unlike with REST, a route of another method is never
    /// in the way of a less specific one, and `$default` takes the rest
    /// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>).
    pub fn route(&self, request: &Request) -> Option<(&HttpRoute, Matched<'_>)> {
        let path = request.bare_path();
        let takes = |route: &&HttpRoute| {
            let verb = route.key.split_once(' ').map(|(verb, _)| verb);
            verb.is_some_and(|verb| verb == request.method || verb == "ANY")
        };
        let keys = self.routes.iter().filter(takes).map(|route| &route.key);
        let of = |key: &str| self.routes.iter().find(|route| route.key == key);
        match find(keys, &request.method, path) {
            Some(matched) => Some((of(matched.route)?, matched)),
            None => {
                let route = of(ANYTHING)?;
                Some((route, Matched { route: &route.key, parameters: std::collections::BTreeMap::new() }))
            }
        }
    }

    /// Why a response through the URL would not be the function's, if so.
    pub fn obstacle(&self, request: &Request) -> Option<String> {
        let (route, _) = self.route(request)?;
        needed(&route.authorization, false).map(|needed| format!("it needs {needed}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api() -> ObservedHttpApi {
        let resource = serde_json::from_value(serde_json::json!({"id": "h", "url": "https://h.example"})).unwrap();
        let keys = ["GET /orders/{id}", "POST /orders/{id}", "GET /orders/new", "ANY /{proxy+}", ANYTHING];
        let routes = keys.map(|key| HttpRoute { key: key.to_owned(), ..HttpRoute::default() });
        ObservedHttpApi { resource, stage: HttpStage::default(), routes: routes.into() }
    }

    fn taken(request: &str) -> String {
        let api = api();
        let (route, matched) = api.route(&Request::try_from(request.to_owned()).unwrap()).unwrap();
        let parameters: Vec<_> = matched.parameters.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        format!("{}{}", route.key, parameters.concat())
    }

    #[test]
    fn the_most_specific_route_wins_and_the_default_takes_the_rest() {
        assert_eq!(taken("GET /orders/7?deep=1"), "GET /orders/{id} id=7");
        assert_eq!(taken("GET /orders/new"), "GET /orders/new");
        assert_eq!(taken("POST /orders/new"), "POST /orders/{id} id=new");
        assert_eq!(taken("DELETE /orders/new"), "ANY /{proxy+} proxy=orders/new");
        assert_eq!(taken("GET /"), "$default");
    }

    #[test]
    fn a_route_that_not_everybody_may_call_is_an_obstacle() {
        let mut api = api();
        let request = Request::try_from("GET /orders/new".to_owned()).unwrap();
        assert_eq!(api.obstacle(&request), None);
        for (authorization, expected) in [("AWS_IAM", "an IAM signature"), ("JWT", "a token for its authorizer")] {
            api.routes[2].authorization = authorization.to_owned();
            assert_eq!(api.obstacle(&request), Some(format!("it needs {expected}")));
        }
    }
}
