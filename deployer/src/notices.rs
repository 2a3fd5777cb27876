//! What happens below the engine while a command runs: waits that begin and end, and calls of AWS. Where a wait is deep
//! inside a call, nothing there has [`Events`]; the world carries its notice to [`narrate`], which emits the event.
//!
//! Without a listener a notice costs nothing and goes nowhere.

use std::convert::Infallible;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use crate::events::{Event, Events};
use crate::world::World;

/// How often the length of a queue is reported while it lasts.
const QUEUE_EVERY: Duration = Duration::from_secs(10);

/// Something that happened below the engine.
#[derive(Debug)]
pub enum Notice {
    /// A wait began.
    WaitBegins(WaitId, Wait),
    /// So much of what a wait is for is done by now.
    WaitMoves(WaitId, u64),
    /// A wait is over.
    WaitEnds(WaitId),
    /// A call of AWS got its response, or none.
    Called(Called),
}

/// Identifies a wait of this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WaitId(u64);

/// What a wait is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// Completes the sentence "Waiting for …".
    pub what: String,
    /// How long it lasts.
    pub until: Until,
    /// The bytes to send, where the wait is an upload.
    pub bytes: Option<u64>,
}

/// How long a wait lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// As a rule for a moment, and never longer than this.
    AtMost(Duration),
    /// This long, unless something goes wrong.
    Lasts(Duration),
}

/// One attempt at a call of AWS, without anything that the call carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// As AWS names it: `UpdateAlias`.
    pub operation: String,
    /// The path of the request, where it names the object.
    pub object: String,
    /// How long the response took.
    pub took: Duration,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// The status and the error code, or why there was no response.
    pub outcome: String,
}

impl fmt::Display for Called {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, object, took, attempt, outcome } = self;
        let space = if object.is_empty() { "" } else { " " };
        write!(formatter, "{operation}{space}{object} {} ms, {outcome}", took.as_millis())?;
        if *attempt > 1 { write!(formatter, ", attempt {attempt}") } else { Ok(()) }
    }
}

/// Where notices go.
#[derive(Debug, Clone, Default)]
pub struct Notices {
    sender: Arc<Mutex<Option<UnboundedSender<Notice>>>>,
    last: Arc<AtomicU64>,
}

impl Notices {
    /// Listens to all notices from now on.
    pub fn listen(&self) -> UnboundedReceiver<Notice> {
        let (sender, receiver) = unbounded_channel();
        *self.sender.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        receiver
    }

    /// Whether anything listens.
    pub fn are_heard(&self) -> bool {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// A wait, until what is returned is dropped.
    pub fn wait(&self, what: impl Into<String>, until: Until) -> Waiting {
        self.begin(Wait { what: what.into(), until, bytes: None })
    }

    /// An upload of `bytes` bytes, until the returned value is dropped.
    pub fn upload(&self, what: impl Into<String>, bytes: u64, longest: Duration) -> Waiting {
        self.begin(Wait { what: what.into(), until: Until::AtMost(longest), bytes: Some(bytes) })
    }

    /// A call of AWS is over.
    pub(crate) fn called(&self, called: Called) {
        self.send(Notice::Called(called));
    }

    fn begin(&self, wait: Wait) -> Waiting {
        let id = WaitId(self.last.fetch_add(1, Ordering::Relaxed));
        self.send(Notice::WaitBegins(id, wait));
        Waiting { notices: self.clone(), id }
    }

    fn send(&self, notice: Notice) {
        if let Some(sender) = &*self.sender.lock().unwrap_or_else(PoisonError::into_inner) {
            // After the listener has gone, nothing is shown any more.
            let _ = sender.send(notice);
        }
    }
}

/// A wait that goes on.
#[derive(Debug)]
#[must_use = "the wait is over when this is dropped"]
pub struct Waiting {
    notices: Notices,
    id: WaitId,
}

impl Waiting {
    /// `bytes` of the upload have been sent.
    pub fn sent(&self, bytes: u64) {
        self.notices.send(Notice::WaitMoves(self.id, bytes));
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.notices.send(Notice::WaitEnds(self.id));
    }
}

impl Notice {
    fn emit(&self, events: &dyn Events) {
        events.emit(match self {
            Self::WaitBegins(id, wait) => Event::WaitBegins(*id, wait),
            Self::WaitMoves(id, bytes) => Event::WaitMoves(*id, *bytes),
            Self::WaitEnds(id) => Event::WaitEnds(*id),
            Self::Called(called) => Event::Called(called),
        });
    }
}

/// Does `work`, and meanwhile emits an event for each notice and lets `events` follow the time.
pub async fn narrated<T>(world: &World, events: &dyn Events, work: impl Future<Output = T>) -> T {
    let mut notices = world.notices().listen();
    let done = tokio::select! {
        biased;
        done = work => done,
        never = narrate(world, &mut notices, events) => match never {},
    };
    while let Ok(notice) = notices.try_recv() {
        notice.emit(events);
    }
    done
}

async fn narrate(world: &World, notices: &mut UnboundedReceiver<Notice>, events: &dyn Events) -> Infallible {
    let mut queue = Box::pin(world.rates().crowded());
    let mut quiet_until = None;
    loop {
        let due = events.tick();
        tokio::select! {
            biased;
            Some(notice) = notices.recv() => notice.emit(events),
            found = &mut queue, if quiet_until.is_none() => {
                events.emit(Event::Queued(&found));
                queue = Box::pin(world.rates().crowded());
                quiet_until = Some(Instant::now() + QUEUE_EVERY);
            }
            () = until(quiet_until), if quiet_until.is_some() => quiet_until = None,
            () = until(due) => {}
        }
    }
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_one_line_without_what_it_carried() {
        let called = Called {
            operation: "UpdateAlias".to_owned(),
            object: "functions/counter-dev/aliases/live".to_owned(),
            took: Duration::from_millis(45),
            attempt: 1,
            outcome: "200".to_owned(),
        };
        assert_eq!(called.to_string(), "UpdateAlias functions/counter-dev/aliases/live 45 ms, 200");
        let again = Called { object: String::new(), attempt: 2, ..called };
        assert_eq!(again.to_string(), "UpdateAlias 45 ms, 200, attempt 2");
    }

    #[test]
    fn a_wait_is_noticed_from_its_beginning_to_its_end() {
        let notices = Notices::default();
        drop(notices.wait("nobody", Until::AtMost(Duration::ZERO)));
        let mut heard = notices.listen();
        drop(notices.wait("the lock", Until::Lasts(Duration::from_secs(70))));
        assert!(matches!(heard.try_recv().unwrap(), Notice::WaitBegins(_, Wait { what, .. }) if what == "the lock"));
        assert!(matches!(heard.try_recv().unwrap(), Notice::WaitEnds(_)));
        assert!(heard.try_recv().is_err());
    }
}
