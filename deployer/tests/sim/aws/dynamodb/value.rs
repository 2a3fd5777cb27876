//! Attribute values in DynamoDB's JSON: `{"S": "text"}`, `{"N": "1"}`, `{"M": {…}}`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::number::Number;

/// An item: its attributes by name.
pub(super) type Item = Map<String, Value>;

/// The most that an item may take, with its names.
pub(super) const LARGEST: usize = 400 * 1024;

/// A value by which items are found, and which has an order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scalar {
    Number(Number),
    /// The order of its bytes in UTF-8.
    Text(String),
    Bytes(Vec<u8>),
}

/// The kind and content of a value; none if it has not exactly one kind.
pub(super) fn parts(value: &Value) -> Option<(&str, &Value)> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    object.iter().next().map(|(kind, content)| (kind.as_str(), content))
}

/// The scalar that a value is; none for what has no order.
pub(super) fn scalar(value: &Value) -> Option<Scalar> {
    let (kind, content) = parts(value)?;
    let text = content.as_str()?;
    match kind {
        "S" => Some(Scalar::Text(text.to_owned())),
        "N" => Number::parse(text).ok().map(Scalar::Number),
        "B" => STANDARD.decode(text).ok().map(Scalar::Bytes),
        _ => None,
    }
}

impl Scalar {
    /// As it is read in a message or a test.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Number(number) => number.text(),
            Self::Text(text) => text.clone(),
            Self::Bytes(bytes) => STANDARD.encode(bytes),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Number(_) => false,
            Self::Text(text) => text.is_empty(),
            Self::Bytes(bytes) => bytes.is_empty(),
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Number(_) => "N",
            Self::Text(_) => "S",
            Self::Bytes(_) => "B",
        }
    }

    pub(super) fn size(&self) -> usize {
        match self {
            Self::Number(number) => number.size(),
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

/// The value in its one form, in which equal values are equal JSON: numbers plain, sets sorted.
///
/// # Errors
/// It is not a value.
pub(super) fn normal(value: &Value) -> Result<Value, Fault> {
    let Some((kind, content)) = parts(value) else {
        let words = match value.as_object().is_some_and(|object| object.len() > 1) {
            true => {
                "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
            }
            false => "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
        };
        return Err(Fault::invalid(words));
    };
    let odd = || Fault::new("SerializationException", "Unexpected value type in payload");
    let content = match kind {
        "S" => json!(content.as_str().ok_or_else(odd)?),
        "BOOL" => json!(content.as_bool().ok_or_else(odd)?),
        "N" => json!(Number::parse(content.as_str().ok_or_else(odd)?).map_err(Fault::invalid)?.text()),
        "B" => {
            let bytes = STANDARD.decode(content.as_str().ok_or_else(odd)?).map_err(|_| odd())?;
            json!(STANDARD.encode(bytes))
        }
        "NULL" if content == &json!(true) => json!(true),
        "NULL" => {
            let words =
                "One or more parameter values were invalid: Null attribute value types must have the value of true";
            return Err(Fault::invalid(words));
        }
        "L" => Value::Array(content.as_array().ok_or_else(odd)?.iter().map(normal).collect::<Result<_, _>>()?),
        "M" => Value::Object(normal_item(content.as_object().ok_or_else(odd)?)?),
        "SS" | "NS" | "BS" => set(kind, content.as_array().ok_or_else(odd)?)?,
        _ => {
            let words = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";
            return Err(Fault::invalid(words));
        }
    };
    Ok(json!({ kind: content }))
}

pub(super) fn normal_item(item: &Item) -> Result<Item, Fault> {
    item.iter().map(|(name, value)| Ok((name.clone(), normal(value)?))).collect()
}

fn set(kind: &str, members: &[Value]) -> Result<Value, Fault> {
    if members.is_empty() {
        return Err(Fault::invalid("One or more parameter values were invalid: An string set  may not be empty"));
    }
    let of = &kind[..1];
    let mut sorted = Vec::new();
    for member in members {
        let member = normal(&json!({ of: member }))?;
        sorted.push(scalar(&member).ok_or_else(|| Fault::invalid("Unexpected value type in payload"))?);
    }
    sorted.sort();
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        let words = "One or more parameter values were invalid: Input collection contains duplicates.";
        return Err(Fault::invalid(words));
    }
    Ok(sorted.iter().map(|member| json!(member.text())).collect())
}

/// The bytes that an item takes.
pub(super) fn item_size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + size(value)).sum()
}

/// The bytes that a value takes: lists and maps 3, and one more for each of theirs.
pub(super) fn size(value: &Value) -> usize {
    match parts(value) {
        Some(("L", Value::Array(members))) => 3 + members.iter().map(|member| size(member) + 1).sum::<usize>(),
        Some(("M", Value::Object(item))) => 3 + item_size(item) + item.len(),
        Some((kind @ ("SS" | "NS" | "BS"), Value::Array(members))) => {
            members.iter().map(|member| size(&json!({ &kind[..1]: member }))).sum()
        }
        Some(("BOOL" | "NULL", _)) => 1,
        _ => scalar(value).map_or(0, |scalar| scalar.size()),
    }
}
