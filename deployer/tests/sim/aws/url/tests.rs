//! Visits that no recorded sequence has: propagation, permissions, limits, domains.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::super::apigateway::{ApiGateway, Canary, Definition, GatewayResponse, Integration, Rates, Route};
use super::super::wire::{Moment, Reply, Request};
use super::{Backend, Invoked, is_visit, visit};

/// Functions that say by which deployment they were called, and allow what begins so.
struct Functions {
    exist: BTreeSet<String>,
    allow: &'static str,
    fail: Option<Invoked>,
    asked: std::cell::RefCell<Vec<String>>,
}

impl Backend for Functions {
    fn invoke(&mut self, function: &str, qualifier: &str, event: &Value, _: &mut Moment) -> Invoked {
        if !self.exist.contains(&format!("{function}:{qualifier}")) {
            return Invoked::Missing;
        }
        let (variable, deployment) = (&event["stageVariables"]["deployment"], &event["requestContext"]["deploymentId"]);
        let body = json!({"variable": variable, "deployment": deployment, "alias": qualifier}).to_string();
        self.fail.clone().unwrap_or_else(|| Invoked::Payload(json!({"statusCode": 200, "body": body})))
    }

    fn permits(&self, _: &str, _: &str, source_arn: &str) -> bool {
        self.asked.borrow_mut().push(source_arn.to_owned());
        source_arn.starts_with(self.allow)
    }
}

struct World {
    gateway: ApiGateway,
    functions: Functions,
    moment: Moment,
    api: String,
    old: String,
}

impl World {
    fn new() -> Self {
        let mut gateway = ApiGateway::new("111111111111", "eu-west-1");
        gateway.rules.rates = Rates::off();
        let uri = gateway.lambda_uri("visits", "${stageVariables.alias}");
        let routes = vec![
            Route::lambda("GET", "/count", &uri),
            Route::lambda("GET", "/users/{id}", &uri).with_role("arn:aws:iam::111111111111:role/gateway"),
            Route::lambda("GET", "/users/{id}/visits", &uri),
        ];
        let api = gateway.create_api("counter", Definition::of(routes));
        let old = gateway.deploy(&api, "", Duration::ZERO);
        gateway.create_stage(&api, "dev", &old, &[("deployment", &old), ("alias", "live")]);
        let functions = Functions {
            exist: ["visits:live".to_owned()].into(),
            allow: "arn:aws:execute-api:eu-west-1:111111111111:",
            fail: None,
            asked: std::cell::RefCell::default(),
        };
        let chance = fastrand::Rng::with_seed(3);
        let moment = Moment { now: Duration::from_secs(60), epoch: jiff::Timestamp::UNIX_EPOCH, chance };
        Self { gateway, functions, moment, api, old }
    }

    fn sends(&mut self, host: &str, path: &str) -> Reply {
        let request = Request {
            method: "GET".to_owned(),
            host: host.to_owned(),
            path: path.to_owned(),
            query: Vec::new(),
            headers: BTreeMap::new(),
            body: Vec::new(),
        };
        assert!(is_visit(&self.gateway, &request));
        visit(&mut self.gateway, &mut self.functions, &request, &mut self.moment)
    }

    fn get(&mut self, path: &str) -> Reply {
        let host = format!("{}.execute-api.eu-west-1.amazonaws.com", self.api);
        self.sends(&host, &format!("/dev{path}"))
    }

    /// The deployment that served a visit.
    fn served(&mut self) -> String {
        let reply = self.get("/count");
        assert_eq!(reply.status, 200);
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(body["variable"], body["deployment"], "the variable moves with the deployment");
        body["deployment"].as_str().unwrap().to_owned()
    }

    /// Freezes the definition, and makes the stage serve it.
    fn moves(&mut self) -> String {
        let new = self.gateway.deploy(&self.api, "", self.moment.now);
        self.gateway.change_stage((&self.api, "dev"), self.moment.now, |state| {
            state.deployment.clone_from(&new);
            state.variables.insert("deployment".to_owned(), new.clone());
        });
        new
    }
}

fn code(reply: &Reply) -> (u16, &str) {
    let code = reply.headers.iter().find(|(name, _)| name == "x-amzn-errortype");
    (reply.status, code.map_or("", |(_, code)| code.as_str()))
}

const BROKEN: &str = "InternalServerErrorException";
const FORBIDDEN: (u16, &str) = (403, "ForbiddenException");

#[test]
fn for_a_while_the_old_or_the_new_deployment_is_served() {
    let mut world = World::new();
    let (old, new) = (world.old.clone(), world.moves());
    let seen: Vec<String> = (0..60).map(|_| world.served()).collect();
    let flips = seen.windows(2).filter(|pair| pair[0] == new && pair[1] == old).count();
    assert!(flips > 3, "{flips}");
    world.moment.now += world.gateway.rules.propagation;
    assert!((0..60).all(|_| world.served() == new));
}

#[test]
fn a_route_is_served_only_by_a_deployment_that_has_it() {
    let mut world = World::new();
    let uri = world.gateway.lambda_uri("visits", "live");
    let api = world.api.clone();
    world.gateway.change_definition(&api, |definition| definition.routes.push(Route::lambda("GET", "/new", &uri)));
    assert_eq!(code(&world.get("/new")), (403, "MissingAuthenticationTokenException"));
    world.moves();
    world.moment.now += world.gateway.rules.propagation;
    assert_eq!(code(&world.get("/new")), (200, ""));
}

#[test]
fn the_stage_variable_names_the_alias() {
    let mut world = World::new();
    let path = (world.api.clone(), "dev");
    for (alias, expected) in [("live", (200, "")), ("gone", (500, BROKEN)), ("", (500, BROKEN))] {
        let now = world.moment.now;
        world.gateway.change_stage((&path.0, path.1), now, |state| {
            state.variables.insert("alias".to_owned(), alias.to_owned());
        });
        world.moment.now += world.gateway.rules.propagation;
        assert_eq!(code(&world.get("/count")), expected, "{alias}");
    }
}

#[test]
fn the_function_must_permit_the_route_unless_a_role_calls_it() {
    let mut world = World::new();
    world.functions.allow = "arn:aws:execute-api:elsewhere";
    assert_eq!(code(&world.get("/users/7/visits")), (500, BROKEN));
    assert_eq!(code(&world.get("/users/7")), (200, ""));
    let api = &world.api;
    let asked = format!("arn:aws:execute-api:eu-west-1:111111111111:{api}/dev/GET/users/*/visits");
    assert_eq!(*world.functions.asked.borrow(), [asked]);
}

#[test]
fn a_failed_function_is_502_and_a_throttled_one_500() {
    let mut world = World::new();
    for (failure, status) in [(Invoked::FunctionError, 502), (Invoked::Throttled, 500), (Invoked::Missing, 500)] {
        world.functions.fail = Some(failure);
        assert_eq!(code(&world.get("/count")), (status, BROKEN));
    }
}

#[test]
fn limits_and_the_firewall_refuse_before_the_function() {
    let mut world = World::new();
    let (api, now) = (world.api.clone(), world.moment.now);
    world.gateway.change_stage((&api, "dev"), now, |state| state.limit(3, 1.0));
    world.moment.now += world.gateway.rules.propagation;
    let passed = (0..9).filter(|_| world.get("/count").status == 200).count();
    assert_eq!((passed, code(&world.get("/count"))), (3, (429, "TooManyRequestsException")));
    world.moment.now += Duration::from_secs(1);
    assert_eq!(world.get("/count").status, 200);
    world.gateway.knobs(&api, "dev").firewall = 1.0;
    let reply = world.get("/count");
    assert_eq!((code(&reply), reply.body.as_slice()), (FORBIDDEN, &b"{\"message\":\"Forbidden\"}"[..]));
}

#[test]
fn a_disabled_default_endpoint_leaves_the_custom_domain() {
    let mut world = World::new();
    let api = world.api.clone();
    world.gateway.map_domain("count.example.com", "v1", (&api, "dev"));
    world.gateway.change_definition(&api, |definition| definition.disable_execute_api_endpoint = true);
    assert_eq!(code(&world.get("/count")), (200, ""), "it needs a deployment");
    world.moves();
    world.moment.now += world.gateway.rules.propagation;
    assert_eq!(code(&world.get("/count")), FORBIDDEN);
    assert_eq!(code(&world.sends("count.example.com", "/v1/count")), (200, ""));
    assert_eq!(code(&world.sends("count.example.com", "/v2/count")), FORBIDDEN);
}

#[test]
fn the_local_form_of_the_url_is_the_same_stage() {
    let mut world = World::new();
    let api = world.api.clone();
    assert_eq!(code(&world.sends("127.0.0.1", &format!("/restapis/{api}/dev/_user_request_/count"))), (200, ""));
    assert_eq!(code(&world.sends("127.0.0.1", &format!("/restapis/{api}/prod/_user_request_/count"))), FORBIDDEN);
    assert_eq!(code(&world.sends("none.execute-api.eu-west-1.amazonaws.com", "/dev/count")), FORBIDDEN);
}

#[test]
fn a_canary_gets_its_share_with_its_own_variables() {
    let mut world = World::new();
    let new = world.gateway.deploy(&world.api, "", world.moment.now);
    let variables = [("deployment".to_owned(), new.clone())].into();
    let canary = Canary { deployment: new.clone(), percent: 25.0, variables, use_cache: false };
    let (api, now) = (world.api.clone(), world.moment.now);
    world.gateway.change_stage((&api, "dev"), now, |state| state.canary = Some(canary));
    world.moment.now += world.gateway.rules.propagation;
    let met = (0..400).filter(|_| world.served() == new).count();
    assert!((60..140).contains(&met), "{met}");
}

#[test]
fn a_cached_response_outlives_a_switch_of_the_stage() {
    let mut world = World::new();
    let (api, now) = (world.api.clone(), world.moment.now);
    world.gateway.change_stage((&api, "dev"), now, |state| state.cache(60));
    world.moment.now += world.gateway.rules.propagation;
    let old = world.served();
    let new = world.moves();
    world.moment.now += world.gateway.rules.propagation;
    assert_eq!(world.served(), old);
    world.moment.now += Duration::from_secs(60);
    assert_eq!(world.served(), new);
}

#[test]
fn a_gateway_response_of_the_definition_is_frozen_with_it() {
    let mut world = World::new();
    let set = GatewayResponse {
        kind: "DEFAULT_4XX".to_owned(),
        status: Some(404),
        headers: vec![("x-own".to_owned(), "1".to_owned())],
        template: Some("{\"why\":$context.error.messageString}".to_owned()),
    };
    let api = world.api.clone();
    world.gateway.change_definition(&api, |definition| definition.gateway_responses.push(set));
    assert_eq!(world.get("/none").status, 403);
    world.moves();
    world.moment.now += world.gateway.rules.propagation;
    let reply = world.get("/none");
    assert_eq!((reply.status, reply.body.as_slice()), (404, &b"{\"why\":\"Missing Authentication Token\"}"[..]));
}

#[test]
fn a_request_without_a_required_signature_or_token_is_refused() {
    let mut world = World::new();
    let api = world.api.clone();
    let route = |path: &str, kind: &str| Route::new("GET", path, Integration::Mock).authorized_by(kind);
    world.gateway.change_definition(&api, |definition| {
        definition.routes = vec![route("/signed", "AWS_IAM"), route("/token", "CUSTOM")];
    });
    world.moves();
    world.moment.now += world.gateway.rules.propagation;
    assert_eq!(code(&world.get("/signed")), (403, "MissingAuthenticationTokenException"));
    assert_eq!(code(&world.get("/token")), (401, "UnauthorizedException"));
}
