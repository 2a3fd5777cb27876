//! Whether an attribute changes in a way that matters. Pure.

use serde_json::Value;

use super::policy;
use super::table::When;

/// What became of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Met {
    /// Nothing that matters.
    No,
    /// What matters, with the values in words.
    Yes(String),
    /// The value is known only after apply, or cannot be compared.
    Unknown,
}

/// An attribute before and after, and whether its value is known only after apply.
pub(super) struct Attribute<'a> {
    pub before: &'a Value,
    pub after: &'a Value,
    pub unknown: bool,
}

impl<'a> Attribute<'a> {
    /// `path` leads through nested blocks, always the first of each.
    pub(super) fn at(path: &str, before: &'a Value, after: &'a Value, unknown: &Value) -> Self {
        Self { before: at(before, path), after: at(after, path), unknown: is_unknown(unknown, path) }
    }

    pub(super) fn met(&self, when: When) -> Met {
        let Self { before, after, unknown } = *self;
        if unknown {
            return Met::Unknown;
        }
        let changes = || Met::Yes(format!("{} -> {}", shown(before), shown(after)));
        let met = match when {
            When::Changes => !same(before, after),
            When::TurnsOn => !is_true(before) && is_true(after),
            When::TurnsOff => is_true(before) && !is_true(after),
            When::Stops => number(after) == Some(0.0) && number(before) != Some(0.0),
            When::Lowered => limit(after) < limit(before),
            When::Appears => nothing(before) && !nothing(after),
            When::Created => !nothing(after) && *after != false,
            When::Loses => return lost_elements(before, after),
            When::AllowsLess => return lost_grants(before, after),
        };
        if !met {
            return Met::No;
        }
        if when == When::Created { Met::Yes(shown(after)) } else { changes() }
    }
}

fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('/').fold(value, |value, name| match value {
        Value::Array(blocks) => blocks.first().map_or(&Value::Null, |block| &block[name]),
        other => &other[name],
    })
}

/// A whole block may be unknown, or one place inside it.
fn is_unknown(unknown: &Value, path: &str) -> bool {
    fn any(value: &Value) -> bool {
        match value {
            Value::Array(all) => all.iter().any(any),
            Value::Object(members) => members.values().any(any),
            other => *other == true,
        }
    }
    let names: Vec<&str> = path.split('/').collect();
    let above = (1..names.len()).any(|length| *at(unknown, &names[..length].join("/")) == true);
    above || any(at(unknown, path))
}

/// Terraform writes an unset value as null, as an empty text or as an empty list.
fn nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

fn same(before: &Value, after: &Value) -> bool {
    before == after || (nothing(before) && nothing(after))
}

fn is_true(value: &Value) -> bool {
    *value == true || *value == "true"
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

/// A missing number and -1 both mean unlimited.
fn limit(value: &Value) -> f64 {
    number(value).filter(|limit| *limit >= 0.0).unwrap_or(f64::INFINITY)
}

fn lost_elements(before: &Value, after: &Value) -> Met {
    let lost: Vec<String> = match (before, after) {
        (_, Value::Array(after)) if after.contains(&Value::from("*")) => Vec::new(),
        (Value::Array(before), Value::Array(after)) => {
            before.iter().filter(|element| !after.contains(element)).map(shown).collect()
        }
        (Value::Object(before), Value::Object(after)) => before
            .iter()
            .filter(|(name, value)| after.get(*name) != Some(value))
            .map(|(name, _)| format!("`{name}`"))
            .collect(),
        (before, after) if same(before, after) || nothing(before) => Vec::new(),
        (before, _) => vec![shown(before)],
    };
    if lost.is_empty() { Met::No } else { Met::Yes(format!("loses {}", some(&lost))) }
}

fn lost_grants(before: &Value, after: &Value) -> Met {
    let text = |value: &Value| match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text.clone()),
        _ => None,
    };
    let lost = text(before).zip(text(after)).and_then(|(before, after)| policy::lost(&before, &after));
    match lost {
        None => Met::Unknown,
        Some(lost) if lost.is_empty() => Met::No,
        Some(lost) => Met::Yes(format!("loses {}", some(&lost))),
    }
}

/// The first few of them.
fn some(all: &[String]) -> String {
    const SHOWN: usize = 3;
    let more = if all.len() > SHOWN { format!(" and {} more", all.len() - SHOWN) } else { String::new() };
    format!("{}{more}", all[..all.len().min(SHOWN)].join(", "))
}

/// A value in few words. Only names and numbers: what is long may be a secret's neighbour.
fn shown(value: &Value) -> String {
    const LONGEST: usize = 120;
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(_) | Value::Number(_) => format!("`{value}`"),
        Value::String(text) if text.len() <= LONGEST && !text.contains(['\n', '`']) => format!("`{text}`"),
        Value::Array(all) if all.len() == 1 && !all[0].is_object() => shown(&all[0]),
        Value::Array(all) if all.is_empty() => "nothing".to_owned(),
        _ => "a longer value".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn met(when: When, before: &Value, after: &Value) -> bool {
        match (Attribute { before, after, unknown: false }).met(when) {
            Met::No => false,
            Met::Yes(_) => true,
            Met::Unknown => panic!("{when:?} {before} {after}"),
        }
    }

    #[test]
    fn an_unset_value_is_the_same_in_every_notation() {
        for (before, after) in [(json!(null), json!("")), (json!([]), json!(null)), (json!("a"), json!("a"))] {
            assert!(!met(When::Changes, &before, &after), "{before} {after}");
        }
        assert!(met(When::Changes, &json!(null), &json!(false)));
    }

    #[test]
    fn a_limit_is_lowered_from_none_or_to_less() {
        for (before, after) in
            [(json!(-1), json!(5)), (json!(null), json!(5)), (json!(5), json!(4)), (json!("5"), json!("4"))]
        {
            assert!(met(When::Lowered, &before, &after), "{before} {after}");
            assert!(!met(When::Lowered, &after, &before), "{after} {before}");
            assert!(!met(When::Lowered, &after, &after), "{after}");
        }
        assert!(met(When::Stops, &json!(-1), &json!(0)) && !met(When::Stops, &json!(0), &json!(0)));
    }

    #[test]
    fn a_list_or_map_loses_what_is_gone_or_changed() {
        assert!(met(When::Loses, &json!(["a", "b"]), &json!(["b"])) && met(When::Loses, &json!(["a"]), &json!(null)));
        assert!(!met(When::Loses, &json!(["a"]), &json!(["b", "a"])) && !met(When::Loses, &json!(null), &json!(["a"])));
        assert!(!met(When::Loses, &json!(["a"]), &json!(["*"])), "a wildcard includes it");
        assert!(met(When::Loses, &json!({"a": "1"}), &json!({"a": "2"})));
        assert!(!met(When::Loses, &json!({"a": "1"}), &json!({"a": "1", "b": "2"})));
    }

    #[test]
    fn a_switch_that_is_not_set_is_off() {
        assert!(met(When::TurnsOn, &json!(null), &json!(true)) && !met(When::TurnsOn, &json!(true), &json!(true)));
        assert!(met(When::TurnsOff, &json!(true), &json!(null)) && !met(When::TurnsOff, &json!(null), &json!(false)));
        assert!(!met(When::Created, &json!(null), &json!(false)) && met(When::Created, &json!(null), &json!("a")));
    }

    #[test]
    fn a_path_finds_unknown_values_above_and_below_it() {
        let (before, after) = (json!({"a": [{"b": 1}]}), json!({"a": [{"b": 2}]}));
        let of = |unknown: Value| Attribute::at("a/b", &before, &after, &unknown).met(When::Changes);
        assert_eq!(of(json!({})), Met::Yes("`1` -> `2`".to_owned()));
        for unknown in [json!({"a": true}), json!({"a": [{"b": true}]}), json!({"a": [{"b": [false, true]}]})] {
            assert_eq!(of(unknown), Met::Unknown);
        }
        assert_eq!(of(json!({"a": [{"c": true}]})), Met::Yes("`1` -> `2`".to_owned()));
    }
}
