//! IAM: what a principal may do, for `SimulatePrincipalPolicy` and for real calls.

use std::collections::{BTreeMap, BTreeSet};

use super::query::{self, Form, escaped};
use super::wire::{Moment, Reply, Request};

const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

/// One statement of a policy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statement {
    /// Patterns: `lambda:Get*`. The case does not count.
    pub(crate) actions: Vec<String>,
    /// Patterns, in which `*` includes slashes and colons.
    pub(crate) resources: Vec<String>,
    /// The tags that the resource must have (`aws:ResourceTag/…`, `StringEquals`).
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) denies: bool,
}

/// As IAM names it.
#[derive(Clone, Debug, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Allowed,
    ImplicitDeny,
    ExplicitDeny,
}

/// A call to decide on: the action, the resource's ARN, and its tags.
#[derive(Clone, Debug, Copy)]
pub(crate) struct Wish<'a> {
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) tags: &'a BTreeMap<String, String>,
}

/// The policies of users and roles, by ARN.
#[derive(Clone, Debug, Default)]
pub(crate) struct Iam {
    policies: BTreeMap<String, Vec<Statement>>,
    administrators: BTreeSet<String>,
}

impl Iam {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A principal that may do everything.
    pub(crate) fn add_administrator(&mut self, principal: &str) {
        self.administrators.insert(principal.to_owned());
    }

    /// Adds a statement to the policies of a principal, which exists from then on.
    pub(crate) fn add_statement(&mut self, principal: &str, statement: Statement) {
        self.policies.entry(principal.to_owned()).or_default().push(statement);
    }

    /// What the policies of this user or role (not of a session) say.
    pub(crate) fn decides(&self, principal: &str, wish: Wish<'_>) -> Decision {
        if self.administrators.contains(principal) {
            return Decision::Allowed;
        }
        let fitting: Vec<&Statement> =
            self.policies.get(principal).into_iter().flatten().filter(|statement| statement.fits(wish)).collect();
        match (fitting.iter().any(|statement| statement.denies), fitting.is_empty()) {
            (true, _) => Decision::ExplicitDeny,
            (false, true) => Decision::ImplicitDeny,
            (false, false) => Decision::Allowed,
        }
    }

    pub(crate) fn name(request: &Request) -> Option<&'static str> {
        (query::action(request)? == "SimulatePrincipalPolicy").then_some("SimulatePrincipalPolicy")
    }

    pub(crate) fn handle(&mut self, request: &Request, _moment: &mut Moment) -> Option<Reply> {
        Self::name(request).map(|_| self.simulate(&Form::of(request)))
    }

    fn simulate(&self, form: &Form) -> Reply {
        let source = form.get("PolicySourceArn").unwrap_or_default();
        let Some((kind, name)) =
            source.split_once(":iam:").and_then(|(_, rest)| rest.split_once(':')).and_then(kind_of)
        else {
            return query::error(400, "InvalidInput", "Invalid Entity Arn");
        };
        if !self.policies.contains_key(source) && !self.administrators.contains(source) {
            let words = format!("The {kind} with name {name} cannot be found.");
            return query::error(404, "NoSuchEntity", &words);
        }
        let actions = form.list("ActionNames");
        let most: usize = form.get("MaxItems").and_then(|most| most.parse().ok()).unwrap_or(100);
        let start: usize = form.get("Marker").and_then(|marker| marker.parse().ok()).unwrap_or(0);
        let page: Vec<&str> = actions.iter().skip(start).take(most.max(1)).copied().collect();
        let results: String = page.iter().map(|action| self.result(source, action, form)).collect();
        let next = start + page.len();
        let more = if next < actions.len() {
            format!("<IsTruncated>true</IsTruncated><Marker>{next}</Marker>")
        } else {
            "<IsTruncated>false</IsTruncated>".to_owned()
        };
        let inner = format!("<EvaluationResults>{results}</EvaluationResults>{more}");
        query::result("SimulatePrincipalPolicy", NAMESPACE, &inner)
    }

    /// One action on each of the resources. A policy simulation looks up no tags: it has only those of the request.
    fn result(&self, source: &str, action: &str, form: &Form) -> String {
        let tags = tags(form);
        let resources = form.list("ResourceArns");
        let resources = if resources.is_empty() { vec!["*"] } else { resources };
        let decided: Vec<(&str, Decision)> = resources
            .iter()
            .map(|resource| (*resource, self.decides(source, Wish { action, resource, tags: &tags })))
            .collect();
        let specific: String = decided
            .iter()
            .map(|(resource, decision)| {
                format!(
                    "<member><EvalResourceName>{}</EvalResourceName><EvalResourceDecision>{}</EvalResourceDecision>\
                     <MatchedStatements/><MissingContextValues/></member>",
                    escaped(resource),
                    decision.text()
                )
            })
            .collect();
        let (first, decision) = decided[0];
        format!(
            "<member><EvalActionName>{}</EvalActionName><EvalResourceName>{}</EvalResourceName>\
             <EvalDecision>{}</EvalDecision><MatchedStatements/><MissingContextValues/>\
             <ResourceSpecificResults>{specific}</ResourceSpecificResults></member>",
            escaped(action),
            escaped(first),
            decision.text()
        )
    }
}

/// The kind and name of `ACCOUNT:role/path/NAME`.
fn kind_of((_, rest): (&str, &str)) -> Option<(String, String)> {
    let resource = rest.rsplit(':').next()?;
    let (kind, path) = resource.split_once('/')?;
    let name = path.rsplit('/').next()?;
    ["role", "user", "group"].contains(&kind).then(|| (kind.to_owned(), name.to_owned()))
}

/// The tags among the context entries of the question.
fn tags(form: &Form) -> BTreeMap<String, String> {
    (1..)
        .map_while(|index| {
            let entry = format!("ContextEntries.member.{index}");
            let name = form.get(&format!("{entry}.ContextKeyName"))?;
            Some((name, form.get(&format!("{entry}.ContextKeyValues.member.1")).unwrap_or_default()))
        })
        .filter_map(|(name, value)| Some((name.strip_prefix("aws:ResourceTag/")?.to_owned(), value.to_owned())))
        .collect()
}

impl Statement {
    fn fits(&self, wish: Wish<'_>) -> bool {
        let action = wish.action.to_lowercase();
        self.actions.iter().any(|pattern| matches(&pattern.to_lowercase(), &action))
            && self.resources.iter().any(|pattern| matches(pattern, wish.resource))
            && self.tags.iter().all(|(key, value)| wish.tags.get(key) == Some(value))
    }
}

impl Decision {
    fn text(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::ImplicitDeny => "implicitDeny",
            Self::ExplicitDeny => "explicitDeny",
        }
    }
}

/// Whether a pattern with `*` and `?` fits the text.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut in_text, mut star) = (0, 0, None);
    while in_text < text.len() {
        if at < pattern.len() && pattern[at] == '*' {
            star = Some((at, in_text));
            at += 1;
        } else if at < pattern.len() && (pattern[at] == '?' || pattern[at] == text[in_text]) {
            at += 1;
            in_text += 1;
        } else if let Some((of_star, from)) = star {
            star = Some((of_star, from + 1));
            at = of_star + 1;
            in_text = from + 1;
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|sign| *sign == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_wins_and_a_missing_tag_permits_nothing() {
        let (me, function) = ("arn:aws:iam::1:role/me", "arn:aws:lambda:eu-west-1:1:function:counter:live");
        let mut iam = Iam::new();
        let statement = |action: &str, tags: &[(&str, &str)], denies| Statement {
            actions: vec![action.to_owned()],
            resources: vec!["arn:aws:lambda:*:function:counter*".to_owned()],
            tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            denies,
        };
        iam.add_statement(me, statement("lambda:Get*", &[("app", "counter")], false));
        iam.add_statement(me, statement("lambda:GetPolicy", &[], true));
        let tagged = BTreeMap::from([("app".to_owned(), "counter".to_owned())]);
        let none = BTreeMap::new();
        let decide = |action, tags| iam.decides(me, Wish { action, resource: function, tags });
        assert_eq!(decide("lambda:getfunction", &tagged), Decision::Allowed);
        assert_eq!(decide("lambda:GetFunction", &none), Decision::ImplicitDeny);
        assert_eq!(decide("lambda:GetPolicy", &tagged), Decision::ExplicitDeny);
        assert!(matches("a*b?d", "axxbcd") && !matches("a*b?d", "axxbc") && matches("*", "a/b:c"));
    }
}
