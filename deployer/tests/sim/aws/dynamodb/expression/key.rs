//! The condition of a Query: `pk = :pk AND begins_with(sk, :sk)`.

use serde_json::Value;

use super::super::fault::Fault;
use super::super::table::{Key, Table};
use super::super::value::{Item, Scalar, scalar};
use super::condition::{Comparison, Condition, Operand};
use super::{Path, Terms};

/// What a Query selects.
#[derive(Clone, Debug)]
pub(in super::super) struct KeyCondition {
    partition: Scalar,
    sort: Option<Condition>,
}

impl KeyCondition {
    /// Reads it for this table.
    pub(in super::super) fn of(terms: &mut Terms, body: &Value, table: &Table) -> Result<Self, Fault> {
        let Some(condition) = terms.condition(body, "KeyConditionExpression")? else {
            let words =
                "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.";
            return Err(Fault::invalid(words));
        };
        let (mut partition, mut sort) = (None, None);
        for part in parts(condition)? {
            let name = subject(&part).ok_or_else(|| invalid("Invalid operator used in KeyConditionExpression"))?;
            if name == table.partition.0 {
                let Condition::Compare(_, Comparison::Equal, Operand::Value(value)) = &part else {
                    return Err(Fault::invalid("Query key condition not supported"));
                };
                partition = Some(of_type(value, &table.partition)?);
            } else if let Some(key) = table.sort.as_ref().filter(|(sort, _)| *sort == name) {
                values(&part).into_iter().try_for_each(|value| of_type(value, key).map(drop))?;
                sort = Some(part);
            } else {
                return Err(Fault::invalid("Query key condition not supported"));
            }
        }
        let missing = || Fault::invalid(format!("Query condition missed key schema element: {}", table.partition.0));
        Ok(Self { partition: partition.ok_or_else(missing)?, sort })
    }

    /// Whether the item with this key is selected.
    pub(in super::super) fn selects(&self, (partition, _): &Key, attributes: &Item) -> bool {
        *partition == self.partition && self.sort.as_ref().is_none_or(|sort| sort.holds(attributes))
    }
}

fn invalid(words: &str) -> Fault {
    Fault::invalid(format!("Invalid KeyConditionExpression: {words}"))
}

/// One condition, or two that must both be true; parentheses do not count.
fn parts(condition: Condition) -> Result<Vec<Condition>, Fault> {
    let mut parts = Vec::new();
    open(condition, &mut parts)?;
    if parts.len() > 2 { Err(invalid("Conditions can be of length 1 or 2 only")) } else { Ok(parts) }
}

fn open(condition: Condition, parts: &mut Vec<Condition>) -> Result<(), Fault> {
    match condition {
        Condition::Any(inner) if inner.len() > 1 => Err(invalid("Invalid operator used in KeyConditionExpression: OR")),
        Condition::Any(inner) | Condition::All(inner) => inner.into_iter().try_for_each(|one| open(one, parts)),
        condition => {
            parts.push(condition);
            Ok(())
        }
    }
}

/// The key attribute that a condition is about.
fn subject(condition: &Condition) -> Option<String> {
    let path = match condition {
        Condition::Compare(_, Comparison::Unequal, _) => return None,
        Condition::Compare(Operand::Path(path), _, Operand::Value(_))
        | Condition::Between(Operand::Path(path), Operand::Value(_), Operand::Value(_))
        | Condition::BeginsWith(Operand::Path(path), Operand::Value(_)) => path,
        _ => return None,
    };
    let Path(steps) = path;
    (steps.len() == 1).then(|| path.top().to_owned())
}

fn values(condition: &Condition) -> Vec<&Value> {
    let operands = match condition {
        Condition::Compare(_, _, one) | Condition::BeginsWith(_, one) => vec![one],
        Condition::Between(_, low, high) => vec![low, high],
        _ => Vec::new(),
    };
    operands
        .into_iter()
        .filter_map(|operand| if let Operand::Value(value) = operand { Some(value) } else { None })
        .collect()
}

fn of_type(value: &Value, (name, kind): &(String, &'static str)) -> Result<Scalar, Fault> {
    let Some(scalar) = scalar(value).filter(|scalar| scalar.kind() == *kind) else {
        let words = "One or more parameter values were invalid: Condition parameter type does not match schema type";
        return Err(Fault::invalid(words));
    };
    if scalar.is_empty() {
        return Err(Fault::invalid(format!(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty \
             string value. Key: {name}"
        )));
    }
    Ok(scalar)
}
