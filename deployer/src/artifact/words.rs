//! What a build prints. It goes to stderr as it comes. Where stderr is not a terminal, as in a workflow, whose log folds a build's lines
//! away, the part that says why a build failed is kept for the error.

use std::io::IsTerminal as _;
use std::pin::pin;
use std::process::{Output, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::Command;

/// The most lines of it in an error.
const LINES: usize = 12;
/// The most characters of such a line.
const LENGTH: usize = 200;
/// How long the rest of the output may take to arrive once the command has ended.
const REST: Duration = Duration::from_secs(1);

/// What a command has printed to stderr, as far as it is kept.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// From the first line that begins with `error`, to the end of its paragraph.
    error: Vec<String>,
    is_over: bool,
    last: std::collections::VecDeque<String>,
}

impl Words {
    fn add(&mut self, line: &[u8]) {
        // Cargo may be set to print colours: they would hide where an error begins.
        let line = anstream::adapter::strip_bytes(line).into_vec();
        let line: String = String::from_utf8_lossy(&line).trim_end().chars().take(LENGTH).collect();
        self.is_over |= line.is_empty() && !self.error.is_empty();
        let is_part = line.starts_with("error") || !self.error.is_empty();
        if is_part && !self.is_over && self.error.len() < LINES {
            self.error.push(line.clone());
        }
        if !line.is_empty() {
            self.last.push_back(line);
            self.last.drain(..self.last.len().saturating_sub(LINES));
        }
    }

    /// The first error, else the last lines; empty where nothing was kept. It begins with a line break.
    pub(super) fn why(&self) -> String {
        let lines: Vec<&str> = match self.error.is_empty() {
            true => self.last.iter().map(String::as_str).collect(),
            false => self.error.iter().map(String::as_str).collect(),
        };
        lines.iter().map(|line| format!("\n{line}")).collect()
    }
}

/// Runs a command to its end.
pub(super) async fn run(command: &mut Command) -> std::io::Result<(Output, Words)> {
    if std::io::stderr().is_terminal() {
        let child = command.stderr(Stdio::inherit()).spawn()?;
        return Ok((child.wait_with_output().await?, Words::default()));
    }
    let mut child = command.stderr(Stdio::piped()).spawn()?;
    let printed = child.stderr.take();
    let words = Mutex::default();
    let ended = {
        let mut printing = pin!(async {
            if let Some(printed) = printed {
                pass_on(printed, std::io::stderr(), &words).await;
            }
        });
        let mut waiting = pin!(child.wait_with_output());
        tokio::select! {
            ended = &mut waiting => {
                // A process that the build left behind may keep the pipe open.
                let _ = tokio::time::timeout(REST, printing).await;
                ended
            }
            () = &mut printing => waiting.await,
        }
    };
    Ok((ended?, words.into_inner().unwrap_or_else(PoisonError::into_inner)))
}

async fn pass_on(printed: impl AsyncRead + Unpin, mut to: impl std::io::Write, words: &Mutex<Words>) {
    let (mut lines, mut line) = (BufReader::new(printed), Vec::new());
    while lines.read_until(b'\n', &mut line).await.is_ok_and(|length| length > 0) {
        // A build is not stopped because its output cannot be printed.
        let _ = to.write_all(&line);
        words.lock().unwrap_or_else(PoisonError::into_inner).add(&line);
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn why(printed: &str) -> String {
        let words = Mutex::default();
        pass_on(printed.as_bytes(), std::io::sink(), &words).await;
        words.into_inner().unwrap().why()
    }

    #[tokio::test]
    async fn the_first_error_is_kept_whole_and_bounded() {
        let cargo =
            "   Compiling a\nwarning: x\n\nerror[E0425]: cannot find `y`\n --> src/main.rs:1:1\n\nerror: aborting\n";
        assert_eq!(why(cargo).await, "\nerror[E0425]: cannot find `y`\n --> src/main.rs:1:1");
        let long = format!("error: {}\n{}", "x".repeat(1000), "more\n".repeat(300));
        assert_eq!(why(&long).await.lines().count(), 1 + LINES);
        assert!(why(&long).await.lines().all(|line| line.len() <= LENGTH));
    }

    #[tokio::test]
    async fn an_error_in_colour_is_found() {
        let printed = "   Compiling a\n\u{1b}[1m\u{1b}[91merror\u{1b}[0m: no `main`\n\nmore\n";
        assert_eq!(why(printed).await, "\nerror: no `main`");
    }

    #[tokio::test]
    async fn a_process_that_a_build_leaves_behind_is_not_waited_for() {
        let began = std::time::Instant::now();
        let mut command = Command::new("sh");
        let (output, _) = run(command.args(["-c", "sleep 30 & exit 3"]).stdout(Stdio::null())).await.unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn without_an_error_the_last_lines_are_kept() {
        assert_eq!(why("a\nb\n\nnpm ERR! missing script\n").await, "\na\nb\nnpm ERR! missing script");
        assert_eq!(why("").await, "");
    }
}
