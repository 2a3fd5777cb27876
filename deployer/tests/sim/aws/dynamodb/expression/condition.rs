//! Conditions, also those of a filter.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::super::fault::Fault;
use super::super::value::{Item, parts, scalar, size};
use super::{Parser, Path, Terms, Token};

/// A condition on an item.
#[derive(Clone, Debug)]
pub(in super::super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Compare(Operand, Comparison, Operand),
    Between(Operand, Operand, Operand),
    In(Operand, Vec<Operand>),
    Exists(Path),
    BeginsWith(Operand, Operand),
    Contains(Operand, Operand),
    IsOfType(Path, Operand),
}

#[derive(Clone, Debug, Copy, PartialEq, Eq)]
pub(in super::super) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

const COMPARISONS: [(&str, Comparison); 6] = [
    ("=", Comparison::Equal),
    ("<>", Comparison::Unequal),
    ("<=", Comparison::LessOrEqual),
    ("<", Comparison::Less),
    (">=", Comparison::GreaterOrEqual),
    (">", Comparison::Greater),
];

#[derive(Clone, Debug)]
pub(in super::super) enum Operand {
    Path(Path),
    Value(Value),
    /// The size of what is there.
    Size(Path),
}

impl Terms {
    /// The condition in `ConditionExpression` or `FilterExpression`.
    pub(in super::super) fn condition(
        &mut self,
        body: &Value,
        field: &'static str,
    ) -> Result<Option<Condition>, Fault> {
        self.read(body, field, |parser| parser.any())
    }
}

impl Parser<'_> {
    fn any(&mut self) -> Result<Condition, Fault> {
        let mut any = vec![self.all()?];
        while self.takes_word("OR") {
            any.push(self.all()?);
        }
        Ok(Condition::Any(any))
    }

    fn all(&mut self) -> Result<Condition, Fault> {
        let mut all = vec![self.not()?];
        while self.takes_word("AND") {
            all.push(self.not()?);
        }
        Ok(Condition::All(all))
    }

    fn not(&mut self) -> Result<Condition, Fault> {
        if self.takes_word("NOT") {
            return Ok(Condition::Not(Box::new(self.not()?)));
        }
        if self.takes("(") {
            let inner = self.any()?;
            self.expect(")")?;
            return Ok(inner);
        }
        match (self.next(), self.tokens.get(self.at + 1)) {
            (Token::Word(function), Some(Token::Sign("("))) if function != "size" => self.function(&function),
            _ => self.comparison(),
        }
    }

    fn function(&mut self, name: &str) -> Result<Condition, Fault> {
        let known = ["attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains"];
        if !known.contains(&name) {
            let words = match ["if_not_exists", "list_append"].contains(&name) {
                true => format!("The function is not allowed in a condition expression; function: {name}"),
                false => format!("Invalid function name; function: {name}"),
            };
            return Err(self.invalid(&words));
        }
        self.at += 2;
        let condition = match name {
            "attribute_exists" => Condition::Exists(self.path()?),
            "attribute_not_exists" => Condition::Not(Box::new(Condition::Exists(self.path()?))),
            "attribute_type" => Condition::IsOfType(self.path()?, self.second()?),
            "begins_with" => Condition::BeginsWith(self.operand()?, self.second()?),
            _ => Condition::Contains(self.operand()?, self.second()?),
        };
        self.expect(")")?;
        Ok(condition)
    }

    fn second(&mut self) -> Result<Operand, Fault> {
        self.expect(",")?;
        self.operand()
    }

    fn comparison(&mut self) -> Result<Condition, Fault> {
        let left = self.operand()?;
        if self.takes_word("BETWEEN") {
            let low = self.operand()?;
            if !self.takes_word("AND") {
                return Err(self.syntax());
            }
            return Ok(Condition::Between(left, low, self.operand()?));
        }
        if self.takes_word("IN") {
            self.expect("(")?;
            let all = self.list(Self::operand)?;
            self.expect(")")?;
            return Ok(Condition::In(left, all));
        }
        let Some((_, comparison)) = COMPARISONS.into_iter().find(|(sign, _)| self.takes(sign)) else {
            return Err(self.syntax());
        };
        Ok(Condition::Compare(left, comparison, self.operand()?))
    }

    pub(super) fn operand(&mut self) -> Result<Operand, Fault> {
        match (self.next(), self.tokens.get(self.at + 1)) {
            (Token::Value(name), _) => self.value(&name).map(Operand::Value),
            (Token::Word(word), Some(Token::Sign("("))) if word == "size" => {
                self.at += 2;
                let path = self.path()?;
                self.expect(")")?;
                Ok(Operand::Size(path))
            }
            _ => self.path().map(Operand::Path),
        }
    }
}

impl Condition {
    /// Whether it holds of an item; one that does not exist has no attributes.
    pub(in super::super) fn holds(&self, item: &Item) -> bool {
        let ordered = |one: &Operand, two: &Operand| order(&one.of(item)?, &two.of(item)?);
        match self {
            Self::All(all) => all.iter().all(|condition| condition.holds(item)),
            Self::Any(any) => any.iter().any(|condition| condition.holds(item)),
            Self::Not(condition) => !condition.holds(item),
            Self::Exists(path) => path.get(item).is_some(),
            // What is missing equals nothing, and so is unequal.
            Self::Compare(one, Comparison::Unequal, two) => one.of(item).is_none() || one.of(item) != two.of(item),
            Self::Compare(one, Comparison::Equal, two) => one.of(item).is_some() && one.of(item) == two.of(item),
            Self::Compare(one, comparison, two) => {
                ordered(one, two).is_some_and(|ordering| comparison.allows(ordering))
            }
            Self::Between(one, low, high) => {
                ordered(one, low).is_some_and(Ordering::is_ge) && ordered(one, high).is_some_and(Ordering::is_le)
            }
            Self::In(one, all) => {
                one.of(item).is_some_and(|value| all.iter().any(|two| two.of(item).as_ref() == Some(&value)))
            }
            Self::BeginsWith(one, two) => one.of(item).zip(two.of(item)).is_some_and(|(one, two)| begins(&one, &two)),
            Self::Contains(one, two) => one.of(item).zip(two.of(item)).is_some_and(|(one, two)| contains(&one, &two)),
            Self::IsOfType(path, kind) => {
                let kind = kind.of(item).and_then(|kind| kind["S"].as_str().map(str::to_owned));
                path.get(item).and_then(parts).map(|(kind, _)| kind.to_owned()) == kind && kind.is_some()
            }
        }
    }
}

impl Comparison {
    pub(super) fn allows(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Unequal => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

impl Operand {
    fn of(&self, item: &Item) -> Option<Value> {
        match self {
            Self::Value(value) => Some(value.clone()),
            Self::Path(path) => path.get(item).cloned(),
            Self::Size(path) => path.get(item).and_then(count).map(|count| json!({ "N": count.to_string() })),
        }
    }
}

/// The length of a text or of bytes, the number of members.
fn count(value: &Value) -> Option<usize> {
    match parts(value)? {
        ("S" | "B", _) => Some(size(value)),
        (_, Value::Array(members)) => Some(members.len()),
        (_, Value::Object(members)) => Some(members.len()),
        _ => None,
    }
}

/// Only values of one type have an order.
fn order(one: &Value, two: &Value) -> Option<Ordering> {
    let (one, two) = (scalar(one)?, scalar(two)?);
    (one.kind() == two.kind()).then(|| one.cmp(&two))
}

fn begins(one: &Value, two: &Value) -> bool {
    match (one["S"].as_str(), two["S"].as_str()) {
        (Some(one), Some(two)) => one.starts_with(two),
        _ => matches!((scalar(one), scalar(two)), (Some(super::super::value::Scalar::Bytes(one)),
            Some(super::super::value::Scalar::Bytes(two))) if one.starts_with(&two)),
    }
}

fn contains(one: &Value, two: &Value) -> bool {
    match parts(one) {
        Some(("S", Value::String(text))) => two["S"].as_str().is_some_and(|part| text.contains(part)),
        Some(("L", Value::Array(members))) => members.contains(two),
        Some((kind @ ("SS" | "NS" | "BS"), Value::Array(members))) => {
            two.get(&kind[..1]).is_some_and(|member| members.contains(member))
        }
        _ => false,
    }
}
