//! What Terraform or a person does between the calls: in the simulation, and as calls to AWS.

use base64::Engine as _;
use serde_json::{Value, json};

use super::{Configuration, Lambda, Rules, request, zip};
use crate::aws::wire::{Moment, Request};

pub(super) enum Act {
    /// The function `f`, with the zip of a text.
    Create(&'static str),
    /// The same in place of the one that is there, with version 1.
    Recreate(&'static str),
    Describe(&'static str),
    /// An alias, on a version.
    Alias(&'static str, &'static str),
    /// One environment is kept warm for an alias.
    Provision(&'static str),
    Reserve(Option<i32>),
    /// A resource policy for a qualifier, or for the function.
    Policy(&'static str),
    /// A rule of the simulation: no call changes it.
    Rule(fn(&mut Rules)),
}

/// What all functions have. A runtime that runs source code, so that another simulation can run it too.
fn configuration() -> Configuration {
    let environment = Some([("STAGE".to_owned(), "test".to_owned())].into());
    let (runtime, handler) = ("python3.13".to_owned(), "index.handler".to_owned());
    Configuration { environment, runtime, handler, ..Configuration::default() }
}

/// With an id of its own: another simulation may have one policy for all qualifiers.
fn statement(qualifier: &str) -> Value {
    json!({ "StatementId": format!("api{qualifier}"), "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com" })
}

impl Act {
    pub(super) fn on(&self, lambda: &mut Lambda, moment: &Moment) {
        match self {
            Self::Create(code) => lambda.create_unpublished("f", &zip(code), configuration()),
            Self::Recreate(code) => lambda.create_function("f", &zip(code), configuration()),
            Self::Describe(text) => {
                let changed =
                    lambda.configure(moment, "f", |configuration| (*text).clone_into(&mut configuration.description));
                assert!(changed);
            }
            Self::Alias(name, version) => lambda.create_alias("f", name, version),
            Self::Provision(alias) => lambda.provision(moment, "f", alias, 1),
            Self::Reserve(executions) => lambda.reserve("f", *executions),
            Self::Policy(qualifier) => lambda.set_policy("f", qualifier, &json!([])),
            Self::Rule(change) => change(&mut lambda.rules),
        }
    }

    /// None for a rule.
    pub(super) fn calls(&self) -> Option<Vec<Request>> {
        let call = |method, path: &str, body: Value| {
            let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
            request(method, path, body)
        };
        let made = |code, publish: bool| {
            let Configuration { role, runtime, handler, architecture, environment, .. } = configuration();
            let code = base64::engine::general_purpose::STANDARD.encode(zip(code));
            let body = json!({
                "FunctionName": "f", "Code": { "ZipFile": code }, "Role": role, "Runtime": runtime, "Handler": handler,
                "Architectures": [architecture], "Environment": { "Variables": environment }, "Publish": publish,
            });
            call("POST", "/2015-03-31/functions", body)
        };
        let concurrency = "/2017-10-31/functions/f/concurrency";
        Some(match self {
            Self::Create(code) => vec![made(code, false)],
            Self::Recreate(code) => vec![call("DELETE", "/2015-03-31/functions/f", Value::Null), made(code, true)],
            Self::Describe(text) => {
                vec![call("PUT", "/2015-03-31/functions/f/configuration", json!({ "Description": text }))]
            }
            Self::Alias(name, version) => {
                let body = json!({ "Name": name, "FunctionVersion": version });
                vec![call("POST", "/2015-03-31/functions/f/aliases", body)]
            }
            Self::Provision(alias) => {
                let path = format!("/2019-09-30/functions/f/provisioned-concurrency?Qualifier={alias}");
                vec![call("PUT", &path, json!({ "ProvisionedConcurrentExecutions": 1 }))]
            }
            Self::Reserve(Some(executions)) => {
                vec![call("PUT", concurrency, json!({ "ReservedConcurrentExecutions": executions }))]
            }
            Self::Reserve(None) => vec![call("DELETE", concurrency, Value::Null)],
            Self::Policy(qualifier) => {
                let query = if qualifier.is_empty() { String::new() } else { format!("?Qualifier={qualifier}") };
                vec![call("POST", &format!("/2015-03-31/functions/f/policy{query}"), statement(qualifier))]
            }
            Self::Rule(_) => return None,
        })
    }
}
