//! What may go, and a lock that was freed.

use std::fmt::Write as _;

use serde::Serialize;

use super::View;
use super::history::in_short;
use crate::ledger::{Holder, Release};
use crate::retention::Made;

/// `prune`.
#[derive(Debug, Serialize)]
pub struct PruneView {
    environment: String,
    dispensable: Vec<Row>,
    removed: Option<usize>,
}

#[derive(Debug, Serialize)]
struct Row {
    function: Option<String>,
    id: String,
    description: String,
    created: Option<String>,
}

impl PruneView {
    /// Of what may go: a function's versions under its key, the API's deployments under none.
    pub fn new(environment: &str, found: &[(Option<String>, Made)]) -> Self {
        let rows = found.iter().map(|(function, made)| Row {
            function: function.clone(),
            id: made.id.clone(),
            description: made.description.clone(),
            created: made.created.map(|created| created.to_string()),
        });
        Self { environment: environment.to_owned(), dispensable: rows.collect(), removed: None }
    }

    /// So many of them are gone.
    pub fn removed(&mut self, removed: usize) {
        self.removed = Some(removed);
    }

    /// Whether all of it is gone that was to go.
    pub fn is_done(&self) -> bool {
        self.removed.is_none_or(|removed| removed == self.dispensable.len())
    }
}

impl View for PruneView {
    fn text(&self) -> String {
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
pub struct UnlockView {
    environment: String,
    freed_from: Option<Holder>,
    unfinished: Option<String>,
}

impl UnlockView {
    /// Nobody held it.
    pub fn free(environment: &str) -> Self {
        Self { environment: environment.to_owned(), freed_from: None, unfinished: None }
    }

    /// It was taken away from `holder`.
    pub fn freed(environment: &str, holder: &Holder, unfinished: Option<&Release>) -> Self {
        Self {
            environment: environment.to_owned(),
            freed_from: Some(holder.clone()),
            unfinished: unfinished.map(in_short),
        }
    }
}

impl View for UnlockView {
    fn text(&self) -> String {
        let mut text = match &self.freed_from {
            None => format!("{}: nobody holds the lock\n", self.environment),
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

    #[test]
    fn prune_shows_what_it_would_remove_and_says_how() {
        let made =
            |id: &str| Made { id: id.to_owned(), description: "deployer: app/dev release 2".to_owned(), created: None };
        let mut view = PruneView::new("dev", &[(Some("counter".to_owned()), made("3")), (None, made("d2"))]);
        let expected = "\
dev
  version 3 of counter         ?  deployer: app/dev release 2
  deployment d2                ?  deployer: app/dev release 2
nothing needs these any more; `--yes` removes them
";
        assert_eq!(view.text(), expected);
        assert!(view.is_done(), "it was only shown");
        view.removed(1);
        assert!(!view.is_done());
        assert!(view.text().ends_with("1 of 2 removed\n"));
        assert_eq!(PruneView::new("dev", &[]).text(), "dev: nothing to remove\n");
    }
}
