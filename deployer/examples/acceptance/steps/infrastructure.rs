//! Bootstrap, and the stack of each environment by its deploy role, as the README's steps for one account go.

use std::time::Instant;

use anyhow::{Context as _, Result};
use serde_json::json;

use super::Run;
use crate::account;
use crate::facts::place::patient;

pub(super) const ENVIRONMENTS: [&str; 2] = ["dev", "prod"];

impl Run {
    pub(super) async fn infrastructure(&mut self) -> Result<()> {
        let started = Instant::now();
        let prepared = self.workspace.prepare();
        self.done("copy of the checkout", started, prepared)?;
        self.bootstrap("bootstrap", &[]).await?;
        let mut apis = Vec::new();
        for environment in ENVIRONMENTS {
            self.terraform(environment, &format!("init {environment}"), &self.init(environment), &[0]).await?;
            let apply = self.stack("apply", environment, &["-auto-approve".to_owned()]);
            self.terraform(environment, &format!("Terraform makes {environment}"), &apply, &[0]).await?;
            apis.push(self.api_id(environment).await?);
        }
        self.bootstrap("bootstrap, narrowed to the APIs", &apis).await
    }

    /// Bootstrap as an administrator, and then its roles for the caller: GitHub, which they trust, is not here.
    async fn bootstrap(&mut self, name: &str, apis: &[String]) -> Result<()> {
        self.write_bootstrap_variables(apis).await?;
        let init = self.bootstrap_init();
        let apply = ["apply", "-no-color", "-input=false", "-auto-approve"].map(str::to_owned);
        for (step, arguments) in [(format!("{name}: init"), &init[..]), (name.to_owned(), &apply[..])] {
            let started = Instant::now();
            let finished = self.workspace.terraform("bootstrap", arguments, false, &self.interrupt).await?;
            self.checked(&step, started, &finished, &[0])?;
        }
        let started = Instant::now();
        let mut trusted = Ok(());
        for environment in ENVIRONMENTS {
            let role = format!("{}-{environment}-deploy", self.place.prefix);
            trusted = trusted.and(account::trust(&self.place, &self.caller, &role).await);
        }
        self.done(&format!("{name}: the caller may take the roles"), started, trusted)
    }

    pub(super) fn bootstrap_init(&self) -> Vec<String> {
        let state = format!("-backend-config=path={}", self.workspace.bootstrap_state().display());
        ["init", "-no-color", "-input=false", "-lockfile=readonly", "-reconfigure", &state].map(str::to_owned).into()
    }

    pub(super) async fn write_bootstrap_variables(&self, apis: &[String]) -> Result<()> {
        let variables = self.bootstrap_variables(apis).await?;
        self.workspace.write("terraform/bootstrap/acceptance.auto.tfvars.json", &variables.to_string())
    }

    async fn bootstrap_variables(&self, apis: &[String]) -> Result<serde_json::Value> {
        // An owner that cannot exist: before the roles are given to the caller, they cannot be assumed.
        let mut github = json!({ "repository": "-/acceptance", "owner_id": "0", "repository_id": "0" });
        if let Some(arn) = self.foreign_provider().await? {
            github["oidc_provider_arn"] = json!(arn);
        }
        let mut environments = json!({
            "dev": { "promotes_to": { "environment": "prod" } },
            "prod": { "promotes_from": { "environment": "dev" } },
        });
        for (environment, api) in ENVIRONMENTS.iter().zip(apis) {
            environments[*environment]["rest_api_id"] = json!(api);
        }
        Ok(json!({
            "app": self.place.prefix,
            "region": self.place.region,
            "account_id": self.caller.account,
            "api_gateway_logs": self.workspace.owns_log_role(),
            "github": github,
            "environments": environments,
        }))
    }

    /// GitHub's OIDC provider, unless it is the one that bootstrap itself made.
    async fn foreign_provider(&self) -> Result<Option<String>> {
        if self.workspace.owns_provider() { Ok(None) } else { account::oidc_provider(&self.place).await }
    }

    /// One command of Terraform by the environment's deploy role.
    pub(super) async fn terraform(
        &mut self,
        environment: &str,
        name: &str,
        arguments: &[String],
        codes: &[i32],
    ) -> Result<()> {
        let started = Instant::now();
        let finished = self.workspace.terraform(environment, arguments, true, &self.interrupt).await?;
        self.checked(name, started, &finished, codes)
    }

    pub(super) fn init(&self, environment: &str) -> Vec<String> {
        let (app, account) = (&self.place.prefix, &self.caller.account);
        let mut arguments: Vec<String> =
            ["init", "-no-color", "-input=false", "-lockfile=readonly", "-reconfigure"].map(str::to_owned).into();
        let mut backend = vec![
            format!("bucket={}", account::state_bucket(app, account)),
            format!("key={app}/{environment}/terraform.tfstate"),
            format!("region={}", self.place.region),
            "encrypt=true".to_owned(),
            "use_lockfile=true".to_owned(),
        ];
        if self.place.endpoint.is_some() {
            backend.push("use_path_style=true".to_owned());
            backend.push("skip_requesting_account_id=true".to_owned());
        }
        arguments.extend(backend.into_iter().map(|setting| format!("-backend-config={setting}")));
        arguments
    }

    /// A command on the stack, with the values of the environment.
    pub(super) fn stack(&self, command: &str, environment: &str, more: &[String]) -> Vec<String> {
        let mut arguments = vec![command.to_owned(), "-no-color".to_owned(), "-input=false".to_owned()];
        let mut variables = vec![
            format!("app={}", self.place.prefix),
            format!("environment={environment}"),
            format!("region={}", self.place.region),
            format!("account_id={}", self.caller.account),
            format!("website_domain={}.example.com", self.place.prefix),
            "deletion_protection=false".to_owned(),
        ];
        if std::env::consts::ARCH == "aarch64" {
            variables.push("architecture=arm64".to_owned());
        }
        if let Some(endpoint) = &self.place.endpoint {
            variables.push(format!("local_endpoint={}", endpoint.trim_end_matches('/')));
        }
        arguments.extend(variables.into_iter().map(|variable| format!("-var={variable}")));
        arguments.extend_from_slice(more);
        arguments
    }

    async fn api_id(&self, environment: &str) -> Result<String> {
        let name = format!("{}-{environment}", self.place.prefix);
        let apis = patient!(aws_sdk_apigateway, self.place).get_rest_apis().limit(500).send().await?;
        let mut named = apis.items().iter().filter(|api| api.name() == Some(&name));
        named.next().and_then(|api| api.id()).map(str::to_owned).with_context(|| format!("there is no API `{name}`"))
    }
}
