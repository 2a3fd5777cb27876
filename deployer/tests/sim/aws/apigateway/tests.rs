//! Rules that no recorded sequence shows: delays, snapshots, refusals.

use serde_json::{Value, json};

use super::recorded::{moment, patches, request};
use super::*;

const MILLISECOND: Duration = Duration::from_millis(1);

fn gateway() -> (ApiGateway, String) {
    let mut gateway = ApiGateway::new("111111111111", "eu-west-1");
    gateway.rules.rates = Rates::off();
    let uri = gateway.lambda_uri("visits", "live");
    let api = gateway.create_api("counter", Definition::of(vec![Route::lambda("GET", "/count", &uri)]));
    let deployment = gateway.deploy(&api, "", Duration::ZERO);
    gateway.create_stage(&api, "dev", &deployment, &[("deployment", &deployment)]);
    (gateway, api)
}

fn call(gateway: &mut ApiGateway, moment: &mut Moment, line: &str, body: &Value) -> (u16, Value) {
    let reply = gateway.handle(&request(line, body), moment).unwrap();
    (reply.status, serde_json::from_slice(&reply.body).unwrap_or(Value::Null))
}

/// A new deployment, and a stage for it.
fn moved(gateway: &mut ApiGateway, api: &str, moment: &mut Moment) -> String {
    let (_, made) = call(gateway, moment, &format!("POST /restapis/{api}/deployments"), &json!({"description": "2"}));
    let id = made["id"].as_str().unwrap().to_owned();
    let body = patches(&[("replace", "/deploymentId", &id), ("replace", "/variables/deployment", &id)]);
    let (status, stage) = call(gateway, moment, &format!("PATCH /restapis/{api}/stages/dev"), &body);
    assert_eq!((status, &stage["deploymentId"]), (200, &json!(id)), "the response is the stage after the change");
    id
}

#[test]
fn a_read_may_be_stale_but_never_shows_half_a_change() {
    let ((mut gateway, api), mut moment) = (gateway(), moment());
    let new = moved(&mut gateway, &api, &mut moment);
    let line = format!("GET /restapis/{api}/stages/dev");
    let mut seen = BTreeMap::new();
    for _ in 0..100 {
        let (_, stage) = call(&mut gateway, &mut moment, &line, &Value::Null);
        assert_eq!(stage["deploymentId"], stage["variables"]["deployment"]);
        *seen.entry(stage["deploymentId"] == new).or_insert(0) += 1;
    }
    assert!(seen[&true] > 20 && seen[&false] > 20, "{seen:?}");
    moment.now += gateway.rules.read_lag;
    assert!((0..100).all(|_| call(&mut gateway, &mut moment, &line, &Value::Null).1["deploymentId"] == new));
}

#[test]
fn a_deployment_is_a_snapshot_and_a_listing_is_current() {
    let ((mut gateway, api), mut moment) = (gateway(), moment());
    let old = gateway.stage(&api, "dev").deployment.clone();
    gateway.change_definition(&api, |definition| definition.routes.push(Route::new("GET", "/new", Integration::Mock)));
    let new = moved(&mut gateway, &api, &mut moment);
    let routes = |id: &str| gateway.frozen(&api, id).unwrap().routes.len();
    assert_eq!((routes(&old), routes(&new)), (1, 2));
    assert_eq!(gateway.moves(&api, "dev"), [(moment.now, new.clone())]);
    assert_eq!(gateway.deployments(&api), [(old, String::new()), (new, "2".to_owned())]);
}

#[test]
fn an_update_changes_everything_or_nothing() {
    let ((mut gateway, api), mut moment) = (gateway(), moment());
    let before = gateway.stage(&api, "dev").clone();
    let line = format!("PATCH /restapis/{api}/stages/dev");
    for wrong in
        [("replace", "/deploymentId", "none"), ("replace", "/variables/x", "a b"), ("move", "/description", "")]
    {
        let body = patches(&[("replace", "/variables/deployment", "none"), wrong]);
        let (status, _) = call(&mut gateway, &mut moment, &line, &body);
        assert_eq!((status, gateway.stage(&api, "dev")), (400, &before), "{wrong:?}");
    }
    assert!(gateway.moves(&api, "dev").is_empty());
    // Not an object, not JSON, no list: refused, and no panic.
    for odd in [json!(7), json!({"patchOperations": 7}), Value::Null] {
        assert_eq!(call(&mut gateway, &mut moment, &line, &odd).0, 400);
    }
}

#[test]
fn the_deployment_of_a_canary_is_not_deleted() {
    let ((mut gateway, api), mut moment) = (gateway(), moment());
    let other = gateway.deploy(&api, "canary", Duration::ZERO);
    let canary = Canary { deployment: other.clone(), percent: 10.0, ..Canary::default() };
    gateway.change_stage((&api, "dev"), moment.now, |state| state.canary = Some(canary));
    let delete = format!("DELETE /restapis/{api}/deployments/{other}");
    assert_eq!(call(&mut gateway, &mut moment, &delete, &Value::Null).0, 400);
    gateway.change_stage((&api, "dev"), moment.now, |state| state.canary = None);
    assert_eq!(call(&mut gateway, &mut moment, &delete, &Value::Null).0, 202);
}

#[test]
fn every_item_is_on_one_page() {
    let ((mut gateway, api), mut moment) = (gateway(), moment());
    let ids: BTreeSet<String> = (0..7).map(|_| gateway.deploy(&api, "", MILLISECOND)).collect();
    gateway.rules.page = 3;
    let (mut found, mut pages, mut position) = (Vec::new(), 0, String::new());
    loop {
        let line = format!("GET /restapis/{api}/deployments?limit=500{position}");
        let (_, page) = call(&mut gateway, &mut moment, &line, &Value::Null);
        found.extend(page["item"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        pages += 1;
        let Some(next) = page["position"].as_str() else { break };
        position = format!("&position={next}");
    }
    assert_eq!((pages, found.len()), (3, 8));
    assert!(ids.is_subset(&found.into_iter().collect()));
    let wrong = format!("GET /restapis/{api}/deployments?position=x");
    assert_eq!(call(&mut gateway, &mut moment, &wrong, &Value::Null).0, 400);
}

#[test]
fn an_operation_that_is_not_simulated_has_no_name() {
    let (mut gateway, api) = gateway();
    for line in [
        format!("DELETE /restapis/{api}"),
        format!("GET /restapis/{api}/dev/_user_request_/count"),
        "GET /2015-03-31/functions/visits".to_owned(),
    ] {
        assert_eq!(name(&request(&line, &Value::Null)), None);
        assert_eq!(gateway.handle(&request(&line, &Value::Null), &mut moment()), None, "{line}");
    }
}
