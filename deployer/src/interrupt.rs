//! SIGINT, SIGTERM and SIGHUP: noted once, asked for between steps, and waited for beside whatever may be broken off.
//!
//! Nothing is cut off by a signal on its own: a call that moves traffic is let end, so that what it did is known.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::failure::Failure;

/// Whether this run was told to stop.
#[derive(Debug, Clone)]
pub struct Interrupt {
    told: watch::Receiver<Option<&'static str>>,
    /// Who will tell it, as long as nobody listens to the signals.
    teller: Arc<Mutex<Option<watch::Sender<Option<&'static str>>>>>,
}

impl Interrupt {
    /// The signals of this process. They end it as they do by default, until a command listens.
    pub fn of_the_process() -> Self {
        let (sender, told) = watch::channel(None);
        Self { told, teller: Arc::new(Mutex::new(Some(sender))) }
    }

    /// Signals that somebody else sends, by their name.
    pub fn by_hand() -> (watch::Sender<Option<&'static str>>, Self) {
        let (sender, told) = watch::channel(None);
        (sender, Self { told, teller: Arc::default() })
    }

    /// Listens from now on. Where the signals cannot be listened to, they end the process as they do by default.
    pub fn listen(&self) {
        let Some(sender) = self.teller.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        if let [Ok(interrupt), Ok(terminate), Ok(hangup)] = kinds.map(signal) {
            tokio::spawn(note(interrupt, terminate, hangup, sender));
        }
    }

    /// Waits until the run is told to stop.
    pub async fn told(&self) {
        if self.told.clone().wait_for(Option::is_some).await.is_err() {
            // Nobody listens: nothing will ever come.
            std::future::pending::<()>().await;
        }
    }

    /// # Errors
    /// The run was told to stop.
    pub fn check(&self) -> Result<()> {
        self.told.borrow().map_or(Ok(()), |name| Err(stopped(name)))
    }

    /// The result of `work`, unless the run is told to stop before: then `work` is dropped where it stands.
    ///
    /// # Errors
    /// Those of `work`, or that the run was asked to stop.
    pub async fn or<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut told = self.told.clone();
        tokio::select! {
            biased;
            Ok(name) = told.wait_for(Option::is_some) => Err(stopped(name.unwrap_or("a signal"))),
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
