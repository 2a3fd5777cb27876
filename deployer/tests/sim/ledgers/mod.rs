//! Ledgers that each version of the deployer wrote, and what this version does with them.
//!
//! A file `VERSION.json` has everything that a version wrote in two environments: releases of each kind and in each state, and the same
//! with an unfinished release. That of a released version never changes. While this version is not released yet, its file may be written
//! anew: remove it, and run `cargo test -p deployer --test sim -- ledgers::`.

mod world;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::application::Behavior;
use crate::behaviour::{deploy, with_releases};
use crate::fault::Fault;
use crate::matrix::in_use;
use crate::simulation::{Simulation, Snapshot};
use crate::stack::{APP, Shape, ledger};
use crate::verdict::{Serving, item};
use world::{World, Worlds};

const SHAPE: Shape = Shape::of(2).moving("strategy = \"canary\"\npercent = 40\nbake_seconds = 180");

/// The worlds of a file.
const RELEASES: &str = "releases";
const NOTHING_MOVED: &str = "a release that has moved nothing";
const CANARY: &str = "a release in its canary";
const UNRECORDED: &str = "a release that is not recorded";

/// This version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/sim/ledgers")
}

/// Releases of every kind and in every state that is an end.
async fn releases(simulation: &Simulation) {
    in_use(simulation, "dev");
    rewrite_contract(simulation, "prod").await;
    let deployed = async |behavior, code| {
        let ended = simulation.command(&deploy(simulation, behavior).await).await;
        assert_eq!(ended.code, Some(code), "{}", ended.words);
    };
    deployed(Behavior::Right, 0).await;
    deployed(Behavior::Wrong, 6).await;
    deployed(Behavior::WrongForVisitors, 6).await;
    deployed(Behavior::Right, 0).await;
    simulation.done("promote dev prod --allow-definition-diff").await;
    simulation.done("rollback dev --to previous").await;
    simulation.done("promote dev prod --allow-definition-diff").await;
    deployed(Behavior::Right, 0).await;
}

/// The contract as the deployer writes it, not as infrastructure code does.
async fn rewrite_contract(simulation: &Simulation, environment: &str) {
    let shown = simulation.done(&format!("contract show {environment}")).await.words;
    let stack = shown[shown.find("[environments.").unwrap()..].to_owned();
    simulation.reconfigure(|text| format!("{text}\n{stack}"));
    simulation.account(environment, |account| account.dynamodb.remove(&ledger(environment), APP, "stack"));
    simulation.done(&format!("contract write {environment}")).await;
}

/// What this version writes.
fn written() -> Worlds {
    let whole = Snapshot::new(SHAPE, 1).after(releases);
    let once = with_releases(SHAPE, 1);
    let calls: Vec<_> = once.clone().simulate(async |simulation| {
        let (_, calls) = simulation.observed(&deploy(simulation, Behavior::Right).await).await;
        calls.into_iter().map(|call| call.name).collect()
    });
    let nth = |name: &str| calls.iter().position(|call| *call == name).unwrap() + 1;
    let record = calls.iter().rposition(|call| *call == "TransactWriteItems").unwrap() + 1;
    let dead = [(NOTHING_MOVED, nth("Invoke")), (CANARY, nth("UpdateAlias") + 10), (UNRECORDED, record)];
    let mut worlds = Worlds::from(dead.map(|(name, call)| {
        let world = once.clone().simulate(async |simulation| {
            let prepared = simulation.prepare(&deploy(simulation, Behavior::Right).await);
            prepared.run.fault(call, Fault::KilledBefore);
            assert_eq!(prepared.end().await.code, None);
            World::of(simulation)
        });
        (name.to_owned(), world)
    }));
    worlds.insert(RELEASES.to_owned(), whole.simulate(async |simulation| World::of(simulation)));
    worlds
}

/// The versions that have a file, with their worlds.
fn recorded() -> Vec<(String, Worlds)> {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
    let read = |path: PathBuf| {
        let file: File = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        (file.deployer, file.worlds)
    };
    let mut recorded: Vec<_> = files.map(read).collect();
    recorded.sort_by(|(one, _), (other, _)| one.cmp(other));
    recorded
}

/// The worlds of this version's file.
fn of_this_version() -> Worlds {
    let mut recorded = recorded().into_iter().filter(|(version, _)| version == VERSION);
    recorded.next().map(|(_, worlds)| worlds).expect("the test that writes the file comes first")
}

#[derive(serde::Deserialize)]
struct File {
    deployer: String,
    worlds: Worlds,
}

/// Which attributes each item has, with their types: what another version has to be able to read.
fn shape(worlds: &Worlds) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (name, world) in worlds {
        for (environment, recorded) in &world.environments {
            for item in &recorded.ledger {
                let place = format!("{name}: {environment}: {}", item["sk"]["S"].as_str().unwrap());
                attributes(&json!({ "M": item }), &place, &mut found);
            }
        }
    }
    found
}

fn attributes(value: &Value, place: &str, found: &mut BTreeSet<String>) {
    for (kind, value) in value.as_object().unwrap() {
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(name, value)| attributes(value, &format!("{place}.{name}"), found));
            }
            Value::Array(items) => items.iter().for_each(|item| attributes(item, &format!("{place}[]"), found)),
            _ => drop(found.insert(format!("{place} {kind}"))),
        }
    }
}

#[test]
fn this_version_writes_items_of_the_recorded_form() {
    let (now, file) = (written(), folder().join(format!("{VERSION}.json")));
    if !file.exists() {
        let text = world::text(&json!({ "deployer": VERSION, "worlds": now }));
        std::fs::write(&file, text).unwrap();
        panic!("`{}` did not exist and was written: commit it", file.display());
    }
    let (now, then) = (shape(&now), shape(&of_this_version()));
    let (new, gone): (Vec<_>, Vec<_>) = (now.difference(&then).collect(), then.difference(&now).collect());
    assert!(
        new.is_empty() && gone.is_empty(),
        "the form of the ledger's items has changed.\nnew: {new:#?}\ngone: {gone:#?}\nif version {VERSION} is released \
         already, it needs a new version and, unless an older one may ignore the change, a new schema \
         (docs/stability.md); if not, remove `{}` and run this test again",
        file.display()
    );
}

#[test]
fn releases_of_every_version_are_shown_and_released_on() {
    for (version, worlds) in recorded() {
        worlds[RELEASES].snapshot(SHAPE).simulate(async |simulation| {
            let (dev, prod) = (Serving::of(simulation, "dev"), Serving::of(simulation, "prod"));
            for (environment, release) in [("dev", 7), ("prod", 2)] {
                let status = simulation.done(&format!("status {environment} --output json")).await.json();
                let status = &status["environments"][0];
                assert_eq!((&status["release"], &status["drift"]), (&json!(release), &Value::Null), "{version}");
            }
            let history = simulation.done("history dev").await.words;
            for word in ["adopt", "deploy", "rollback", "failed", "reverted"] {
                assert!(history.contains(word), "{version}: {word}: {history}");
            }
            assert!(simulation.done("history prod").await.words.contains("promote"), "{version}");
            simulation.done("contract show prod").await;
            simulation.done("diff dev prod").await;
            let command = deploy(simulation, Behavior::Right).await;
            simulation.done(&command.replace("deploy", "plan")).await;
            simulation.done(&command).await;
            simulation.done("rollback dev --to previous").await;
            assert_eq!(Serving::of(simulation, "dev"), dev, "{version}");
            simulation.done("rollback dev --to 1").await;
            simulation.done("promote dev@7 prod --allow-definition-diff").await;
            simulation.done("rollback prod --to previous").await;
            assert_eq!(Serving::of(simulation, "prod"), prod, "{version}");
            simulation.done("prune dev --yes").await;
        });
    }
}

#[test]
fn an_unfinished_release_of_every_version_is_ended() {
    for (version, worlds) in recorded() {
        for (name, state) in [(NOTHING_MOVED, "failed"), (CANARY, "reverted"), (UNRECORDED, "superseded")] {
            worlds[name].snapshot(SHAPE).simulate(async |simulation| {
                let seen = simulation.done("status dev --output json").await.json();
                assert!(seen["environments"][0]["unfinished"].is_string(), "{version}: {name}: {seen}");
                simulation.done(&deploy(simulation, Behavior::Right).await).await;
                assert_eq!(item(simulation, "dev", "release#00000002")["state"], state, "{version}: {name}");
                assert_eq!(item(simulation, "dev", "live")["release"]["number"], 3, "{version}: {name}");
            });
        }
    }
}

#[test]
fn a_newer_schema_in_any_item_is_refused_with_the_version_to_install() {
    let world = of_this_version()[RELEASES].snapshot(SHAPE);
    for key in ["stack", "lock", "live", "release#00000007"] {
        world.clone().simulate(async |simulation| {
            let mut newer = item(simulation, "dev", key);
            (newer["schema"], newer["deployer"]) = (json!(4), json!("0.9.0"));
            simulation.put("dev", &newer);
            let command = deploy(simulation, Behavior::Right).await;
            let plan = command.replace("deploy", "plan");
            let status = "status dev";
            for command in
                [&command, &plan, status, "rollback dev --to previous", "prune dev --yes", "unlock dev --force"]
            {
                let refused = simulation.refused(command, 4).await;
                let what = format!("item `{key}` of ledger `ledger-dev` has schema 4, written by deployer 0.9.0");
                assert!(refused.words.contains(&what), "{command}: {}", refused.words);
                let hint = "hint: install deployer 0.9.0 or a newer version: `curl ";
                assert!(refused.words.contains(hint), "{command}: {}", refused.words);
            }
        });
    }
}

#[test]
fn a_contract_of_infrastructure_code_names_no_version() {
    of_this_version()[RELEASES].snapshot(SHAPE).simulate(async |simulation| {
        let mut newer = item(simulation, "dev", "stack");
        newer["schema"] = json!(3);
        simulation.put("dev", &newer);
        let refused = simulation.refused("rollback dev --to previous", 4).await;
        assert!(refused.words.contains("has schema 3, written by a newer version"), "{}", refused.words);
    });
}

/// Gives an item fields that this version does not know, as a newer version of the same schema may.
fn extend(simulation: &Simulation, key: &str, extend: impl FnOnce(&mut Value)) {
    let mut item = item(simulation, "dev", key);
    extend(&mut item);
    item["deployer"] = json!("0.9.0");
    simulation.put("dev", &item);
}

#[test]
fn a_rollback_keeps_fields_of_a_newer_version() {
    of_this_version()[RELEASES].snapshot(SHAPE).simulate(async |simulation| {
        let release = |release: &mut Value| {
            release["approved_by"] = json!("ada");
            release["parts"]["functions"]["f1"]["layers"] = json!(["l"]);
            release["steps"][2]["worker"] = json!(4);
        };
        extend(simulation, "release#00000007", release);
        extend(simulation, "live", |live| release(&mut live["release"]));
        extend(simulation, "lock", |lock| lock["queue"] = json!(["grace"]));
        let untouched = item(simulation, "dev", "release#00000006");
        simulation.done("rollback dev --to previous").await;
        let after = item(simulation, "dev", "release#00000007");
        assert_eq!((&after["state"], &after["deployer"]), (&json!("superseded"), &json!(VERSION)));
        assert_eq!(after["approved_by"], "ada");
        assert_eq!(after["parts"]["functions"]["f1"]["layers"], json!(["l"]));
        assert_eq!(after["steps"][2]["worker"], 4);
        assert_eq!(item(simulation, "dev", "lock")["queue"], json!(["grace"]));
        assert_eq!(item(simulation, "dev", "release#00000006"), untouched);
        assert_eq!(item(simulation, "dev", "release#00000008").get("approved_by"), None);
    });
}

#[test]
fn a_dead_run_of_a_newer_version_can_be_recovered_and_unlocked() {
    let world = of_this_version()[CANARY].snapshot(SHAPE).after(async |simulation| {
        extend(simulation, "release#00000002", |release| release["approved_by"] = json!("ada"));
        extend(simulation, "lock", |lock| {
            lock["holder"]["host"] = json!("runner");
            lock["queue"] = json!(["grace"]);
        });
    });
    world.clone().simulate(async |simulation| {
        simulation.done(&deploy(simulation, Behavior::Right).await).await;
        let dead = item(simulation, "dev", "release#00000002");
        assert_eq!((&dead["state"], &dead["approved_by"]), (&json!("reverted"), &json!("ada")));
    });
    world.simulate(async |simulation| {
        simulation.done("unlock dev --force").await;
        let lock = item(simulation, "dev", "lock");
        assert_eq!((&lock["queue"], lock.get("holder")), (&json!(["grace"]), None), "{lock}");
    });
}
