//! The commands that make outputs.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::process::Command;

use crate::config::Config;
use crate::failure::Failure;

/// A command that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// Runs the command of every output that has one: each once, one after another, for they may write to the same places.
///
/// # Errors
/// One failed; its own words went to stderr as they came.
pub(super) async fn run(config: &Config) -> Result<()> {
    let mut commands = BTreeMap::<_, Vec<_>>::new();
    for (key, output) in config.outputs() {
        if let Some(command) = &output.command {
            commands.entry(command).or_default().push(format!("`{key}`"));
        }
    }
    for (command, keys) in commands {
        let of = keys.join(", ");
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(&config.root);
        shell.env_clear().envs(config.process.for_builds(&config.build.pass_env));
        // Stdout is for results: what a build prints goes to stderr. Nothing is there to answer a question.
        shell.stdin(Stdio::null()).stdout(std::io::stderr()).stderr(Stdio::inherit()).kill_on_drop(true);
        let mut child = shell.spawn().context("cannot start `sh`")?;
        let failed = |how: String| {
            Failure::error(format!("the build command of function {of} {how}: `{command}`"))
                .hint("its own words stand above; nothing was changed")
        };
        let ended = tokio::time::timeout(LONGEST, child.wait()).await;
        let ended = ended.map_err(|_| failed(format!("did not end within {} minutes", LONGEST.as_secs() / 60)))?;
        let ended = ended.context("lost sight of `sh`")?;
        if !ended.success() {
            let how = ended
                .code()
                .map_or_else(|| format!("failed ({ended})"), |code| format!("failed with exit code {code}"));
            return Err(failed(how).into());
        }
    }
    Ok(())
}
