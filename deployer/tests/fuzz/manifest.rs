//! The manifest of an artifact, which comes from another machine.

use std::path::Path;
use std::time::Instant;

use bolero::check;
use deployer::artifact::{Artifact, Manifest, Packed};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::shapes::{json_of, nearly, says, spoilt};
use crate::{cases, configuration, named, promises, tried};

const FILE: &str = "/artifact/manifest.json";
const NAMES: &[&str] = &[
    "schema",
    "source_hash",
    "commit",
    "committed_at",
    "dirty",
    "architecture",
    "image",
    "functions",
    "counter",
    "preflight",
    "zip",
    "sha256",
    "size",
    "../counter",
    "reads",
    "env",
    "files",
];

fn sound() -> Value {
    let function = |key: &str| json!({"source_hash": "s1", "architecture": "x86_64", "zip": format!("{key}.zip"), "sha256": "abc=", "size": 1234});
    let image = format!("team/mails@sha256:{}", "0".repeat(64));
    json!({
        "schema": 2, "source_hash": "s", "commit": "0123456789abcdef", "committed_at": 1_767_225_600, "dirty": false,
        "functions": {
            "counter": function("counter"), "preflight": function("preflight"),
            "mails": {"source_hash": "s1", "architecture": "arm64", "image": image},
        },
        "reads": {"env": ["MODE"], "files": {"counter": ["../shared/x.json", "proto"]}},
    })
}

fn is_read_or_named(text: &[u8]) -> Result<(), String> {
    let manifest = match Manifest::parse(text, Path::new(FILE)) {
        Err(error) => return named(&error, FILE),
        Ok(manifest) => manifest,
    };
    let read = serde_json::to_value(&manifest).unwrap();
    if serde_json::from_slice::<Value>(text).is_ok_and(|given| !says(&read, &given)) {
        return Err(format!("read as {read}"));
    }
    let leads_out = manifest
        .functions
        .values()
        .filter_map(|function| match &function.package {
            Packed::Zip { zip, .. } => Some(Path::new("/artifact").join(zip)),
            Packed::Image { .. } => None,
        })
        .any(|zip| zip.parent() != Some(Path::new("/artifact")));
    if leads_out { Err(format!("leads out of its folder: {read}")) } else { Ok(()) }
}

/// The same through its folder, which has no zip.
fn is_refused_without_its_zips(text: &[u8]) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("manifest.json"), text).unwrap();
    match Artifact::open(&configuration::sound(), folder.path()) {
        Err(error) => named(&error, &folder.path().display().to_string()),
        Ok(artifact) => Err(format!("was opened: {:?}", artifact.manifest)),
    }
}

#[test]
fn no_bytes_are_taken_for_a_manifest() {
    check!().for_each(|bytes: &[u8]| is_read_or_named(bytes).unwrap());
}

#[test]
fn manifests_of_every_shape_are_read_or_refused_by_name() {
    let began = Instant::now();
    let (count, opened) = (cases(4_000), cases(500));
    let text = || {
        prop_oneof![
            3 => nearly(sound(), NAMES).prop_map(|value| value.to_string()),
            2 => spoilt(sound().to_string()),
            1 => json_of(NAMES).prop_map(|value| value.to_string()),
        ]
    };
    let mut violations = tried(count, text(), |text| is_read_or_named(text.as_bytes()));
    violations.extend(tried(opened, text(), |text| is_refused_without_its_zips(text.as_bytes())));
    promises::kept(
        "manifests of every shape: no panic, none leads out of its folder, and an error names the file",
        "members of other types, missing, doubled; text cut, repeated, nested; a tenth of them opened with their folder",
        (count + opened) as usize,
        &violations,
        began,
    );
}
