//! A healthy environment for the tests, and how to find one finding.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::Finding;
use super::super::facts::{Api, Asked, Facts, Function, Named, Tried, Unread};
use super::super::questions::{Wanted, questions};
use super::find;
use crate::aws::{
    About, Alarm, AlarmState, Alias, Caller, Deployment, Readiness, Route, Settings, Stage, VersionState,
};
use crate::config::PackageType;
use crate::ledger::{Contract, Holder, LedgerState, Lock, MadeVersions, Release};

const ACCOUNT: &str = "111111111111";
const REGION: &str = "us-east-1";

/// Release 7 is live: version 5 of `f-dev`, deployment `d1`; `GET /count` calls it.
pub(super) fn facts() -> Facts {
    let parts = json!({"functions": {"f": {"version": "5", "code_sha256": "zip"}}, "deployment": "d1"});
    let live = json!({
        "number": 7, "kind": "deploy", "state": "live", "parts": parts, "previous_parts": parts, "previous": 6,
        "artifact": {"source_hash": "s", "functions": {"f": "s"}}, "definition": "def",
        "actor": "ada", "started_at": "now", "fencing_token": 3,
    });
    let live: Release = serde_json::from_value(live).unwrap();
    Facts {
        asked: Asked {
            app: "app".to_owned(),
            environment: "dev".to_owned(),
            region: REGION.to_owned(),
            ledger: "ledger".to_owned(),
            functions: BTreeMap::from([("f".to_owned(), PackageType::Zip)]),
        },
        caller: Ok(Caller { account: ACCOUNT.to_owned(), arn: format!("arn:aws:iam::{ACCOUNT}:role/deployer") }),
        ledger: Ok(LedgerState {
            contract: contract(),
            lock: Lock { fencing_token: 3, ..Lock::default() },
            last: Some(live.clone()),
            live: Some(live),
            made: MadeVersions::default(),
            caller: None,
        }),
        named: Some(named()),
    }
}

/// What the healthy environment's contract says.
pub(super) fn contract() -> Contract {
    let contract = json!({
        "environment": "dev", "account": ACCOUNT, "region": REGION, "alarms": ["f-dev-errors"],
        "functions": {"f": {"name": "f-dev", "alias": "live", "architecture": "x86_64"}},
        "api": {"kind": "rest", "id": "api1", "stage": "dev", "url": "u", "initial_deployment": "d0"},
    });
    serde_json::from_value(contract).unwrap()
}

/// The live version.
fn live() -> VersionState {
    VersionState {
        version: "5".to_owned(),
        code_sha256: "zip".to_owned(),
        revision: "r".to_owned(),
        description: String::new(),
        modified: String::new(),
        readiness: Readiness::Ready,
        settings: Settings::with("Architectures", "[\"x86_64\"]"),
    }
}

fn named() -> Named {
    let arn = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:f-dev:live");
    let uri = format!("arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations");
    let source = format!("arn:aws:execute-api:{REGION}:{ACCOUNT}:api1/dev/GET/count");
    let alias = Alias { version: "5".into(), weights: BTreeMap::new(), revision: "r".into(), description: "".into() };
    let function = Function {
        resource: contract().functions["f"].clone(),
        alias: Ok(alias),
        live: Ok(live()),
        policy: Ok(Some(json!({"Statement": [statement("s", &source)]}))),
        bare_policy: Ok(None),
        reserved: Ok(None),
        provisioned: Ok(None),
        event_sources: Ok(Vec::new()),
        url: None,
    };
    let (method, path) = ("GET".to_owned(), "/count".to_owned());
    let route = Route { method, path, uri: Some(uri), ..Route::default() };
    let stage = Stage { deployment: "d1".into(), mark: Some("d1".into()), burst: Some(50), ..Stage::default() };
    let deployment = |id: &str| Ok(Some(Deployment { id: id.into(), description: "".into(), created: None }));
    let alarm = Alarm {
        children: BTreeSet::new(),
        name: "f-dev-errors".to_owned(),
        state: AlarmState::Ok,
        reason: "3 datapoints".to_owned(),
        period_seconds: 60,
        evaluations: 1,
        dimensions: [("FunctionName", "f-dev"), ("Resource", "f-dev:live")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
    };
    let allowed = questions(&contract(), "ledger").into_iter().map(|asked| {
        let allowed = asked.wanted != Wanted::Never;
        ((asked.action.to_owned(), asked.resource), allowed)
    });
    Named {
        http_api: None,
        functions: [("f".to_owned(), function)].into(),
        api: Some(Api {
            resource: contract().rest().unwrap().clone(),
            about: Ok(About::default()),
            stage: Ok(stage),
            served: deployment("d1"),
            initial: Some(deployment("d0")),
            routes: Ok(vec![route]),
        }),
        alarms: Ok(vec![alarm]),
        permissions: Ok(allowed.collect()),
        checks: vec![Tried {
            name: "health".to_owned(),
            function: "f".to_owned(),
            response: Ok(Ok("GET /health -> 200".to_owned())),
            needed: None,
        }],
        unreserved: Ok(Some(1000)),
    }
}

/// A permission of API Gateway on the alias, limited to `source`.
pub(super) fn statement(name: &str, source: &str) -> Value {
    json!({
        "Sid": name, "Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"},
        "Action": "lambda:InvokeFunction", "Resource": format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:f-dev:live"),
        "Condition": {"ArnLike": {"AWS:SourceArn": source}},
    })
}

/// The only function.
pub(super) fn function(facts: &mut Facts) -> &mut Function {
    facts.named.as_mut().unwrap().functions.get_mut("f").unwrap()
}

/// The API.
pub(super) fn api(facts: &mut Facts) -> &mut Api {
    facts.named.as_mut().unwrap().api.as_mut().unwrap()
}

/// The only alarm.
pub(super) fn alarm(facts: &mut Facts) -> &mut Alarm {
    &mut facts.named.as_mut().unwrap().alarms.as_mut().unwrap()[0]
}

/// What was tried of the declared checks.
pub(super) fn checks(facts: &mut Facts) -> &mut Vec<Tried> {
    &mut facts.named.as_mut().unwrap().checks
}

/// The newest release.
pub(super) fn last(facts: &mut Facts) -> &mut Option<Release> {
    &mut facts.ledger.as_mut().unwrap().last
}

/// A run that has the lock.
pub(super) fn holder() -> Holder {
    let holder = json!({"id": "1", "actor": "ada", "command": "deploy dev", "since": "now"});
    serde_json::from_value(holder).unwrap()
}

/// AWS said no.
pub(super) fn denied() -> Unread {
    Unread { missing: false, why: "AccessDenied".to_owned(), fix: "give the role the action".to_owned() }
}

/// AWS responded that it does not exist.
pub(super) fn missing() -> Unread {
    Unread { missing: true, why: "ResourceNotFound".to_owned(), fix: "look".to_owned() }
}

/// The only finding of a check.
#[track_caller]
pub(super) fn only(facts: &Facts, check: &str) -> Finding {
    let found: Vec<_> = find(facts).into_iter().filter(|finding| finding.check == check).collect();
    let [finding] = found.try_into().unwrap_or_else(|found| panic!("`{check}`: {found:#?} of {:#?}", find(facts)));
    finding
}
