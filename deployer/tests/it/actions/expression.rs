//! Expressions of GitHub Actions: `${{ … }}` in texts, and conditions. As much of them as the workflows use; anything else
//! fails the test.
//!
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/expressions>

use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// What an expression is evaluated in.
pub(crate) struct Scope<'a> {
    /// `github`, `inputs`, `needs`, …: one object each.
    pub contexts: &'a Value,
    /// Whether a step or a needed job before has failed.
    pub failed: bool,
}

impl Scope<'_> {
    /// A text with every `${{ … }}` replaced.
    pub(crate) fn text(&self, text: &str) -> String {
        let mut rest = text;
        let mut whole = String::new();
        while let Some((before, after)) = rest.split_once("${{") {
            let (expression, after) = after.split_once("}}").unwrap_or_else(|| panic!("no end of `${{{{` in `{text}`"));
            whole += before;
            whole += &show(&self.value(expression));
            rest = after;
        }
        whole + rest
    }

    /// Any value of a workflow as text: what is not a string is written as GitHub writes it.
    pub(crate) fn text_of(&self, value: &Value) -> String {
        match value {
            Value::String(text) => self.text(text),
            other => show(other),
        }
    }

    /// A value of a workflow: what an expression alone results in, else text.
    pub(crate) fn value_of(&self, value: &Value) -> Value {
        let Value::String(text) = value else { return value.clone() };
        let alone = text.trim().strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}"));
        match alone.filter(|expression| !expression.contains("}}")) {
            Some(expression) => self.value(expression),
            None => json!(self.text(text)),
        }
    }

    /// Whether a condition is true. One that names no status requires success.
    pub(crate) fn holds(&self, condition: &Value) -> bool {
        let expression = match condition {
            Value::Null => "success()",
            Value::String(text) => text.trim().trim_start_matches("${{").trim_end_matches("}}"),
            other => return truthy(other),
        };
        let asks_for_status =
            ["success()", "failure()", "always()", "cancelled()"].iter().any(|status| expression.contains(status));
        (asks_for_status || !self.failed) && truthy(&self.value(expression))
    }

    fn value(&self, expression: &str) -> Value {
        let mut parser = Parser { scope: self, rest: expression.trim() };
        let value = parser.or();
        assert!(parser.rest.is_empty(), "`{}` is left of the expression `{expression}`", parser.rest);
        value
    }
}

struct Parser<'a> {
    scope: &'a Scope<'a>,
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn takes(&mut self, token: &str) -> bool {
        let taken = self.rest.strip_prefix(token);
        if let Some(rest) = taken {
            self.rest = rest.trim_start();
        }
        taken.is_some()
    }

    /// The beginning of the rest that is made of such characters.
    fn word(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|next| !belongs(next)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        word
    }

    fn or(&mut self) -> Value {
        let mut left = self.and();
        while self.takes("||") {
            let right = self.and();
            left = if truthy(&left) { left } else { right };
        }
        left
    }

    fn and(&mut self) -> Value {
        let mut left = self.equality();
        while self.takes("&&") {
            let right = self.equality();
            left = if truthy(&left) { right } else { left };
        }
        left
    }

    fn equality(&mut self) -> Value {
        let left = self.unary();
        if self.takes("==") {
            return json!(equal(&left, &self.unary()));
        }
        if self.takes("!=") {
            return json!(!equal(&left, &self.unary()));
        }
        left
    }

    fn unary(&mut self) -> Value {
        if self.takes("!") {
            return json!(!truthy(&self.unary()));
        }
        if self.takes("(") {
            let value = self.or();
            assert!(self.takes(")"), "no `)` before `{}`", self.rest);
            return value;
        }
        if self.rest.starts_with('\'') {
            return json!(self.string());
        }
        let word = self.word(|next| next.is_ascii_alphanumeric() || ['_', '-', '.'].contains(&next));
        if self.takes("(") {
            return self.call(word);
        }
        serde_json::from_str(word).unwrap_or_else(|_| self.context(word))
    }

    /// `'it''s'`.
    fn string(&mut self) -> String {
        let mut text = String::new();
        loop {
            self.rest = &self.rest[1..];
            let (part, rest) =
                self.rest.split_once('\'').unwrap_or_else(|| panic!("no end of a string in `{}`", self.rest));
            text += part;
            self.rest = rest;
            if !rest.starts_with('\'') {
                self.rest = rest.trim_start();
                return text;
            }
            text.push('\'');
        }
    }

    fn call(&mut self, function: &str) -> Value {
        let mut arguments = Vec::new();
        while !self.takes(")") {
            arguments.push(self.or());
            self.takes(",");
        }
        let failed = self.scope.failed;
        match function {
            "success" => json!(!failed),
            "failure" => json!(failed),
            // Here no run is cancelled.
            "cancelled" => json!(false),
            "always" => json!(true),
            "fromJSON" => {
                serde_json::from_str(&show(&arguments[0])).unwrap_or_else(|error| panic!("{error}: {arguments:?}"))
            }
            // Of a text; GitHub compares without regard to case.
            "contains" => json!(show(&arguments[0]).to_lowercase().contains(&show(&arguments[1]).to_lowercase())),
            "hashFiles" => json!(hash_files(&self.context("github.workspace"), &arguments)),
            other => panic!("the workflows use `{other}()`, which this interpreter does not support"),
        }
    }

    /// `needs.dev.outputs.release`: what is not there is null.
    fn context(&self, path: &str) -> Value {
        let mut parts = path.split('.');
        let name = parts.next().unwrap_or_default();
        let context = self.scope.contexts.get(name).unwrap_or_else(|| panic!("no context `{name}` for `{path}`"));
        parts.fold(context.clone(), |value, part| value.get(part).cloned().unwrap_or(Value::Null))
    }
}

/// Of the files that these patterns name, paths or whole folders (`src/**`), as GitHub does it: the hash of their hashes.
fn hash_files(workspace: &Value, patterns: &[Value]) -> String {
    let workspace = Path::new(workspace.as_str().unwrap());
    let mut all = Sha256::new();
    for pattern in patterns {
        let pattern = pattern.as_str().unwrap();
        let mut files = vec![workspace.join(pattern.trim_end_matches("/**"))];
        while let Some(path) = files.pop() {
            if path.is_dir() {
                let mut inside: Vec<_> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
                inside.sort();
                files.extend(inside);
            } else {
                let content = std::fs::read(&path).unwrap_or_else(|_| panic!("`{pattern}` names no file"));
                all.update(Sha256::digest(content));
            }
        }
    }
    all.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// Texts without regard to case; what differs in type as numbers.
fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::String(left), Value::String(right)) => left.eq_ignore_ascii_case(right),
        (left, right) if left == right => true,
        (left, right) => number(left) == number(right) && number(left).is_some(),
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Null => Some(0.0),
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Value::Number(number) => number.as_f64(),
        Value::String(text) if text.trim().is_empty() => Some(0.0),
        Value::String(text) => text.trim().parse().ok(),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// A value as text.
pub(super) fn show(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
