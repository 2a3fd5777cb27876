//! Values of every shape, and valid documents with something wrong in them.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

const TEXTS: [&str; 18] = [
    "",
    " ",
    "dev",
    "live",
    "7",
    "-1",
    "NaN",
    "1e999",
    "../../etc/passwd",
    "/",
    ".",
    "a/b",
    "null",
    "release#99999999",
    "\r\n::error::x\u{0}\u{1b}[2J\u{202e}",
    "\u{feff}Ω\u{1f980}",
    "9999-99-99T99:99:99Z",
    "-009999-01-01T00:00:00Z",
];

/// A text from the list, or any other.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => select(&TEXTS[..]).prop_map(str::to_owned),
        2 => ".{0,40}",
        1 => (1_usize..20_000).prop_map(|length| "x".repeat(length)),
    ]
}

/// Numbers at the limits of their types.
fn number() -> impl Strategy<Value = Value> {
    let borders = vec![
        json!(0),
        json!(-1),
        json!(1),
        json!(2.5),
        json!(-0.0),
        json!(1e308),
        json!(99_999_999),
        json!(100_000_000),
        json!(u32::MAX - 1),
        json!(u32::MAX),
        json!(u64::from(u32::MAX) + 1),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX - 1),
        json!(u64::MAX),
        json!(1e19),
    ];
    prop_oneof![3 => select(borders), 1 => any::<i64>().prop_map(Value::from), 1 => any::<f64>().prop_map(Value::from)]
}

/// Any JSON whose members have one of these names.
pub(crate) fn json_of(names: &'static [&'static str]) -> impl Strategy<Value = Value> + Clone {
    let leaf = prop_oneof![
        3 => text().prop_map(Value::from),
        3 => number(),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    let tree = leaf.prop_recursive(4, 48, 6, move |inner| {
        let member = (select(names).prop_map(str::to_owned), inner.clone());
        prop_oneof![
            3 => vec(member, 0..6).prop_map(|members| Value::Object(Map::from_iter(members))),
            1 => vec(inner.clone(), 0..4).prop_map(Value::Array),
            // Deeper than DynamoDB allows.
            1 => (inner, 1_usize..60).prop_map(|(inner, depth)| (0..depth).fold(inner, |inner, _| json!([inner]))),
        ]
    });
    // One type for all names.
    tree.boxed()
}

/// A defect of one member.
#[derive(Debug, Clone)]
enum Wrong {
    Is(Value),
    Gone,
    Twice(String),
}

/// `sound` with some members of another shape, missing, or under another name; often as it is.
pub(crate) fn nearly(sound: Value, names: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let wrong = prop_oneof![
        4 => json_of(names).prop_map(Wrong::Is),
        2 => Just(Wrong::Gone),
        1 => prop_oneof![select(names).prop_map(str::to_owned), text()].prop_map(Wrong::Twice),
    ];
    vec((any::<Index>(), wrong), 0..4).prop_map(move |changes| {
        let mut value = sound.clone();
        for (index, wrong) in changes {
            spoil(&mut value, index, wrong);
        }
        value
    })
}

fn spoil(value: &mut Value, index: Index, wrong: Wrong) {
    let mut all = Vec::new();
    members(value, &mut Vec::new(), &mut all);
    let Some(path) = (!all.is_empty()).then(|| index.get(&all).clone()) else { return };
    let Some((name, above)) = path.split_last() else { return };
    let object = above.iter().fold(value, |value, name| &mut value[name.as_str()]);
    let Some(object) = object.as_object_mut() else { return };
    match wrong {
        Wrong::Is(other) => drop(object.insert(name.clone(), other)),
        Wrong::Gone => drop(object.remove(name)),
        Wrong::Twice(other) => {
            let same = object[name].clone();
            object.insert(other, same);
        }
    }
}

/// The paths of all members.
fn members(value: &Value, above: &mut Vec<String>, all: &mut Vec<Vec<String>>) {
    for (name, inner) in value.as_object().into_iter().flatten() {
        above.push(name.clone());
        all.push(above.clone());
        members(inner, above, all);
        above.pop();
    }
}

/// `sound` with pieces cut out, doubled or replaced: invalid values, and duplicate keys.
pub(crate) fn spoilt(sound: String) -> impl Strategy<Value = String> {
    let piece = prop_oneof![2 => text(), 1 => (1_usize..2_000).prop_map(|depth| "[".repeat(depth)),
        1 => (1_usize..300).prop_map(|depth| "{\"a\":".repeat(depth))];
    let change = (any::<Index>(), any::<Index>(), 0_usize..4, piece);
    vec(change, 0..4).prop_map(move |changes| {
        let mut text = sound.clone();
        for (from, length, what, piece) in changes {
            let letters: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let first = from.index(letters.len());
            let last = (first + length.index(80)).min(letters.len() - 1);
            let (first, last) = (letters[first], letters[last]);
            let line = text[..first].rfind('\n').map_or(0, |end| end + 1);
            match what {
                0 => text.replace_range(first..last, ""),
                1 => text.replace_range(first..last, &piece),
                2 => text.insert_str(first, &piece),
                _ => {
                    let again = text[line..last].to_owned();
                    text.insert_str(line, &again);
                }
            }
        }
        text
    })
}

/// Whether `read` equals `given`, from which it was read: everything that is not a default comes from there.
pub(crate) fn says(read: &Value, given: &Value) -> bool {
    match (read, given) {
        (Value::Object(read), Value::Object(given)) => read.iter().all(|(name, inner)| match given.get(name) {
            Some(given) => says(inner, given),
            None => is_default(inner),
        }),
        (Value::Array(read), Value::Array(given)) => {
            read.len() == given.len() && read.iter().zip(given).all(|(read, given)| says(read, given))
        }
        // A structure may be written as a list of its members too.
        (Value::Object(read), Value::Array(given)) => {
            read.values().all(|inner| is_default(inner) || given.iter().any(|given| says(inner, given)))
        }
        (read, given) => read == given,
    }
}

fn is_default(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(value) => value.as_u64() == Some(0),
        Value::Array(values) => values.is_empty(),
        Value::Object(values) => values.is_empty(),
        Value::String(_) => false,
    }
}
