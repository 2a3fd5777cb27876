//! Of many values the one that represents them.

/// The one in the middle; zero where there is none.
pub(crate) fn median<T: Copy + Ord + Default>(values: &[T]) -> T {
    percentile(values, 50)
}

/// The one with the given percentage below it; zero if there is none.
pub(crate) fn percentile<T: Copy + Ord + Default>(values: &[T], percent: usize) -> T {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.get(values.len() * percent / 100).copied().unwrap_or_default()
}
