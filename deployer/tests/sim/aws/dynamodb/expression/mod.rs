//! Expressions: conditions, updates, keys and projections, by their grammar.

mod condition;
mod key;
mod path;
mod reserved;
#[cfg(test)]
mod tests;
mod token;
mod update;

use std::collections::BTreeSet;

use serde_json::Value;

use super::fault::Fault;
use super::value::{Item, normal};
pub(super) use condition::Condition;
pub(super) use key::KeyCondition;
pub(super) use path::{Path, Step};
use token::{Token, tokens};
pub(super) use update::Update;

/// The most bytes of one expression.
const LONGEST: usize = 4096;

/// The names and values that the expressions of one request refer to, and which of them they do.
pub(super) struct Terms {
    names: Item,
    values: Item,
    used: BTreeSet<String>,
    any: bool,
}

impl Terms {
    /// Of a request, or of an element of a transaction.
    pub(super) fn of(body: &Value) -> Result<Self, Fault> {
        let map = |field: &str| match &body[field] {
            Value::Null => Ok(Item::new()),
            Value::Object(map) if map.is_empty() => Err(Fault::invalid(format!("{field} must not be empty"))),
            Value::Object(map) => Ok(map.clone()),
            _ => Err(Fault::new("SerializationException", "Unexpected value type in payload")),
        };
        let mut values = map("ExpressionAttributeValues")?;
        for (name, value) in &mut values {
            *value = normal(value).map_err(|fault| match fault {
                Fault::Unknown => Fault::Unknown,
                Fault::Refused(_) => Fault::invalid(format!(
                    "ExpressionAttributeValues contains invalid value: The value of {name} is none"
                )),
            })?;
        }
        Ok(Self { names: map("ExpressionAttributeNames")?, values, used: BTreeSet::new(), any: false })
    }

    /// What is defined and in no expression is refused.
    pub(super) fn finish(&self) -> Result<(), Fault> {
        let maps = [(&self.names, "ExpressionAttributeNames"), (&self.values, "ExpressionAttributeValues")];
        for (map, field) in maps {
            if !map.is_empty() && !self.any {
                return Err(Fault::invalid(format!("{field} can only be specified when using expressions")));
            }
            let unused: Vec<&str> = map.keys().map(String::as_str).filter(|name| !self.used.contains(*name)).collect();
            if !unused.is_empty() {
                let words = format!("Value provided in {field} unused in expressions: keys: {{{}}}", unused.join(", "));
                return Err(Fault::invalid(words));
            }
        }
        Ok(())
    }

    /// The expression in this field of the body, read by `read`; none if there is none.
    fn read<T>(
        &mut self,
        body: &Value,
        field: &'static str,
        read: impl FnOnce(&mut Parser<'_>) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        let Some(text) = body[field].as_str() else { return Ok(None) };
        self.any = true;
        let mut parser = Parser { terms: self, field, tokens: Vec::new(), at: 0 };
        if text.trim().is_empty() {
            return Err(parser.invalid("The expression can not be empty;"));
        }
        if text.len() > LONGEST {
            return Err(parser.invalid("Expression size has exceeded the maximum allowed size;"));
        }
        parser.tokens = tokens(text)
            .map_err(|sign| parser.invalid(&format!("Syntax error; token: \"{sign}\", near: \"{sign}\"")))?;
        let parsed = read(&mut parser)?;
        if parser.next() != Token::End {
            return Err(parser.syntax());
        }
        Ok(Some(parsed))
    }

    /// The paths of `ProjectionExpression`.
    pub(super) fn projection(&mut self, body: &Value) -> Result<Option<Vec<Path>>, Fault> {
        let paths = self.read(body, "ProjectionExpression", |parser| parser.list(Parser::path))?;
        if let Some(paths) = &paths {
            disjoint(&paths.iter().collect::<Vec<_>>(), "ProjectionExpression")?;
        }
        Ok(paths)
    }
}

/// Only these paths of an item.
pub(super) fn projected(item: &Item, paths: Option<&[Path]>) -> Item {
    let Some(paths) = paths else { return item.clone() };
    let mut copy = Item::new();
    paths.iter().for_each(|path| path.project(item, &mut copy));
    copy
}

/// No path may lead through another.
fn disjoint(paths: &[&Path], field: &str) -> Result<(), Fault> {
    let shown = |path: &Path| {
        let step = |step: &Step| match step {
            Step::Name(name) => name.clone(),
            Step::Index(index) => format!("[{index}]"),
        };
        path.0.iter().map(step).collect::<Vec<_>>().join(", ")
    };
    for (index, one) in paths.iter().enumerate() {
        if let Some(two) = paths.iter().skip(index + 1).find(|two| one.overlaps(two)) {
            return Err(Fault::invalid(format!(
                "Invalid {field}: Two document paths overlap with each other; must remove or rewrite one of these \
                 paths; path one: [{}], path two: [{}]",
                shown(one),
                shown(two)
            )));
        }
    }
    Ok(())
}

/// Reads one expression.
struct Parser<'a> {
    terms: &'a mut Terms,
    field: &'static str,
    tokens: Vec<Token>,
    at: usize,
}

impl Parser<'_> {
    fn next(&self) -> Token {
        self.tokens.get(self.at).cloned().unwrap_or(Token::End)
    }

    fn takes(&mut self, sign: &str) -> bool {
        let takes = matches!(self.next(), Token::Sign(next) if next == sign);
        self.at += usize::from(takes);
        takes
    }

    /// Keywords may be written in small letters.
    fn takes_word(&mut self, word: &str) -> bool {
        let takes = matches!(self.next(), Token::Word(next) if next.eq_ignore_ascii_case(word));
        self.at += usize::from(takes);
        takes
    }

    fn expect(&mut self, sign: &str) -> Result<(), Fault> {
        if self.takes(sign) { Ok(()) } else { Err(self.syntax()) }
    }

    fn invalid(&self, words: &str) -> Fault {
        Fault::invalid(format!("Invalid {}: {words}", self.field))
    }

    fn syntax(&self) -> Fault {
        let near = self.tokens.iter().skip(self.at.saturating_sub(1)).take(3).map(Token::text).collect::<Vec<_>>();
        let token = self.next().text();
        self.invalid(&format!("Syntax error; token: \"{token}\", near: \"{}\"", near.join(" ")))
    }

    /// One or more, with commas in between.
    fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
        let mut all = vec![one(self)?];
        while self.takes(",") {
            all.push(one(self)?);
        }
        Ok(all)
    }

    fn path(&mut self) -> Result<Path, Fault> {
        let mut steps = vec![self.step()?];
        loop {
            if self.takes(".") {
                steps.push(self.step()?);
            } else if self.takes("[") {
                let Token::Index(index) = self.next() else { return Err(self.syntax()) };
                self.at += 1;
                steps.push(Step::Index(index));
                self.expect("]")?;
            } else {
                return Ok(Path(steps));
            }
        }
    }

    fn step(&mut self) -> Result<Step, Fault> {
        let name = match self.next() {
            Token::Word(word) if reserved::is(&word) => {
                return Err(self.invalid(&format!("Attribute name is a reserved keyword; reserved keyword: {word}")));
            }
            Token::Word(word) => word,
            Token::Name(name) => {
                let known = self.terms.names.get(&name).and_then(Value::as_str).map(str::to_owned);
                self.terms.used.insert(name.clone());
                known.ok_or_else(|| {
                    self.invalid(&format!(
                        "An expression attribute name used in the document path is not defined; attribute name: {name}"
                    ))
                })?
            }
            _ => return Err(self.syntax()),
        };
        self.at += 1;
        Ok(Step::Name(name))
    }

    /// The value of `:name`, which is next.
    fn value(&mut self, name: &str) -> Result<Value, Fault> {
        self.at += 1;
        self.terms.used.insert(name.to_owned());
        self.terms.values.get(name).cloned().ok_or_else(|| {
            self.invalid(&format!(
                "An expression attribute value used in expression is not defined; attribute value: {name}"
            ))
        })
    }
}
