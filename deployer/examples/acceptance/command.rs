//! Programs that the run starts: in a process group of their own, with their output in a file, and stopped when the run is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How long a program gets to stop; Terraform needs it to write its state.
const STOPS_WITHIN: Duration = Duration::from_secs(180);

/// The signal that stopped the run, if any.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(watch::Receiver<Option<&'static str>>);

impl Interrupt {
    /// Listens from now on. Every further signal is only noted: what was made has to be destroyed.
    pub(crate) fn listen() -> Result<Self> {
        let (sender, receiver) = watch::channel(None);
        for (kind, name) in [
            (SignalKind::interrupt(), "SIGINT"),
            (SignalKind::terminate(), "SIGTERM"),
            (SignalKind::hangup(), "SIGHUP"),
        ] {
            let mut signals = signal(kind).with_context(|| format!("cannot listen for {name}"))?;
            let sender = sender.clone();
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    crate::say(&format!(
                        "{name}: everything that was made is destroyed first; this takes some minutes"
                    ));
                    sender.send_replace(Some(name));
                }
            });
        }
        Ok(Self(receiver))
    }

    /// A run that no signal stops.
    pub(crate) fn never() -> Self {
        Self(watch::channel(None).1)
    }

    /// # Errors
    /// A signal stopped the run.
    pub(crate) fn check(&self) -> Result<()> {
        match *self.0.borrow() {
            Some(name) => bail!("interrupted by {name}"),
            None => Ok(()),
        }
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Ends when a signal stops the run.
    pub(crate) async fn raised(&self) {
        let mut stopped = self.0.clone();
        if stopped.wait_for(Option::is_some).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// A program that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    /// The last lines of stderr.
    pub(crate) last: String,
    pub(crate) calls: BTreeMap<String, usize>,
    pub(crate) throttled: usize,
    /// Everything that it said.
    pub(crate) log: PathBuf,
}

/// Runs it to its end. A signal that stops the run is passed on to the program, whose end is awaited.
pub(crate) async fn run(mut command: Command, log: &Path, interrupt: &Interrupt) -> Result<Finished> {
    let (out, err) = (log.with_extension("out"), log.with_extension("err"));
    let create =
        |path: &Path| std::fs::File::create(path).with_context(|| format!("cannot write `{}`", path.display()));
    // A group of its own: Ctrl-C in a terminal goes to the run, which passes it on once.
    command.stdin(Stdio::null()).stdout(create(&out)?).stderr(create(&err)?).process_group(0);
    let traced = log.with_extension("trace");
    command.env("TF_LOG_PROVIDER", "DEBUG").env("TF_LOG_PATH", &traced);
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let mut child = command.spawn().with_context(|| format!("cannot start `{program}`"))?;
    let status = tokio::select! {
        status = child.wait() => status,
        () = interrupt.raised() => stop(&mut child).await,
    };
    let status = status.with_context(|| format!("cannot wait for `{program}`"))?;
    let read =
        |path: &Path| std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let (calls, throttled) = traced_calls(&read(&traced));
    // It holds bodies of requests.
    let _ = std::fs::remove_file(&traced);
    let errors = read(&err);
    let last: Vec<_> = errors.lines().filter(|line| !line.trim().is_empty()).rev().take(12).collect();
    let last = last.into_iter().rev().collect::<Vec<_>>().join("\n");
    Ok(Finished { code: status.code().unwrap_or(-1), stdout: read(&out), last, calls, throttled, log: err })
}

async fn stop(child: &mut Child) -> std::io::Result<std::process::ExitStatus> {
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let started = Instant::now();
    for signal in [Signal::INT, Signal::KILL] {
        if let Some(group) = group {
            // It may have ended by itself.
            let _ = kill_process_group(group, signal);
        }
        let rest = STOPS_WITHIN.saturating_sub(started.elapsed());
        if let Ok(status) = tokio::time::timeout(rest, child.wait()).await {
            return status;
        }
    }
    child.wait().await
}

/// The requests of Terraform's provider, by operation, and how many were throttled, from its own log.
fn traced_calls(log: &str) -> (BTreeMap<String, usize>, usize) {
    let mut calls = BTreeMap::new();
    let mut throttled = 0;
    for line in log.lines() {
        if line.contains("HTTP Request Sent")
            && let Some(operation) = field(line, "rpc.method=")
        {
            *calls.entry(operation).or_default() += 1;
        }
        throttled +=
            usize::from(line.contains("HTTP Response Received") && line.contains("http.response.status_code=429"));
    }
    (calls, throttled)
}

fn field(line: &str, name: &str) -> Option<String> {
    let value = line.split_once(name)?.1.trim_start_matches('"');
    let end = value.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(value.len());
    (end > 0).then(|| value[..end].to_owned())
}
