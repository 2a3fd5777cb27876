//! Reads a Terraform plan (`terraform show -json`): what in it would cut live traffic, and how to make the change safely.
//!
//! For use before `terraform apply`. It reads files, calls no service, and changes nothing. Terraform's own `prevent_destroy`
//! would stop the same plans, but name no safe way, and would also stop the removal of a whole environment.
//! [`table`] lists what matters, [`plan`] reads a plan, [`cuts`] compares the two.

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
    /// Nothing that is live needs what the plan removes.
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
    /// Why the plan must not be applied, if so.
    pub refused: Option<anyhow::Error>,
}

/// Reads a plan and checks whether it would cut live traffic.
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
    plan.map_err(|Unreadable { what: reason, way }| {
        Failure::bad_input(format!("`{}` {reason}", file.display())).hint(way).into()
    })
}

/// The findings that refuse the plan, and the warnings.
fn sorted(plan: &TerraformPlan, retired: bool) -> (Vec<Finding>, Vec<String>) {
    let refuses = |finding: &Finding| match finding.effect {
        Effect::Cut => true,
        Effect::Loss => !retired,
        Effect::Warning => false,
    };
    let (refused, rest): (Vec<_>, Vec<_>) = plan.findings().into_iter().partition(refuses);
    let warned = rest.into_iter().filter(|finding| finding.effect == Effect::Warning);
    let mut warnings: Vec<String> = warned.map(|finding| format!("`{}` {}", finding.address, finding.what)).collect();
    if !plan.deferred_changes.is_empty() {
        let count = plan.deferred_changes.len();
        let changes = if count == 1 { "1 change is".to_owned() } else { format!("{count} changes are") };
        warnings.push(format!("{changes} deferred to a later plan: check that plan too"));
    }
    let invoked = plan
        .action_invocations
        .iter()
        .map(|action| format!("`{}` would be invoked: `guard` cannot check what it does", action.address));
    warnings.extend(invoked);
    (refused, warnings)
}

/// Only shown, so bytes that are not text do not matter.
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
