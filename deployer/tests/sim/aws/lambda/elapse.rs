//! What happens as time passes: updates end, versions become Active, environments become warm.

use std::time::Duration;

use super::Ids;
use super::model::{Function, State, Update};
use super::publish;
use super::rules::Rules;

/// Brings a function to the moment.
pub(super) fn elapse(function: &mut Function, now: Duration, rules: &Rules, ids: &mut Ids) {
    end_update(function, now, rules, ids);
    activate(function, now, rules, ids);
    end_warming(function, now, rules, ids);
}

/// The RevisionId moves a second time when `LastUpdateStatus` becomes Successful (recorded; aws-sdk#377).
fn end_update(function: &mut Function, now: Duration, rules: &Rules, ids: &mut Ids) {
    let Update::InProgress { until } = function.facts.latest.update else { return };
    if until > now {
        return;
    }
    function.keep(until, rules);
    let latest = &mut function.facts.latest;
    latest.revision = ids.next();
    match &rules.updates_fail {
        // The function goes on as it was.
        Some(failure) => {
            let (code, reason) = (failure.code.clone(), failure.reason.clone());
            latest.update = Update::Failed { code, reason };
            function.publishes_next = false;
        }
        None => {
            latest.update = Update::Successful;
            latest.before = None;
        }
    }
    if std::mem::take(&mut function.publishes_next) {
        let state = rules.published(until);
        let description = function.facts.latest.configuration.description.clone();
        publish::publish(function, &publish::Publication { now: until, state, description }, ids);
    }
}

/// A version that becomes Active gets another RevisionId (recorded: create with publish).
fn activate(function: &mut Function, now: Duration, rules: &Rules, ids: &mut Ids) {
    let facts = &function.facts;
    let all = facts.versions.values().chain([&facts.latest]);
    let due = all.filter_map(|version| Some((version.state.until.filter(|until| *until <= now)?, version)));
    let mut due: Vec<_> = due.map(|(until, version)| (until, version.version.clone())).collect();
    due.sort();
    for (until, version) in due {
        function.keep(until, rules);
        let Some(version) = function.facts.version_mut(&version) else { continue };
        version.revision = ids.next();
        match &rules.versions_fail {
            Some(failure) => {
                let reason = Some((failure.code.clone(), failure.reason.clone()));
                version.state = State { name: "Failed".to_owned(), reason, until: None };
            }
            None => {
                version.state = State::active();
                if version.update == Update::None {
                    version.update = Update::Successful;
                }
            }
        }
    }
}

/// AWS takes its own share of 1 out of the alias once the new version is warm.
fn end_warming(function: &mut Function, now: Duration, rules: &Rules, ids: &mut Ids) {
    let due = function.facts.aliases.values().filter_map(|alias| Some((alias.warming.as_ref()?.1, &alias.name)));
    let due: Vec<_> = due.filter(|(until, _)| *until <= now).map(|(until, name)| (until, name.clone())).collect();
    for (until, name) in due {
        function.keep(until, rules);
        let Some(alias) = function.facts.aliases.get_mut(&name) else { continue };
        let before = alias.effective();
        alias.warming = None;
        alias.earlier.push((until, before));
        if rules.warming_moves_revision {
            alias.revision = ids.next();
        }
    }
}
