//! UpdateAlias.

use std::collections::BTreeMap;

use serde_json::Value;

use super::asked::Asked;
use super::model::{Facts, Function, LATEST, Routing};
use super::publish::described_within;
use super::refusal::Refusal;
use super::show;
use super::{Lambda, Logged};
use crate::aws::wire::{Moment, Reply};

impl Lambda {
    /// Points an alias elsewhere. What is left out keeps its value, weights too.
    pub(super) fn update_alias(&mut self, asked: &Asked<'_>, moment: &mut Moment) -> Result<Reply, Refusal> {
        described_within(asked.text("Description"))?;
        let stated = weights(&asked.body["RoutingConfig"])?;
        let missing = Refusal::not_found(&format!("Alias not found: {}", self.arn(&asked.function, &asked.alias)));
        let Self { functions, rules, ids, log, .. } = self;
        let Some(function) = functions.get_mut(&asked.function) else { return Err(missing) };
        let Some(alias) = function.facts.aliases.get(&asked.alias) else { return Err(missing) };
        let version = asked.text("FunctionVersion").unwrap_or(&alias.routing.version).to_owned();
        let weights = stated.clone().unwrap_or_else(|| alias.routing.weights.clone());
        let wanted = Routing { version, weights };
        sound(function, &wanted)?;
        if asked.text("RevisionId").is_some_and(|given| given != alias.revision) {
            return Err(Refusal::precondition());
        }
        function.keep(moment.now, rules);
        let provisioned = function.provisioned.get_mut(&asked.alias);
        let Some(alias) = function.facts.aliases.get_mut(&asked.alias) else { return Err(missing) };
        alias.earlier.retain(|(until, _)| *until + rules.propagation > moment.now);
        alias.earlier.push((moment.now, alias.effective()));
        let old = std::mem::replace(&mut alias.routing, wanted).version;
        alias.revision = ids.next();
        if let Some(description) = asked.text("Description") {
            description.clone_into(&mut alias.description);
        }
        // The response shows the alias without AWS's own share; a read right after it shows that too.
        let mut without = alias.clone();
        without.warming = None;
        log.extend(alias.routing.names().map(|version| Logged::Moved(asked.function.clone(), version.clone())));
        let back = alias.warming.as_ref().is_some_and(|(warm, _)| *warm == alias.routing.version);
        match provisioned {
            // Back to the version that never stopped being warm.
            Some(provisioned) if back => (alias.warming, provisioned.ready_at) = (None, moment.now),
            // AWS keeps the old version at 1 until the new one is warm (terraform-provider-aws#48116, serverless#7329).
            Some(provisioned) if old != alias.routing.version && alias.routing.weights.is_empty() => {
                let warm = alias.warming.take().map_or(old, |(warm, _)| warm);
                alias.warming = Some((warm, moment.now + rules.warming)).filter(|_| !rules.warming.is_zero());
                (provisioned.ready_at, provisioned.meanwhile) = (moment.now + rules.warming, provisioned.count);
            }
            _ if !alias.routing.weights.is_empty() => alias.warming = None,
            _ => {}
        }
        Ok(Reply::json(200, &show::alias(function, &without)))
    }
}

/// The weights that a request states; nothing if it leaves them out.
fn weights(routing: &Value) -> Result<Option<BTreeMap<String, f64>>, Refusal> {
    if routing.is_null() {
        return Ok(None);
    }
    let stated = routing["AdditionalVersionWeights"].as_object().cloned().unwrap_or_default();
    let at = "routingConfig.additionalVersionWeights";
    let mut weights = BTreeMap::new();
    for (version, weight) in stated {
        let value = weight.as_f64();
        let written = value.map_or_else(|| weight.to_string(), |value| format!("{value:?}"));
        let written = format!("{{{version}={written}}}");
        if version.is_empty() || !version.bytes().all(|byte| byte.is_ascii_digit()) {
            let constraint = "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member \
                              must have length greater than or equal to 1, Member must satisfy regular expression \
                              pattern: [0-9]+]";
            return Err(Refusal::validation(&written, at, constraint));
        }
        let Some(value) = value.filter(|value| (0.0..=1.0).contains(value)) else {
            let constraint = "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member \
                              must have value greater than or equal to 0.0, Member must not be null]";
            return Err(Refusal::validation(&written, at, constraint));
        };
        weights.insert(version, value);
    }
    if weights.len() > 1 {
        return Err(Refusal::invalid("Number of items in AdditionalVersionWeights cannot be greater than 1"));
    }
    Ok(Some(weights))
}

/// Refuses a routing that AWS does not take.
pub(super) fn sound(function: &Function, wanted: &Routing) -> Result<(), Refusal> {
    let main = wanted.version.as_str();
    if main != LATEST && (main.is_empty() || !main.bytes().all(|byte| byte.is_ascii_digit())) {
        let pattern = r"Member must satisfy regular expression pattern: (\$LATEST|[0-9]+)";
        return Err(Refusal::validation(main, "functionVersion", pattern));
    }
    exists(function, main)?;
    let Some(other) = wanted.weights.keys().next() else { return Ok(()) };
    if main == LATEST {
        return Err(Refusal::invalid("$LATEST is not supported for an alias pointing to more than 1 version"));
    }
    if other == main {
        return Err(Refusal::invalid(&format!(
            "Invalid function version {main}. Function version {main} is already included in routing configuration."
        )));
    }
    exists(function, other)?;
    same_around(&function.facts, main, other)
}

/// Refuses a version that does not exist, or is not ready: seen on AWS by those who moved an alias right after publishing
/// (Spinnaker's plugin #72).
fn exists(function: &Function, version: &str) -> Result<(), Refusal> {
    let found = match version {
        LATEST => Some(&function.facts.latest),
        number => number.parse().ok().and_then(|number| function.facts.versions.get(&number)),
    };
    let Some(found) = found else { return Err(Refusal::no_function(&function.qualified(version))) };
    match found.state.name.as_str() {
        // One that is idle wakes when it is invoked.
        "Active" | "Inactive" => Ok(()),
        other => Err(Refusal::not_in_state(other)),
    }
}

/// Two versions of one alias need the same execution role and the same dead-letter configuration.
fn same_around(facts: &Facts, one: &str, other: &str) -> Result<(), Refusal> {
    let (Some(one), Some(other)) = (facts.version(one), facts.version(other)) else { return Ok(()) };
    let (one, other) = (&one.configuration, &other.configuration);
    let what = match (one.role == other.role, one.dead_letter == other.dead_letter) {
        (true, true) => return Ok(()),
        (false, _) => "the same execution role",
        _ => "the same dead-letter configuration",
    };
    Err(Refusal::invalid(&format!("The versions of an alias with AdditionalVersionWeights must have {what}.")))
}
