//! External programs that the local AWS needs: whether one is installed, whether it is new enough, and what went wrong.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;

use super::cannot;
use crate::failure::Failure;
use crate::interrupt::Interrupt;

/// A program that takes longer counts as hung. A database takes minutes.
const LONGEST: Duration = Duration::from_secs(30 * 60);
/// The time that a hung program gets to stop by itself.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(10);
/// What to do about most failures.
pub(super) const RUN_AGAIN: &str =
    "fix what it names and run again, or start over with `deployer local down`; nothing was released";
/// How many of a program's last lines go into an error.
const LINES: usize = 12;

/// Refuses a version older than `(major, minor)`.
///
/// # Errors
/// It is older: the error names the program, its version and the required one.
pub(super) fn require(program: &str, found: &str, least: (u32, u32)) -> Result<()> {
    let mut parts = found.split(['.', '-', '+']).map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if version >= least {
        return Ok(());
    }
    let (major, minor) = least;
    Err(Failure::bad_input(format!("`{program}` is version {found}; the local AWS needs {major}.{minor} or newer"))
        .hint(format!("install a newer `{program}` and put it first on the PATH; nothing was changed"))
        .into())
}

/// The output of a program that prints its version.
///
/// # Errors
/// It is not installed, cannot be run, or fails, as a version manager's shim does where no version is selected.
pub(super) async fn about(command: &mut Command, program: &str) -> Result<String> {
    let output = command.output().await.map_err(|error| not_started(error, program))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let words = excerpt(&[output.stdout, output.stderr].concat());
    let failure = Failure::bad_input(format!("`{program}` is on the PATH but does not run ({})", output.status));
    Err(anyhow::Error::msg(words).context(failure.hint(format!(
        "select a version of `{program}` in your version manager, or put a working `{program}` first on the PATH; \
         nothing was changed"
    ))))
}

fn not_started(error: std::io::Error, program: &str) -> anyhow::Error {
    match error.kind() {
        std::io::ErrorKind::NotFound => Failure::bad_input(format!("`{program}` is not installed or not on the PATH"))
            .hint(format!("install `{program}`; nothing was changed"))
            .into(),
        _ => anyhow::Error::from(error).context(cannot("run", Path::new(program))),
    }
}

/// What a program is run for.
#[derive(Debug)]
pub(super) struct Step<'a> {
    pub(super) program: &'a str,
    /// What it does, as in "DOING failed".
    pub(super) doing: &'a str,
    /// What to do when it fails.
    pub(super) hint: &'a str,
}

fn endless(step: &Step<'_>) -> Failure {
    Failure::error(format!("{} did not finish within {} minutes", step.doing, LONGEST.as_secs() / 60)).hint(step.hint)
}

/// Runs a program that must succeed. On an interrupt, the program and its children get the signal once, and the run waits for them:
/// Terraform then writes its state and releases its lock.
///
/// # Errors
/// The program failed, with its own error; or it did not end; or the run was interrupted.
pub(super) async fn succeed(command: &mut Command, step: &Step<'_>, interrupt: &Interrupt) -> Result<()> {
    interrupt.check()?;
    // In a group of its own: else a terminal's Ctrl-C would reach it in addition to our signal, and at the second one Terraform drops
    // its lock.
    command.process_group(0).kill_on_drop(true).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().map_err(|error| not_started(error, step.program))?;
    let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    // It may have ended just now.
    let signal = |signal| group.map(|group| kill_process_group(group, signal));
    let output = child.wait_with_output();
    tokio::pin!(output);
    let output = tokio::select! {
        output = &mut output => output,
        () = interrupt.received() => {
            signal(Signal::INT);
            let _ = output.await;
            return interrupt.check();
        }
        () = tokio::time::sleep(LONGEST) => {
            signal(Signal::INT);
            let _ = tokio::time::timeout(LAST_WORDS_WITHIN, output).await;
            signal(Signal::KILL);
            return Err(endless(step).into());
        }
    };
    let output = output.with_context(|| cannot("run", Path::new(step.program)))?;
    if output.status.success() {
        return Ok(());
    }
    let words = excerpt(&[output.stdout, output.stderr].concat());
    let hint = if words.contains("Error acquiring the state lock") {
        "a killed run left the lock of its state: run `deployer local down`, then `deployer local up`"
    } else {
        step.hint
    };
    let failure = Failure::error(format!("{} failed ({})", step.doing, output.status)).hint(hint);
    Err(if words.is_empty() { failure.into() } else { anyhow::Error::msg(words).context(failure) })
}

/// The relevant part of a program's output: from its first error on, else the end.
fn excerpt(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    // Terraform draws a line beside its errors.
    let error = lines.iter().position(|line| line.trim_start_matches(['│', ' ']).starts_with("Error: "));
    let start = error.unwrap_or(lines.len().saturating_sub(LINES));
    lines[start..].iter().take(2 * LINES).copied().collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ending::Ending as _;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::null());
        command
    }

    const STEP: Step<'static> = Step { program: "sh", doing: "trying", hint: "try again" };

    #[tokio::test]
    async fn a_shim_without_a_version_is_reported_with_its_output() {
        let error =
            about(&mut shell("echo 'no version is set for python3' >&2; exit 126"), "python3").await.unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("`python3` is on the PATH but does not run"), "{text}");
        assert!(text.contains("no version is set for python3"), "{text}");
        assert!(error.hint().unwrap().contains("version manager"));
    }

    #[tokio::test]
    async fn a_stale_state_lock_gets_local_down_as_hint() {
        let script = "echo 'Error: Error acquiring the state lock'; seq 40; exit 1";
        let error = succeed(&mut shell(script), &STEP, &Interrupt::of_the_process()).await.unwrap_err();
        assert!(format!("{error:#}").contains("Error acquiring the state lock"), "{error:#}");
        assert!(error.hint().unwrap().contains("deployer local down"));
        let error = succeed(&mut shell("seq 40; exit 1"), &STEP, &Interrupt::of_the_process()).await.unwrap_err();
        assert!(format!("{error:#}").ends_with("39\n40"), "{error:#}");
        assert_eq!(error.hint().unwrap(), "try again");
    }

    #[tokio::test]
    async fn a_program_gets_one_signal_and_time_to_stop() {
        let folder = tempfile::tempdir().unwrap();
        let [ready, signals] = ["ready", "signals"].map(|name| folder.path().join(name));
        let script = format!(
            "trap 'echo x >>{}' INT; touch {}; n=0; while [ ! -s {} ] && [ $n -lt 600 ]; do sleep 0.05; n=$((n+1)); done",
            signals.display(),
            ready.display(),
            signals.display()
        );
        let (stop, interrupt) = Interrupt::by_hand();
        let mut command = shell(&script);
        let stopping = async {
            while !ready.exists() {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            stop.send_replace(Some("SIGINT"));
        };
        let (ended, ()) = tokio::join!(succeed(&mut command, &STEP, &interrupt), stopping);
        assert!(ended.unwrap_err().to_string().contains("interrupted (Ctrl-C)"));
        assert_eq!(std::fs::read_to_string(signals).unwrap(), "x\n");
        assert!(succeed(&mut shell("true"), &STEP, &interrupt).await.is_err(), "started after the signal");
    }

    #[tokio::test(start_paused = true)]
    async fn a_hung_program_is_stopped_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let number = folder.path().join("number");
        // Paused time moves on once everything else waits: by then the program has started, or it is stopped before.
        let script = format!("trap '' INT; sleep 600 & echo $! >{}; wait", number.display());
        let error = succeed(&mut shell(&script), &STEP, &Interrupt::of_the_process()).await.unwrap_err();
        assert_eq!(error.to_string(), "trying did not finish within 30 minutes");
        assert_eq!(error.hint().unwrap(), "try again");
        let Ok(number) = std::fs::read_to_string(number) else { return };
        let left = || std::fs::read_to_string(format!("/proc/{}/stat", number.trim())).unwrap_or_default();
        // The system needs a moment to remove a killed process.
        let gone = || left().is_empty() || left().contains(") Z ");
        for _ in 0..500 {
            if gone() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("{}", left());
    }

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
