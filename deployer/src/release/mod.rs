//! The spines: one file a verb, each line making the next one's input.

mod adopt;
mod alarms;
mod attempt;
mod check;
mod confirm;
mod converge;
mod deploy;
mod expiry;
mod history;
mod order;
mod promote;
mod prune;
mod reader;
mod rollback;
mod select;
mod status;
mod target;
mod unlock;

pub use check::check;
pub use deploy::{Deploy, deploy, show_plan};
pub use history::history;
pub use promote::{Promote, promote};
pub use prune::prune;
pub use rollback::{Rollback, rollback};
pub use status::{Idle, idle, status};
pub use unlock::unlock;
