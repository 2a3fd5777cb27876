//! What an item has beyond the fields that this version knows: a newer version of the same schema wrote it. Where this version writes
//! the item again, it keeps them.

use serde::Serialize;
use serde_json::{Map, Value};

use super::schema::COMMON;

/// The unknown fields of an item, at any depth.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beyond(Value);

impl Beyond {
    /// Of an item, and what it was read as.
    pub(super) fn of(mut item: Value, known: &impl Serialize) -> Self {
        if let Some(fields) = item.as_object_mut() {
            fields.retain(|name, _| !COMMON.contains(&name.as_str()));
        }
        let known = serde_json::to_value(known).unwrap_or_default();
        Self(unknown(&item, &known).unwrap_or_default())
    }

    /// Adds the fields to what is about to be written. A field that is known by then is left as it is.
    pub(super) fn add_to(&self, value: &mut Value) {
        add(value, &self.0);
    }

    /// The part that belongs to one field.
    pub(super) fn within(&self, name: &str) -> Self {
        Self(self.0[name].clone())
    }

    /// All but the part that belongs to one field.
    pub(super) fn without(mut self, name: &str) -> Self {
        if let Some(fields) = self.0.as_object_mut() {
            fields.remove(name);
        }
        self
    }
}

fn unknown(raw: &Value, known: &Value) -> Option<Value> {
    match (raw, known) {
        (Value::Object(raw), Value::Object(known)) => {
            let found = raw.iter().filter_map(|(name, value)| {
                let value = match known.get(name) {
                    Some(known) => unknown(value, known),
                    None => Some(value.clone()).filter(|value| !is_nothing(value)),
                };
                Some((name.clone(), value?))
            });
            let found: Map<_, _> = found.collect();
            (!found.is_empty()).then_some(Value::Object(found))
        }
        (Value::Array(raw), Value::Array(known)) if raw.len() == known.len() => {
            let found: Vec<_> = raw.iter().zip(known).map(|(raw, known)| unknown(raw, known)).collect();
            let has_any = found.iter().any(Option::is_some);
            has_any.then(|| found.into_iter().map(Option::unwrap_or_default).collect())
        }
        _ => None,
    }
}

/// Whether a known field may be absent instead.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

fn add(value: &mut Value, more: &Value) {
    match (value, more) {
        (Value::Object(fields), Value::Object(more)) => {
            for (name, more) in more {
                match fields.get_mut(name) {
                    Some(value) => add(value, more),
                    None => drop(fields.insert(name.clone(), more.clone())),
                }
            }
        }
        (Value::Array(items), Value::Array(more)) => {
            items.iter_mut().zip(more).for_each(|(item, more)| add(item, more));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_of_a_newer_version_are_kept_at_any_depth() {
        let known = json!({"state": "live", "parts": {"f": {"version": "7"}}, "steps": [{"step": "a"}, {"step": "b"}]});
        let mut item = known.clone();
        (item["pk"], item["schema"], item["region"]) = (json!("app"), json!(2), json!("eu"));
        item["parts"]["f"]["layer"] = json!("l");
        item["steps"][1]["by"] = json!({"name": "ada"});
        let beyond = Beyond::of(item, &known);
        let mut again = known.clone();
        again["state"] = json!("superseded");
        again["steps"].as_array_mut().unwrap().push(json!({"step": "c"}));
        beyond.add_to(&mut again);
        assert_eq!(
            again,
            json!({
                "state": "superseded", "region": "eu", "parts": {"f": {"version": "7", "layer": "l"}},
                "steps": [{"step": "a"}, {"step": "b", "by": {"name": "ada"}}, {"step": "c"}],
            })
        );
    }

    #[test]
    fn a_known_field_that_is_absent_stays_absent() {
        let beyond = Beyond::of(json!({"number": 1, "reason": null, "by_role": []}), &json!({"number": 1}));
        assert_eq!(beyond, Beyond::default());
    }
}
