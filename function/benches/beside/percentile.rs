//! Of many values the one that stands for them.

/// The one in the middle; zero where there is none.
pub(crate) fn median<T: Copy + Ord + Default>(values: &[T]) -> T {
    percentile(values, 50)
}

/// The one with so many percent below it; zero where there is none.
pub(crate) fn percentile<T: Copy + Ord + Default>(values: &[T], percent: usize) -> T {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.get(values.len() * percent / 100).copied().unwrap_or_default()
}
