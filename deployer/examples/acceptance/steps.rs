//! The steps of a run, in order, and the way back from each of them.

mod destroy;
mod infrastructure;
mod releases;

use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::account::{self, Caller};
use crate::command::{Finished, Interrupt};
use crate::facts::{self, Place};
use crate::report::{Report, Step};
use crate::workspace::Workspace;

/// What a run works with.
pub(crate) struct Run {
    pub(crate) place: Place,
    pub(crate) caller: Caller,
    pub(crate) workspace: Workspace,
    pub(crate) report: Report,
    pub(crate) interrupt: Interrupt,
}

impl Run {
    /// The facts; a run that is stopped meanwhile removes what they made.
    pub(crate) async fn probe(&mut self) -> Result<()> {
        crate::say("facts: trying what is known about AWS, about 2 minutes");
        let (place, interrupt, started) = (self.place.clone(), self.interrupt.clone(), Instant::now());
        place.take_calls();
        let probed = tokio::select! {
            probed = facts::probe(&place) => Some(probed),
            () = interrupt.raised() => None,
        };
        let left = match probed {
            Some(probed) => {
                self.report.facts = probed.facts;
                probed.left
            }
            None => facts::remove(&place).await,
        };
        let note = format!("{} facts", self.report.facts.len());
        self.add("facts", started, !interrupt.is_raised(), place.take_calls(), 0, note)?;
        self.report.left.extend(left);
        self.interrupt.check()
    }

    /// Everything, until the first step that fails.
    pub(crate) async fn everything(&mut self) -> Result<()> {
        self.probe().await?;
        self.infrastructure().await?;
        self.releases().await
    }

    /// A step that is a program: it must end with one of `codes`.
    fn checked(&mut self, name: &str, started: Instant, finished: &Finished, codes: &[i32]) -> Result<()> {
        let succeeded = codes.contains(&finished.code) && self.interrupt.check().is_ok();
        let note = if succeeded {
            format!("exit code {}", finished.code)
        } else {
            format!("exit code {}, not {}: {} (`{}`)", finished.code, codes[0], finished.last, finished.log.display())
        };
        self.add(name, started, succeeded, finished.calls.clone(), finished.throttled, note)?;
        self.interrupt.check()?;
        if !succeeded {
            bail!("the step `{name}` ended with code {}, not {}:\n{}", finished.code, codes[0], finished.last);
        }
        Ok(())
    }

    /// A step that is calls of ours.
    fn done<T>(&mut self, name: &str, started: Instant, result: Result<T>) -> Result<T> {
        let note = result.as_ref().err().map_or_else(|| "done".to_owned(), |error| format!("{error:#}"));
        let calls = self.place.take_calls();
        self.add(name, started, result.is_ok(), calls, 0, note)?;
        result.with_context(|| format!("the step `{name}` failed"))
    }

    fn add(
        &mut self,
        name: &str,
        started: Instant,
        succeeded: bool,
        calls: std::collections::BTreeMap<String, usize>,
        throttled: usize,
        note: String,
    ) -> Result<()> {
        let seconds = started.elapsed().as_secs_f64();
        crate::say(&format!("{} {name} ({seconds:.0} s)", if succeeded { "ok    " } else { "FAILED" }));
        self.report.steps.push(Step { name: name.to_owned(), succeeded, seconds, calls, throttled, note });
        self.report.write()
    }

    async fn deployer(&mut self, name: &str, arguments: &str, code: i32) -> Result<Finished> {
        let started = Instant::now();
        let finished = self.workspace.deployer(arguments, &self.interrupt).await?;
        self.checked(name, started, &finished, &[code])?;
        Ok(finished)
    }

    fn deploy_role(&self, environment: &str) -> String {
        account::role_arn(&self.caller, &format!("{}-{environment}-deploy", self.place.prefix))
    }
}
