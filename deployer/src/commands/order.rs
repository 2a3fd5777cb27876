//! Older over newer: whether a commit came before the one that is live. A re-run of an old workflow must not undo a newer
//! release.
//!
//! By ancestry where git has both commits; else by date. A date is believed only if it lies before the release that recorded
//! it: one from the future would block all that come after.

use anyhow::Result;
use jiff::Timestamp;

use crate::artifact::{self, Ancestry, Checked, Commit};
use crate::config::Config;
use crate::events::Events;
use crate::failure::Failure;
use crate::ledger::{Release, ReleaseKind};
use crate::plan::short;

/// How what is to be released compares with what is live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    /// It does not come before it.
    Newer,
    /// It comes before it: how that is known.
    Older(String),
    /// It is not known: why.
    Unknown(String),
}

/// Compares a commit with that of the live release of `environment`.
pub(super) async fn order(config: &Config, environment: &str, live: &Release, new: Checked) -> Order {
    let ours = live.artifact.commit();
    let ancestry = match (&new.commit, &ours) {
        (Some(new), Some(live)) => artifact::ancestry(config, &new.id, &live.id).await,
        _ => Ancestry::Unknown,
    };
    match compare(new.commit.as_ref(), live, ancestry) {
        Order::Older(how) => Order::Older(format!("release {live} of `{environment}` is of a later commit: {how}")),
        Order::Unknown(why) => {
            let why = new.warning.unwrap_or(why);
            Order::Unknown(format!(
                "cannot find out whether release {live} of `{environment}` is of a later commit: {why}"
            ))
        }
        Order::Newer => Order::Newer,
    }
}

fn compare(new: Option<&Commit>, live: &Release, ancestry: Ancestry) -> Order {
    // What was in use before the deployer came has no known commit, and never will.
    if live.kind == ReleaseKind::Adopt && live.previous == 0 && live.artifact.commit.is_none() {
        return Order::Newer;
    }
    let Some(new) = new else { return Order::Unknown("the commit that is to be released is unknown".to_owned()) };
    let Some(before) = live.artifact.commit() else {
        return Order::Unknown("that release does not name its commit".to_owned());
    };
    if new.id == before.id {
        return Order::Newer;
    }
    let (ours, theirs) = (short(&new.id), short(&before.id));
    match ancestry {
        Ancestry::Before => return Order::Older(format!("`{ours}` is an ancestor of `{theirs}`")),
        Ancestry::After | Ancestry::Apart => return Order::Newer,
        Ancestry::Unknown => {}
    }
    let (Some(new), Some(before)) = (new.at, before.at) else {
        return Order::Unknown(format!("git does not have both `{ours}` and `{theirs}`, and a date is missing"));
    };
    // A time that cannot be read makes no date credible.
    let recorded = live.started_at.parse::<Timestamp>().map_or(i64::MIN, Timestamp::as_second);
    if new >= before {
        Order::Newer
    } else if before > recorded {
        Order::Unknown(format!("git does not have both commits, and `{theirs}` is dated later than its own release"))
    } else {
        Order::Older(format!("`{ours}` is dated {}, `{theirs}` {}", date(new), date(before)))
    }
}

fn date(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |at| at.to_string())
}

impl Order {
    /// Why a release would be refused.
    pub(super) fn older(self) -> Option<String> {
        if let Self::Older(how) = self { Some(how) } else { None }
    }

    /// Goes on, with a warning where the order is unknown, or where an older commit is allowed.
    ///
    /// # Errors
    /// It is older, and that was not allowed.
    pub(super) fn allow(self, events: &dyn Events, downgrade: bool) -> Result<()> {
        match self {
            Self::Newer => Ok(()),
            Self::Older(how) if !downgrade => Err(Failure::refused(how)
                .hint("release the later commit, or pass `--downgrade`; nothing was changed")
                .into()),
            Self::Older(how) | Self::Unknown(how) => {
                events.warn(&how);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A release that was made at second 1,000,000 of a commit.
    fn live(commit: Option<&str>, at: Option<i64>) -> Release {
        let parts = json!({"functions": {}, "deployment": "d"});
        serde_json::from_value(json!({
            "number": 7, "kind": "deploy", "state": "live", "parts": parts, "previous_parts": parts, "previous": 6,
            "artifact": {"source_hash": "s", "functions": {}, "commit": commit, "committed_at": at},
            "definition": "x", "actor": "a", "started_at": "1970-01-12T13:46:40Z", "fencing_token": 1,
        }))
        .unwrap()
    }

    fn word(new: Option<(&str, Option<i64>)>, live: &Release, ancestry: Ancestry) -> &'static str {
        let new = new.map(|(id, at)| Commit { id: id.to_owned(), at });
        match compare(new.as_ref(), live, ancestry) {
            Order::Newer => "newer",
            Order::Older(_) => "older",
            Order::Unknown(_) => "unknown",
        }
    }

    #[test]
    fn ancestry_decides_whatever_the_dates() {
        let release = live(Some("b"), Some(100));
        for at in [None, Some(1), Some(100), Some(9_999_999_999)] {
            assert_eq!(word(Some(("a", at)), &release, Ancestry::Before), "older");
            assert_eq!(word(Some(("c", at)), &release, Ancestry::After), "newer");
            assert_eq!(word(Some(("x", at)), &release, Ancestry::Apart), "newer");
            assert_eq!(word(Some(("b", at)), &release, Ancestry::Before), "newer", "the same commit");
        }
    }

    #[test]
    fn where_git_cannot_know_the_dates_decide() {
        let release = live(Some("b"), Some(500_000));
        assert_eq!(word(Some(("a", Some(499_999))), &release, Ancestry::Unknown), "older");
        assert_eq!(word(Some(("a", Some(500_000))), &release, Ancestry::Unknown), "newer");
        assert_eq!(word(Some(("a", None)), &release, Ancestry::Unknown), "unknown");
        assert_eq!(word(Some(("a", Some(1))), &live(Some("b"), None), Ancestry::Unknown), "unknown");
    }

    #[test]
    fn a_commit_from_the_future_does_not_block_those_after_it() {
        let release = live(Some("b"), Some(9_999_999_999));
        assert_eq!(word(Some(("a", Some(1_000_100))), &release, Ancestry::Unknown), "unknown");
        assert_eq!(word(Some(("a", Some(999_900))), &release, Ancestry::Unknown), "unknown");
        assert_eq!(word(Some(("a", Some(1_000_100))), &release, Ancestry::Before), "older");
    }

    #[test]
    fn without_a_commit_nothing_is_refused_and_a_warning_says_so() {
        assert_eq!(word(None, &live(Some("b"), Some(1)), Ancestry::Unknown), "unknown");
        assert_eq!(word(Some(("a", Some(1))), &live(None, None), Ancestry::Unknown), "unknown");
    }
}
