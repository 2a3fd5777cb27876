//! The commands: one file each, over the engine.
//!
//! `target.rs` and `parts.rs` belong to `rollback`, `from.rs` to `promote`; `order.rs` says which of two commits is older.

mod check;
mod clock;
mod contract;
mod deploy;
mod diff;
mod from;
mod history;
mod order;
mod parts;
mod promote;
mod prune;
mod rollback;
mod status;
mod target;
mod unlock;

pub use check::{Checked, check};
pub use contract::{Written, show_contract, write_contract};
pub use deploy::{Deploy, Planned, PlannedCheck, deploy, show_plan};
pub use diff::{Compared, Diff, FunctionDiff, Side, diff};
pub use history::history;
pub use promote::{Promote, promote};
pub use prune::{Pruned, prune};
pub use rollback::{Rollback, rollback};
pub use status::{Idle, idle, status};
pub use unlock::{Unlocked, unlock};
