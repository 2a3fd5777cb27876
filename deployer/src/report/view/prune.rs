//! What may go, and a lock that was freed.

use std::fmt::Write as _;

use serde::Serialize;

use super::View;
use super::history::in_short;
use crate::commands::{Pruned, Unlocked};
use crate::ledger::Holder;
use crate::report::screen::Screen;

/// `prune`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Prune"))]
pub struct PruneView {
    /// The environment.
    environment: String,
    /// What nothing needs any more.
    dispensable: Vec<Row>,
    /// How many of them were removed; null without `--yes`.
    removed: Option<usize>,
}

/// A version or an API deployment that nothing needs any more.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Prunable"))]
struct Row {
    /// The key of the function; null for an API deployment.
    function: Option<String>,
    /// The version, or the id of the deployment.
    id: String,
    /// Its description in AWS.
    description: String,
    /// When it was created.
    created: Option<String>,
}

impl PruneView {
    /// Of what may go, and how much of it went.
    pub fn new(environment: &str, Pruned { found, removed }: Pruned) -> Self {
        let rows = found.into_iter().map(|(function, made)| Row {
            function,
            id: made.id,
            description: made.description,
            created: made.created.map(|created| created.to_string()),
        });
        Self { environment: environment.to_owned(), dispensable: rows.collect(), removed }
    }

    /// Whether all of it is gone that was to go.
    pub fn is_done(&self) -> bool {
        self.removed.is_none_or(|removed| removed == self.dispensable.len())
    }
}

impl View for PruneView {
    fn text(&self, _: &Screen) -> String {
        if self.dispensable.is_empty() {
            return format!("{}: nothing to remove\n", self.environment);
        }
        let mut text = format!("{}\n", self.environment);
        for row in &self.dispensable {
            let what = row.function.as_ref().map_or_else(
                || format!("deployment {}", row.id),
                |function| format!("version {} of {function}", row.id),
            );
            let created = row.created.as_deref().unwrap_or("?");
            let _ = writeln!(text, "  {what:<28} {created}  {}", row.description);
        }
        let _ = match self.removed {
            None => writeln!(text, "nothing needs these any more; `--yes` removes them"),
            Some(removed) => writeln!(text, "{removed} of {} removed", self.dispensable.len()),
        };
        text
    }
}

/// `unlock`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Unlock"))]
pub struct UnlockView {
    /// The environment.
    environment: String,
    /// The run that had the lock; null if it was free.
    freed_from: Option<Holder>,
    /// The run that still has the lock, because the reply was "no".
    stays_with: Option<Holder>,
    /// A release that was left unfinished, in words.
    unfinished: Option<String>,
}

impl UnlockView {
    /// Of what was freed.
    pub fn new(environment: &str, Unlocked { holder, stays_with, unfinished }: Unlocked) -> Self {
        let unfinished = unfinished.as_ref().map(in_short);
        Self { environment: environment.to_owned(), freed_from: holder, stays_with, unfinished }
    }
}

impl View for UnlockView {
    fn text(&self, _: &Screen) -> String {
        let mut text = match &self.freed_from {
            None if let Some(holder) = &self.stays_with => {
                format!("{}: the lock stays with {holder}\n", self.environment)
            }
            None => format!("{}: the lock is free already\n", self.environment),
            Some(holder) => format!("{}: the lock is free; {holder} can move nothing any more\n", self.environment),
        };
        if let Some(release) = &self.unfinished {
            let _ = writeln!(text, "{release}: the next deploy, promotion or rollback ends it");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retention::Made;

    #[test]
    fn a_lock_that_is_not_freed_stays_with_its_holder() {
        let holder: Holder = serde_json::from_value(serde_json::json!({
            "id": "a", "actor": "ada", "command": "deploy dev", "since": "2026-01-10T10:00:00Z", "lease_seconds": 90,
        }))
        .unwrap();
        let expected = format!("dev: the lock stays with {holder}\n");
        let unlocked = Unlocked { stays_with: Some(holder), ..Unlocked::default() };
        assert_eq!(UnlockView::new("dev", unlocked).text(&Screen::plain(jiff::Timestamp::UNIX_EPOCH)), expected);
    }

    #[test]
    fn prune_shows_what_it_would_remove_and_says_how() {
        let made = |id: &str| Made {
            id: id.to_owned(),
            description: "deployer: app/dev release 2".to_owned(),
            recorded: false,
            created: None,
        };
        let of = |found, removed| PruneView::new("dev", Pruned { found, removed });
        let found = vec![(Some("counter".to_owned()), made("3")), (None, made("d2"))];
        let view = of(found.clone(), None);
        let expected = "\
dev
  version 3 of counter         ?  deployer: app/dev release 2
  deployment d2                ?  deployer: app/dev release 2
nothing needs these any more; `--yes` removes them
";
        assert_eq!(view.text(&Screen::plain(jiff::Timestamp::UNIX_EPOCH)), expected);
        assert!(view.is_done(), "it was only shown");
        let view = of(found, Some(1));
        assert!(!view.is_done());
        assert!(view.text(&Screen::plain(jiff::Timestamp::UNIX_EPOCH)).ends_with("1 of 2 removed\n"));
        assert_eq!(of(Vec::new(), None).text(&Screen::plain(jiff::Timestamp::UNIX_EPOCH)), "dev: nothing to remove\n");
    }
}
