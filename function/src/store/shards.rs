//! Over how many items, or rows, the total and the days of the index are spread.
//!
//! One item takes about 1,000 writes a second, and so does one key of an index, which holds the table's
//! writes up when it cannot follow. A counter of more visits is kept in shards, and summed on reading.
//! The first shard has the names of a counter that has no others: raising the number loses nothing.
//! Lowering it, which a rollback to before it was raised does too, leaves what the last ones hold out of the sum.

use std::str::FromStr;

use jiff::Timestamp;
use uuid::Uuid;

/// The key of the item that holds the total: never a UUID, so never a visit's.
const TOTAL: &str = "total";

/// How many shards there are: from 1 to [`Shards::MOST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shards(u8);

/// What is not a number from 1 to [`Shards::MOST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a number from 1 to {}", Shards::MOST)]
pub struct NotShards;

impl FromStr for Shards {
    type Err = NotShards;

    fn from_str(text: &str) -> Result<Self, NotShards> {
        let number = text.parse().map_err(|_| NotShards)?;
        if (1..=Self::MOST).contains(&number) { Ok(Self(number)) } else { Err(NotShards) }
    }
}

impl Shards {
    /// One item for the total: enough for about 1,000 visits a second.
    pub const ONE: Self = Self(1);

    /// The most shards: about 16,000 visits a second.
    pub const MOST: u8 = 16;

    /// All that there can ever be, for who reads what was counted with another number.
    pub const ALL: Self = Self(Self::MOST);

    /// Every shard.
    pub fn each(self) -> impl Iterator<Item = Shard> {
        (0..self.0).map(Shard)
    }

    /// The shard that counts the visit `id`. An id is as good as random, and the same visit that comes
    /// twice meets the same shard.
    #[must_use]
    pub fn of(self, id: Uuid) -> Shard {
        let remainder = id.as_u128() % u128::from(self.0);
        Shard(u8::try_from(remainder).unwrap_or(0)) // always fits: it is less than a u8
    }
}

/// One of the shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(u8);

impl Shard {
    /// The one that there always is.
    pub const FIRST: Self = Self(0);

    /// The key of the item with this shard's part of the total: `total`, `total#1`, `total#2`, ….
    #[must_use]
    pub fn total(self) -> String {
        self.of(TOTAL.to_owned())
    }

    /// The key in the index of this shard's visits on the day of `at`, UTC: `2026-01-02`, `2026-01-02#1`, ….
    #[must_use]
    pub fn day(self, at: Timestamp) -> String {
        self.of(at.strftime("%Y-%m-%d").to_string())
    }

    /// Its number, from 0 on.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }

    fn of(self, name: String) -> String {
        if self.0 == 0 { name } else { format!("{name}#{}", self.0) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shards(text: &str) -> Shards {
        text.parse().unwrap()
    }

    #[test]
    fn the_first_shard_has_the_names_of_a_counter_without_shards() {
        let (at, id) = (Timestamp::UNIX_EPOCH, Uuid::from_u128(7));
        assert_eq!((Shards::ONE.of(id).total().as_str(), Shards::ONE.of(id).day(at).as_str()), ("total", "1970-01-01"));
        let third = shards("4").of(id);
        assert_eq!((third.total().as_str(), third.day(at).as_str()), ("total#3", "1970-01-01#3"));
    }

    #[test]
    fn a_number_of_shards_is_from_one_to_sixteen() {
        assert_eq!("1".parse(), Ok(Shards::ONE));
        assert_eq!("16".parse(), Ok(Shards::ALL));
        for bad in ["", "0", "17", "-1", "1.5", "two", "256"] {
            assert_eq!(bad.parse::<Shards>(), Err(NotShards), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_visit_falls_into_one_of_the_shards(id: u128, number in 1..=Shards::MOST) {
            let shards = Shards(number);
            prop_assert!(shards.each().any(|shard| shard == shards.of(Uuid::from_u128(id))));
        }
    }
}
