//! Chance that can be repeated: the same seed gives the same course.

use std::time::Duration;

/// A generator of random numbers (SplitMix64).
#[derive(Debug, Clone)]
pub(crate) struct Chance {
    /// Where it began.
    pub seed: u64,
    state: u64,
}

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, state: seed }
    }

    /// A seed that nobody chose.
    pub(crate) fn any() -> Self {
        Self::new(uuid::Uuid::new_v4().as_u64_pair().0)
    }

    /// Whether something happens that has this probability, 0 to 1.
    pub(crate) fn strikes(&mut self, probability: f64) -> bool {
        // The upper 32 bits as a fraction of 1.
        f64::from(u32::try_from(self.next() >> 32).unwrap()) / 4_294_967_296.0 < probability
    }

    /// A number from 0 to below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// So many milliseconds at most.
    pub(crate) fn pause(&mut self, most: u64) -> Duration {
        Duration::from_micros(self.below(most * 1000))
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
