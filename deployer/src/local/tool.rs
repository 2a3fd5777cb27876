//! Programs of others that the local AWS needs: is it there, is it new enough, and what went wrong.

use std::process::Output;

use anyhow::{Context as _, Result};
use tokio::process::Command;

use crate::failure::Failure;

/// The last lines of a program's words that go into an error.
const LINES: usize = 12;

/// Refuses a version older than `(major, minor)`.
///
/// # Errors
/// Names the program, what was found and what is needed.
pub(super) fn require(program: &str, found: &str, least: (u32, u32)) -> Result<()> {
    let mut parts = found.split(['.', '-', '+']).map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if version >= least {
        return Ok(());
    }
    let (major, minor) = least;
    Err(Failure::bad_input(format!("`{program}` is version {found}; the local AWS needs {major}.{minor} or newer"))
        .hint(format!("install a newer `{program}`, first on the PATH; nothing was changed"))
        .into())
}

/// Runs a program that has to be there.
///
/// # Errors
/// It is not installed, or it cannot be run.
pub(super) async fn output(command: &mut Command, program: &str) -> Result<Output> {
    command.output().await.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Failure::bad_input(format!("`{program}` is not installed, or not on the PATH"))
            .hint(format!("install `{program}` (the README names the versions); nothing was changed"))
            .into(),
        _ => anyhow::Error::from(error).context(format!("cannot run `{program}`")),
    })
}

/// Runs a program that has to succeed.
///
/// # Errors
/// What was being done, and the program's last words.
pub(super) async fn succeed(command: &mut Command, program: &str, doing: &str, hint: &str) -> Result<()> {
    let output = output(command.kill_on_drop(true), program).await?;
    if output.status.success() {
        return Ok(());
    }
    let words = [output.stdout, output.stderr].concat();
    let words = String::from_utf8_lossy(&words).into_owned();
    let tail: Vec<&str> = words.lines().filter(|line| !line.trim().is_empty()).collect();
    let tail = tail[tail.len().saturating_sub(LINES)..].join("\n");
    Err::<(), _>(anyhow::Error::msg(tail)).with_context(|| Failure::error(format!("{doing} failed")).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        for found in ["1.10.0", "1.11.4", "2.0", "1.10.0-beta1"] {
            assert!(require("terraform", found, (1, 10)).is_ok(), "{found}");
        }
        for found in ["1.9.9", "0.15", "nonsense"] {
            let error = require("terraform", found, (1, 10)).unwrap_err().to_string();
            assert!(error.contains(found) && error.contains("1.10 or newer"), "{error}");
        }
    }
}
