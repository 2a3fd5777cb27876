//! The way back: both environments, then bootstrap, then a look at whether anything is left.

use std::time::Instant;

use anyhow::Result;

use super::Run;
use super::infrastructure::ENVIRONMENTS;
use crate::account;
use crate::command::Interrupt;
use crate::facts;

impl Run {
    /// Destroys everything. What stays is in the report, with the command that tries again.
    pub(crate) async fn destroy(&mut self) -> Result<()> {
        // From here on no signal stops anything.
        self.interrupt = Interrupt::never();
        self.report.left = facts::remove(&self.place).await;
        if self.workspace.began() {
            if !self.workspace.is_prepared() {
                self.workspace.prepare()?; // the state was brought here, by the workflow's artifact
            }
            self.write_bootstrap_variables(&[]).await?;
            let mut whole = true;
            // Without the bucket of their states nothing of the environments was made.
            if account::has_state_bucket(&self.place, &self.caller.account).await? {
                for environment in ENVIRONMENTS.iter().rev() {
                    whole &= self.destroyed(environment).await?;
                }
            }
            // Without the states, what is left would be unknown.
            if whole {
                self.destroy_bootstrap().await?;
            }
        }
        self.look().await
    }

    /// Terraform destroys one environment, by the caller: the deploy role may not. Tried twice.
    async fn destroyed(&mut self, environment: &str) -> Result<bool> {
        let init = self.init(environment);
        let destroy = self.stack("destroy", environment, &["-auto-approve".to_owned()]);
        for attempt in 1..=2 {
            let started = Instant::now();
            let ready = self.workspace.terraform(environment, &init, false, &self.interrupt).await?;
            let finished = if ready.code == 0 {
                self.workspace.terraform(environment, &destroy, false, &self.interrupt).await?
            } else {
                ready
            };
            let name = format!("destroy {environment}{}", if attempt == 1 { "" } else { ", again" });
            if self.checked(&name, started, &finished, &[0]).is_ok() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn destroy_bootstrap(&mut self) -> Result<()> {
        let started = Instant::now();
        if self.workspace.owns_log_role() {
            let removed = account::remove_log_role(&self.place).await;
            if let Err(error) = self.done("API Gateway's log role is taken away", started, removed) {
                self.report.left.push(format!("{error:#}"));
            }
        }
        let init = self.bootstrap_init();
        let destroy = ["destroy", "-no-color", "-input=false", "-auto-approve"].map(str::to_owned);
        for _ in 0..2 {
            let started = Instant::now();
            let ready = self.workspace.terraform("bootstrap", &init, false, &self.interrupt).await?;
            let finished = match ready.code {
                0 => self.workspace.terraform("bootstrap", &destroy, false, &self.interrupt).await?,
                _ => ready,
            };
            if self.checked("destroy bootstrap", started, &finished, &[0]).is_ok() {
                return self.workspace.forget();
            }
        }
        Ok(())
    }

    /// Whether anything of the prefix is left.
    async fn look(&mut self) -> Result<()> {
        let started = Instant::now();
        let taken = account::taken(&self.place, &self.caller.account).await;
        let again = format!(".ci/acceptance --prefix {} --region {} --destroy", self.place.prefix, self.place.region);
        let result = match taken {
            Ok(names) if names.is_empty() && self.report.left.is_empty() => Ok(()),
            Ok(names) => {
                self.report.left.extend(names.iter().map(|name| format!("{name}: {again}")));
                Err(anyhow::anyhow!("left: {}; to try again: {again}", self.report.left.join(", ")))
            }
            Err(error) => {
                self.report.left.push(format!("unknown, since AWS refused to say ({error:#}): {again}"));
                Err(error)
            }
        };
        self.done("nothing is left", started, result)
    }
}
