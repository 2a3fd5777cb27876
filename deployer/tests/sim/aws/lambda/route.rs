//! Which version an invocation reaches.

use super::Lambda;
use super::model::{LATEST, Routing, State};
use super::refusal::Refusal;
use crate::aws::wire::{Moment, Reply};

/// Why an invocation reaches no version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RouteError {
    /// There is no such function, alias or version: its ARN.
    NotFound(String),
    /// The version was inactive: this invocation fails, and wakes it.
    Waking,
    /// The version is in a state in which nothing can be invoked.
    State(String),
    /// The function may run nothing at all.
    Throttled,
}

impl RouteError {
    /// As Invoke responds.
    pub(crate) fn reply(&self) -> Reply {
        self.refusal().reply()
    }

    pub(super) fn refusal(&self) -> Refusal {
        match self {
            Self::NotFound(arn) => Refusal::no_function(arn),
            // Seen on AWS when an idle function is invoked (boto3#3788).
            Self::Waking => Refusal::new(
                409,
                "CodeArtifactUserPendingException",
                "Lambda is initializing your function. It will be ready to invoke shortly.",
            ),
            Self::State(state) => Refusal::not_in_state(state),
            Self::Throttled => Refusal::no_concurrency(),
        }
    }
}

impl Lambda {
    /// The version that runs if a function is invoked by an alias, a version or (empty, `$LATEST`) as it is.
    ///
    /// An alias sends by chance: by its weights, and for a while after a change to where it sent before. So a version that
    /// was deleted right after the switch still gets requests, and they fail (azul#7883).
    pub(crate) fn route(&mut self, function: &str, qualifier: &str, moment: &mut Moment) -> Result<String, RouteError> {
        self.elapse(function, moment.now);
        let qualifier = if qualifier.is_empty() { LATEST } else { qualifier };
        let arn = self.arn(function, qualifier);
        let Self { functions, rules, .. } = self;
        let Some(function) = functions.get_mut(function) else { return Err(RouteError::NotFound(arn)) };
        let version = match function.facts.aliases.get(qualifier) {
            Some(alias) => {
                let late = alias.earlier.iter().filter(|(until, _)| *until + rules.propagation > moment.now);
                let late: Vec<&Routing> = late.map(|(_, routing)| routing).collect();
                match late.is_empty() || moment.chance.bool() {
                    true => drawn(&alias.effective(), moment),
                    false => drawn(late[moment.chance.usize(..late.len())], moment),
                }
            }
            None => qualifier.to_owned(),
        };
        let Some(found) = function.facts.version_mut(&version) else {
            return Err(RouteError::NotFound(format!("{}:{version}", function.arn)));
        };
        if function.reserved == Some(0) {
            return Err(RouteError::Throttled);
        }
        match found.state.name.as_str() {
            "Active" => Ok(version),
            "Inactive" => {
                let reason = "The function is being restored.";
                found.state = State::pending(moment.now + rules.pending, "Restoring", reason);
                Err(RouteError::Waking)
            }
            other => Err(RouteError::State(other.to_owned())),
        }
    }
}

fn drawn(routing: &Routing, moment: &mut Moment) -> String {
    let mut draw = moment.chance.f64();
    for (version, weight) in &routing.weights {
        if draw < *weight {
            return version.clone();
        }
        draw -= weight;
    }
    routing.version.clone()
}
