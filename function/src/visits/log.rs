//! What any store of visits must show of them to be charted. [`dynamodb`](super::dynamodb) is one; a
//! store in which a visit and its addition are one transaction needs no more than this.

use jiff::civil::Date;

/// One visit, as far as it is looked at: whatever its visitor sent is still hostile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The day on which it came, UTC.
    pub day: Date,
    /// What was asked for.
    pub path: String,
    /// What the visitor's program called itself.
    pub user_agent: String,
}

/// Where visits are remembered.
pub trait VisitLog {
    /// Shows `see` every visit of `days` once, in any order, page by page: never all of them are held in
    /// memory.
    ///
    /// # Errors
    ///
    /// When the log cannot be read to its end.
    fn each(&self, days: &[Date], see: impl FnMut(Seen)) -> impl Future<Output = anyhow::Result<()>>;
}
