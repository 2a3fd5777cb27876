//! Policies of IAM, as far as those of this repository go: Allow and Deny, wildcards, and the few conditions that they
//! have. Whatever else a document says fails the test that reads it: what is not understood must not pass.

use serde_json::Value;

use super::super::like;
use super::need::Need;

/// All statements that apply to a caller.
#[derive(Debug, Clone, Default)]
pub(crate) struct Policy(Vec<Statement>);

#[derive(Debug, Clone)]
struct Statement {
    allows: bool,
    actions: Vec<String>,
    resources: Vec<String>,
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone)]
struct Condition {
    operator: Operator,
    /// `ForAllValues`: every value of the request has to match, and a request without any matches.
    all_values: bool,
    /// A request without the key matches.
    if_exists: bool,
    /// In lower case.
    key: String,
    wanted: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
enum Operator {
    Equals,
    /// None of the wanted values; a request without the key matches.
    NotEquals,
    Like,
}

/// One action on one resource, as a statement that allows has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Grant {
    pub action: String,
    pub resource: String,
}

impl Grant {
    /// Whether it is (also) for this.
    pub(crate) fn covers(&self, need: &Need) -> bool {
        is_action(&self.action, &need.action) && like(self.resource.as_bytes(), need.resource.as_bytes())
    }
}

impl Policy {
    /// Of all these documents together.
    ///
    /// # Panics
    /// A document says something that is not understood here.
    pub(crate) fn of<'a>(documents: impl IntoIterator<Item = &'a Value>) -> Self {
        let all = documents.into_iter().flat_map(|document| list(&document["Statement"]));
        Self(all.map(Statement::of).collect())
    }

    /// Whether it lets this be done: some statement allows it, and none denies it.
    pub(crate) fn allows(&self, need: &Need) -> bool {
        let says =
            |allows: bool| self.0.iter().any(|statement| statement.allows == allows && statement.speaks_of(need));
        says(true) && !says(false)
    }

    /// Everything that its statements allow, one by one.
    pub(crate) fn grants(&self) -> Vec<Grant> {
        let of = |statement: &Statement| {
            let pairs = statement.actions.iter().flat_map(|action| {
                let grant = |resource: &String| Grant { action: action.clone(), resource: resource.clone() };
                statement.resources.iter().map(grant)
            });
            pairs.collect::<Vec<_>>()
        };
        self.0.iter().filter(|statement| statement.allows).flat_map(of).collect()
    }

    /// The same without one action, on one resource or on all of them.
    pub(crate) fn without(&self, action: &str, resource: Option<&str>) -> Self {
        let spared = |statement: &Statement| {
            let (mut rest, mut other) = (statement.clone(), statement.clone());
            rest.actions.retain(|known| known != action);
            other.actions.retain(|known| known == action);
            other.resources.retain(|known| resource.is_some_and(|resource| resource != known));
            [rest, other]
        };
        let mut statements: Vec<_> = self.0.iter().filter(|statement| statement.allows).flat_map(spared).collect();
        statements.extend(self.0.iter().filter(|statement| !statement.allows).cloned());
        Self(statements)
    }
}

impl Statement {
    fn of(statement: &Value) -> Self {
        for (name, _) in statement.as_object().unwrap() {
            let known = ["Sid", "Effect", "Action", "Resource", "Condition"];
            assert!(known.contains(&name.as_str()), "nothing here understands `{name}` of {statement}");
        }
        let texts = |name: &str| -> Vec<String> { list(&statement[name]).map(text).collect() };
        let resources = texts("Resource");
        assert!(!resources.iter().any(|resource| resource.contains("${")), "no variables are filled in: {statement}");
        let conditions = statement["Condition"].as_object().into_iter().flatten();
        Self {
            allows: match statement["Effect"].as_str() {
                Some("Allow") => true,
                Some("Deny") => false,
                _ => panic!("no effect in {statement}"),
            },
            actions: texts("Action"),
            resources,
            conditions: conditions.flat_map(|(operator, keys)| Condition::all(operator, keys)).collect(),
        }
    }

    fn speaks_of(&self, need: &Need) -> bool {
        self.actions.iter().any(|action| is_action(action, &need.action))
            && self.resources.iter().any(|resource| like(resource.as_bytes(), need.resource.as_bytes()))
            && self.conditions.iter().all(|condition| condition.is_met(need))
    }
}

impl Condition {
    fn all(operator: &str, keys: &Value) -> Vec<Self> {
        let (all_values, name) = match operator.split_once(':') {
            Some(("ForAllValues", name)) => (true, name),
            Some(_) => panic!("nothing here understands the condition `{operator}`"),
            None => (false, operator),
        };
        let (if_exists, name) = name.strip_suffix("IfExists").map_or((false, name), |name| (true, name));
        let operator = match name {
            "StringEquals" => Operator::Equals,
            "StringNotEquals" => Operator::NotEquals,
            // ARNs: both mean the same.
            "StringLike" | "ArnLike" | "ArnEquals" => Operator::Like,
            _ => panic!("nothing here understands the condition `{name}`"),
        };
        let condition = |(key, wanted): (&String, &Value)| Self {
            operator,
            all_values,
            if_exists,
            key: key.to_lowercase(),
            wanted: list(wanted).map(text).collect(),
        };
        keys.as_object().unwrap().iter().map(condition).collect()
    }

    fn is_met(&self, need: &Need) -> bool {
        let found = need.keys.get(&self.key).map_or(&[][..], Vec::as_slice);
        let matches = |found: &String| match self.operator {
            Operator::Equals => self.wanted.contains(found),
            Operator::NotEquals => !self.wanted.contains(found),
            Operator::Like => self.wanted.iter().any(|wanted| like(wanted.as_bytes(), found.as_bytes())),
        };
        match found {
            [] => self.all_values || self.if_exists || matches!(self.operator, Operator::NotEquals),
            found if self.all_values => found.iter().all(matches),
            [found] => matches(found),
            _ => panic!("`{}` has several values, and the condition does not say which count", self.key),
        }
    }
}

/// Actions are compared without regard to case.
fn is_action(pattern: &str, action: &str) -> bool {
    like(pattern.to_lowercase().as_bytes(), action.to_lowercase().as_bytes())
}

/// A list, or the one value that means a list of one.
fn list(value: &Value) -> impl Iterator<Item = &Value> {
    let (many, one) = match value {
        Value::Array(many) => (many.as_slice(), None),
        Value::Null => (&[][..], None),
        one => (&[][..], Some(one)),
    };
    many.iter().chain(one)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("`{value}` is not text")).to_owned()
}
