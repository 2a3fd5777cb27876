//! What a parcel costs.

/// In cents, by its weight in grams.
pub fn cents(grams: u64) -> u64 {
    400 + grams.div_ceil(500) * 50
}
