//! SIGINT, SIGTERM and SIGHUP: noted once, asked for between steps, and waited for beside whatever may be broken off.
//!
//! Nothing is cut off by a signal on its own: a call that moves traffic is let end, so that what it did is known.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::failure::Failure;

/// Whether this run was asked to stop.
#[derive(Debug, Clone)]
pub struct Interrupt {
    signal_name: watch::Receiver<Option<&'static str>>,
    /// Sends the name of the signal; there until the run listens to signals.
    sender: Arc<Mutex<Option<watch::Sender<Option<&'static str>>>>>,
}

impl Interrupt {
    /// The signals of this process. They end it as they do by default, until a command listens.
    pub fn of_the_process() -> Self {
        let (sender, signal_name) = watch::channel(None);
        Self { signal_name, sender: Arc::new(Mutex::new(Some(sender))) }
    }

    /// Signals that a caller sends, by their name.
    pub fn by_hand() -> (watch::Sender<Option<&'static str>>, Self) {
        let (sender, signal_name) = watch::channel(None);
        (sender, Self { signal_name, sender: Arc::default() })
    }

    /// Listens from now on. Where the signals cannot be listened to, they end the process as they do by default.
    pub fn listen(&self) {
        let Some(sender) = self.sender.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        if let [Ok(interrupt), Ok(terminate), Ok(hangup)] = kinds.map(signal) {
            tokio::spawn(note(interrupt, terminate, hangup, sender));
        }
    }

    /// Waits until the run is asked to stop.
    pub async fn received(&self) {
        if self.signal_name.clone().wait_for(Option::is_some).await.is_err() {
            // Nobody listens: nothing will ever come.
            std::future::pending::<()>().await;
        }
    }

    /// # Errors
    /// The run was asked to stop.
    pub fn check(&self) -> Result<()> {
        self.signal_name.borrow().map_or(Ok(()), |name| Err(stopped(name)))
    }

    /// The result of `work`, unless the run is asked to stop before: then `work` is dropped where it stands.
    ///
    /// # Errors
    /// Those of `work`, or that the run was asked to stop.
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
    // The channel stays open: what it says is asked for until the run ends.
    sender.closed().await;
}

fn stopped(name: &str) -> anyhow::Error {
    Failure::error(format!("interrupted by {name}"))
        .hint("run again when you are ready: it starts from what is live")
        .into()
}
