//! The order in which the writes of several runs go out: each waits until it is its turn.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

/// A run without a write for this time is not waited for.
const QUIET: Duration = Duration::from_secs(1);

/// The turns of several runs.
#[derive(Debug)]
pub(crate) struct Schedule {
    turns: Mutex<Turns>,
    changed: Notify,
}

#[derive(Debug)]
struct Turns {
    /// The waiting writes of each run, oldest first; `None` once the run has ended.
    waiting: Vec<Option<VecDeque<oneshot::Sender<()>>>>,
    /// The given choices, if any.
    given: VecDeque<usize>,
    /// The source of all other choices; without it, always the first one.
    chance: Option<fastrand::Rng>,
    /// The choices made, each with the number of alternatives.
    made: Vec<(usize, usize)>,
}

impl Schedule {
    pub(crate) fn new(runs: usize, given: &[usize], chance: Option<fastrand::Rng>) -> Self {
        let waiting = (0..runs).map(|_| Some(VecDeque::new())).collect();
        let turns = Turns { waiting, given: given.iter().copied().collect(), chance, made: Vec::new() };
        Self { turns: Mutex::new(turns), changed: Notify::new() }
    }

    /// Waits until a write of the run may go out.
    pub(crate) async fn turn(&self, run: usize) {
        let (sender, turn) = oneshot::channel();
        match &mut self.turns.lock().unwrap().waiting[run] {
            Some(waiting) => waiting.push_back(sender),
            None => return,
        }
        self.changed.notify_one();
        let _ = turn.await;
    }

    /// The run has ended.
    pub(crate) fn ends(&self, run: usize) {
        self.turns.lock().unwrap().waiting[run] = None;
        self.changed.notify_one();
    }

    /// Lets one write after the other go out, forever.
    pub(crate) async fn direct(&self) {
        loop {
            let everybody = async {
                while !self.everybody_waits() {
                    self.changed.notified().await;
                }
            };
            let _ = tokio::time::timeout(QUIET, everybody).await;
            if !self.turns.lock().unwrap().let_one_go() {
                self.changed.notified().await;
            }
        }
    }

    fn everybody_waits(&self) -> bool {
        let turns = self.turns.lock().unwrap();
        turns.waiting.iter().flatten().all(|waiting| !waiting.is_empty()) && turns.waiting.iter().any(Option::is_some)
    }

    /// The choices of the order after this one: the last choice that can change does. Nothing if
    /// this was the last order.
    pub(crate) fn next_order(&self) -> Option<Vec<usize>> {
        let mut made = self.turns.lock().unwrap().made.clone();
        while let Some((chosen, of)) = made.pop() {
            if chosen + 1 < of {
                return Some(made.iter().map(|(chosen, _)| *chosen).chain([chosen + 1]).collect());
            }
        }
        None
    }
}

impl Turns {
    /// Lets the oldest write of one run go out. Whether there was one.
    fn let_one_go(&mut self) -> bool {
        for waiting in self.waiting.iter_mut().flatten() {
            // Its client has given up.
            waiting.retain(|turn| !turn.is_closed());
        }
        let mut ready: Vec<_> = self.waiting.iter_mut().flatten().filter(|waiting| !waiting.is_empty()).collect();
        let of = ready.len();
        if of == 0 {
            return false;
        }
        let chosen = match (self.given.pop_front(), &mut self.chance) {
            (Some(given), _) => given.min(of - 1),
            (None, Some(chance)) => chance.usize(..of),
            (None, None) => 0,
        };
        self.made.push((chosen, of));
        ready[chosen].pop_front().is_some_and(|turn| turn.send(()).is_ok())
    }
}
