//! The items of a ledger, and the code that works with them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bolero::check;
use deployer::aws::{Alias, Readiness, Settings, Stage, VersionState};
use deployer::config::Traffic;
use deployer::ledger::previous;
use deployer::ledger::{Items, LedgerState, Parts, Release};
use deployer::observe::{Definition, Observed, ObservedApi, ObservedFunction};
use deployer::plan::{Goal, Wanted, drift, plan};
use deployer::report::{Detail, EnvironmentStatus, HistoryView, StatusView, View as _};
use deployer::retention::{kept_releases, needed};
use deployer::verify::reachable;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::shapes::{json_of, nearly, says};
use crate::{cases, configuration, named, promises, tried};

pub(crate) const LEDGER: &str = "ledger-dev";

/// The names and texts in items, at any depth.
pub(crate) const NAMES: &[&str] = &[
    "pk",
    "sk",
    "schema",
    "environment",
    "account",
    "region",
    "functions",
    "counter",
    "preflight",
    "name",
    "alias",
    "architecture",
    "api",
    "kind",
    "stage",
    "url",
    "initial_deployment",
    "alarms",
    "artifact_bucket",
    "holder",
    "id",
    "actor",
    "run_url",
    "command",
    "since",
    "lease_seconds",
    "fencing_token",
    "beat",
    "release",
    "number",
    "kind",
    "state",
    "parts",
    "previous_parts",
    "previous",
    "back_to",
    "from",
    "stable",
    "artifact",
    "source_hash",
    "commit",
    "dirty",
    "committed_at",
    "reads",
    "env",
    "files",
    "definition",
    "shape",
    "routes",
    "checks",
    "steps",
    "step",
    "millis",
    "reason",
    "started_at",
    "ended_at",
    "deployment",
    "version",
    "code_sha256",
];

pub(crate) fn stack() -> Value {
    json!({
        "pk": "app", "sk": "stack", "schema": 2, "environment": "dev", "account": "111111111111", "region": "us-east-1",
        "functions": {
            "counter": {"name": "c-dev", "alias": "live", "architecture": "x86_64"},
            "preflight": {"name": "p-dev", "alias": "live", "architecture": "x86_64"},
        },
        "api": {"kind": "rest", "id": "a1", "stage": "dev", "url": "http://127.0.0.1:1/dev", "initial_deployment": "d0"},
        "alarms": ["errors"], "artifact_bucket": "zips",
    })
}

pub(crate) fn lock() -> Value {
    json!({
        "pk": "app", "sk": "lock", "fencing_token": 12, "beat": 3,
        "holder": {
            "id": "x", "actor": "ada", "run_url": "https://ci.example/7", "command": "deploy dev",
            "since": "2026-01-01T00:00:00Z", "lease_seconds": 20,
        },
    })
}

fn release(number: u32) -> Value {
    let parts = |version: &str, deployment: &str| {
        let part = json!({"version": version, "code_sha256": format!("zip{version}")});
        json!({"functions": {"counter": part, "preflight": part}, "deployment": deployment})
    };
    json!({
        "number": number, "kind": "rollback", "state": "live", "parts": parts("5", "d2"), "previous_parts": parts("4", "d1"),
        "previous": number - 1, "back_to": 3, "from": {"environment": "dev", "release": 2}, "stable": true,
        "artifact": {
            "source_hash": "s", "functions": {"counter": "s1", "preflight": "s2"}, "commit": "0123456789abcdef",
            "dirty": true, "committed_at": 1_767_225_600,
            "reads": {"env": ["MODE"], "files": {"counter": ["../shared/x.json", "proto"]}},
        },
        "definition": "def", "shape": {"GET /count": "h"}, "routes": {"GET /count": "c-dev:live"},
        "checks": [{"name": "health", "phase": "after stage", "passed": true, "response": "200", "requests": 3}],
        "steps": [{"step": "move the stage", "started_at": "2026-01-01T00:00:01Z", "millis": 12}],
        "reason": "an alarm", "actor": "ada", "run_url": "https://ci.example/7", "started_at": "2026-01-01T00:00:00Z",
        "ended_at": "2026-01-01T00:00:02Z", "fencing_token": 11,
    })
}

pub(crate) fn last() -> Value {
    let mut item = release(8);
    (item["pk"], item["sk"]) = (json!("app"), json!("release#00000008"));
    item
}

pub(crate) fn live() -> Value {
    json!({"pk": "app", "sk": "live", "release": release(8)})
}

/// The four items that a run starts with: valid ones with something wrong in them, or anything.
pub(crate) fn items() -> impl Strategy<Value = [Option<Value>; 4]> {
    let item = |sound: Value| {
        prop_oneof![
            12 => nearly(sound, NAMES).prop_map(Some),
            1 => json_of(NAMES).prop_filter("an item is a map", Value::is_object).prop_map(Some),
            1 => Just(None),
        ]
    };
    let borders = select(vec![1, 2, 99_999_998, 99_999_999, 100_000_000, u32::MAX - 1, u32::MAX]);
    let items = (item(stack()), item(lock()), item(live()), item(last()), option::weighted(0.3, borders));
    items.prop_map(|(stack, lock, mut live, mut last, number)| {
        // A number and the key that contains it change together.
        if let (Some(number), Some(live), Some(last)) = (number, &mut live, &mut last) {
            (last["number"], last["sk"]) = (json!(number), json!(format!("release#{number:08}")));
            if let Some(live) = live["release"].as_object_mut() {
                live.insert("number".to_owned(), json!(number));
            }
        }
        [stack, lock, live, last]
    })
}

/// Reads the items: what was read equals what they contain, and all reading code runs on it.
fn is_read_or_named(items: &[Option<Value>; 4]) -> Result<(), String> {
    let [stack, lock, live, last] = items.clone();
    let read = match LedgerState::of(Items { stack, lock, live, last, made: None }, None, LEDGER, "app") {
        Err(error) => return named(&error, LEDGER),
        Ok(read) => read,
    };
    let [_, lock, live, last] = items;
    let value = |thing: &dyn erased::Written| thing.written();
    let pairs = [
        (value(&read.lock), lock.clone().unwrap_or_else(|| value(&deployer::ledger::Lock::default()))),
        (
            read.live.as_ref().map_or(Value::Null, |live| value(live)),
            live.as_ref().map_or(Value::Null, |item| item["release"].clone()),
        ),
        (read.last.as_ref().map_or(Value::Null, |last| value(last)), last.clone().unwrap_or_default()),
    ];
    if let Some((read, given)) = pairs.iter().find(|(read, given)| !says(read, given)) {
        return Err(format!("{given} was read as {read}"));
    }
    look(&read)
}

/// Anything that can be written as JSON again.
mod erased {
    pub(super) trait Written {
        fn written(&self) -> serde_json::Value;
    }

    impl<T: serde::Serialize> Written for T {
        fn written(&self) -> serde_json::Value {
            serde_json::to_value(self).unwrap()
        }
    }
}

/// All code that only reads a ledger's state.
pub(crate) fn look(state: &LedgerState) -> Result<(), String> {
    if let Err(error) = state.next_number() {
        named(&error, &state.contract.environment)?;
    }
    let releases: Vec<Release> = state.last.iter().chain(&state.live).cloned().collect();
    let observed = observed(state);
    drift(&observed);
    for release in &releases {
        previous(&releases, release);
        let kept = kept_releases(&releases, 10, Duration::from_hours(24), jiff::Timestamp::now());
        needed(&kept, |parts| parts.deployment.as_ref());
        let planned = plan(Wanted { goal: Goal::Parts(release), traffic: &Traffic::default() }, &observed);
        match planned {
            Ok(plan) => assert!(plan.phases().iter().flatten().all(|step| !step.to_string().is_empty())),
            Err(error) => named(&error, "")?,
        }
    }
    let view = HistoryView::new("dev", releases, Detail::Wide);
    assert!(
        !view.text(&deployer::report::Screen::plain(jiff::Timestamp::UNIX_EPOCH)).is_empty()
            && view.summary().is_some()
            && serde_json::to_string(&view).is_ok()
    );
    let config = configuration::sound();
    let environment = config.environment(Some("dev")).unwrap();
    match state.contract.url().map(|url| reachable(environment, url)).transpose() {
        Err(error) => named(&error, "contract"),
        Ok(url) => {
            let view =
                StatusView { environments: vec![EnvironmentStatus::new("dev", &observed, url)], detail: Detail::Wide };
            assert!(
                !view.text(&deployer::report::Screen::plain(jiff::Timestamp::UNIX_EPOCH)).is_empty()
                    && view.summary().is_some()
                    && serde_json::to_string(&view).is_ok()
            );
            Ok(())
        }
    }
}

/// An environment in which something else is live, with impossible weights.
fn observed(state: &LedgerState) -> Observed {
    let functions = state.contract.functions.iter().map(|(key, resource)| {
        let weights = [("6", f64::NAN), ("7", -1.0), ("8", f64::INFINITY), ("9", 1e300)];
        let weights = weights.map(|(version, weight)| (version.to_owned(), weight));
        let alias = Alias {
            version: "5".into(),
            weights: BTreeMap::from(weights),
            revision: String::new(),
            description: String::new(),
        };
        let live = VersionState {
            version: "5".into(),
            code_sha256: "zip5".into(),
            revision: String::new(),
            description: String::new(),
            modified: String::new(),
            readiness: Readiness::Ready,
            settings: Settings::default(),
        };
        let function = ObservedFunction { resource: resource.clone(), alias, latest: live.clone(), live, url: None };
        (key.clone(), function)
    });
    let Parts { deployment, .. } = state.live.as_ref().map(|live| live.parts.clone()).unwrap_or_default();
    Observed {
        functions: functions.collect(),
        http_api: None,
        api: state.contract.rest().cloned().map(|resource| ObservedApi {
            resource,
            stage: Stage { deployment: deployment.unwrap_or_default(), ..Stage::default() },
            definition: Definition::default(),
        }),
        alarms: Ok(Vec::new()),
        ledger: state.clone(),
    }
}

#[test]
fn no_bytes_are_taken_for_items() {
    check!().for_each(|bytes: &[u8]| {
        if let Ok(items) = serde_json::from_slice(bytes) {
            is_read_or_named(&items).unwrap();
        }
    });
}

#[test]
fn valid_items_are_read() {
    let sound = Items { stack: Some(stack()), lock: Some(lock()), live: Some(live()), last: Some(last()), made: None };
    assert_eq!(LedgerState::of(sound, None, LEDGER, "app").unwrap().next_number().unwrap(), 9);
}

#[test]
fn items_of_every_shape_are_read_or_refused_by_name() {
    let began = Instant::now();
    let count = cases(5_000);
    let violations = tried(count, items(), |items| is_read_or_named(&items));
    promises::kept(
        "items of a ledger of every shape, the contract with them: no panic, what is read is what was written, and an error names the item",
        "the four items that a run starts from with members of other types, missing, doubled, at the borders of their numbers; read, then planned with and shown",
        count as usize,
        &violations,
        began,
    );
}
