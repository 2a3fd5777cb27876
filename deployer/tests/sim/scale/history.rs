//! A long history: what came long before makes no difference.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde_json::{Value, json};

use super::{Cell, deploy, shape};
use crate::application::Behavior;
use crate::behaviour::with_releases;
use crate::simulation::{Simulation, Snapshot};
use crate::stack::{APP, attributes, ledger};
use crate::verdict::item;

/// The real releases at the end of a history.
const NEWEST: u32 = 4;

/// What the releases of long ago have in their records.
#[derive(Clone, Copy)]
pub(super) enum Past {
    /// All functions.
    Whole,
    /// One function: thousands of releases of hundreds of functions do not fit into memory.
    Thin,
}

fn key(number: u32) -> String {
    format!("release#{number:08}")
}

/// A world in which `older` releases came before its last few.
pub(super) fn after(functions: usize, older: u32, past: Past) -> Snapshot {
    with_releases(shape(functions), NEWEST as usize).after(async |simulation| {
        let mut newest: Vec<Value> = (1..=NEWEST).map(|number| item(simulation, "dev", &key(number))).collect();
        let mut old = newest[0].clone();
        if let Some(whole) = unpacked(&old) {
            let fields = old.as_object_mut().unwrap();
            fields.remove("packed");
            fields.extend(whole.as_object().unwrap().clone());
        }
        if let Past::Thin = past {
            for field in ["parts", "previous_parts", "artifact"] {
                let all = old[field]["functions"].as_object_mut().unwrap();
                all.retain(|key, _| key == "f1");
            }
            for field in ["shape", "routes", "checks", "steps"] {
                old.as_object_mut().unwrap().remove(field);
            }
        }
        old["state"] = json!("superseded");
        let mut live = item(simulation, "dev", "live");
        for release in newest.iter_mut().chain([&mut live["release"]]) {
            if let Some(mut whole) = unpacked(release) {
                renumber(&mut whole, older);
                release["packed"] = json!(packed(&whole));
            }
            renumber(release, older);
        }
        let puts: Vec<Value> = std::iter::once(live)
            .chain((1..=older).map(|number| numbered(&old, number)))
            .chain(newest.into_iter().zip(older + 1..).map(|(release, number)| numbered(&release, number)))
            .collect();
        put(simulation, &puts);
    })
}

fn renumber(release: &mut Value, older: u32) {
    for field in ["number", "previous", "back_to"] {
        if let Some(number) = release[field].as_u64() {
            release[field] = json!(number + u64::from(older));
        }
    }
}

/// A release of many functions, which is compressed.
fn unpacked(release: &Value) -> Option<Value> {
    let packed = STANDARD.decode(release["packed"].as_str()?).unwrap();
    Some(serde_json::from_reader(DeflateDecoder::new(&packed[..])).unwrap())
}

fn packed(release: &Value) -> String {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(release.to_string().as_bytes()).unwrap();
    STANDARD.encode(encoder.finish().unwrap())
}

/// The release with another number; one of long ago took the traffic from the one before it.
fn numbered(release: &Value, number: u32) -> Value {
    let mut release = release.clone();
    if release["number"].as_u64() != Some(u64::from(number)) {
        (release["number"], release["previous"]) = (json!(number), json!(number - 1));
        // No two have the same parts.
        release["parts"]["deployment"] = json!(format!("d{number}"));
    }
    release["sk"] = json!(key(number));
    release
}

fn put(simulation: &Simulation, items: &[Value]) {
    simulation.account("dev", |account| {
        for item in items {
            account.dynamodb.put(&ledger("dev"), &attributes(item)["M"]);
        }
        assert!(account.dynamodb.item(&ledger("dev"), APP, "live").is_some());
    });
}

/// The commands that read the ledger.
pub(super) async fn commands(simulation: &Simulation, functions: usize) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut run = async |what: &'static str, command: String| {
        cells.push(Cell::of(simulation, (functions, what), &command).await);
        tokio::time::sleep(std::time::Duration::from_secs(120)).await;
    };
    let first = simulation.artifact(Behavior::Right);
    run("history", "history dev".to_owned()).await;
    run("status", "status dev".to_owned()).await;
    run("deploy, all changed, and prune", deploy(&first)).await;
    run("plan, nothing changed", deploy(&first).replace("deploy", "plan")).await;
    run("deploy, nothing changed", deploy(&first)).await;
    run("deploy, one changed, and prune", deploy(&simulation.artifact_with_new("f1", &first))).await;
    run("rollback to previous", "rollback dev --to previous".to_owned()).await;
    run("prune", "prune dev --yes".to_owned()).await;
    cells
}

#[test]
fn the_length_of_the_history_makes_no_difference() {
    let [short, long] = [50, 10_000]
        .map(|older| after(2, older, Past::Thin).simulate(async |simulation| commands(simulation, 2).await));
    for (short, long) in short.iter().zip(&long) {
        let what = short.what;
        println!("{what}: {:?}, {:?}", short.read_of_the_ledger(), long.read_of_the_ledger());
        assert_eq!(short.names(), long.names(), "{what}");
        let ((calls, bytes), (long_calls, long_bytes)) = (short.read_of_the_ledger(), long.read_of_the_ledger());
        assert_eq!(calls, long_calls, "{what}");
        // Only the numbers of the releases are longer.
        assert!(bytes > 0 && long_bytes.abs_diff(bytes) * 50 < bytes, "{what}: {bytes} and {long_bytes} bytes");
    }
}

#[test]
fn a_release_of_long_ago_is_found_by_its_number() {
    after(2, 10_000, Past::Thin).simulate(async |simulation| {
        // Its parts are long gone: the refusal says so, and what can be restored instead.
        let (refused, calls) = simulation.observed("rollback dev --to 17").await;
        assert_eq!(refused.code, Some(4), "{}", refused.words);
        assert!(refused.words.contains("release 17 cannot be restored"), "{}", refused.words);
        let queries = calls.iter().filter(|call| call.name == "Query").count();
        let bytes: usize = calls.iter().filter(|call| call.name == "Query").map(|call| call.bytes.1).sum();
        assert!(queries <= 4 && bytes < 1_000_000, "{queries} queries, {bytes} bytes");
        assert!(calls.len() < 150, "{}", calls.len());
    });
}
