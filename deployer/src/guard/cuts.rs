//! Compares a plan with the table: what in it would cut live traffic. Pure.

use super::plan::{Action, ResourceChange, TerraformPlan};
use super::table::{self, Effect, HARMLESS, HARMLESS_PROVIDERS, On, Part, Row, When};
use super::when::{Attribute, Met};

const REMOVE: &str = "once no release within retention uses it, apply the removal with `--retired`";
const REPLACE: &str = "add the new resource beside the old one, under its own key; apply and release; remove the old one \
                       with `--retired` once no release within retention uses it";
const FIRST: &str = "set `create_before_destroy = true` in its `lifecycle`, so that the new one exists first";
const MOVED: &str =
    "if it is the same resource under another address, add a `moved` block; otherwise apply the new one alone first";
const LOOK: &str = "find out what depends on it; apply with `--retired` if nothing live does";

/// Something in a plan that matters to live traffic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The resource's address.
    pub address: String,
    /// How much it matters.
    pub effect: Effect,
    /// What would happen to the resource, and what follows from that.
    pub what: String,
    /// How to do it safely; empty for a warning.
    pub way: String,
}

impl TerraformPlan {
    /// Everything in the plan that matters, in its order.
    pub fn findings(&self) -> Vec<Finding> {
        self.resource_changes.iter().flat_map(|change| self.of_change(change)).collect()
    }

    fn of_change(&self, change: &ResourceChange) -> Vec<Finding> {
        let Some(action) = change.action() else { return Vec::new() };
        let Some(row) = table::row(&change.kind) else { return unlisted(change, action).into_iter().collect() };
        let whole = self.of_whole(change, row, action);
        // If the resource may not be replaced at all, its attributes add nothing.
        let decided = whole.as_ref().is_some_and(|finding| finding.effect != Effect::Warning);
        let attributes =
            if decided || change.deposed.is_some() { Vec::new() } else { of_attributes(change, row, action) };
        whole.into_iter().chain(attributes).collect()
    }

    /// What a removal or a replacement does.
    fn of_whole(&self, change: &ResourceChange, row: &Row, action: Action) -> Option<Finding> {
        let missing = row.missing;
        let (effect, what, way) = match (action, row.part) {
            // Its successor exists already.
            (Action::Delete, Part::Grant | Part::Aid | Part::Record) if change.deposed.is_some() => return None,
            (Action::Delete, Part::Record) => (Effect::Warning, format!("would be removed: {missing}"), ""),
            (Action::Delete, _) => match self.made_beside(change) {
                Some(other) => {
                    (Effect::Loss, format!("would be removed, perhaps before `{other}` is created: {missing}"), MOVED)
                }
                None => (Effect::Loss, format!("would be removed: {missing}"), REMOVE),
            },
            (Action::Swap, Part::InPath) => (Effect::Cut, gap(missing), REPLACE),
            (Action::Swap, Part::Grant) => (Effect::Cut, gap(missing), FIRST),
            (Action::Swap, Part::Aid | Part::Record) => (Effect::Warning, gap(missing), ""),
            (Action::Overlap, Part::InPath) => {
                (Effect::Cut, format!("would be replaced while releases still use the old one: {missing}"), REPLACE)
            }
            _ => return None,
        };
        Some(finding(change, effect, what, way))
    }

    /// One of the same type that the plan makes: perhaps the same thing under another key.
    fn made_beside(&self, removed: &ResourceChange) -> Option<&str> {
        let made = |change: &&ResourceChange| change.kind == removed.kind && change.action() == Some(Action::Create);
        self.resource_changes.iter().find(made).map(|change| change.address.as_str())
    }
}

fn gap(missing: &str) -> String {
    format!("would be replaced, and would be missing in between: {missing}")
}

fn finding(change: &ResourceChange, effect: Effect, what: impl Into<String>, way: impl Into<String>) -> Finding {
    Finding { address: change.address.clone(), effect, what: what.into(), way: way.into() }
}

/// Anything may depend on a type that is not in the table.
fn unlisted(change: &ResourceChange, action: Action) -> Option<Finding> {
    let provider = change.kind.split('_').next().unwrap_or_default();
    if HARMLESS.contains(&change.kind.as_str()) || HARMLESS_PROVIDERS.contains(&provider) {
        return None;
    }
    let what = match action {
        Action::Delete => "removed",
        Action::Swap => "replaced, and would be missing in between",
        Action::Overlap => "replaced by another one",
        Action::Nothing | Action::Create | Action::Update => return None,
    };
    let what = format!("would be {what}: `guard` has no rule for `{}`, so live traffic may need it", change.kind);
    // The new one exists before the old one goes.
    let effect = if action == Action::Overlap { Effect::Warning } else { Effect::Loss };
    Some(finding(change, effect, what, if effect == Effect::Loss { LOOK } else { "" }))
}

/// What changes of attributes do, each attribute once.
fn of_attributes(change: &ResourceChange, row: &Row, action: Action) -> Vec<Finding> {
    let applies = |on: &&On| match action {
        Action::Update => on.when != When::Created,
        Action::Create => on.when == When::Created,
        Action::Swap | Action::Overlap => true,
        Action::Nothing | Action::Delete => false,
    };
    let mut seen = Vec::new();
    let mut findings = Vec::new();
    for on in row.on.iter().filter(applies) {
        if seen.contains(&on.attribute) {
            continue;
        }
        if let Some(found) = of_attribute(change, on) {
            seen.push(on.attribute);
            findings.push(found);
        }
    }
    findings
}

fn of_attribute(change: &ResourceChange, on: &On) -> Option<Finding> {
    let On { attribute, when, effect, why, way } = on;
    let values = &change.change;
    let way = if way.is_empty() { String::new() } else { format!("`{attribute}`: {way}") };
    match Attribute::at(attribute, &values.before, &values.after, &values.after_unknown).met(*when) {
        Met::No => None,
        Met::Yes(detail) if *when == When::Created => {
            Some(finding(change, *effect, format!("would be created with `{attribute}` = {detail}: {why}"), way))
        }
        Met::Yes(detail) => {
            Some(finding(change, *effect, format!("would change in `{attribute}` ({detail}): {why}"), way))
        }
        // An attribute that is not set in a new resource may be unknown too.
        Met::Unknown if *when == When::Created && *effect != Effect::Warning => None,
        Met::Unknown if *when == When::Created => {
            Some(finding(change, *effect, format!("would be created: {why}"), ""))
        }
        // In a list or a policy the unknown part is mostly something new, which removes nothing.
        Met::Unknown => {
            let open = matches!(when, When::Loses | When::AllowsLess);
            let effect = if open { Effect::Warning } else { *effect };
            let what = format!("may change in `{attribute}` (known after apply): {why}");
            Some(finding(change, effect, what, if open { String::new() } else { way }))
        }
    }
}

#[cfg(test)]
mod tests;
