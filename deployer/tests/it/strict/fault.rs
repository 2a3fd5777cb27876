//! Faults on purpose: what is to happen at the n-th call of a name, and calls that a test holds in its hand.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::oneshot;

use super::name::writes;

/// The longest that a test waits for a call, or for one that it let go.
const PATIENCE: Duration = Duration::from_secs(180);

/// Which calls. They are counted from when the front is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    which: Which,
    nth: Option<usize>,
}

#[derive(Debug, Clone, Copy)]
enum Which {
    Named(&'static str),
    /// Of this name, with this in its body.
    Saying(&'static str, &'static str),
    /// Those that change what AWS keeps: no invocation, no request to the URL.
    Changes,
    Any,
}

impl Which {
    fn is(self, name: &str, body: &str) -> bool {
        match self {
            Self::Named(wanted) => wanted == name,
            Self::Saying(wanted, text) => wanted == name && body.contains(text),
            Self::Changes => writes(name) && !["Invoke", "URL"].contains(&name),
            Self::Any => true,
        }
    }
}

impl At {
    /// The n-th call of this name, from 1.
    pub(crate) fn nth(name: &'static str, nth: usize) -> Self {
        Self { which: Which::Named(name), nth: Some(nth) }
    }

    /// The first call of this name with this in its body. How many signs of life a run gives before a certain write
    /// is a matter of its speed: a write to the ledger is not told by its number.
    pub(crate) const fn saying(name: &'static str, text: &'static str) -> Self {
        Self { which: Which::Saying(name, text), nth: Some(1) }
    }

    /// Every call of this name.
    pub(crate) fn every(name: &'static str) -> Self {
        Self { which: Which::Named(name), nth: None }
    }

    /// The n-th call, whatever its name.
    pub(crate) fn call(nth: usize) -> Self {
        Self { which: Which::Any, nth: Some(nth) }
    }

    /// The n-th call that changes what AWS keeps, from 1.
    pub(crate) fn change(nth: usize) -> Self {
        Self { which: Which::Changes, nth: Some(nth) }
    }

    /// Whether a call of this name and body is one of those that are counted.
    pub(crate) fn meets(self, name: &str, body: &str) -> bool {
        self.which.is(name, body)
    }

    /// Every call: with a delay, calls that go out side by side overlap.
    pub(crate) fn any() -> Self {
        Self { which: Which::Any, nth: None }
    }
}

/// What happens to a call.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    /// It is refused with this status and code before anything is done.
    Fail {
        /// Of the answer.
        status: u16,
        /// As AWS names it, as `ServiceUnavailableException`.
        code: &'static str,
    },
    /// It is carried out, and the connection broken instead of an answer.
    LoseReply,
    /// The connection is broken, and nothing is done.
    LoseRequest,
    /// It waits so long before it is carried out.
    Delay(Duration),
    /// Nothing is done and nothing answered: the connection stays.
    Hang,
    /// It waits for the test's word: what `Front::pause` makes.
    Hold(Gate),
}

/// The front's end of a held call: taken by the call that is held.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Arc<Mutex<Option<Ends>>>);

#[derive(Debug)]
pub(super) struct Ends {
    /// Tells that the call is there; dropped when it is through.
    pub here: mpsc::Sender<()>,
    /// Whether to forward it; dropped if the test has given it up.
    pub word: oneshot::Receiver<()>,
}

impl Gate {
    pub(super) fn take(&self) -> Option<Ends> {
        self.0.lock().unwrap().take()
    }
}

/// A call that is held, or will be when it comes. Given up when it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    here: mpsc::Receiver<()>,
    word: oneshot::Sender<()>,
}

impl Held {
    pub(super) fn new() -> (Self, Gate) {
        let ((here, arrived), (word, told)) = (mpsc::channel(), oneshot::channel());
        let ends = Ends { here, word: told };
        (Self { here: arrived, word }, Gate(Arc::new(Mutex::new(Some(ends)))))
    }

    /// Waits until the call is there.
    #[track_caller]
    pub(crate) fn arrived(&self) {
        assert!(self.arrives_within(PATIENCE), "the call that is to be held never came");
    }

    /// Whether the call is there, or comes within this time.
    pub(crate) fn arrives_within(&self, time: Duration) -> bool {
        self.here.recv_timeout(time).is_ok()
    }

    /// Forwards the call, which has arrived, and waits until it has been carried out: also if its client is gone.
    pub(crate) fn forward(self) {
        let _ = self.word.send(());
        let through = self.here.recv_timeout(PATIENCE);
        assert_eq!(through, Err(mpsc::RecvTimeoutError::Disconnected), "the call was not carried out");
    }

    /// Drops the call: nothing is done, and its connection breaks.
    pub(crate) fn give_up(self) {
        drop(self.word);
        let _ = self.here.recv_timeout(PATIENCE);
    }
}

/// All that is to happen.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Vec<(At, usize, Action)>>);

impl Faults {
    pub(super) fn add(&self, at: At, action: Action) {
        self.0.lock().unwrap().push((at, 0, action));
    }

    pub(super) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    /// Counts the call, and tells what happens to it.
    pub(super) fn meet(&self, name: &str, body: &str) -> Vec<Action> {
        let mut met = Vec::new();
        for (at, seen, action) in self.0.lock().unwrap().iter_mut() {
            if at.meets(name, body) {
                *seen += 1;
                met.extend((at.nth.is_none_or(|nth| nth == *seen)).then(|| action.clone()));
            }
        }
        met
    }
}
