//! What is: everything that a judgement is made of, read in two round trips. Each piece stands for itself.

use std::collections::BTreeMap;

use futures::future::join_all;
use futures::join;
use serde_json::Value;

use super::questions::questions;
use crate::aws::{Alarm, Alias, AwsError, Caller, Deployment, Kind, Provisioned, Route, Session, Stage, VersionState};
use crate::config::{Config, Environment};
use crate::ending::Ending as _;
use crate::ledger::{Contract, FunctionResource, Ledger, LedgerState};

/// A piece of what is, or why it could not be read.
pub(super) type Fact<T> = Result<T, Unread>;

/// Why a piece could not be read.
#[derive(Debug, Clone)]
pub(super) struct Unread {
    /// It is not there, which AWS said for certain.
    pub missing: bool,
    /// What AWS said.
    pub why: String,
    /// What to do about it.
    pub fix: String,
}

/// All pieces.
pub(super) struct Facts {
    pub asked: Asked,
    pub caller: Fact<Caller>,
    pub ledger: Fact<LedgerState>,
    /// What the contract names; nothing is known of it where there is no contract.
    pub named: Option<Named>,
}

/// What the run was told.
pub(super) struct Asked {
    pub app: String,
    pub environment: String,
    pub region: String,
    /// The ledger's table.
    pub ledger: String,
}

/// What the contract names.
pub(super) struct Named {
    /// The functions by key.
    pub functions: BTreeMap<String, Function>,
    pub api: Api,
    pub alarms: Fact<Vec<Alarm>>,
    /// What the caller may do: (action, resource) -> allowed.
    pub permissions: Fact<BTreeMap<(String, String), bool>>,
}

/// One function.
pub(super) struct Function {
    pub resource: FunctionResource,
    pub alias: Fact<Alias>,
    /// The version behind the alias.
    pub live: Fact<VersionState>,
    /// Who may call the alias.
    pub policy: Fact<Option<Value>>,
    /// Who may call the function without an alias.
    pub bare_policy: Fact<Option<Value>>,
    pub reserved: Fact<Option<i32>>,
    pub provisioned: Fact<Option<Provisioned>>,
}

/// The API.
pub(super) struct Api {
    pub stage: Fact<Stage>,
    /// The deployment that the stage serves.
    pub served: Fact<Option<Deployment>>,
    /// The deployment that Terraform made.
    pub initial: Fact<Option<Deployment>>,
    pub routes: Fact<Vec<Route>>,
}

/// Reads all that can be read.
pub(super) async fn gather(config: &Config, environment: &Environment, session: &Session) -> Facts {
    let ledger = Ledger::new(&session.table, &config.app);
    let (caller, ledger) = join!(session.identity.caller(), ledger.read());
    let caller = fact(caller);
    let ledger = ledger.map_err(|error| Unread::of(&error));
    let named = match &ledger {
        Ok(state) => Some(named(environment, session, &state.contract, &caller).await),
        Err(_) => None,
    };
    let asked = Asked {
        app: config.app.clone(),
        environment: environment.name.clone(),
        region: environment.region.clone(),
        ledger: environment.ledger.clone(),
    };
    Facts { asked, caller, ledger, named }
}

async fn named(environment: &Environment, session: &Session, contract: &Contract, caller: &Fact<Caller>) -> Named {
    let functions = contract.functions.iter().map(|(key, resource)| function(session, key, resource));
    let (functions, api, alarms, permissions) = join!(
        join_all(functions),
        api(session, contract),
        session.alarms.states(&contract.alarms),
        permissions(environment, session, contract, caller),
    );
    Named { functions: functions.into_iter().collect(), api, alarms: fact(alarms), permissions }
}

async fn function(session: &Session, key: &str, resource: &FunctionResource) -> (String, Function) {
    let (lambda, name, alias) = (&session.lambda, &resource.name, &resource.alias);
    let (found, live, policy, bare_policy, reserved, provisioned) = join!(
        lambda.alias(name, alias),
        lambda.version(name, alias),
        lambda.policy(name, alias),
        lambda.bare_policy(name),
        lambda.reserved(name),
        lambda.provisioned(name, alias),
    );
    let function = Function {
        resource: resource.clone(),
        alias: fact(found),
        live: fact(live),
        policy: fact(policy),
        bare_policy: fact(bare_policy),
        reserved: fact(reserved),
        provisioned: fact(provisioned),
    };
    (key.to_owned(), function)
}

async fn api(session: &Session, contract: &Contract) -> Api {
    let id = &contract.api.rest_api_id;
    let stage = async {
        let stage = session.api.stage(id, &contract.api.stage).await;
        let served = match &stage {
            Ok(stage) => fact(session.api.deployment(id, &stage.deployment).await),
            Err(error) => Err(Unread::from(error)),
        };
        (fact(stage), served)
    };
    let initial = session.api.deployment(id, &contract.api.initial_deployment);
    let ((stage, served), initial, routes) = join!(stage, initial, session.api.routes(id));
    Api { stage, served, initial: fact(initial), routes: fact(routes) }
}

async fn permissions(
    environment: &Environment,
    session: &Session,
    contract: &Contract,
    caller: &Fact<Caller>,
) -> Fact<BTreeMap<(String, String), bool>> {
    let caller = caller.as_ref().map_err(Clone::clone)?;
    let asked = questions(contract, &environment.ledger);
    let asked: Vec<_> = asked.iter().map(|question| (question.action, question.resource.as_str())).collect();
    fact(session.permissions.simulate(&caller.arn, &asked).await)
}

fn fact<T>(read: Result<T, AwsError>) -> Fact<T> {
    read.map_err(|error| Unread::from(&error))
}

impl From<&AwsError> for Unread {
    fn from(error: &AwsError) -> Self {
        let fix = error.hint().unwrap_or("mend what the message names, then run this again").to_owned();
        Self { missing: error.kind == Kind::NotFound, why: error.to_string(), fix }
    }
}

impl Unread {
    fn of(error: &anyhow::Error) -> Self {
        let fix = error.hint().unwrap_or("mend what the message names, then run this again").to_owned();
        Self { missing: false, why: format!("{error:#}"), fix }
    }
}
