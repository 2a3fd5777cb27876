//! What one command took.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use deployer::config::ProcessEnvironment;
use serde::Deserialize;
use tokio::process::Command;

use crate::aws::Group;
use crate::cases::{Case, Setting};
use crate::proxy::Seen;

/// What `measure.py` writes.
#[derive(Debug, Deserialize)]
struct Took {
    code: i32,
    /// In seconds.
    wall: f64,
    cpu: f64,
    /// In bytes.
    memory: u64,
}

/// One run of one case.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    /// In seconds.
    pub(crate) wall: f64,
    /// In seconds, of all its processes.
    pub(crate) cpu: f64,
    /// In bytes, of its largest process.
    pub(crate) memory: u64,
    pub(crate) seen: Seen,
}

/// Runs a case's command once.
///
/// # Errors
/// It failed: the error has its last lines.
pub(crate) async fn run(setting: &Setting<'_>, case: &Case) -> Result<Measured> {
    let script = setting.folder.join("measure.py");
    fs::write(&script, include_str!("measure.py"))?;
    let [result, log] = ["json", "log"].map(|kind| setting.folder.join(format!("{}.{kind}", case.id)));
    let environment = ProcessEnvironment::capture();
    let mut command = Command::new(&setting.tools.python);
    command.args(["-I", "-S"]).args([&script, &result, &log]).args(&case.command).current_dir(&case.folder);
    command.env_clear().envs(environment.without_cloud_settings()).envs(setting.aws.variables.iter().cloned());
    setting.proxy.take();
    let mut group = Group::start(&mut command)?;
    let status = group.0.wait().await?;
    ensure!(status.success(), "`measure.py` failed: {status}");
    let took: Took = serde_json::from_slice(&fs::read(&result)?).context("the measurement cannot be read")?;
    ensure!(took.code == 0, "exit code {}: {}", took.code, last_lines(&log));
    Ok(Measured { wall: took.wall, cpu: took.cpu, memory: took.memory, seen: setting.proxy.take() })
}

fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(5)..].join(" ")
}
