//! `[local]`: the ports and accounts of the local AWS.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::contradictions::Contradiction;
use super::traffic::Traffic;

/// An environment's local AWS as the file declares it.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct DeclaredLocal {
    /// Where it listens on the loopback interface.
    pub(super) port: u16,
    /// The number of its account, 12 digits.
    pub(super) account: String,
    /// How traffic moves there.
    #[serde(default)]
    pub(super) traffic: Traffic,
}

/// What parsed but cannot be meant.
pub(super) fn contradictions<E>(
    declared: &BTreeMap<String, DeclaredLocal>,
    environments: &BTreeMap<String, E>,
) -> Vec<Contradiction> {
    let (mut all, mut ports) = (Vec::new(), BTreeSet::new());
    for (name, local) in declared {
        let mut wrong = |what: String| all.push(Contradiction::new(["local", name], what));
        if !environments.contains_key(name) {
            wrong(format!("`local.{name}` names no environment"));
        }
        if local.account.len() != 12 || !local.account.bytes().all(|byte| byte.is_ascii_digit()) {
            wrong(format!("`local.{name}.account` must have 12 digits"));
        }
        if local.port < 1024 || !ports.insert(local.port) {
            wrong(format!("`local.{name}.port` must be above 1023 and its own"));
        }
    }
    all
}
