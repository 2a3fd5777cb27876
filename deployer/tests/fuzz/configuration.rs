//! `deployer.toml`.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Instant;

use bolero::check;
use deployer::config::{Config, LONGEST_LEASE, ProcessEnvironment};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::shapes::{spoilt, text};
use crate::{cases, named, promises, tried};

const OURS: &str = include_str!("../../../deployer.toml");
const FILE: &str = "/project/deployer.toml";

/// Numbers and texts as TOML writes them.
const VALUES: [&str; 20] = [
    "0",
    "-1",
    "1",
    "100",
    "256",
    "65535",
    "65536",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "nan",
    "-inf",
    "1e400",
    "true",
    "[]",
    "{}",
    "\"\\u0000\\u001b[2J\"",
    "1979-05-27T07:32:00Z",
];

fn parse(text: &str, local: bool) -> anyhow::Result<Config> {
    Config::parse(text, Path::new(FILE), local, ProcessEnvironment::default())
}

/// The configuration of this repository, for the local AWS.
pub(crate) fn sound() -> Config {
    // Clients are built from it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    parse(OURS, true).unwrap()
}

fn is_read_or_named(text: &str) -> Result<(), String> {
    let [real, local] = [false, true].map(|local| parse(text, local));
    for error in [real.as_ref().err(), local.as_ref().err()].into_iter().flatten() {
        // A lease that is too short for a real account is an error of the file too, named by its key.
        if !format!("{error:#}").contains("lock.lease_seconds") {
            named(error, FILE)?;
        }
    }
    let Ok(config) = local else { return Ok(()) };
    // Everything that is later computed from it.
    for environment in config.environments() {
        let shift = &environment.traffic.shift;
        assert!(shift.lasts() + environment.traffic.watch >= shift.lasts());
        assert!(config.environment_at(&format!("{}@4294967296", environment.name)).is_err());
    }
    assert!(config.lock.lease <= LONGEST_LEASE);
    assert!(config.functions.keys().all(|key| Path::new(&format!("{key}.zip")).components().count() == 1));
    let grace = jiff::SignedDuration::try_from(config.retention.grace);
    grace.map(drop).map_err(|error| format!("{:?}: {error}", config.retention))
}

/// Our file with the values of some keys replaced.
fn other_values() -> impl Strategy<Value = String> {
    static KEYS: OnceLock<Vec<usize>> = OnceLock::new();
    let lines = KEYS.get_or_init(|| {
        let keys = OURS.lines().enumerate().filter(|(_, line)| line.contains(" = ") && !line.starts_with('#'));
        keys.map(|(index, _)| index).collect()
    });
    let value = prop_oneof![
        3 => select(&VALUES[..]).prop_map(str::to_owned),
        1 => text().prop_map(|text| format!("{text:?}")),
    ];
    vec((select(lines.as_slice()), value), 1..4).prop_map(|changes| {
        let mut lines: Vec<String> = OURS.lines().map(str::to_owned).collect();
        for (index, value) in changes {
            let key = lines[index].split(" = ").next().unwrap_or_default().to_owned();
            lines[index] = format!("{key} = {value}");
        }
        lines.join("\n")
    })
}

#[test]
fn no_bytes_are_taken_for_a_configuration() {
    check!().for_each(|bytes: &[u8]| {
        if let Ok(text) = std::str::from_utf8(bytes) {
            is_read_or_named(text).unwrap();
        }
    });
}

/// A fuzzer starts with nothing; from our own file it is not far to almost valid ones.
#[test]
fn no_bytes_after_a_valid_file_are_taken_for_a_configuration() {
    check!().for_each(|bytes: &[u8]| is_read_or_named(&format!("{OURS}{}", String::from_utf8_lossy(bytes))).unwrap());
}

#[test]
fn configurations_of_every_shape_are_read_or_refused_by_name() {
    let began = Instant::now();
    let count = cases(4_000);
    let text = prop_oneof![2 => other_values(), 2 => spoilt(OURS.to_owned()), 1 => text()];
    let violations = tried(count, text, |text| is_read_or_named(&text));
    promises::kept(
        "`deployer.toml` of every shape: no panic, also of what is computed from it, and an error names the file",
        "values of other types and at the borders of their numbers; text cut, repeated, nested, with duplicate keys",
        count as usize,
        &violations,
        began,
    );
}
