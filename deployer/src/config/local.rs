//! `[local]`: the ports and accounts of the local AWS.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::traffic::Traffic;

/// An environment's local AWS as the file declares it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeclaredLocal {
    pub(super) port: u16,
    pub(super) account: String,
    #[serde(default)]
    pub(super) traffic: Traffic,
}

/// What parsed but cannot be meant.
pub(super) fn contradiction<E>(
    declared: &BTreeMap<String, DeclaredLocal>,
    environments: &BTreeMap<String, E>,
) -> Option<String> {
    let mut ports = BTreeSet::new();
    for (name, local) in declared {
        if !environments.contains_key(name) {
            return Some(format!("`local.{name}` names no environment"));
        }
        if local.account.len() != 12 || !local.account.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(format!("`local.{name}.account` must have 12 digits"));
        }
        if local.port < 1024 || !ports.insert(local.port) {
            return Some(format!("`local.{name}.port` must be above 1023 and its own"));
        }
    }
    None
}
