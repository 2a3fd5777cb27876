//! A plan of Terraform's, as `terraform show -json` writes it -> what in it would cut live traffic, and how to do it safely.
//!
//! Read before `terraform apply`. It reads files, calls nobody, and changes nothing. Terraform's own `prevent_destroy`
//! would stop the same plans without a word about the way, and an environment that is to go, too.
//! [`table`] says what matters, `plan` reads, `cuts` compares.

mod cuts;
mod plan;
mod policy;
pub mod table;
mod when;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::events::Events;
use crate::failure::Failure;

pub use cuts::Finding;
pub use plan::{TerraformPlan, Unreadable};
use table::Effect;

/// What `guard` reads.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    /// The plan in JSON.
    pub plan: PathBuf,
    /// The same plan for people.
    pub text: Option<PathBuf>,
    /// Nothing that is live needs what the plan takes away.
    pub retired: bool,
}

/// What a plan would do.
#[derive(Debug)]
pub struct Guarded {
    /// How many changes it has.
    pub changes: usize,
    /// What may matter to live traffic, in words.
    pub warnings: Vec<String>,
    /// The plan for people.
    pub text: Option<String>,
    /// Why it may not be applied, if it may not.
    pub refused: Option<anyhow::Error>,
}

/// Reads a plan and says whether it would cut live traffic.
///
/// # Errors
/// It is not a plan, or its text cannot be read.
pub fn guard(input: &Guard, events: &dyn Events) -> Result<Guarded> {
    let plan = read(&input.plan)?;
    let (refused, warnings) = sorted(&plan, input.retired);
    warnings.iter().for_each(|warning| events.warn(warning));
    let text = input.text.as_deref().map(text).transpose()?;
    let refused = (!refused.is_empty()).then(|| refusal(&refused).into());
    Ok(Guarded { changes: plan.changes(), warnings, text, refused })
}

fn read(file: &Path) -> Result<TerraformPlan> {
    let document = std::fs::read(file).with_context(|| {
        Failure::bad_input(format!("cannot read the plan `{}`", file.display()))
            .hint("write it with `terraform plan -out=FILE` and `terraform show -json FILE`")
    })?;
    let plan = TerraformPlan::read(&document);
    plan.map_err(|Unreadable { what, way }| Failure::bad_input(format!("`{}` {what}", file.display())).hint(way).into())
}

/// What refuses the plan, and what is only said.
fn sorted(plan: &TerraformPlan, retired: bool) -> (Vec<Finding>, Vec<String>) {
    let refuses = |finding: &Finding| match finding.effect {
        Effect::Cut => true,
        Effect::Loss => !retired,
        Effect::Warning => false,
    };
    let (refused, rest): (Vec<_>, Vec<_>) = plan.findings().into_iter().partition(refuses);
    let said = rest.into_iter().filter(|finding| finding.effect == Effect::Warning);
    let mut warnings: Vec<String> = said.map(|finding| format!("`{}` {}", finding.address, finding.what)).collect();
    if !plan.deferred_changes.is_empty() {
        let count = plan.deferred_changes.len();
        warnings.push(format!("{count} changes are deferred to a later plan, which has to be checked by itself"));
    }
    let called = plan
        .action_invocations
        .iter()
        .map(|action| format!("`{}` would be called: what it does is not known here", action.address));
    warnings.extend(called);
    (refused, warnings)
}

/// It is only shown: bytes that are not text do not matter.
fn text(file: &Path) -> Result<String> {
    let bytes = std::fs::read(file).with_context(|| {
        Failure::bad_input(format!("cannot read the plan's text `{}`", file.display()))
            .hint("write it with `terraform show -no-color PLAN`")
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn refusal(refused: &[Finding]) -> Failure {
    let lines: Vec<_> = refused.iter().map(|finding| format!("\n  `{}` {}", finding.address, finding.what)).collect();
    let mut ways: Vec<&str> = Vec::new();
    for finding in refused {
        if !ways.contains(&finding.way.as_str()) {
            ways.push(&finding.way);
        }
    }
    Failure::refused(format!("applying this plan would cut live traffic:{}", lines.concat())).hint(ways.join("\n  "))
}

#[cfg(test)]
mod tests;
