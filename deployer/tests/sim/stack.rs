//! The stacks that infrastructure code made, and their configuration: two environments, each in an account of its own.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::aws::apigateway::{Definition, Route};
use crate::aws::cloudwatch::{Metric, State};
use crate::aws::http_api::{FunctionUrl, HttpApi, HttpApis, HttpRoute};
use crate::aws::lambda::Configuration;
use crate::aws::sts::Sts;
use crate::aws::wire::Moment;
use crate::aws::{Account, Aws};
use crate::printed::PASSWORD;

/// The application's name.
pub(crate) const APP: &str = "app";
/// The functions' code before their first release.
pub(crate) const PLACEHOLDER: &[u8] = b"the placeholder";
/// The alarm of every environment.
pub(crate) const ALARM: &str = "errors";
/// The environments, with their accounts.
pub(crate) const ENVIRONMENTS: [(&str, &str); 2] = [("dev", "111111111111"), ("prod", "222222222222")];

/// The size of the stack, and how traffic moves in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) functions: usize,
    pub(crate) traffic: &'static str,
    /// The number of stable releases that are kept.
    pub(crate) keeps: usize,
    /// The trigger of the functions in the contract.
    pub(crate) trigger: Trigger,
    /// How many of the functions, from the first on, are container images.
    pub(crate) images: usize,
    /// Whether the names of the functions are as long as Lambda allows.
    pub(crate) long_names: bool,
}

/// What sends events to the functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// A REST API, with a stage that the deployer moves.
    Rest,
    /// An HTTP API.
    Http,
    /// A Function URL of each function.
    Url,
    /// No API in the contract: a foreign one calls the functions.
    Unknown,
}

impl Shape {
    pub(crate) const fn of(functions: usize) -> Self {
        Self {
            functions,
            traffic: "strategy = \"all-at-once\"",
            keeps: 10,
            trigger: Trigger::Rest,
            images: 0,
            long_names: false,
        }
    }

    pub(crate) const fn moving(self, traffic: &'static str) -> Self {
        Self { traffic, ..self }
    }

    pub(crate) const fn keeping(self, keeps: usize) -> Self {
        Self { keeps, ..self }
    }

    pub(crate) const fn behind(self, trigger: Trigger) -> Self {
        Self { trigger, ..self }
    }

    pub(crate) const fn with_images(self, images: usize) -> Self {
        Self { images, ..self }
    }

    /// With names of functions that are as long as Lambda allows.
    pub(crate) const fn with_long_names(self) -> Self {
        Self { long_names: true, ..self }
    }

    /// Whether the function with this key is a container image.
    pub(crate) fn is_image(self, key: &str) -> bool {
        self.keys().take(self.images).any(|image| image == key)
    }

    pub(crate) const fn without_api(self) -> Self {
        self.behind(Trigger::Unknown)
    }

    /// Whether releases move a stage.
    pub(crate) fn has_stage(self) -> bool {
        self.trigger == Trigger::Rest
    }

    /// The functions' keys.
    pub(crate) fn keys(self) -> impl Iterator<Item = String> {
        (1..=self.functions).map(move |number| if self.long_names { long_key(number) } else { format!("f{number}") })
    }

    /// `deployer.toml`.
    pub(crate) fn configuration(self) -> String {
        let mut text = format!(
            "app = \"{APP}\"\n[build]\nprofile = \"release\"\ntarget = \"aarch64-unknown-linux-gnu\"\nnewest_glibc = \"2.34\"\n[marks]\nversion = \"x-function-version\"\ndeployment = \"x-api-deployment\"\n"
        );
        for key in self.keys() {
            let code = match self.is_image(&key) {
                true => "build = { image_command = \"./push\" }".to_owned(),
                false => format!("package = \"{key}\"\nbin = \"{key}\""),
            };
            let _ = writeln!(text, "[functions.{key}]\n{code}");
            let sent = match self.trigger {
                Trigger::Rest | Trigger::Http | Trigger::Url => format!("request = \"GET /{key}\"\nstatus = 200"),
                Trigger::Unknown => "event = \"event.json\"\npayload = { statusCode = 200 }".to_owned(),
            };
            let _ = writeln!(text, "[[checks]]\nname = \"{key}\"\nfunction = \"{key}\"\n{sent}");
        }
        for (environment, account) in ENVIRONMENTS {
            let _ = writeln!(text, "[environments.{environment}]\nledger = \"ledger-{environment}\"");
            let _ = writeln!(text, "region = \"us-east-1\"\nprofile = \"{account}\"");
            let _ = writeln!(text, "reader_role = \"{}\"", reader(account));
        }
        let _ = writeln!(text, "[traffic]\n{}", self.traffic);
        text.push_str("[verify]\nin_a_row = 3\ntimeout_seconds = 60\n[lock]\nlease_seconds = 20\n");
        let _ = writeln!(text, "[retention]\nreleases = {}\ngrace_hours = 0", self.keeps);
        text
    }

    /// AWS as it is after the first apply of both environments.
    pub(crate) fn aws(self, seed: u64) -> Aws {
        let mut sts = Sts::new();
        let moment = Moment {
            now: Duration::ZERO,
            epoch: "2026-01-01T00:00:00Z".parse().unwrap(),
            chance: fastrand::Rng::with_seed(seed),
        };
        let accounts = ENVIRONMENTS.map(|(environment, number)| {
            sts.add_key(number, &format!("arn:aws:iam::{number}:user/deployer"));
            sts.add_role(&reader(number), &["*"]);
            (number.to_owned(), self.account(environment, number))
        });
        Aws { accounts: accounts.into(), sts, moment, changed: Duration::ZERO }
    }

    fn account(self, environment: &str, number: &str) -> Account {
        let mut account = Account::new(number);
        account.lambda.rules.checks_zips = false;
        // Just long enough that nothing is ready at once: each poll is a call.
        let (moment, lag) = (Duration::from_millis(150), Duration::from_millis(100));
        let rules = &mut account.lambda.rules;
        (rules.update_takes, rules.pending, rules.published_pending) = (moment, moment, moment);
        (rules.read_lag, rules.propagation) = (lag, Duration::from_millis(300));
        (account.api.rules.read_lag, account.api.rules.propagation) = (lag, Duration::from_millis(300));
        let mut definition = Definition::default();
        for key in self.keys() {
            let name = function(&key, environment);
            let environment = Some([("PASSWORD".to_owned(), PASSWORD.to_owned())].into());
            let architecture = "arm64".to_owned();
            let configuration = Configuration { architecture, environment, ..Configuration::default() };
            if self.is_image(&key) {
                account.lambda.create_function_of_image(&name, &image("placeholder", PLACEHOLDER), configuration);
            } else {
                account.lambda.create_function(&name, PLACEHOLDER, configuration);
            }
            account.lambda.create_alias(&name, "live", "1");
            let uri = account.api.lambda_uri(&name, "live");
            definition.routes.push(Route::lambda("GET", &format!("/{key}"), &uri));
        }
        let api = account.api.create_api(APP, definition);
        for key in self.keys() {
            let source = format!("arn:aws:execute-api:us-east-1:{number}:{api}/*/*");
            account.lambda.permit(&function(&key, environment), "live", &source);
        }
        let first = account.api.deploy(&api, "", Duration::ZERO);
        account.api.create_stage(&api, environment, &first, &[("deployment", &first)]);
        account.alarms.add_metric(ALARM, Metric::default());
        account.alarms.set(ALARM, State::Ok, Duration::ZERO);
        let functions = self.keys().map(|key| {
            let mut resource = json!({"name": function(&key, environment), "alias": "live", "architecture": "arm64"});
            if self.trigger == Trigger::Url {
                resource["url"] = json!(format!("https://{}/", HttpApis::host_of_function(&url_id(&key, environment))));
            }
            (key, resource)
        });
        let mut contract = json!({
            "pk": APP, "sk": "stack", "schema": 2, "environment": environment, "account": number, "region": "us-east-1",
            "functions": functions.collect::<serde_json::Map<_, _>>(),
            "alarms": [ALARM],
        });
        self.add_http(&mut account, environment, number);
        if self.trigger == Trigger::Http {
            let id = account.http.only().to_owned();
            contract["api"] = json!({"kind": "http", "id": id, "url": format!("https://{}", HttpApis::host(&id))});
        }
        if self.trigger == Trigger::Rest {
            let url = account.api.url(&api, environment);
            contract["api"] =
                json!({"kind": "rest", "id": api, "stage": environment, "url": url, "initial_deployment": first});
        }
        let ledger = ledger(environment);
        account.dynamodb.create_table(&ledger, "pk", Some("sk"));
        account.dynamodb.put(&ledger, &attributes(&contract)["M"]);
        account
    }

    /// What there is instead of a REST API if the functions are behind something else.
    fn add_http(self, account: &mut Account, environment: &str, number: &str) {
        if self.trigger == Trigger::Http {
            let api = format!("http{}", &number[..5]);
            let routes = self.keys().map(|key| HttpRoute {
                key: format!("GET /{key}"),
                function: function(&key, environment),
                alias: "live".to_owned(),
                format: "2.0",
                authorization: "NONE",
            });
            account.http.apis.insert(api.clone(), HttpApi { routes: routes.collect(), variables: [].into() });
            for key in self.keys() {
                let source = format!("arn:aws:execute-api:us-east-1:{number}:{api}/$default/GET/{key}");
                account.lambda.permit(&function(&key, environment), "live", &source);
            }
        }
        if self.trigger == Trigger::Url {
            for key in self.keys() {
                let (function, alias) = (function(&key, environment), "live".to_owned());
                let url = FunctionUrl { function, alias, authorization: "NONE" };
                account.http.urls.insert(url_id(&key, environment), url);
            }
        }
    }
}

/// The first part of a Function URL's host.
pub(crate) fn url_id(key: &str, environment: &str) -> String {
    format!("{key}{environment}url")
}

/// The role through which an environment is read.
fn reader(account: &str) -> String {
    format!("arn:aws:iam::{account}:role/reader")
}

/// A container image of this content, in the repository of the first account, from which both pull.
pub(crate) fn image(repository: &str, content: &[u8]) -> String {
    let digest = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("{}.dkr.ecr.us-east-1.amazonaws.com/{repository}@sha256:{digest}", ENVIRONMENTS[0].1)
}

/// A key whose function has a name of 64 characters in dev, the most that Lambda allows, as tools that write templates make them.
fn long_key(number: usize) -> String {
    let digest = Sha256::digest(number.to_be_bytes()).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("payments-OrderHistoryExport{number:04}Handler{}", &digest[..18])
}

/// A function's name.
pub(crate) fn function(key: &str, environment: &str) -> String {
    format!("{APP}-{key}-{environment}")
}

/// A ledger's table.
pub(crate) fn ledger(environment: &str) -> String {
    format!("ledger-{environment}")
}

/// A value in DynamoDB's form.
pub(crate) fn attributes(value: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Null => json!({"NULL": true}),
        Value::Bool(value) => json!({ "BOOL": value }),
        Value::Number(number) => json!({"N": number.to_string()}),
        Value::String(text) => json!({ "S": text }),
        Value::Array(items) => json!({"L": items.iter().map(attributes).collect::<Vec<_>>()}),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), attributes(value)));
            json!({"M": members.collect::<serde_json::Map<_, _>>()})
        }
    }
}

/// The JSON value for a value in DynamoDB's form.
pub(crate) fn plain(attribute: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    let Some((kind, value)) = attribute.as_object().and_then(|only| only.iter().next()) else { return Value::Null };
    match (kind.as_str(), value) {
        ("N", Value::String(number)) => number.parse().unwrap_or(Value::Null),
        ("L", Value::Array(items)) => items.iter().map(plain).collect(),
        ("M", Value::Object(members)) => members.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        ("NULL", _) => Value::Null,
        _ => value.clone(),
    }
}
