//! Many rounds -> a few figures.

use std::time::Duration;

use crate::{
    percentile::{median, percentile},
    rounds::Round,
};

/// What all rounds of a function come to.
pub(crate) struct Figures {
    /// Medians over the rounds.
    pub(crate) init: Duration,
    pub(crate) first: Duration,
    pub(crate) memory: u64,
    /// Of the warm requests of all rounds.
    pub(crate) p50: Duration,
    pub(crate) p90: Duration,
    pub(crate) p99: Duration,
    /// The CPU time of a warm request, on average.
    pub(crate) cpu: Duration,
}

impl Figures {
    pub(crate) fn of(rounds: &[Round]) -> Self {
        let over = |figure: fn(&Round) -> Duration| median(&rounds.iter().map(figure).collect::<Vec<_>>());
        let warm: Vec<_> = rounds.iter().flat_map(|round| &round.warm).copied().collect();
        let memory: Vec<_> = rounds.iter().map(|round| round.memory).collect();
        let cpu: Duration = rounds.iter().map(|round| round.cpu).sum();
        Self {
            init: over(|round| round.init),
            first: over(|round| round.first),
            memory: median(&memory),
            p50: median(&warm),
            p90: percentile(&warm, 90),
            p99: percentile(&warm, 99),
            cpu: cpu.div_f64(warm.len() as f64),
        }
    }
}
