//! From the command line to the report: what is checked before anything is made, what is asked, and that everything is destroyed.

use std::io::BufRead as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use crate::account::{self, Caller};
use crate::command::Interrupt;
use crate::facts::Place;
use crate::report::Report;
use crate::steps::Run;
use crate::workspace::{Workspace, repository};
use crate::{Arguments, say};

/// # Errors
/// Before anything was made. After that every failure is in the report.
pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode> {
    refuse_malformed(arguments)?;
    let interrupt = Interrupt::listen()?;
    let place = Place::open(&arguments.prefix, &arguments.region).await;
    let caller = account::caller(&place).await?;
    let workspace = Workspace::open(&place, &caller)?;
    if !arguments.destroy {
        refuse_taken(&place, &caller, &workspace).await?;
        if !arguments.yes && !agreed(arguments, &place, &caller)? {
            bail!("nothing was made");
        }
    }
    interrupt.check()?;
    if !arguments.destroy && !arguments.probe_only {
        workspace.remember(&place).await?;
    }
    let report = report(&place, &caller, &workspace, if arguments.destroy { "destroy" } else { "report" }).await;
    let mut run = Run { place, caller, workspace, report, interrupt };
    finish(arguments, &mut run).await
}

/// Does what was asked, destroys in any case, and writes the report.
async fn finish(arguments: &Arguments, run: &mut Run) -> Result<ExitCode> {
    let outcome = match (arguments.destroy, arguments.probe_only) {
        (true, _) => Ok(()),
        (_, true) => run.probe().await,
        _ => run.everything().await,
    };
    if let Err(error) = &outcome {
        say(&format!("error: {error:#}"));
    }
    let destroyed = run.destroy().await;
    if let Err(error) = &destroyed {
        say(&format!("error: {error:#}"));
    }
    run.report.ended = Some(jiff::Timestamp::now().to_string());
    run.report.write()?;
    say(&format!("the report: {}", run.report.markdown_path().display()));
    let passed = outcome.is_ok() && destroyed.is_ok() && run.report.succeeded();
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The rules of Terraform's variable `app`, and of region names: refused here, before anything is asked.
fn refuse_malformed(arguments: &Arguments) -> Result<()> {
    let prefix = &arguments.prefix;
    let word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    if !(2..=23).contains(&prefix.len()) || !prefix.split('-').all(word) || prefix.ends_with("-options") {
        bail!(
            "`--prefix {prefix}` is malformed: 2 to 23 lower-case letters and digits, in words that begin with a letter and are joined by single hyphens, such as `visitor-test`"
        );
    }
    let region = &arguments.region;
    let parts: Vec<_> = region.split('-').collect();
    let number = parts.last().is_some_and(|last| last.len() == 1 && last.chars().all(|c| c.is_ascii_digit()));
    if parts.len() < 3 || parts[0].len() != 2 || !number {
        bail!("`--region {region}` is not an AWS region, such as `us-east-1`");
    }
    Ok(())
}

async fn refuse_taken(place: &Place, caller: &Caller, workspace: &Workspace) -> Result<()> {
    let taken = account::taken(place, &caller.account).await?;
    if taken.is_empty() && !workspace.began() {
        return Ok(());
    }
    let names = if taken.is_empty() { "its Terraform state".to_owned() } else { taken.join(", ") };
    let next = if workspace.began() {
        format!(
            "an earlier run left it: `.ci/acceptance --prefix {} --region {} --destroy`",
            place.prefix, place.region
        )
    } else {
        "it is not a run of this checkout that left it: take another prefix".to_owned()
    };
    bail!(
        "the prefix `{}` is taken in account {}, region {}: {names}; {next}; nothing was changed",
        place.prefix,
        caller.account,
        place.region
    )
}

fn agreed(arguments: &Arguments, place: &Place, caller: &Caller) -> Result<bool> {
    let what = if arguments.probe_only {
        "makes a function, an API and a table for about 2 minutes, and removes them"
    } else {
        "makes a state bucket, roles, and the whole stack for dev and prod, uses them for about 25 minutes, and destroys everything again"
    };
    say(&format!(
        "This {what}.\nAccount {}, as {}, region {}, names that begin with `{}`.",
        caller.account, caller.arn, place.region, place.prefix
    ));
    say("It costs a few cents (US dollars: well below 0.50). Type `yes` to begin:");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("cannot read a reply: use `--yes`")?;
    Ok(line.trim() == "yes")
}

async fn report(place: &Place, caller: &Caller, workspace: &Workspace, name: &'static str) -> Report {
    let described = tokio::process::Command::new("git")
        .current_dir(repository())
        .args(["describe", "--always", "--dirty"])
        .output()
        .await;
    let commit = described.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    Report {
        prefix: place.prefix.clone(),
        account: caller.account.clone(),
        region: place.region.clone(),
        endpoint: place.endpoint.clone(),
        commit: if commit.is_empty() { "unknown".to_owned() } else { commit },
        started: jiff::Timestamp::now().to_string(),
        ended: None,
        steps: Vec::new(),
        facts: Vec::new(),
        left: Vec::new(),
        folder: workspace.folder.clone(),
        name,
    }
}
