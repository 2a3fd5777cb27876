//! What a project does all day: deploy, canary, a release that fails, promote, roll back, prune.

use std::time::Instant;

use anyhow::{Context as _, Result};

use super::Run;
use crate::facts::Response;
use crate::facts::place::once;

impl Run {
    pub(super) async fn releases(&mut self) -> Result<()> {
        self.deployer("first deploy", "deploy dev", 0).await?;
        let again = self.deployer("deploy with nothing changed", "deploy dev", 0).await?;
        let result: serde_json::Value = serde_json::from_str(&again.stdout).unwrap_or_default();
        let writes = result["aws_calls"]["writes"].as_u64();
        self.expect("nothing changed: no write", writes == Some(0), &format!("{writes:?} writes"))?;
        self.workspace.change_code("There is nothing here.")?;
        self.deployer("deploy of changed code", "deploy dev", 0).await?;
        self.definition().await?;
        self.workspace.change_code("There is nothing here, says a canary.")?;
        self.deployer("canary", "deploy dev --config canary.toml", 0).await?;
        self.workspace.change_code("There is nothing here, says a release that fails.")?;
        self.deployer("deploy whose check fails", "deploy dev --config failing.toml", 6).await?;
        self.deployer("status", "status dev", 0).await?;
        // A failed release blocks nothing.
        self.workspace.change_code("There is nothing here, after a release that failed.")?;
        self.deployer("deploy after it", "deploy dev", 0).await?;
        self.deployer("promote dev to prod", "promote dev prod", 0).await?;
        self.deployer("rollback to the previous release", "rollback dev --to previous", 0).await?;
        self.deployer("check", "check dev", 0).await?;
        self.deployer("prune", "prune dev --yes --config prune.toml", 0).await?;
        // An emulator may ignore tags when IAM simulates a policy: then doctor reports rights as missing that are there.
        let codes: &[i32] = if self.place.endpoint.is_none() { &[0] } else { &[0, 1] };
        for environment in super::infrastructure::ENVIRONMENTS {
            let (name, started) = (format!("doctor {environment}"), Instant::now());
            let finished = self.workspace.deployer(&name, &self.interrupt).await?;
            self.checked(&name, started, &finished, codes)?;
        }
        let plan = self.stack("plan", "prod", &["-detailed-exitcode".to_owned()]);
        self.reinit("prod").await?;
        self.terraform("prod", "Terraform's plan after a release is empty", &plan, &[0]).await?;
        self.denied().await
    }

    /// Another CORS origin: it is in the API's gateway responses, and in the functions' settings.
    async fn definition(&mut self) -> Result<()> {
        let origin = format!("-var=allowed_origins=[\"https://{}.example.org\"]", self.place.prefix);
        self.reinit("dev").await?;
        let plan = self.workspace.folder.join("plan.tfplan");
        let planned = self.stack("plan", "dev", &[origin, format!("-out={}", plan.display())]);
        self.terraform("dev", "plan of a changed API definition", &planned, &[0]).await?;
        let shown = ["show", "-json", &plan.display().to_string()].map(str::to_owned);
        let shown = self.workspace.terraform("dev", &shown, false, &self.interrupt).await?;
        self.workspace.write("plan.json", &shown.stdout)?;
        self.deployer("guard", "guard plan.json", 0).await?;
        let apply = ["apply", "-no-color", "-input=false", &plan.display().to_string()].map(str::to_owned);
        self.terraform("dev", "Terraform changes the API's definition", &apply, &[0]).await?;
        self.deployer("deploy of a changed definition", "deploy dev", 0).await.map(drop)
    }

    /// Terraform requires it after a role's new session.
    async fn reinit(&mut self, environment: &str) -> Result<()> {
        self.terraform(environment, &format!("init {environment} again"), &self.init(environment), &[0]).await
    }

    /// What dev's deploy role must not do, asked for at the end: where it may, it is done.
    async fn denied(&mut self) -> Result<()> {
        if self.place.endpoint.is_some() {
            return Ok(()); // an emulator that does not evaluate policies would delete the function
        }
        let started = Instant::now();
        let held = self.place.assuming(&self.deploy_role("dev")).await;
        let lambda = once!(aws_sdk_lambda, held);
        let mut allowed = Vec::new();
        for name in [format!("{}-dev", self.place.prefix), format!("{}-prod", self.place.prefix)] {
            let response = Response::of(&lambda.delete_function().function_name(&name).send().await);
            if response.status != 403 {
                allowed.push(format!("DeleteFunction of the whole of `{name}`: {response}"));
            }
        }
        let alias = lambda.get_alias().function_name(format!("{}-prod", self.place.prefix)).name("live").send().await;
        if Response::of(&alias).status != 403 {
            allowed.push("GetAlias of prod".to_owned());
        }
        let result = if allowed.is_empty() {
            Ok(())
        } else {
            Err(anyhow::anyhow!("dev's deploy role was not refused: {}", allowed.join("; ")))
        };
        self.done("dev's deploy role is refused what is not its own", started, result)
    }

    fn expect(&mut self, name: &str, holds: bool, seen: &str) -> Result<()> {
        let result = if holds { Ok(()) } else { Err(anyhow::anyhow!("{seen}")) };
        self.done(name, Instant::now(), result).context("an expectation failed")
    }
}
