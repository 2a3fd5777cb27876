//! The faults, and a run that meets one at its k-th call.

use std::time::{Duration, Instant};

use crate::harness::{Ended, Running};
use crate::strict::{Action, At, Front};

/// What may happen to a call, or to the run that sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Answered with this status before it did anything.
    Refused(u16),
    /// The connection is reset, and nothing done.
    RequestLost,
    /// It is carried out, and the connection reset.
    ReplyLost,
    /// Neither done nor answered: the run's own timeout has to end it.
    Stalled,
    /// SIGKILL when it has been sent and was not carried out.
    KilledBefore,
    /// SIGKILL when it has been sent; it is carried out.
    KilledAfter,
    /// SIGINT or SIGTERM when it has been sent; it is carried out and answered.
    Told(&'static str),
}

pub(super) const ALL: [Fault; 12] = [
    Fault::Refused(403),
    Fault::Refused(409),
    Fault::Refused(429),
    Fault::Refused(500),
    Fault::Refused(503),
    Fault::RequestLost,
    Fault::ReplyLost,
    Fault::KilledBefore,
    Fault::KilledAfter,
    Fault::Told("INT"),
    Fault::Told("TERM"),
    Fault::Stalled,
];

/// How the run went that met a fault.
#[derive(Debug)]
pub(super) struct Met {
    /// The call that met it; none if the run had fewer calls.
    pub call: Option<&'static str>,
    /// How the run ended; nothing if it was killed.
    pub ended: Option<Ended>,
    /// From the signal to the end, if it was told to stop.
    pub stopping: Option<Duration>,
}

impl Fault {
    /// Starts a run and lets its k-th call, from 1, meet the fault.
    pub(super) fn at(self, front: &Front, k: usize, start: impl FnOnce() -> Running) -> Met {
        front.take();
        let met = match self.action() {
            Some(action) => {
                front.on(At::call(k), action);
                Met { call: None, ended: Some(start().end()), stopping: None }
            }
            None => self.hold(front, k, start),
        };
        front.behave();
        let call = front.calls().get(k - 1).map(|call| call.name);
        Met { call, ..met }
    }

    fn action(self) -> Option<Action> {
        match self {
            Self::Refused(status) => Some(Action::Refuse(status)),
            Self::RequestLost => Some(Action::LoseRequest),
            Self::ReplyLost => Some(Action::LoseReply),
            Self::Stalled => Some(Action::Hang),
            Self::KilledBefore | Self::KilledAfter | Self::Told(_) => None,
        }
    }

    fn hold(self, front: &Front, k: usize, start: impl FnOnce() -> Running) -> Met {
        let held = front.pause(At::call(k));
        let mut running = start();
        while !held.arrives_within(Duration::from_millis(50)) {
            if running.has_ended() {
                return Met { call: None, ended: Some(running.end()), stopping: None };
            }
        }
        match self {
            Self::Told(signal) => {
                running.signal(signal);
                let told = Instant::now();
                held.forward();
                let ended = running.end();
                Met { call: None, ended: Some(ended), stopping: Some(told.elapsed()) }
            }
            Self::KilledAfter => {
                running.kill();
                held.forward();
                Met { call: None, ended: None, stopping: None }
            }
            _ => {
                running.kill();
                held.give_up();
                Met { call: None, ended: None, stopping: None }
            }
        }
    }
}
