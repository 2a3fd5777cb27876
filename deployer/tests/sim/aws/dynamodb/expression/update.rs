//! Updates: `SET a = :a, b.c = if_not_exists(b.c, :zero) + :one REMOVE d`.

use serde_json::{Value, json};

use super::super::fault::Fault;
use super::super::number::Number;
use super::super::value::Item;
use super::{Parser, Path, Terms, Token, disjoint};

/// All that an update does, by the item as it was before.
#[derive(Clone, Debug)]
pub(in super::super) struct Update(Vec<Action>);

#[derive(Clone, Debug)]
enum Action {
    Set(Path, Term),
    Remove(Path),
}

#[derive(Clone, Debug)]
enum Term {
    Path(Path),
    Value(Value),
    /// What is there, else the other.
    IfNotExists(Path, Box<Term>),
    Append(Box<Term>, Box<Term>),
    Plus(Box<Term>, Box<Term>),
    Minus(Box<Term>, Box<Term>),
}

impl Terms {
    pub(in super::super) fn update(&mut self, body: &Value) -> Result<Option<Update>, Fault> {
        let update = self.read(body, "UpdateExpression", |parser| parser.update())?;
        if let Some(Update(actions)) = &update {
            disjoint(&actions.iter().map(Action::path).collect::<Vec<_>>(), "UpdateExpression")?;
        }
        Ok(update)
    }
}

impl Parser<'_> {
    fn update(&mut self) -> Result<Update, Fault> {
        let (mut actions, mut sections) = (Vec::new(), Vec::new());
        while let Token::Word(word) = self.next() {
            let section = word.to_uppercase();
            if sections.contains(&section) {
                let words = format!("The \"{section}\" section can only be used once in an update expression;");
                return Err(self.invalid(&words));
            }
            match section.as_str() {
                "SET" | "REMOVE" => self.at += 1,
                // For sets and counters, which the simulator does not support.
                "ADD" | "DELETE" => return Err(Fault::Unknown),
                _ => return Err(self.syntax()),
            }
            actions.extend(match section.as_str() {
                "SET" => self.list(Self::set)?,
                _ => self.list(|parser| parser.path().map(Action::Remove))?,
            });
            sections.push(section);
        }
        if actions.is_empty() { Err(self.syntax()) } else { Ok(Update(actions)) }
    }

    fn set(&mut self) -> Result<Action, Fault> {
        let path = self.path()?;
        self.expect("=")?;
        let left = self.term()?;
        let term = if self.takes("+") {
            Term::Plus(Box::new(left), Box::new(self.term()?))
        } else if self.takes("-") {
            Term::Minus(Box::new(left), Box::new(self.term()?))
        } else {
            left
        };
        Ok(Action::Set(path, term))
    }

    fn term(&mut self) -> Result<Term, Fault> {
        match (self.next(), self.tokens.get(self.at + 1)) {
            (Token::Value(name), _) => self.value(&name).map(Term::Value),
            (Token::Word(function), Some(Token::Sign("("))) => {
                if !["if_not_exists", "list_append"].contains(&function.as_str()) {
                    return Err(self.invalid(&format!("Invalid function name; function: {function}")));
                }
                self.at += 2;
                let term = if function == "if_not_exists" {
                    let path = self.path()?;
                    self.expect(",")?;
                    Term::IfNotExists(path, Box::new(self.term()?))
                } else {
                    let one = self.term()?;
                    self.expect(",")?;
                    Term::Append(Box::new(one), Box::new(self.term()?))
                };
                self.expect(")")?;
                Ok(term)
            }
            _ => self.path().map(Term::Path),
        }
    }
}

/// What an update meets only when it is carried out.
const NO_WAY: &str = "The document path provided in the update expression is invalid for update";
const NO_ATTRIBUTE: &str = "The provided expression refers to an attribute that does not exist in the item";
const WRONG_TYPE: &str = "An operand in the update expression has an incorrect data type";

impl Update {
    /// The attributes that it changes.
    pub(in super::super) fn tops(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|action| action.path().top())
    }

    /// Carries it out on `item`.
    ///
    /// # Errors
    /// The message that DynamoDB refuses it with.
    pub(in super::super) fn apply(&self, item: &mut Item) -> Result<(), String> {
        let before = item.clone();
        for action in &self.0 {
            let done = match action {
                Action::Set(path, term) => path.set(item, term.of(&before)?),
                Action::Remove(path) => path.remove(item),
            };
            done.map_err(|_| NO_WAY.to_owned())?;
        }
        Ok(())
    }
}

impl Action {
    fn path(&self) -> &Path {
        match self {
            Self::Set(path, _) | Self::Remove(path) => path,
        }
    }
}

impl Term {
    fn of(&self, item: &Item) -> Result<Value, String> {
        match self {
            Self::Value(value) => Ok(value.clone()),
            Self::Path(path) => path.get(item).cloned().ok_or_else(|| NO_ATTRIBUTE.to_owned()),
            Self::IfNotExists(path, other) => path.get(item).map_or_else(|| other.of(item), |value| Ok(value.clone())),
            Self::Append(one, two) => {
                let (mut one, two) = (one.of(item)?, two.of(item)?);
                let more = two["L"].as_array().ok_or(WRONG_TYPE)?;
                one.get_mut("L").and_then(Value::as_array_mut).ok_or(WRONG_TYPE)?.extend(more.iter().cloned());
                Ok(one)
            }
            Self::Plus(one, two) => sum(&one.number(item)?, &two.number(item)?),
            Self::Minus(one, two) => sum(&one.number(item)?, &two.number(item)?.negated()),
        }
    }

    fn number(&self, item: &Item) -> Result<Number, String> {
        let value = self.of(item)?;
        Number::parse(value["N"].as_str().ok_or(WRONG_TYPE)?)
    }
}

fn sum(one: &Number, two: &Number) -> Result<Value, String> {
    Ok(json!({ "N": one.plus(two)?.text() }))
}
