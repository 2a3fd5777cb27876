//! SIGINT, SIGTERM and SIGHUP: noted once, checked between steps, and awaited beside all work that may be cancelled.
//!
//! A signal alone cancels nothing: a call that moves traffic runs to its end, so that its effect is known.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::failure::Failure;

/// Whether this run was interrupted.
#[derive(Debug, Clone)]
pub struct Interrupt {
    signal_name: watch::Receiver<Option<&'static str>>,
    /// Sends the name of the signal; taken when the run begins to listen.
    sender: Arc<Mutex<Option<watch::Sender<Option<&'static str>>>>>,
}

impl Interrupt {
    /// The signals of this process. Until a command listens, they end the process as usual.
    pub fn of_the_process() -> Self {
        let (sender, signal_name) = watch::channel(None);
        Self { signal_name, sender: Arc::new(Mutex::new(Some(sender))) }
    }

    /// Signals that a caller sends by name.
    pub fn by_hand() -> (watch::Sender<Option<&'static str>>, Self) {
        let (sender, signal_name) = watch::channel(None);
        (sender, Self { signal_name, sender: Arc::default() })
    }

    /// Listens from now on. Where that is not possible, signals end the process as usual.
    pub fn listen(&self) {
        let Some(sender) = self.sender.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        if let [Ok(interrupt), Ok(terminate), Ok(hangup)] = kinds.map(signal) {
            tokio::spawn(note(interrupt, terminate, hangup, sender));
        }
    }

    /// Whether the run ends by itself after a signal: then it cleans up after itself.
    pub fn is_listening(&self) -> bool {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Waits for a signal.
    pub async fn received(&self) {
        if self.signal_name.clone().wait_for(Option::is_some).await.is_err() {
            // The run does not listen: no signal will ever arrive.
            std::future::pending::<()>().await;
        }
    }

    /// # Errors
    /// The run was interrupted.
    pub fn check(&self) -> Result<()> {
        self.signal_name.borrow().map_or(Ok(()), |name| Err(stopped(name)))
    }

    /// The result of `work`, unless a signal comes first: then `work` is dropped.
    ///
    /// # Errors
    /// Those of `work`, or that the run was interrupted.
    pub async fn or<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut signal_name = self.signal_name.clone();
        tokio::select! {
            biased;
            Ok(name) = signal_name.wait_for(Option::is_some) => Err(stopped(name.unwrap_or("a signal"))),
            result = work => result,
        }
    }
}

async fn note(
    mut interrupt: Signal,
    mut terminate: Signal,
    mut hangup: Signal,
    sender: watch::Sender<Option<&'static str>>,
) {
    let name = tokio::select! {
        _ = interrupt.recv() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
        _ = hangup.recv() => "SIGHUP",
    };
    sender.send_replace(Some(name));
    // The channel stays open: its value is read until the run ends.
    sender.closed().await;
}

fn stopped(name: &str) -> anyhow::Error {
    let what = if name == "SIGINT" { "Ctrl-C" } else { name };
    Failure::error(format!("interrupted ({what})"))
        .hint("run again when you are ready: it starts from what is live")
        .into()
}
