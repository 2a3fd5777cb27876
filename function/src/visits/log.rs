//! What a store must yield for its visits to be charted.

use jiff::civil::Date;

/// The charted part of a visit. Its texts are as the visitor sent them: hostile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The day on which it came, UTC.
    pub day: Date,
    /// The requested path.
    pub path: String,
    /// What the visitor's program called itself.
    pub user_agent: String,
}

/// Where visits are remembered.
pub trait VisitLog {
    /// Calls `see` once for every visit of `days`, in any order, page by page: they are never all in memory.
    ///
    /// # Errors
    ///
    /// When the log cannot be read to its end.
    fn each(&self, days: &[Date], see: impl FnMut(Seen)) -> impl Future<Output = anyhow::Result<()>>;
}
