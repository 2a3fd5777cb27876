//! A ledger and what it describes, as one file: every item as it is on the wire, and what AWS has beside it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::application::Behavior;
use crate::aws::Account;
use crate::simulation::{Simulation, Snapshot, account_of};
use crate::stack::{ENVIRONMENTS, Shape, function, ledger};

/// The worlds of one version of the deployer, by name.
pub(super) type Worlds = BTreeMap<String, World>;

/// A moment, and each environment as it is then.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct World {
    pub(super) seconds: u64,
    /// The number of builds so far.
    pub(super) packages: usize,
    pub(super) environments: BTreeMap<String, Recorded>,
}

/// One environment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Recorded {
    /// The items of the ledger, in DynamoDB's form.
    pub(super) ledger: Vec<Value>,
    functions: BTreeMap<String, Function>,
    api: Api,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Function {
    alias: Alias,
    versions: Vec<Version>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Alias {
    version: String,
    weights: BTreeMap<String, f64>,
    description: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Version {
    number: u64,
    description: String,
    code: String,
    behavior: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Api {
    id: String,
    /// What the definition of this moment differs in from the first one.
    media_types: Vec<String>,
    deployments: Vec<Deployment>,
    stage: Stage,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Deployment {
    id: String,
    description: String,
    media_types: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stage {
    deployment: String,
    variables: BTreeMap<String, String>,
}

impl World {
    /// What there is in a simulation.
    pub(super) fn of(simulation: &Simulation) -> Self {
        let recorded = |(environment, _): (&str, &str)| {
            let recorded =
                simulation.account(environment, |account| Recorded::of(simulation.shape, environment, account));
            (environment.to_owned(), recorded)
        };
        let environments = ENVIRONMENTS.map(recorded).into();
        Self { seconds: simulation.now().as_secs() + 1, packages: simulation.packages(), environments }
    }

    /// AWS with what was recorded, as if it had always been there.
    pub(super) fn snapshot(&self, shape: Shape) -> Snapshot {
        let mut aws = shape.aws(2);
        aws.moment.now = Duration::from_secs(self.seconds);
        for (environment, recorded) in &self.environments {
            let known = recorded.restore(shape, environment, aws.accounts.get_mut(account_of(environment)).unwrap());
            // A promotion takes the code to another account.
            for account in aws.accounts.values_mut() {
                known.iter().for_each(|(sha256, behavior)| account.application.knows(sha256, *behavior));
            }
        }
        Snapshot::of(shape, aws, self.packages)
    }
}

impl Recorded {
    fn of(shape: Shape, environment: &str, account: &Account) -> Self {
        let functions = shape.keys().map(|key| {
            let name = function(&key, environment);
            let alias = account.lambda.alias(&name, "live").unwrap();
            let alias = Alias { version: alias.version, weights: alias.weights, description: alias.description };
            let versions = account.lambda.versions(&name).into_iter().map(|version| Version {
                number: version.version.parse().unwrap(),
                code: String::from_utf8(account.lambda.code_of(&name, &version.version).unwrap()).unwrap(),
                behavior: account.application.behavior(&version.code_sha256).map(|behavior| format!("{behavior:?}")),
                description: version.description,
            });
            (key, Function { alias, versions: versions.collect() })
        });
        let id = account.api.only();
        let stage = account.api.stage(&id, environment);
        let media_types = |deployment: &str| account.api.frozen(&id, deployment).unwrap().binary_media_types.clone();
        let deployments = account.api.deployments(&id).into_iter();
        Self {
            ledger: account.dynamodb.items(&ledger(environment)),
            functions: functions.collect(),
            api: Api {
                media_types: account.api.definition(&id).binary_media_types.clone(),
                deployments: deployments
                    .map(|(id, description)| Deployment { media_types: media_types(&id), id, description })
                    .collect(),
                stage: Stage { deployment: stage.deployment.clone(), variables: stage.variables.clone() },
                id,
            },
        }
    }

    /// Returns what the code of each version does.
    fn restore(&self, shape: Shape, environment: &str, account: &mut Account) -> Vec<(String, Behavior)> {
        let mut known = Vec::new();
        for key in shape.keys() {
            let (name, recorded) = (function(&key, environment), &self.functions[&key]);
            for version in &recorded.versions {
                let code = version.code.as_bytes().to_vec();
                let sha256 = account.lambda.add_version(&name, version.number, &version.description, code);
                known.extend(version.behavior.as_deref().map(|name| (sha256, behavior_of(name))));
            }
            let Alias { version, weights, description } = &recorded.alias;
            account.lambda.restore_alias(&name, "live", (version, weights, description));
        }
        let (id, Api { media_types, deployments, stage, .. }) = (account.api.only(), &self.api);
        for (index, deployment) in deployments.iter().enumerate() {
            account.api.change_definition(&id, |now| now.binary_media_types.clone_from(&deployment.media_types));
            let created = Duration::from_secs(index as u64);
            account.api.restore_deployment(&id, (&deployment.id, &deployment.description), created);
        }
        account.api.change_definition(&id, |definition| definition.binary_media_types.clone_from(media_types));
        let variables: Vec<_> = stage.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        account.api.create_stage(&id, environment, &stage.deployment, &variables);
        let table = ledger(environment);
        account.dynamodb.create_table(&table, "pk", Some("sk"));
        for item in &self.ledger {
            // The id of the API depends on the simulator: everything else is as it was written.
            let item = item.to_string().replace(&self.api.id, &id);
            account.dynamodb.put(&table, &serde_json::from_str(&item).unwrap());
        }
        known
    }
}

fn behavior_of(name: &str) -> Behavior {
    let known = [Behavior::Right, Behavior::Wrong, Behavior::WrongForVisitors];
    known.into_iter().find(|known| format!("{known:?}") == name).unwrap()
}

/// As text: a line for each item of a list, so that a difference can be read.
pub(super) fn text(worlds: &Value) -> String {
    let mut out = String::new();
    write(worlds, 0, &mut out);
    out.push('\n');
    out
}

fn write(value: &Value, depth: usize, out: &mut String) {
    let pad = "  ".repeat(depth + 1);
    let mut many = |(open, close): (char, char), members: Vec<(String, &Value)>| {
        out.push(open);
        for (index, (name, value)) in members.iter().enumerate() {
            out.push_str(if index == 0 { "\n" } else { ",\n" });
            out.push_str(&format!("{pad}{name}"));
            write(value, depth + 1, out);
        }
        out.push_str(&format!("\n{}{close}", "  ".repeat(depth)));
    };
    match value {
        Value::Object(members) if depth < 6 && !members.is_empty() && !is_small(members) => {
            many(('{', '}'), members.iter().map(|(name, value)| (format!("{}: ", json!(name)), value)).collect());
        }
        Value::Array(items) if depth < 6 && !items.is_empty() => {
            many(('[', ']'), items.iter().map(|value| (String::new(), value)).collect());
        }
        _ => out.push_str(&value.to_string()),
    }
}

/// Whether it fits a line: an item of a ledger always gets one.
fn is_small(members: &Map<String, Value>) -> bool {
    members.contains_key("pk") || members.values().all(|value| !value.is_object() && !value.is_array())
}
