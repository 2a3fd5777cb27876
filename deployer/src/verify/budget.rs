//! The requests through the URL that a release may make, and how they are shared among its checks.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::config::TO_SEE_A_SWITCH;

/// The requests of one release.
#[derive(Debug)]
pub(super) struct Budget {
    all: u32,
    spent: AtomicU32,
}

/// How many requests each check gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shares {
    /// The first check, which waits until the switch is seen; 0 if not even this one fits.
    pub(super) first: u32,
    /// How many others can be sent.
    pub(super) others: usize,
}

impl Budget {
    pub(super) fn new(all: u32) -> Self {
        Self { all, spent: AtomicU32::new(0) }
    }

    /// How many there are in all.
    pub(super) fn all(&self) -> u32 {
        self.all
    }

    /// How many are left.
    pub(super) fn left(&self) -> u32 {
        self.all.saturating_sub(self.spent.load(Ordering::Relaxed))
    }

    /// Takes one request of the `most` that may have been sent by now, if one is left.
    pub(super) fn take(&self, most: u32) -> bool {
        let more = |spent| (spent < most.min(self.all)).then_some(spent + 1);
        self.spent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// Whether `left` requests are enough for each of these checks to see a switch by itself.
    pub(super) fn is_enough(left: u32, checks: usize, in_a_row: u32) -> bool {
        let each = in_a_row.saturating_add(TO_SEE_A_SWITCH);
        u32::try_from(checks).is_ok_and(|checks| each.saturating_mul(checks) <= left)
    }

    /// Shares `left` requests among a first check and `others`; each needs `in_a_row` responses. A check that
    /// cannot get enough gets none: a few requests could show no more than the parts of before.
    pub(super) fn share(left: u32, others: usize, in_a_row: u32) -> Shares {
        let each = Self::least(in_a_row);
        let Some(over) = left.checked_sub(in_a_row + TO_SEE_A_SWITCH) else { return Shares { first: 0, others: 0 } };
        let others = others.min((over / each) as usize);
        Shares { first: left - each * u32::try_from(others).unwrap_or(0), others }
    }

    /// The fewest requests that say something of a check: after a response of the parts of before, one more.
    fn least(in_a_row: u32) -> u32 {
        in_a_row.max(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_gets_enough_requests_or_none() {
        for (left, others, in_a_row, first, sent) in
            [(40, 0, 3, 40, 0), (40, 4, 3, 28, 4), (20, 7, 3, 8, 4), (7, 7, 3, 7, 0), (5, 7, 3, 0, 0), (7, 7, 1, 5, 1)]
        {
            assert_eq!(
                Budget::share(left, others, in_a_row),
                Shares { first, others: sent },
                "{left} {others} {in_a_row}"
            );
        }
    }

    #[test]
    fn checks_wait_side_by_side_only_with_requests_for_each() {
        for (left, checks, in_a_row, enough) in [(40, 6, 3, true), (40, 7, 3, false), (5, 1, 3, false), (0, 0, 3, true)]
        {
            assert_eq!(Budget::is_enough(left, checks, in_a_row), enough, "{left} {checks} {in_a_row}");
        }
    }

    #[test]
    fn no_more_requests_are_taken_than_there_are() {
        let budget = Budget::new(3);
        assert_eq!([1, 1, 9, 9, 9].map(|most| budget.take(most)), [true, false, true, true, false]);
        assert_eq!(budget.left(), 0);
    }
}
